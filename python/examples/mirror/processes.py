# SPDX-License-Identifier: Apache-2.0
"""The processes of the demo: smd dev and the mirror containers, started here and ended here, whatever happens."""

import asyncio
import ctypes
import json
import os
import pathlib
import signal
import sys

HERE = pathlib.Path(__file__).resolve().parent
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def before_exec():
    """In the child: a killed demo leaves nothing running, and a terminal's Ctrl-C is for the demo alone, which ends its children in order."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.setpgid(0, 0)


async def finish(process, number, seconds):
    """Signals a process and waits for its end; kills it when it takes too long."""
    if process.returncode is None:
        process.send_signal(number)
        try:
            await asyncio.wait_for(process.wait(), seconds)
        except asyncio.TimeoutError:
            process.kill()
            await process.wait()
    return process.returncode


class Smd:
    """smd dev: the whole daemon with an etcd of its own, in a temporary directory."""

    def __init__(self, build):
        self.build = build
        self.process = None
        self.addresses = {}

    async def start(self):
        command = [self.build / "smd", "dev"]
        self.process = await asyncio.create_subprocess_exec(
            *map(str, command), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, preexec_fn=before_exec
        )
        self.log = asyncio.create_task(self._keep_log())
        while line := (await self.process.stdout.readline()).decode().strip():
            name, _, value = line.partition(": ")
            self.addresses[name] = value
            if line == "ready":
                return self
        await self.process.wait()
        await self.log
        raise SystemExit("smd dev did not start:\n" + "\n".join(self.lines[-20:]))

    async def _keep_log(self):
        self.lines = []
        while line := await self.process.stderr.readline():
            self.lines.append(line.decode(errors="replace").rstrip())

    async def stop(self):
        await finish(self.process, signal.SIGINT, 10)


class Container:
    """One mirror.py; what it says on stdout goes to journal."""

    def __init__(self, name, smd, journal):
        self.name = name
        self.smd = smd
        self.journal = journal
        self.id = None
        self.process = None
        self.ended_how = None  # None, "killed" or "stopped"

    async def start(self):
        environment = dict(os.environ)
        environment["PYTHONPATH"] = str(self.smd.build / "python")
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(HERE / "mirror.py"),
            "--endpoint",
            self.smd.addresses["etcd"],
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            preexec_fn=before_exec,
        )
        self.reader = asyncio.create_task(self._read())

    async def _read(self):
        while line := await self.process.stdout.readline():
            event = json.loads(line)
            if event["event"] == "open":
                self.id = event["id"]
            else:
                self.journal.note(self, event)

    async def kill(self):
        self.ended_how = "killed"
        self.process.kill()
        self.journal.killed(self)
        await self.process.wait()

    async def stop(self):
        self.ended_how = self.ended_how or "stopped"
        await finish(self.process, signal.SIGTERM, 10)
