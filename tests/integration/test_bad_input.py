# SPDX-License-Identifier: Apache-2.0
"""Wrong input for a whole smd from where it is least expected: etcd contents that others wrote, containers that answer anything."""

import base64
import json
import socket
import threading
import time

import pytest
from containers import Container
from smd import Dev, wait_until

SERVICE = "svc"
CLAIM = {"container": "127.0.0.1:9", "incarnation": 1, "beliefMs": 1000, "ready": True, "token": 1}


@pytest.fixture
def dev():
    """Nothing in it may end, and no sanitizer may speak."""
    daemon = Dev()
    daemon.must("add-spec", {"service": SERVICE})
    daemon.manager = daemon.must("get-spec", method="GET")["services"][-1]
    roles = daemon.children()
    yield daemon
    log = "".join(daemon.log)
    still = daemon.children()
    assert daemon.stop() == 0, log
    assert still == roles, log
    assert "Sanitizer" not in log and "runtime error" not in log, log


def put(dev, key, value):
    dev.etcd.call("kv/put", {"key": base64.b64encode(key).decode(), "value": base64.b64encode(value).decode()})



# ---- etcd ----

VALUES = [b"", b"{", b"null", b"[]", b"42", b"\xff\xfe\x00", b"\0" * 10, b"[" * 3000, b'{"a":' * 3000, b'{"service":1}', b'{"service":"x","maxShardCount":1e400}',
          b'{"maxShardCount":99999999999999999999}', b'{"task":"\\ud800"}', b'{"task":"\\u0000"}', b'{"lease":{"id":"x"}}',
          b'{"maxShardCount":-5,"maxRecoveryTime":-9223372036854775808,"createTime":9223372036854775807}',
          b'{"container":"../..","incarnation":1,"beliefMs":5}', b'{"container":"c:1","incarnation":1,"beliefMs":4294967295,"ready":true}',
          b'{"container":"c:1","incarnation":9223372036854775807,"beliefMs":1}',
          b'{"container":"c:1","incarnation":1,"beliefMs":1,"token":281474976710655}', b'{"incarnation":-1}', b'{"incarnation":65536}',
          b'{"shardmgr":7}', b'{"shardmgr":{"protocol":1e300}}', b'{"shardmgr":{}}', b'{"x":"' + b"a" * 1400000 + b'"}',
          b'{"service":"svc","updateTime":5,"group":"' + b"g" * 300000 + b'","workerGroup":"../x","manualContainerId":"\xc3\xa9\\n"}']
CONFIG = b"/sm/app/%M/service/"
KEYS = [CONFIG + b"v/spec", CONFIG + b"svc/shard/s9", CONFIG + b"svc/workerpool/g/c:1", CONFIG + b"%M/shard/svc", CONFIG + b"%M/spec",
        b"/sm/app/svc/containerhb/", b"/sm/app/svc/containerhb/127.0.0.1:9/1a2b", b"/sm/app/svc/containerhb/[::1]:9/7fffffffffffffff",
        b"/sm/app/svc/shardhb/s9", b"/sm/app/svc/shardhb/s9/3", b"/sm/app/svc/shardhb/s9/65536", b"/sm/app/nobody/shardhb/s9",
        b"/sm/app/%M/leader/77", b"/sm/app/%M/containerhb/h:1/77", b"/sm/app/svc/lease/guard", b"/sm/app/svc/s/c:1/s9",
        b"/sm/app/svc/ctl/container/c:1", b"/sm/app/svc/ctl/policy", b"/sm/app/%M/ctl/deleted/zzz", b"/sm/store", b"/sm/storex",
        b"/sm/app//x//", b"/sm/app/\0/spec", b"/sm/app/\xff\xfe/service/\x01/spec", b"/sm/" + b"k" * 5000, b"/sm/\n"]


def test_etcd_may_hold_anything(dev):
    """Each garbage under each key, one after the other."""
    def fill(values):
        for key in KEYS:
            for value in values:
                put(dev, key.replace(b"%M", dev.manager.encode()), value)

    fill(VALUES)
    put(dev, b"/sm/store", b'{"incarnation":1}')
    dev.must("add-shard", {"service": SERVICE, "shardId": "s1"})
    assert "s1" in dev.must(f"get-shard?service={SERVICE}", method="GET")["shards"]
    for key in KEYS:
        dev.etcd.call("kv/deleterange", {"key": base64.b64encode(key.replace(b"%M", dev.manager.encode())).decode()})
    put(dev, b"/sm/store", b'{"incarnation":1}')
    dev.must("add-shard", {"service": SERVICE, "shardId": "s2"})


@pytest.mark.parametrize("garbage", [None, b"", b"[]", b'{"service":7}'])
def test_the_managers_own_spec_comes_back(dev, garbage):
    """Without it no service can be added, and a new sync takes no commands."""
    key = f"/sm/app/{dev.manager}/service/{dev.manager}/spec"
    if garbage is None:
        dev.etcd.delete(key)
    else:
        put(dev, key.encode(), garbage)
    wait_until("it is back", lambda: dev.etcd.get(key) and "createTime" in dev.etcd.get(key))
    dev.must("add-spec", {"service": "another"})


@pytest.mark.parametrize("replica", ["65535", "65536", "4294967295", "4294967296"])
def test_a_claim_of_an_absurd_replica_stops_nobody(dev, replica):
    dev.etcd.put(f"/sm/app/{SERVICE}/shardhb/s1/{replica}", json.dumps(CLAIM))
    dev.must("add-shard", {"service": SERVICE, "shardId": "s1"})
    assert dev.detail(SERVICE)["shardSpec"].keys() == {"s1"}


