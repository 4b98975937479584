# SPDX-License-Identifier: Apache-2.0
"""What the front does with clients that are slow, many, large, broken or malicious, and how it stops."""

import contextlib
import json
import os
import random
import select
import signal
import socket
import threading
import time

import pytest
from http_front import BUILD, Front, wait_until

S = "/sm/server/"
HEALTH = b"GET /sm/server/health HTTP/1.1\r\nHost: x\r\n\r\n"
UNDER_SANITIZER = b"__asan_init" in (BUILD / "tests/integration/http_front").read_bytes()


def read_response(sock, timeout=10):
    """One whole response with Content-Length."""
    sock.settimeout(timeout)
    data = b""
    while b"\r\n\r\n" not in data:
        part = sock.recv(65536)
        assert part, data
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    length = int([line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")][0].split(b":")[1])
    while len(body) < length:
        part = sock.recv(65536)
        assert part, (head, len(body))
        body += part
    return head, body


def read_to_end(sock, timeout=10):
    sock.settimeout(timeout)
    data = b""
    with contextlib.suppress(ConnectionResetError):
        while True:
            part = sock.recv(65536)
            if not part:
                break
            data += part
    return data


# ---- number of connections ----

def test_connections_beyond_the_cap_get_503_and_the_others_go_on():
    with Front(maxConnections=5) as f:
        held = [f.connect() for _ in range(5)]
        for sock in held:
            sock.sendall(HEALTH)
            assert b"200 OK" in read_response(sock)[0]
        for _ in range(50):
            answer = f.raw(HEALTH)
            assert answer.startswith(b"HTTP/1.1 503") and b"maxConnections" in answer, answer
        for sock in held:
            sock.sendall(HEALTH)
            assert b"200 OK" in read_response(sock)[0]
        held.pop().close()
        wait_until(lambda: f.raw(HEALTH).startswith(b"HTTP/1.1 200"), "a place is free again")
        for sock in held:
            sock.close()
        wait_until(lambda: b"shardmgr_http_connections 1\n" in f.request("GET", "/metrics")[2], "all others are gone")


def test_a_flood_of_connections_leaks_nothing():
    with Front(maxConnections=20) as f:
        for _ in range(20):
            for sock in [f.connect() for _ in range(40)]:
                sock.close()
        wait_until(lambda: f.request("GET", S + "health")[0] == 200, "served again")
        wait_until(lambda: b"shardmgr_http_connections 1\n" in f.request("GET", "/metrics")[2], "all gone")
        assert len(os.listdir(f"/proc/{f.pid}/fd")) < 40


# ---- time ----

def test_slow_loris_is_cut_off_whatever_it_dribbles():
    with Front(requestTimeoutMs=600) as f:
        with f.connect() as header, f.connect() as body, f.connect() as silent:
            start = time.monotonic()
            header.sendall(b"GET / HTTP/1.1\r\n")
            body.sendall(b"POST /sm/server/add-spec HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n")
            ended = {}
            while len(ended) < 3 and time.monotonic() - start < 10:
                for name, sock, drop in (("header", header, b"X: y\r\n"), ("body", body, b"x"), ("silent", silent, b"")):
                    if name in ended:
                        continue
                    with contextlib.suppress(OSError):
                        sock.sendall(drop)
                    if select.select([sock], [], [], 0.02)[0]:
                        ended[name] = (time.monotonic() - start, read_to_end(sock))
        assert set(ended) == {"header", "body", "silent"}
        for name in ("header", "body"):
            assert 0.5 < ended[name][0] < 3
            assert ended[name][1].startswith(b"HTTP/1.1 408") and b"requestTimeoutMs" in ended[name][1], ended
        assert ended["silent"][1] == b""
        assert f.get(S + "health")[0] == 200


def test_one_who_does_not_read_his_answer_is_cut_off():
    with Front(requestTimeoutMs=500) as f:
        f.view("service", name="S")
        f.view("shards", service="S", count=60000)
        with f.connect() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.sendall(b"GET /sm/server/detail?service=S HTTP/1.1\r\nHost: x\r\n\r\n" * 3)
            wait_until(lambda: b"shardmgr_http_connections 1\n" in f.request("GET", "/metrics")[2], "cut off")


def test_an_idle_connection_is_no_slow_request():
    with Front(requestTimeoutMs=300) as f:
        with f.connect() as sock:
            for _ in range(3):
                sock.sendall(HEALTH)
                assert b"200 OK" in read_response(sock)[0]
                time.sleep(0.5)


def test_time_counts_anew_for_each_pipelined_request():
    with Front(requestTimeoutMs=600) as f:
        f.sync.answer = lambda op, args: (time.sleep(0.4), {"code": 0, "error": ""})[1]
        body = b'{"service":"a"}'
        change = b"POST /sm/server/add-spec HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        with f.connect() as sock:
            sock.sendall(change * 3)
            got = b""
            sock.settimeout(5)
            while got.count(b"{}") < 3:
                part = sock.recv(65536)
                assert part, got
                got += part
            assert got.count(b"200 OK") == 3


# ---- size ----

def test_sizes_are_limited():
    with Front(maxHeaderBytes=2000, maxBodyBytes=5000) as f:
        assert f.raw(b"GET /livez HTTP/1.1\r\nX: " + b"a" * 1500 + b"\r\n\r\n").startswith(b"HTTP/1.1 200")
        assert f.raw(b"GET /livez HTTP/1.1\r\nX: " + b"a" * 3000 + b"\r\n\r\n").startswith(b"HTTP/1.1 4")
        assert f.raw(b"GET /" + b"a" * 3000 + b" HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 4")
        assert f.raw(b"GET /livez HTTP/1.1\r\n" + b"A: b\r\n" * 1000 + b"\r\n").startswith(b"HTTP/1.1 4")
        for framing in (b"Content-Length: 9000\r\n\r\n" + b"a" * 9000,
                        b"Transfer-Encoding: chunked\r\n\r\n" + b"1000\r\n" + b"a" * 4096 + b"\r\n1000\r\n" + b"a" * 4096 + b"\r\n0\r\n\r\n",
                        b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffff\r\nabc",
                        b"Content-Length: -1\r\n\r\n"):
            assert f.raw(b"POST /sm/server/add-spec HTTP/1.1\r\nHost: x\r\n" + framing).startswith(b"HTTP/1.1 4"), framing
        assert f.get(S + "health")[0] == 200
        assert f.post(S + "add-spec", {"service": "a"}) == (200, {})


def test_a_body_without_end_is_neither_kept_nor_waited_for():
    with Front(maxBodyBytes=5000, requestTimeoutMs=1500) as f:
        with f.connect() as sock:
            sock.sendall(b"POST /sm/server/add-spec HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n")
            start, before, sent = time.monotonic(), f.rss_kb(), 0
            sock.settimeout(5)
            with contextlib.suppress(OSError):
                while time.monotonic() - start < 5:
                    sent += sock.send(b"x" * 65536)
            assert time.monotonic() - start < 4 and sent > 5000
            assert UNDER_SANITIZER or f.rss_kb() - before < 4000
        assert f.get(S + "health")[0] == 200


# ---- protocol ----

def test_pipelining_keep_alive_and_chunks(pipelined=200):
    with Front() as f:
        answer = f.raw(HEALTH * pipelined)
        assert answer.count(b"HTTP/1.1 200 OK") == answer.count(b'{"msg":"success"}') == pipelined
        body = b'{"service":"a"}'
        chunks = b"".join(b"%x\r\n%c\r\n" % (1, c) for c in body) + b"0\r\n\r\n"
        change = b"POST /sm/server/add-spec HTTP/1.1\r\nHost: x\r\n"
        assert b"200 OK" in f.raw(change + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)
        answer = f.raw(change + b"Expect: 100-continue\r\nContent-Length: 15\r\n\r\n", body, pause=0.1)
        assert answer.startswith(b"HTTP/1.1 100 Continue") and b"200 OK" in answer
        assert f.raw(b"GET /livez HTTP/1.0\r\n\r\n").endswith(b"ok\n")
        assert b"<open>" not in f.raw(b"GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n")
        assert f.sync.requests == [("add-spec", {"service": "a", "maxShardCount": 0, "maxRecoveryTime": 0})] * 2


ABSURD = [
    b"garbage\r\n\r\n", b"\r\n" * 1000, b"\0" * 1000, b"GET\r\n\r\n", b"GET  HTTP/1.1\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
    b"GET ://[ HTTP/1.1\r\n\r\n", b"GET /a\0b HTTP/1.1\r\n\r\n", b"GET /%00 HTTP/1.1\r\n\r\n", b"GET /% HTTP/1.1\r\n\r\n",
    b"GET ?service=S HTTP/1.1\r\n\r\n", b"GET /../../etc/passwd HTTP/1.1\r\n\r\n", b"GET //sm//server HTTP/1.1\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\n\r\n", b"CONNECT a:80 HTTP/1.1\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET /livez HTTP/1.1\r\n: no name\r\n\r\n", b"GET /livez HTTP/1.1\r\n folded\r\n\r\n",
    b"POST /sm/server/add-spec HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}...",
    b"POST /sm/server/add-spec HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /sm/server/add-spec HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"POST /sm/server/add-spec HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nabc",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)),
    b"GET /sm/server/get-shard?service=\xff\xfe HTTP/1.1\r\n\r\n",
    b"GET /sm/server/get-shard?" + b"&" * 3000 + b" HTTP/1.1\r\n\r\n",
]


@pytest.fixture(scope="module")
def front():
    with Front(requestTimeoutMs=2000) as f:
        f.view("service", name="S")
        f.view("shards", service="S", count=3)
        yield f


@pytest.mark.parametrize("bytes_", ABSURD, ids=range(len(ABSURD)))
def test_absurd_requests(front, bytes_):
    answer = front.raw(bytes_, shut=True)
    assert answer in (b"", b"<open>") or answer.startswith(b"HTTP/1."), answer
    assert b" 500 " not in answer
    assert front.get(S + "health")[0] == 200


def mutate(rng, request):
    data = bytearray(request)
    for _ in range(rng.randint(1, 8)):
        kind, at = rng.randrange(5), rng.randrange(len(data) + 1)
        if kind == 0:
            data[at:at] = bytes([rng.randrange(256)])
        elif kind == 1:
            del data[at:at + rng.randint(1, 20)]
        elif kind == 2 and at < len(data):
            data[at] = rng.randrange(256)
        elif kind == 3:
            data[at:at] = rng.choice([b"\r\n", b"\0", b"%", b"%00", b"&service=S", b"Content-Length: 3\r\n", b"\xff", b"{", b'"', b"[" * 50])
        else:
            data[at:at] = data[:at]
    return bytes(data[:100000])


@pytest.mark.parametrize("seed", range(4))
def test_mutated_requests(front, seed):
    """Random damage to good requests: no crash, nothing hangs, and the next good request is served."""
    rng = random.Random(seed)
    good = [HEALTH, b"GET /sm/server/detail?service=S HTTP/1.1\r\nHost: x\r\n\r\n",
            b'POST /sm/server/add-shard HTTP/1.1\r\nHost: x\r\nContent-Length: 31\r\n\r\n{"service":"S","shardId":"abc"}',
            b'POST /sm/server/add-shards HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n'
            b'18\r\n{"service":"S","shards":\r\n14\r\n[{"shardId":"abcd"}]\r\n1\r\n}\r\n0\r\n\r\n',
            b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", b"DELETE /sm/server/del-spec?service=x HTTP/1.1\r\nHost: x\r\n\r\n"]
    for _ in range(300):
        with front.connect() as sock, contextlib.suppress(OSError):
            sock.sendall(mutate(rng, rng.choice(good) * rng.randint(1, 3)))
            if rng.random() < 0.5:
                sock.shutdown(socket.SHUT_WR)
                read_to_end(sock, timeout=0.05)
    assert front.get(S + "health")[0] == 200
    wait_until(lambda: b"shardmgr_http_connections 1\n" in front.request("GET", "/metrics")[2], "all are gone")


@pytest.mark.skipif(UNDER_SANITIZER, reason="a sanitizer's allocator keeps what is freed")
def test_memory_does_not_grow():
    with Front() as f:
        f.view("service", name="S")
        f.view("shards", service="S", count=200)

        def work(rounds):
            for i in range(rounds):
                f.get(S + "detail?service=S")
                f.get(S + f"get-shard?service=no{i}")
                f.post(S + "add-spec", {"service": "a"})
                f.post(S + "add-spec", b"{")
                f.raw_quick = f.connect()
                f.raw_quick.sendall(b"POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\nhalf")
                f.raw_quick.close()
        work(100)
        before = f.rss_kb()
        work(1000)
        assert f.rss_kb() - before < 1500


# ---- many at once ----

def test_parallel_reads_and_changes_agree():
    with Front() as f:
        f.view("service", name="S")
        lock, errors = threading.Lock(), []

        def answer(op, args):
            with lock:
                for shard in args["shards"]:
                    f.view("shard", service="S", id=shard["shardId"])
            return {"code": 0, "error": "", "results": [{"id": s["shardId"], "code": 0, "error": ""} for s in args["shards"]]}
        f.sync.answer = answer

        def client(number):
            try:
                for i in range(30):
                    shard = f"s{number}-{i}"
                    assert f.post(S + "add-shard", {"service": "S", "shardId": shard}) == (200, {})
                    assert shard in f.get(S + "get-shard?service=S")[1]["shards"]
            except BaseException as error:  # noqa: B902 (an assertion of a thread is told below)
                errors.append(error)
        threads = [threading.Thread(target=client, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not errors
        assert len(f.get(S + "get-shard?service=S")[1]["shards"]) == 240


# ---- stopping ----

def test_a_stop_answers_what_is_under_way_and_keeps_the_socket():
    with Front() as f:
        go = threading.Event()
        f.sync.answer = lambda op, args: (go.wait(5), {"code": 0, "error": ""})[1]
        body = b'{"service":"a"}'
        with f.connect() as busy, f.connect() as idle:
            idle.sendall(HEALTH)
            read_response(idle)
            busy.sendall(b"POST /sm/server/add-spec HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            wait_until(lambda: f.sync.requests, "sync has it")
            os.kill(f.pid, signal.SIGTERM)
            time.sleep(0.3)
            late = f.connect()  # nobody accepts, nobody refuses: the socket is the supervisor's
            late.sendall(HEALTH)
            go.set()
            head, answer = read_response(busy)
            assert b"200 OK" in head and b"Connection: close" in head and json.loads(answer) == {}
        assert os.waitstatus_to_exitcode(os.waitpid(f.pid, 0)[1]) == 0
        f.parent.close()
        f.start()
        with late:
            assert b"200 OK" in read_response(late)[0]


def test_a_stop_does_not_wait_for_a_sync_that_never_answers():
    with Front() as f:
        f.sync.answer = lambda op, args: None
        body = b'{"service":"a"}'
        with f.connect() as busy:
            busy.sendall(b"POST /sm/server/add-spec HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            wait_until(lambda: f.sync.requests, "sync has it")
            start = time.monotonic()
            assert f.stop() == 0
            assert 3 < time.monotonic() - start < 5
            head, answer = read_response(busy)
            assert b" 500 " in head and b"outcome is unknown" in answer
        f.start()


def test_an_idle_front_stops_at_once():
    with Front() as f:
        start = time.monotonic()
        assert f.stop() == 0
        assert time.monotonic() - start < 2
        f.start()


def test_kill_9_loses_no_later_request():
    with Front() as f:
        assert f.get(S + "health")[0] == 200
        assert f.stop(signal.SIGKILL) == -9
        with f.connect() as sock:
            sock.sendall(HEALTH)
            f.start()
            assert b"200 OK" in read_response(sock)[0]


def test_the_supervisor_gone_means_the_end():
    with Front() as f:
        f.parent.close()
        wait_until(lambda: os.waitpid(f.pid, os.WNOHANG)[0] == f.pid, "ended")
        f.start()
