# SPDX-License-Identifier: Apache-2.0
"""The http role alone: this module plays the supervisor (configuration, listening socket) and sync (view, command link)."""

import contextlib
import fcntl
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time

BUILD = pathlib.Path(os.environ.get("SM_BUILD_DIR", "build")).resolve()
MANAGER = "foo.bar"


def wait_until(condition, what, timeout=10):
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, f"not within {timeout} s: {what}"
        time.sleep(0.01)


def send_message(sock, message):
    text = json.dumps(message).encode()
    sock.sendall(struct.pack(">I", len(text)) + text)


def read_message(sock):
    def exactly(count):
        data = b""
        while len(data) < count:
            part = sock.recv(count - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    return json.loads(exactly(struct.unpack(">I", exactly(4))[0]))


class View:
    """The view, written by the helper program view_fill."""

    def __init__(self, directory):
        self.process = subprocess.Popen([BUILD / "tests/integration/view_fill", directory, MANAGER],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, op, **order):
        self.process.stdin.write(json.dumps({"op": op, **order}) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer == "0\n", (op, order, answer)

    def close(self):
        self.process.stdin.close()
        assert self.process.wait() == 0


class Sync:
    """The answering side of the command link. answer(op, args) gives a reply's fields, None for no reply, or raises EOFError to end the link."""

    def __init__(self, path):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(8)
        self.requests = []
        self.answer = lambda op, args: {"code": 0, "error": ""}
        self.link = None
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                self.link = self.listener.accept()[0]
            except OSError:
                return
            with self.link, contextlib.suppress(EOFError, OSError):
                while True:
                    self.take(read_message(self.link))

    def take(self, request):
        self.requests.append((request["op"], request["args"]))
        reply = self.answer(request["op"], request["args"])
        if reply is not None:
            send_message(self.link, {"id": request["id"], **reply})

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        if self.link is not None:
            with contextlib.suppress(OSError):
                self.link.shutdown(socket.SHUT_RDWR)
        self.thread.join()


class Front:
    """A running http role. Use as a context manager; leaving it checks that the process ended cleanly."""

    def __init__(self, view=True, sync=True, **config):
        self.dir = tempfile.mkdtemp(prefix="sm-http-")
        self.socket_path = os.path.join(self.dir, "command.sock")
        self.view = View(self.dir) if view else None
        self.sync = Sync(self.socket_path) if sync else None
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        self.bell = os.eventfd(0, os.EFD_NONBLOCK)
        self.config = "".join(f"{key}: {value}\n" for key, value in {
            "service": MANAGER, "port": 0, "endpoints": "[127.0.0.1:1]", "etcdPrefix": "/sm",
            "runtimeDir": self.dir, **config}.items())
        self.start()

    def start(self):
        self.parent, child = socket.socketpair()
        high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 100) for fd in (child.fileno(), self.listener.fileno(), self.bell, self.bell)]
        program = str(BUILD / "tests/integration/http_front")
        self.pid = os.posix_spawn(program, [program], os.environ,
                                  file_actions=[(os.POSIX_SPAWN_DUP2, fd, 3 + i) for i, fd in enumerate(high)])
        for fd in high:
            os.close(fd)
        child.close()
        send_message(self.parent, {"type": "config", "name": "test.yml", "text": self.config})
        assert read_message(self.parent)["type"] == "ready"

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        status = self.stop()
        if self.view:
            self.view.close()
        if self.sync:
            self.sync.close()
        self.listener.close()
        os.close(self.bell)
        shutil.rmtree(self.dir)
        if exc[0] is None:
            assert status == 0, f"http ended with status {status}"

    def stop(self, signal_number=signal.SIGTERM):
        os.kill(self.pid, signal_number)
        status = os.waitpid(self.pid, 0)[1]
        self.parent.close()
        return os.waitstatus_to_exitcode(status)

    def rss_kb(self):
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1])
        return 0

    # ---- requests ----

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def request(self, method, path, body=None, headers=None):
        """(status, headers, body) of one request on its own connection. body: bytes, or anything for JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            data = body if body is None or isinstance(body, bytes) else json.dumps(body)
            connection.request(method, path, data, headers or {})
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()

    def get(self, path):
        status, _, body = self.request("GET", path)
        return status, json.loads(body)

    def post(self, path, body):
        status, _, answer = self.request("POST", path, body)
        return status, json.loads(answer)

    def raw(self, *parts, shut=False, pause=0.0):
        """Sends bytes as they are; everything that comes back until the server closes, or b'…<open>' after half a second of silence."""
        with self.connect() as sock:
            with contextlib.suppress(OSError):
                for part in parts:
                    sock.sendall(part)
                    time.sleep(pause)
                if shut:
                    sock.shutdown(socket.SHUT_WR)
            sock.settimeout(0.5)
            got = b""
            try:
                while True:
                    part = sock.recv(65536)
                    if not part:
                        return got
                    got += part
            except socket.timeout:
                return got + b"<open>"
            except ConnectionResetError:
                return got