def test_a_spec_that_is_garbage_is_named_and_can_be_repaired(dev):
    """Nobody is told that a service was added which is not there."""
    key = f"/sm/app/{dev.manager}/service/{SERVICE}/spec"
    dev.etcd.put(key, "garbage")
    status, answer = dev.ask("add-spec", {"service": SERVICE})
    assert status == 500 and key in answer["error"] and "delete it and add it again" in answer["error"]
    dev.must("del-spec", {"service": SERVICE})
    dev.must("add-spec", {"service": SERVICE})
    assert SERVICE in dev.must("get-spec", method="GET")["services"]


def test_absurd_shards_keep_the_others_from_nobody(dev):
    """Texts that others wrote, each nearly as long as etcd takes: refused one by one, not with everything that is asked along with them."""
    absurd = [{"task": "h" * 1400000}, {"task": "\u00e9" * 600000}, {"group": "g" * 1400000}, {"workerGroup": "w" * 1400000},
              {"manualContainerId": "m" * 1400000}]
    for i in range(25):
        spec = {"id": f"absurd{i}", "service": SERVICE, "updateTime": 5, **absurd[i % len(absurd)]}
        put(dev, f"/sm/app/{dev.manager}/service/{SERVICE}/shard/absurd{i}".encode(), json.dumps(spec, ensure_ascii=False).encode())
    dev.must("add-shards", {"service": SERVICE, "shards": [{"shardId": f"s{i}"} for i in range(50)]})
    container = Container(SERVICE, dev.endpoint)
    wait_until("the good ones", lambda: {f"s{i}" for i in range(50)} <= set(container.holds()), 60)
    wait_until("the reason", lambda: any("task is longer" in line for line in dev.log))
    assert not [line for line in dev.log if "status 413" in line]
    assert container.stop() == 0


# ---- containers ----

def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


OK = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
LINE = b'{"op":"add","id":"zz","replica":0,"code":0,"error":"","token":"1"}\n'
FORGED = b"\n2026-01-01T00:00:00.000Z sync[1] error: FORGED \x1b[31m\n"
ANSWERS = {  # what is sent once, what is sent for ever
    "closes": (b"", None), "is no HTTP": (b"SSH-2.0-x\r\n" + b"\0\xff" * 1000, None), "garbage": (OK + chunk(b"hello\nworld\n"), None),
    "a line without end": (OK, chunk(b"x" * 60000)), "lines without end": (OK, chunk(LINE * 500)),
    "an error without end": (b"HTTP/1.1 500 X\r\nTransfer-Encoding: chunked\r\n\r\n", chunk(b"y" * 60000)),
    "a header without end": (b"HTTP/1.1 200 OK\r\n", b"X-A: " + b"b" * 1000 + b"\r\n"),
    "100 for ever": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "redirects": (b"HTTP/1.1 307 X\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", None),
    "a negative length": (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", None), "no chunk": (OK + b"zzzz\r\n", None),
    "no answer to any order": (OK + b"0\r\n\r\n", None), "forges log lines": (b"HTTP/1.1 401 X\r\nContent-Length: %d\r\n\r\n" % len(FORGED) + FORGED, None),
    "deep": (OK + chunk(b"[" * 50000 + b"\n"), None),
}


class Hostile:
    """A server for one kind of answer, with a session in etcd. open: answers that go on."""

    def __init__(self, name):
        self.begin, self.again = ANSWERS[name]
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.id = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.requests = self.open = 0
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                sock = self.listener.accept()[0]
            except OSError:
                return
            self.requests += 1
            self.open += 1
            threading.Thread(target=self.answer, args=(sock,), daemon=True).start()

    def answer(self, sock):
        try:
            with sock:
                sock.recv(65536)
                sock.sendall(self.begin)
                while self.again and self.listener.fileno() >= 0:
                    sock.sendall(self.again)
                    time.sleep(0.01)
        except OSError:
            pass
        self.open -= 1


def test_containers_may_answer_anything(dev):
    """Every answer ends, no text from a container looks like a line of the log, and once they are gone an honest one gets all."""
    hostile = [Hostile(name) for name in ANSWERS]
    odd = [dev.http.split("//")[1], "127.0.0.1:1", "nohost", "localhost:99999", ":::", "[", "a:b:c", "nonexistent.invalid:80"]
    lease = dev.etcd.call("lease/grant", {"TTL": 600})["ID"]
    heartbeat = base64.b64encode(b'{"shardmgr":{"protocol":1}}').decode()
    for container in [h.id for h in hostile] + odd:
        key = f"/sm/app/{SERVICE}/containerhb/{container}/{int(lease):x}"
        dev.etcd.call("kv/put", {"key": base64.b64encode(key.encode()).decode(), "value": heartbeat, "lease": lease})
    dev.must("add-shards", {"service": SERVICE, "shards": [{"shardId": f"s{i}"} for i in range(100)]})
    for h in hostile:
        wait_until("it is asked", lambda h=h: h.requests > 1, 60)
    for h in hostile:  # asked less and less often, so there are moments without a request unless one never ends
        wait_until("its answers end", lambda h=h: h.open == 0, 60)
    honest = Container(SERVICE, dev.endpoint)
    dev.etcd.revoke(lease)
    wait_until("the honest one has all", lambda: len(honest.holds()) == 100, 60)
    honest.stop()
    for h in hostile:
        h.listener.close()
    assert any("FORGED" in line for line in dev.log)
    assert not [line for line in dev.log if "FORGED" in line and (line[0] != "\t" or "\x1b" in line)]
