# SPDX-License-Identifier: Apache-2.0
"""The sync role alone, between a supervisor that this module plays and a real etcd."""

import base64
import contextlib
import itertools
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

import pytest
from smd import BUILD, Etcd, b64, die_with_parent, wait_until

MANAGER = "foo.bar"
PREFIX = "/sm"
CONFIG = f"{PREFIX}/app/{MANAGER}/service"

BELIEF_MS = 1880  # of a TTL of 2 s

# enum sm_error, as far as commands answer with it
OK, EINVAL, ENOENT, EEXIST, EUNAVAILABLE, EUNKNOWN = 0, -1, -4, -5, -7, -8


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def read_message(sock, seconds):
    """One message of our own processes: JSON behind its length."""
    sock.settimeout(seconds)

    def exactly(count):
        data = b""
        while len(data) < count:
            part = sock.recv(count - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    return json.loads(exactly(struct.unpack(">I", exactly(4))[0]))


def send_message(sock, message):
    text = json.dumps(message).encode()
    sock.sendall(struct.pack(">I", len(text)) + text)


class Server(Etcd):
    """A private etcd process."""

    def __init__(self, directory):
        self.directory = directory
        self.port, self.peer = free_port(), free_port()
        super().__init__(f"127.0.0.1:{self.port}")
        self.process = None
        self.start()

    def start(self, data="data"):
        peer = f"http://127.0.0.1:{self.peer}"
        self.process = subprocess.Popen(
            ["/usr/bin/etcd", "--data-dir", str(self.directory / data), "--listen-client-urls", f"http://{self.endpoint}",
             "--advertise-client-urls", f"http://{self.endpoint}", "--listen-peer-urls", peer,
             "--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=die_with_parent)
        wait_until("etcd serves", self.serves)

    def serves(self):
        try:
            return self.revision() > 0
        except (OSError, AssertionError):
            return False

    def kill(self):
        self.process.kill()
        self.process.wait()

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def revision(self):
        return int(self.call("kv/range", {"key": b64("x")})["header"]["revision"])

    def everything(self, prefix=PREFIX + "/"):
        """(revision, [key-value pairs]) with texts and numbers"""
        end = prefix[:-1] + chr(ord(prefix[-1]) + 1)
        answer = self.call("kv/range", {"key": b64(prefix), "range_end": b64(end)})
        return int(answer["header"]["revision"]), [
            {"key": base64.b64decode(kv["key"]).decode(), "value": base64.b64decode(kv.get("value", "")).decode(),
             "create": int(kv["create_revision"]), "mod": int(kv["mod_revision"])} for kv in answer.get("kvs", [])]

    def delete_prefix(self, prefix):
        self.call("kv/deleterange", {"key": b64(prefix), "range_end": b64(prefix[:-1] + chr(ord(prefix[-1]) + 1))})

    def txn(self, puts=(), deletes=()):
        ops = [{"request_put": {"key": b64(k), "value": b64(v)}} for k, v in puts]
        ops += [{"request_delete_range": {"key": b64(k)}} for k in deletes]
        return int(self.call("kv/txn", {"success": ops})["header"]["revision"])

    def compact(self):
        self.call("kv/compaction", {"revision": str(self.revision()), "physical": True})


class Sync:
    """The process, and its view. with Sync(…) as sync: …"""

    def __init__(self, directory, endpoint, prefix=PREFIX, manager=MANAGER):
        self.directory, self.runtime = directory, directory / "run"
        self.runtime.mkdir(exist_ok=True)
        self.config = f"service: {manager}\nport: 0\nendpoints: [\"{endpoint}\"]\netcdPrefix: {prefix}\nruntimeDir: {self.runtime}\n"
        self.log = []
        self.process = None
        self.dumper = None
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.runtime / "command.sock"))
        self.listener.listen(16)
        self.bells = [os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC) for _ in range(2)]

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        status = self.terminate() if self.process and self.process.poll() is None else 0
        if self.dumper:
            self.dumper.kill()
            self.dumper.wait()
        self.listener.close()
        for bell in self.bells:
            os.close(bell)
        assert status == 0, "\n".join(self.log[-30:])

    def start(self, wait=True):
        self.parent, child = socket.socketpair()
        wanted = [child.fileno(), self.listener.fileno(), *self.bells]

        def arrange():
            die_with_parent()
            high = [os.dup2(fd, 100 + i) for i, fd in enumerate(wanted)]
            for i, fd in enumerate(high):
                os.dup2(fd, 3 + i)
                os.set_inheritable(3 + i, True)
                os.close(fd)

        self.process = subprocess.Popen([BUILD / "tests/integration/sync_role"], stderr=subprocess.PIPE, text=True,
                                        preexec_fn=arrange, close_fds=False)
        child.close()
        threading.Thread(target=self.read_log, args=(self.process.stderr,), daemon=True).start()
        send_message(self.parent, {"type": "config", "name": "test.yml", "text": self.config})
        if wait:
            self.wait_ready()

    def read_log(self, stream):
        for line in stream:
            self.log.append(line.rstrip())
            if os.environ.get("SM_TEST_VERBOSE"):
                print(line, end="")

    def logged(self, text):
        return [line for line in self.log if text in line]

    def wait_ready(self, seconds=20):
        try:
            message = read_message(self.parent, seconds)
        except (OSError, EOFError) as error:
            raise AssertionError("sync did not get ready:\n" + "\n".join(self.log[-20:])) from error
        assert message["type"] == "ready", message

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.parent.close()
        self.process = None

    def terminate(self):
        self.process.terminate()
        status = self.process.wait(10)
        self.parent.close()
        self.process = None
        return status

    def restart(self):
        self.kill()
        self.start()

    def cut(self):
        """Leaves the view as a process does that dies inside a publish."""
        subprocess.run([BUILD / "tests/integration/sync_role", "--cut", self.runtime, PREFIX, MANAGER], check=True)

    def cpu_ticks(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    # ---- the view ----

    def view(self):
        if not self.dumper:
            self.dumper = subprocess.Popen([BUILD / "tests/integration/view_dump", "-f", self.runtime], text=True,
                                           stdin=subprocess.PIPE, stdout=subprocess.PIPE, preexec_fn=die_with_parent)
        self.dumper.stdin.write("\n")
        self.dumper.stdin.flush()
        return json.loads(self.dumper.stdout.readline())

    def wait_revision(self, revision, seconds=30):
        return wait_until(f"view at revision {revision}",
                          lambda: (lambda v: v if v["revision"] >= revision else None)(self.view()), seconds)

    def service(self, name):
        return self.view()["services"].get(name)

    # ---- the command link ----

    @contextlib.contextmanager
    def link(self):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(str(self.runtime / "command.sock"))
            yield Link(sock)

    def command(self, op, **args):
        with self.link() as link:
            return link.ask(op, **args)

    def must(self, op, **args):
        answer = self.command(op, **args)
        assert answer["code"] == OK, (op, args, answer)
        return answer


class Link:
    def __init__(self, sock):
        self.sock, self.ids = sock, itertools.count(1)

    def send(self, op, **args):
        message = {"id": next(self.ids), "op": op, "args": args}
        send_message(self.sock, message)
        return message["id"]

    def receive(self, seconds=40):
        return read_message(self.sock, seconds)

    def ask(self, op, **args):
        number = self.send(op, **args)
        answer = self.receive()
        assert answer["id"] == number
        return answer


# ---- what containers write ----

class Container:
    """Keys of one container: its session, its claims."""

    def __init__(self, etcd, service, name, ttl=60, ours=True):
        self.etcd, self.service, self.name = etcd, service, name
        self.lease = int(etcd.call("lease/grant", {"TTL": str(ttl)})["ID"])
        self.key = f"{PREFIX}/app/{service}/containerhb/{name}/{self.lease:x}"
        value = {"timestamp": 1, **({"shardmgr": {"protocol": 1, "labels": {}, "capabilities": []}} if ours else {})}
        answer = etcd.call("kv/put", {"key": b64(self.key), "value": b64(json.dumps(value)), "lease": str(self.lease)})
        self.incarnation = int(answer["header"]["revision"])

    def claim_key(self, shard, replica=0):
        return f"{PREFIX}/app/{self.service}/shardhb/{shard}" + (f"/{replica}" if replica else "")

    def claim_value(self, belief_ms=60000, ready=True, **more):
        return json.dumps({"container": self.name, "incarnation": self.incarnation, "beliefMs": belief_ms, "ready": ready, **more})

    def claim(self, *shards, **more):
        return self.etcd.txn([(self.claim_key(shard), self.claim_value(**more)) for shard in shards])

    def release(self, *shards):
        self.etcd.txn(deletes=[self.claim_key(shard) for shard in shards])

    def end(self):
        self.etcd.revoke(self.lease)


def lock_delay_s(belief_ms):
    """G of the ownership protocol."""
    return (belief_ms * 1.02 + 200) / 1000


# ---- what the view must be ----

def expected_view(kvs, prefix=PREFIX, manager=MANAGER):
    """The view's services as they follow from etcd's keys."""
    services, sessions, incarnation = {}, {}, 0
    root = prefix + "/"

    def service(name):
        return services.setdefault(name, {"exists": False, "spec": "", "mod": 0, "shards": {}, "containers": {}, "workers": []})

    def shard(name, ident):
        return service(name)["shards"].setdefault(ident, {"exists": False, "task": "", "group": "", "workerGroup": "",
                                                          "pin": "", "updateTime": 0, "mod": 0, "claim": None})

    for kv in kvs:
        if kv["key"] == root + "store":
            incarnation = json.loads(kv["value"])["incarnation"]
        parts = kv["key"][len(root):].split("/")
        if parts[:2] == ["app", manager] and parts[2] == "service":
            name, rest = parts[3], parts[4:]
            if rest == ["spec"]:
                service(name).update(exists=True, spec=kv["value"], mod=kv["mod"])
            elif rest[0] == "shard":
                v = json.loads(kv["value"])
                shard(name, rest[1]).update(exists=True, task=v["task"], group=v["group"], workerGroup=v["workerGroup"],
                                            pin=v["manualContainerId"], updateTime=v["updateTime"], mod=kv["mod"])
            elif rest[0] == "workerpool":
                service(name)["workers"].append([rest[1], rest[2]])
        elif parts[0] == "app" and len(parts) > 2 and parts[2] == "containerhb" and parts[3]:
            sessions.setdefault((parts[1], parts[3]), []).append((kv["create"], int(parts[4], 16), kv["value"]))
    for (name, container), keys in sessions.items():
        create, lease, value = min(keys)
        service(name)["containers"][container] = {"incarnation": create, "lease": lease, "heartbeat": value,
                                                  "ours": bool(value) and "shardmgr" in json.loads(value)}
    for kv in kvs:
        parts = kv["key"][len(root):].split("/")
        if parts[0] == "app" and len(parts) > 2 and parts[2] == "shardhb":
            v = json.loads(kv["value"])
            token = incarnation << 48 | (v.get("token") or kv["mod"])
            shard(parts[1], "/".join(parts[3:]))["claim"] = {
                "container": v["container"], "incarnation": v["incarnation"], "mod": kv["mod"], "belief": v["beliefMs"],
                "ready": v["ready"], "token": token, "lookup": token if v["ready"] else 0}
    for s in services.values():
        s["shardCount"] = sum(x["exists"] for x in s["shards"].values())
        s["containerCount"] = len(s["containers"])
        s["claimCount"] = sum(x["claim"] is not None for x in s["shards"].values())
        s["workers"].sort()
    return services


def shown(view):
    """The same, of the view; services of which nothing is left are left out on both sides."""
    services = {name: {**s, "workers": sorted(s["workers"])} for name, s in view["services"].items()}
    return {name: s for name, s in services.items() if s["exists"] or s["shards"] or s["containers"] or s["workers"]}


def assert_view_is(sync, etcd, seconds=10):
    """A deletion leaves no revision to wait for, and sync itself may be writing: so until they are equal."""

    last = []  # what was compared; reading once more would race with what sync writes

    def equal():
        expected, view = expected_view(etcd.everything()[1]), sync.view()
        last[:] = view, shown(view), expected
        return last[1] == expected

    with contextlib.suppress(AssertionError):
        wait_until("equal", equal, seconds)
    view, got, expected = last
    differ = [(name, part, got.get(name, {}).get(part), expected.get(name, {}).get(part)) for name in {*got, *expected}
              for part in {*got.get(name, {}), *expected.get(name, {})}]
    differ = [d for d in differ if d[2] != d[3]]
    assert not differ, "\n".join([*(f"{n} {p}: view {g}\n{n} {p}: etcd {e}" for n, p, g, e in differ), str(view["revision"]), *sync.log[-30:]])
    return view


@contextlib.contextmanager
def scratch():
    directory = pathlib.Path(tempfile.mkdtemp(prefix="sm-sync-"))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


# ---- fixtures; a test file imports them ----

@pytest.fixture(scope="module")
def server():
    with scratch() as directory:
        started = Server(directory)
        yield started
        started.kill()


@pytest.fixture
def etcd(server):
    server.delete_prefix(PREFIX + "/")
    return server


@pytest.fixture
def sync(etcd):
    with scratch() as directory, Sync(directory, etcd.endpoint) as started:
        yield started


# ---- what several tests do ----

def shard(ident, **more):
    return {"shardId": ident, **more}


def codes(answer):
    return {r["id"]: r["code"] for r in answer["results"]}


def random_changes(etcd, rng, count):
    """Puts and deletes over a small key space, so that the same keys come and go. Claims believe for a minute: none is freed meanwhile."""
    containers = {}
    for number in range(count):
        service = rng.choice(["foo", "foobar", "s"])
        name = f"h:{rng.randint(1, 4)}"
        what = rng.randrange(7)
        ident = f"s{rng.randint(1, 12)}"
        spec = {"id": ident, "service": service, "task": f"t{number}", "updateTime": number, "manualContainerId": "", "group": "g",
                "workerGroup": "", "lease": None}
        if what == 0:
            etcd.put(f"{CONFIG}/{service}/spec", json.dumps({"service": service, "createTime": number, "maxShardCount": 0, "maxRecoveryTime": 0}))
        elif what == 1:
            idents = {f"s{rng.randint(1, 30)}" for _ in range(10)}
            etcd.txn([(f"{CONFIG}/{service}/shard/{i}", json.dumps({**spec, "id": i})) for i in idents])
        elif what == 2:
            etcd.txn(deletes=[f"{CONFIG}/{service}/shard/{ident}"])
        elif what == 3:
            etcd.put(f"{CONFIG}/{service}/workerpool/g{rng.randint(1, 2)}/{name}", "")
        elif what == 4:
            containers.setdefault((service, name), []).append(Container(etcd, service, name, ours=rng.random() < 0.8))
        elif what == 5 and containers:
            owner = rng.choice(list(containers))
            rng.choice(containers[owner]).claim(*{f"s{rng.randint(1, 12)}" for _ in range(4)}, ready=rng.random() < 0.7)
        elif what == 6 and containers:
            etcd.delete(f"{PREFIX}/app/{service}/shardhb/{ident}")
