# SPDX-License-Identifier: Apache-2.0
"""What the integration tests share: processes that are started, watched and gone again.

Every process belongs to a fixture that ends it; a test never waits for a time, always for a condition (wait_until).
"""

import contextlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pytest

BUILD = pathlib.Path(os.environ.get("SM_BUILD_DIR", "build")).resolve()
SMD = BUILD / "smd"
FAKE_SMD = BUILD / "tests" / "fake_smd"
# Sanitizers and valgrind are slow: every limit below is stretched by this.
SANITIZED = any(line.startswith("SANITIZE_CFLAGS = -") for line in (BUILD / "Makefile").open())
PATIENCE = float(os.environ.get("SM_PATIENCE", "4" if SANITIZED else "1"))


def wait_until(condition, what, timeout=10.0):
    """Returns condition()'s first true value; fails with `what` when there is none in time."""
    deadline = time.monotonic() + timeout * PATIENCE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            pytest.fail(f"not within {timeout * PATIENCE:g} s: {what() if callable(what) else what}")
        time.sleep(0.005)


def is_running(pid):
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def children_of(pid):
    try:
        return [int(p) for p in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def descendants_of(pid):
    found = []
    for child in children_of(pid):
        found += [child, *descendants_of(child)]
    return found


def command_line(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
    except (FileNotFoundError, ProcessLookupError):
        return []


def processes_naming(text):
    """Pids of all processes with text in their command line, working directory or an open socket's directory."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        cwd = ""
        with contextlib.suppress(OSError):
            cwd = os.readlink(f"/proc/{entry}/cwd")
        if is_running(entry) and (text in " ".join(command_line(entry)) or text in cwd):
            found.append(int(entry))
    return found


def http_request(address, method, path, body=None, timeout=10.0):
    """(status, text) of one request to "http://host:port" or "unix:///path"."""
    if address.startswith("unix://"):
        connection = http.client.HTTPConnection("localhost", timeout=timeout * PATIENCE)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(timeout * PATIENCE)
        connection.sock.connect(address.removeprefix("unix://"))
    else:
        connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=timeout * PATIENCE)
    with contextlib.closing(connection):
        data = json.dumps(body) if body is not None and not isinstance(body, str) else body
        connection.request(method, path, data)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


class Process:
    """A process that was started here, with its output in files."""

    def __init__(self, arguments, directory, **popen):
        self.directory = pathlib.Path(directory)
        stem = f"{pathlib.Path(arguments[0]).name}-{time.monotonic_ns()}"
        self.out_path, self.log_path = self.directory / f"{stem}.out", self.directory / f"{stem}.log"
        with open(self.out_path, "wb") as out, open(self.log_path, "wb") as log:
            self.popen = subprocess.Popen([str(a) for a in arguments], stdin=subprocess.DEVNULL, stdout=out, stderr=log, **popen)
        self.pid = self.popen.pid

    def out(self):
        return self.out_path.read_text(errors="replace")

    def log(self):
        return self.log_path.read_text(errors="replace")

    def signal(self, number):
        self.popen.send_signal(number)

    def is_running(self):
        return self.popen.poll() is None

    def wait(self, timeout=15.0):
        """Exit status, as subprocess has it."""
        wait_until(lambda: not self.is_running(), lambda: f"{self.popen.args} ends; its log:\n{self.log()}", timeout)
        return self.popen.returncode

    def wait_log(self, text, timeout=10.0):
        wait_until(lambda: text in self.log(), lambda: f'"{text}" in the log:\n{self.log()}', timeout)

    def wait_out(self, text, timeout=20.0):
        wait_until(lambda: text in self.out() or not self.is_running(), lambda: f'"{text}" in {self.out()!r}', timeout)
        assert text in self.out(), f"it ended; its log:\n{self.log()}"

    def close(self):
        """Ends it, gently first, and whatever it leaves behind."""
        left = descendants_of(self.pid) if self.is_running() else []
        if self.is_running():
            self.signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.popen.wait(10 * PATIENCE)
        if self.is_running():
            self.signal(signal.SIGKILL)
            self.popen.wait()
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                if is_running(pid):
                    os.kill(pid, signal.SIGKILL)


class Smd(Process):
    """smd with a configuration file; config: its keys, on top of a working set."""

    def __init__(self, directory, config=None, binary=SMD, wait=True, **popen):
        self.config_path = pathlib.Path(directory) / "smd.yml"
        self.config = {"service": "foo.bar", "port": 0, "endpoints": ["127.0.0.1:1"], "etcdPrefix": "/sm",
                       "runtimeDir": str(pathlib.Path(directory) / "run")} | (config or {})
        self.write_config()
        super().__init__([binary, "--config-file", self.config_path], directory, **popen)
        if wait:
            self.wait_ready()

    def write_config(self, **changes):
        self.config |= changes
        self.config_path.write_text(json.dumps(self.config))

    @property
    def runtime_dir(self):
        return self.config["runtimeDir"]

    @property
    def url(self):
        """Of the HTTP front, as it was last announced."""
        lines = [line for line in self.log().splitlines() if " ready: http://" in line or " http on http://" in line]
        return "http://" + lines[-1].partition("http://")[2].partition(",")[0] if lines else None

    def wait_ready(self, timeout=15.0):
        wait_until(lambda: " ready: http://" in self.log() or not self.is_running(), lambda: f"ready; log:\n{self.log()}", timeout)
        assert self.is_running(), self.log()

    def roles(self):
        """Role -> pid of the children that run now."""
        found = {}
        for pid in children_of(self.pid):
            role = [a.removeprefix("--role=") for a in command_line(pid) if a.startswith("--role=")]
            if role and is_running(pid):
                found[role[0]] = pid
        return found

    def wait_roles(self, *names, timeout=15.0):
        return wait_until(lambda: (r := self.roles()) and set(r) == set(names) and r, lambda: f"{names}: {self.roles()}\n{self.log()}",
                          timeout)


class SmdDev(Smd):
    """smd dev; arguments: for its command line."""

    def __init__(self, directory, *arguments, binary=SMD, wait=True, **popen):
        self.tmp = pathlib.Path(directory)
        environment = popen.pop("env", None) or os.environ | {"TMPDIR": str(self.tmp)}
        Process.__init__(self, [binary, "dev", *arguments], directory, env=environment, **popen)
        if wait:
            self.wait_out("\nready\n", 30)

    def address(self, name):
        """name: http, etcd, runtime."""
        return next(line.partition(": ")[2] for line in self.out().splitlines() if line.startswith(name + ": "))

    @property
    def url(self):
        return self.address("http")

    @property
    def etcd(self):
        return self.address("etcd")

    @property
    def runtime_dir(self):
        return self.address("runtime")

    def dirs(self):
        return sorted(self.tmp.glob("smd-dev-*"))


class Etcd(Process):
    """A real etcd of one member on a UNIX socket; .endpoint for smd's configuration."""

    def __init__(self, directory):
        self.home = pathlib.Path(directory)
        self.endpoint = f"unix://{self.home}/client:1"
        for name in ("client:1", "peer:1"):
            (self.home / name).unlink(missing_ok=True)
        super().__init__(["/usr/bin/etcd", "--name", "test", "--data-dir", self.home / "data", "--listen-client-urls", "unix://client:1",
                          "--advertise-client-urls", "unix://client:1", "--listen-peer-urls", "unix://peer:1",
                          "--initial-advertise-peer-urls", "unix://peer:1", "--initial-cluster", "test=unix://peer:1"],
                         self.home, cwd=self.home)
        wait_until(self.is_healthy, lambda: f"etcd serves; log:\n{self.log()}", 20)

    def is_healthy(self):
        with contextlib.suppress(OSError, http.client.HTTPException):
            return '"health":"true"' in http_request(self.endpoint, "GET", "/health")[1]
        return False

    def post(self, path, body):
        status, text = http_request(self.endpoint, "POST", path, body)
        assert status == 200, text
        return json.loads(text)


@pytest.fixture
def short_tmp():
    """A directory with a short path (UNIX sockets), which must be empty of processes at the end."""
    path = tempfile.mkdtemp(prefix="smt-", dir="/tmp")
    yield pathlib.Path(path)
    left = wait_until_none(lambda: processes_naming(path))
    shutil.rmtree(path, ignore_errors=True)
    assert not left, f"still running: {[command_line(p) for p in left]}"


def wait_until_none(find, timeout=3.0):
    deadline = time.monotonic() + timeout * PATIENCE
    while (found := find()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return found


@pytest.fixture
def start(short_tmp):
    """start(Class, …): a process that ends with the test, in the test's short_tmp unless it gets another directory."""
    with contextlib.ExitStack() as stack:

        def start_one(kind, *arguments, directory=None, **keywords):
            try:
                process = kind(directory or short_tmp, *arguments, **keywords)
            except BaseException:
                for pid in processes_naming(str(directory or short_tmp)):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                raise
            stack.callback(process.close)
            return process

        yield start_one
