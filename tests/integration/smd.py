# SPDX-License-Identifier: Apache-2.0
"""smd dev as a test's own cluster: the daemon, its etcd, its HTTP API."""

import base64
import ctypes
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import threading
import time

BUILD = pathlib.Path(os.environ.get("SM_BUILD_DIR", "build")).resolve()
_libc = ctypes.CDLL(None)


def die_with_parent():
    _libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def wait_until(what, condition, seconds=30):
    """Until condition() is true; its value."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s for: {what}")
        time.sleep(0.01)
    return value


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def request(address, method, path, body=None, timeout=30):
    """(status, parsed JSON or text) of one HTTP request; address: host:port, http://host:port or unix:///path."""
    if address.startswith("unix://"):
        connection = UnixConnection(address[len("unix://") :], timeout)
    else:
        connection = http.client.HTTPConnection(address.split("//")[-1], timeout=timeout)
    try:
        data = body if body is None or isinstance(body, (str, bytes)) else json.dumps(body)
        connection.request(method, path, data, {"Content-Type": "application/json"} if data is not None else {})
        answer = connection.getresponse()
        text = answer.read().decode()
        try:
            return answer.status, json.loads(text)
        except ValueError:
            return answer.status, text
    finally:
        connection.close()


def b64(text):
    return base64.b64encode(text.encode()).decode()


class Etcd:
    """etcd's JSON gateway."""

    def __init__(self, endpoint):
        self.endpoint = endpoint

    def call(self, path, body):
        status, answer = request(self.endpoint, "POST", "/v3/" + path, body)
        assert status == 200, (path, status, answer)
        return answer

    def list(self, prefix):
        """{key: value} of everything under prefix"""
        end = prefix[:-1] + chr(ord(prefix[-1]) + 1)
        answer = self.call("kv/range", {"key": b64(prefix), "range_end": b64(end)})
        return {base64.b64decode(kv["key"]).decode(): base64.b64decode(kv.get("value", "")).decode() for kv in answer.get("kvs", [])}

    def get(self, key):
        kvs = self.call("kv/range", {"key": b64(key)}).get("kvs", [])
        return base64.b64decode(kvs[0].get("value", "")).decode() if kvs else None

    def put(self, key, value):
        return int(self.call("kv/put", {"key": b64(key), "value": b64(value)})["header"]["revision"])

    def delete(self, key):
        self.call("kv/deleterange", {"key": b64(key)})

    def sessions(self, service, prefix="/sm"):
        """{container id: lease} of who is registered"""
        keys = self.list(f"{prefix}/app/{service}/containerhb/")
        parts = [key.split("/")[-2:] for key in keys]
        return {container: int(lease, 16) for container, lease in parts if lease}

    def revoke(self, lease):
        self.call("lease/revoke", {"ID": str(lease)})


class Dev:
    """smd dev, started; stop() it."""

    def __init__(self, *arguments):
        self.log = []
        self.process = subprocess.Popen(
            [str(BUILD / "smd"), "dev", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=die_with_parent
        )
        threading.Thread(target=lambda: self.log.extend(self.process.stderr), daemon=True).start()
        self.addresses = {}
        for line in self.process.stdout:
            name, _, value = line.strip().partition(": ")
            self.addresses[name] = value
            if name == "ready":
                break
        else:
            raise AssertionError("smd dev did not start:\n" + "".join(self.log[-30:]))
        threading.Thread(target=self.process.stdout.read, daemon=True).start()
        self.http, self.endpoint, self.runtime = (self.addresses[n] for n in ("http", "etcd", "runtime"))
        self.etcd = Etcd(self.endpoint)

    def ask(self, call, body=None, method="POST"):
        return request(self.http, method, "/sm/server/" + call, body)

    def must(self, call, body=None, method="POST"):
        status, answer = self.ask(call, body, method)
        assert status == 200, (call, status, answer)
        return answer

    def detail(self, service):
        return self.must(f"detail?service={service}", method="GET")

    def children(self):
        """{role: pid} of the supervisor's children"""
        found = {}
        for status in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = status.read_text().rsplit(")", 1)[1].split()
                words = (status.parent / "cmdline").read_text().split("\0")
            except OSError:
                continue
            if int(fields[1]) == self.process.pid and fields[0] != "Z":
                for word in words:
                    if word.startswith("--role="):
                        found[word[len("--role=") :]] = int(status.parent.name)
        return found

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.process.returncode
