# SPDX-License-Identifier: Apache-2.0
"""Conformance containers (tests/conformance) as processes, in each language, and what their own words add up to: who had which shard when."""

import json
import os
import pathlib
import signal
import subprocess
import threading
import time
from bisect import bisect_right
from collections import defaultdict

BUILD = pathlib.Path(os.environ.get("SM_BUILD_DIR", "build")).resolve()
SOURCE = pathlib.Path(__file__).resolve().parents[2]
PYTHON = os.environ.get("SM_PYTHON", "/usr/bin/python3")


def boot_ns():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def foreign_environment():
    """For programs that load our library into a runtime that was not built with the sanitizer that the library was built with."""
    environment = dict(os.environ)
    if "address" in os.environ.get("SM_SANITIZERS", ""):
        libraries = [subprocess.check_output(["gcc", f"-print-file-name={n}"], text=True).strip() for n in ("libasan.so", "libubsan.so")]
        environment["LD_PRELOAD"] = " ".join(libraries)
        environment["ASAN_OPTIONS"] = "detect_leaks=0"  # the interpreter's own
    return environment


def command(language):
    """(argv before the container's arguments, environment); None when that language was not built."""
    if language == "c":
        return [str(BUILD / "tests/conformance/container")], dict(os.environ)
    if language == "go":
        program = BUILD / "tests/conformance/container-go"
        return ([str(program)], foreign_environment()) if program.exists() else None
    if not (BUILD / "python/shardmgr/_capi.so").exists():
        return None
    script = [PYTHON, str(SOURCE / "tests/conformance/container.py")]
    environment = foreign_environment()
    environment["PYTHONPATH"] = str(BUILD / "python")
    return (script + ["--asyncio"] if language == "asyncio" else script), environment


class Container:
    """One process; its lines go to events as they come."""

    def __init__(self, service, endpoints, identity="127.0.0.1:0", ttl=None, language="c", journal=None):
        argv, environment = command(language)
        self.events = []
        self.journal = journal
        self._changed = threading.Condition()
        self.started_ns = boot_ns()
        arguments = [service, identity, endpoints] + ([str(ttl)] if ttl else [])
        self.process = subprocess.Popen(argv + arguments, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._errors = []
        threading.Thread(target=lambda: self._errors.extend(self.process.stderr), daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            event = json.loads(line)
            with self._changed:
                self.events.append(event)
                if self.journal is not None and "shard" in event:
                    self.journal.note(self, event)
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    def wait_for(self, what, condition, seconds=30):
        """Until condition(events) holds; its value."""
        end = time.monotonic() + seconds
        with self._changed:
            while not (value := condition(self.events)):
                left = end - time.monotonic()
                if left <= 0 or (self.process.poll() is not None and not self._reader.is_alive()):
                    raise AssertionError(f"no {what} within {seconds} s; events {self.events[-5:]}; stderr {''.join(self._errors)[-2000:]}")
                self._changed.wait(min(left, 0.2))
        return value

    @property
    def id(self):
        return self.wait_for("open", lambda events: [e["id"] for e in events if e["event"] == "open"])[0]

    def wait_event(self, kind, shard, seconds=30, after=0):
        """The first event of this kind for this shard after the first `after` events."""
        return self.wait_for(
            f"{kind} of {shard}", lambda events: [e for e in events[after:] if e["event"] == kind and e.get("shard") == shard], seconds
        )[0]

    def holds(self):
        """The shards that it has by its own words."""
        held = {}
        for event in list(self.events):
            if event["event"] == "add":
                held[event["shard"]] = event
            elif event["event"] in ("drop", "lost"):
                held.pop(event["shard"], None)
        return held

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self._reader.join(5)
        if self.journal is not None:
            self.journal.killed(self, boot_ns())

    def stop(self, seconds=20):
        """SIGTERM, and its exit status."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._reader.join(5)
        return self.process.returncode


class Journal:
    """What all containers said, on one clock."""

    def __init__(self):
        self._lock = threading.Lock()
        self.events = []  # (ns, container, "add" | "drop" | "lost", shard, token)
        self.causes = [(0, "placement")]

    def begin(self, cause):
        with self._lock:
            self.causes.append((boot_ns(), cause))

    def note(self, container, event):
        if event["event"] in ("add", "drop", "lost"):
            with self._lock:
                self.events.append((event["ns"], container, event["event"], event["shard"], int(event["token"])))

    def killed(self, container, ns):
        for shard, event in container.holds().items():
            with self._lock:
                self.events.append((ns, container, "drop", shard, int(event["token"])))

    def owners(self):
        """shard -> container now."""
        with self._lock:
            events = sorted(self.events, key=lambda e: e[0])
        owner = {}
        for _, container, kind, shard, _ in events:
            if kind == "add":
                owner[shard] = container
            elif owner.get(shard) is container:
                del owner[shard]
        return owner

    def sweep(self):
        """({cause: [seconds without owner]}, {cause: adds}, [violations: two owners at a time, tokens that did not grow])"""
        with self._lock:
            events = sorted(self.events, key=lambda e: e[0])
        gaps, adds, violations = defaultdict(list), defaultdict(int), []
        owner, since, tokens = {}, {}, {}
        for ns, container, kind, shard, token in events:
            if kind != "add":
                if owner.get(shard) is container:
                    del owner[shard]
                    since[shard] = ns
                continue
            if owner.get(shard, container) is not container:
                violations.append(f"{shard}: two owners at {ns}")
            if token <= tokens.get(shard, 0):
                violations.append(f"{shard}: token {token} after {tokens[shard]}")
            owner[shard], tokens[shard] = container, token
            began = since.pop(shard, None)
            cause = self.causes[bisect_right(self.causes, ns if began is None else began, key=lambda c: c[0]) - 1][1]
            adds[cause] += 1
            if began is not None:
                gaps[cause].append((ns - began) / 1e9)
        return gaps, adds, violations
