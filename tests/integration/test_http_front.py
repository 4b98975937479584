# SPDX-License-Identifier: Apache-2.0
"""The front between a supervisor and a sync that the test plays: every row with good and bad input, what is sent to sync, caching, and what the
client is told when sync is slow, gone, or refuses."""

import json
import socket
import threading
import time

import pytest
from http_front import MANAGER, Front, wait_until

SM_EINVAL, SM_ENOENT, SM_EEXIST, SM_EREFUSED = -1, -4, -5, -9
S = "/sm/server/"


@pytest.fixture(scope="module")
def front():
    with Front() as f:
        v = f.view
        v("service", name="S", max=7)
        v("service", name="empty")
        for shard, extra in (("s2", {}), ("s1", {"task": 'a "task"\n', "group": "g", "workerGroup": "w1", "pin": "c:1", "lease": 5}),
                             ("s10", {}), ("s3", {})):
            v("shard", service="S", id=shard, **extra)
        v("container", service="S", id="c:2", incarnation=11)
        v("container", service="S", id="c:1", incarnation=12)
        v("claim", service="S", shard="s2", container="c:2", incarnation=11, ready=True)
        v("claim", service="S", shard="s1", container="c:2", incarnation=11, ready=False)
        v("claim", service="S", shard="s3", container="gone:9", incarnation=3, ready=True)
        v("worker", service="S", group="w2", container="c:1")
        v("worker", service="S", group="w1", container="c:2")
        v("worker", service="S", group="w1", container="c:1")
        v("synced")
        yield f


# ---- reads ----

SPEC = {"task": "", "updateTime": 1700000001, "manualContainerId": "", "group": "", "workerGroup": "", "lease": None, "service": "S"}
READS = [
    ("health", {"msg": "success"}),
    ("get-spec", {"services": ["S", "empty", MANAGER]}),
    ("get-shard?service=S", {"shards": ["s1", "s10", "s2", "s3"]}),
    ("get-shard?service=empty", {"shards": []}),
    (f"get-shard?service={MANAGER}", {"shards": []}),
    ("get-shard?unknown=1&service=%53&x", {"shards": ["s1", "s10", "s2", "s3"]}),
    ("get-worker?service=S", {"workers": {"w1": ["c:1", "c:2"], "w2": ["c:1"]}}),
    ("get-worker?service=empty", {"workers": {}}),
    ("detail?service=S", {
        "spec": {"service": "S", "createTime": 1700000000, "maxShardCount": 7, "maxRecoveryTime": 0},
        "shardSpec": {
            "s1": {**SPEC, "id": "s1", "task": 'a "task"\n', "group": "g", "workerGroup": "w1", "manualContainerId": "c:1",
                   "lease": {"id": 5, "expire": 1800000000}},
            "s10": {**SPEC, "id": "s10"}, "s2": {**SPEC, "id": "s2"}, "s3": {**SPEC, "id": "s3"}},
        "workerGroup": {"w1": ["c:1", "c:2"], "w2": ["c:1"]},
        "allocate": {"c:2": ["s1", "s2"], "gone:9": ["s3"]},
        "aliveContainers": ["c:1", "c:2"],
        "notAllocateShards": ["s10"],
        "notReadyShards": ["s1", "s3"]}),
]


@pytest.mark.parametrize("path,expected", READS, ids=[r[0] for r in READS])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_reads(front, method, path, expected):
    for _ in range(2):  # rendered, then from the cache
        status, headers, body = front.request(method, S + path)
        assert (status, json.loads(body)) == (200, expected)
        assert headers["Content-Type"] == "application/json"
        assert headers["Date"].endswith("GMT")


def test_status(front):
    status, answer = front.get(S + "status")
    assert status == 200 and answer["green"] is False and answer["ageMs"] < 60000
    assert answer["services"] == [
        {"service": "S", "green": False, "shards": 4, "serving": 1, "unassigned": 1, "claims": 3, "containers": 2},
        {"service": "empty", "green": True, "shards": 0, "serving": 0, "unassigned": 0, "claims": 0, "containers": 0}]
    assert front.get(S + "status?service=empty")[1]["green"] is True


BAD_READS = [
    ("get-shard", 400, 'no "service"'),
    ("get-shard?service=", 400, "unknown"),
    ("get-shard?service=nope", 400, "add-spec"),
    ("detail?service=nope", 400, "get-spec lists"),
    ("get-worker?service=nope", 400, "unknown"),
    ("status?service=nope", 400, "unknown"),
    ("get-shard?service=%zz", 400, "hex digits"),
    ("get-shard?service=a%00b", 400, "%00"),
    ("get-shard?service=S&service=S", 400, "more than once"),
    ("get-shard?service=" + "x" * 200, 400, "too long"),
    ("nothing", 404, "doc.json"),
    ("drain-container", 404, "doc.json"),
    ("plan?service=S", 404, "doc.json"),
    ("health/", 404, "nothing is served"),
    ("%zz", 400, "path"),
    ("%00", 400, "path"),
    ("x" * 5000, 404, "nothing is served"),
]


@pytest.mark.parametrize("path,status,part", BAD_READS, ids=[r[0][:30] for r in BAD_READS])
def test_bad_reads(front, path, status, part):
    got, answer = front.get(S + path)
    assert got == status and part in answer["error"], answer


def test_service_may_be_in_the_body_of_a_read(front):
    assert front.post(S + "get-shard", {"service": "S"}) == (200, {"shards": ["s1", "s10", "s2", "s3"]})
    assert front.post(S + "get-shard", b"{")[0] == 400


def test_encoded_path_and_absolute_form(front):
    assert front.get("/sm/server/%68ealth")[0] == 200
    assert b" 200 OK" in front.raw(b"GET http://x/sm/server/health HTTP/1.1\r\nHost: x\r\n\r\n")


def test_a_read_sees_every_change_at_once(front):
    for i in range(50):
        front.view("shard", service="empty", id=f"n{i}")
        assert f"n{i}" in front.get(S + "get-shard?service=empty")[1]["shards"]
    front.view("service", name="later")
    assert "later" in front.get(S + "get-spec")[1]["services"]
    front.view("unservice", name="later")
    assert "later" not in front.get(S + "get-spec")[1]["services"]
    assert front.get(S + "detail?service=later")[0] == 400
    for i in range(50):
        front.view("unshard", service="empty", id=f"n{i}")
        assert f"n{i}" not in front.get(S + "detail?service=empty")[1]["shardSpec"]


def test_a_new_segment_is_followed():
    with Front() as f:
        f.view("service", name="S")
        f.view("shards", service="S", count=20)
        assert len(f.get(S + "get-shard?service=S")[1]["shards"]) == 20
        f.view("shards", service="S", count=20000)  # grows into a larger segment
        assert len(f.get(S + "get-shard?service=S")[1]["shards"]) == 20000
        assert len(f.get(S + "detail?service=S")[1]["notAllocateShards"]) == 20000
        f.view("reset")
        assert f.get(S + "get-shard?service=S")[0] == 400


# ---- changes ----

SHARD = {"shardId": "s1", "task": "t", "manualContainerId": "h:1", "group": "g", "workerGroup": "w"}
EMPTY = {"shardId": "s1", "task": "", "manualContainerId": "", "group": "", "workerGroup": ""}
CHANGES = [  # path, body, what sync gets
    ("add-spec", {"service": "a", "maxShardCount": 3, "maxRecoveryTime": 5},
     ("add-spec", {"service": "a", "maxShardCount": 3, "maxRecoveryTime": 5})),
    ("add-spec", {"service": "a", "other": [1]}, ("add-spec", {"service": "a", "maxShardCount": 0, "maxRecoveryTime": 0})),
    ("update-spec", {"service": "a", "maxShardCount": 0}, ("update-spec", {"service": "a", "maxShardCount": 0})),
    ("del-spec?service=a", None, ("del-spec", {"service": "a"})),
    ("del-spec", {"service": "a"}, ("del-spec", {"service": "a"})),
    ("add-shard", {"service": "a", **SHARD}, ("add-shards", {"service": "a", "shards": [SHARD]})),
    ("add-shard", {"service": "a", "shardId": "s1", "group": None}, ("add-shards", {"service": "a", "shards": [EMPTY]})),
    ("del-shard", {"service": "a", "shardId": "s1"}, ("del-shards", {"service": "a", "shards": ["s1"]})),
    ("update-shard", {"service": "a", "shardId": "s1", "manualContainerId": ""},
     ("update-shard", {"service": "a", "shardId": "s1", "manualContainerId": ""})),
    ("add-worker", {"service": "a", "workerGroup": "w", "worker": "[::1]:80"},
     ("add-worker", {"service": "a", "workerGroup": "w", "worker": "[::1]:80"})),
    ("del-worker", {"service": "a", "workerGroup": "w", "worker": "h:80"},
     ("del-worker", {"service": "a", "workerGroup": "w", "worker": "h:80"})),
]


@pytest.mark.parametrize("path,body,expected", CHANGES, ids=[c[0] for c in CHANGES])
def test_changes(front, path, body, expected):
    front.sync.requests.clear()
    front.sync.answer = lambda op, args: {"code": 0, "error": "", "results": [{"id": "s1", "code": 0, "error": ""}]}
    assert front.post(S + path, body) == (200, {})
    assert front.sync.requests == [expected]


def test_many_shards_are_each_answered(front):
    front.sync.requests.clear()
    front.sync.answer = lambda op, args: {"code": 0, "error": "", "results": [
        {"id": "s1", "code": 0, "error": ""}, {"id": "s2", "code": SM_EEXIST, "error": 'shard "s2" exists'}]}
    assert front.post(S + "add-shards", {"service": "a", "shards": [SHARD, {"shardId": "s2"}]}) == (200, {"results": [
        {"shardId": "s1", "status": 200, "error": ""}, {"shardId": "s2", "status": 500, "error": 'shard "s2" exists'}]})
    assert front.post(S + "del-shards", {"service": "a", "shards": ["s1", "s2"]})[0] == 200
    assert front.sync.requests == [
        ("add-shards", {"service": "a", "shards": [SHARD, {**EMPTY, "shardId": "s2"}]}),
        ("del-shards", {"service": "a", "shards": ["s1", "s2"]})]


A = {"service": "a", "shardId": "s"}
BAD_CHANGES = [
    ("add-spec", None, "no body"),
    ("add-spec", b'{"service": "a",\n  oops}', "line 2, column"),
    ("add-spec", b'{"service": "a"} x', "line 1"),
    ("add-spec", b"\xff\xfe", "line 1"),
    ("add-spec", b"[" * 5000, "line 1"),
    ("add-spec", [], "an array"),
    ("add-spec", {}, "service is missing"),
    ("add-spec", {"service": ""}, "service is empty"),
    ("add-spec", {"service": 7}, "must be a string"),
    ("add-spec", {"service": "a/b"}, "/"),
    ("add-spec", {"service": ".."}, ".."),
    ("add-spec", {"service": "a b"}, "service"),
    ("add-spec", {"service": "\u00fc"}, "service"),
    ("add-spec", {"service": "x" * 129}, "128"),
    ("add-spec", {"service": "a", "maxShardCount": -1}, "from 0 to"),
    ("add-spec", {"service": "a", "maxShardCount": 2**31}, "from 0 to"),
    ("add-spec", {"service": "a", "maxShardCount": 2**64}, "column"),
    ("add-spec", {"service": "a", "maxRecoveryTime": "5"}, "maxRecoveryTime is a string"),
    ("add-spec", {"service": "a", "maxRecoveryTime": 0.5}, "fraction"),
    ("update-spec", {"service": "a"}, "nothing to change"),
    ("update-shard", A, "nothing to change"),
    ("update-shard", {"service": "a", "task": "t"}, "shardId is missing"),
    ("del-spec", None, 'no "service"'),
    ("del-spec?service=", None, "service"),
    ("del-spec?service=a/b", None, "service"),
    ("del-spec?service=a&service=b", None, "more than once"),
    ("add-shard", {"shardId": "s"}, "service is missing"),
    ("add-shard", {"service": "a"}, "shardId is missing"),
    ("add-shard", {"service": "a", "shardId": "a/b"}, "shardId"),
    ("add-shard", {**A, "task": "x" * 65537}, "65537"),
    ("add-shard", {**A, "task": {"a": 1}}, "task is an object"),
    ("add-shard", {**A, "manualContainerId": "nowhere"}, "manualContainerId"),
    ("add-shard", {**A, "workerGroup": "a b"}, "workerGroup"),
    ("add-shard", {**A, "group": "x" * 129}, "group"),
    ("del-shard", {"service": "a"}, "shardId is missing"),
    ("add-worker", {"service": "a", "workerGroup": "w"}, "worker is missing"),
    ("add-worker", {"service": "a", "workerGroup": "w", "worker": "h"}, "worker"),
    ("add-worker", {"service": "a", "workerGroup": "w", "worker": "h:99999"}, "worker"),
    ("add-worker", {"service": "a", "worker": "h:1"}, "workerGroup is missing"),
    ("del-worker", {}, "service is missing"),
    ("add-shards", {"service": "a"}, "shards is missing"),
    ("add-shards", {"service": "a", "shards": "s1"}, "must be an array"),
    ("add-shards", {"service": "a", "shards": []}, "from 1 to 10000"),
    ("add-shards", {"service": "a", "shards": ["s1"]}, "shards[0] is a string"),
    ("add-shards", {"service": "a", "shards": [{"shardId": "x"}, {"shardId": "a b"}]}, "shards[1].shardId"),
    ("add-shards", {"service": "a", "shards": [{"shardId": "x"}, {"shardId": "x"}]}, "shards[1] and shards[0]"),
    ("add-shards", {"service": "a", "shards": [{"shardId": str(i)} for i in range(10001)]}, "10001 elements"),
    ("del-shards", {"service": "a", "shards": [{"shardId": "x"}]}, "shards[0] is an object"),
    ("del-shards", {"shards": ["x"]}, "service is missing"),
]


@pytest.mark.parametrize("path,body,part", BAD_CHANGES, ids=[f"{i}-{c[0]}" for i, c in enumerate(BAD_CHANGES)])
def test_bad_changes_reach_nobody(front, path, body, part):
    front.sync.requests.clear()
    status, answer = front.post(S + path, body)
    assert status == 400 and part in answer["error"], answer
    assert front.sync.requests == []


REFUSALS = [(SM_EINVAL, 400), (SM_ENOENT, 400), (SM_EEXIST, 500), (SM_EREFUSED, 500), (-7, 500), (-8, 500)]


@pytest.mark.parametrize("code,status", REFUSALS)
def test_what_sync_refuses(front, code, status):
    front.sync.answer = lambda op, args: {"code": code, "error": "because so"}
    got, answer = front.post(S + "add-spec", {"service": "a"})
    assert got == status and "because so" in answer["error"]
    front.sync.answer = lambda op, args: {"code": 0, "error": "", "results": [{"id": "s", "code": code, "error": "because so"}]}
    got, answer = front.post(S + "add-shard", A)
    assert got == status and "because so" in answer["error"]


def test_the_manager_as_a_container(front):
    assert front.post("/sm/admin/add-shard", {"id": "S", "spec": {"service": MANAGER}}) == (200, {})
    assert front.post("/sm/admin/add-shard", {"id": "nope"})[0] == 400
    assert front.post("/sm/admin/add-shard", {})[0] == 400
    assert front.post("/sm/admin/drop-shard", {"id": "nope"}) == (200, {})
    status, answer = front.post("/sm/admin/drop-shard", {"id": "S"})
    assert status == 500 and "another smd" in answer["error"]


# ---- methods ----

def test_changes_by_get_are_refused(front):
    front.sync.requests.clear()
    for path in ("add-spec", "del-spec?service=a", "add-shard", "del-shards", "add-worker"):
        for method in ("GET", "HEAD"):
            status, headers, _ = front.request(method, S + path)
            assert status == 405 and "POST" in headers["Allow"] and "GET" not in headers["Allow"]
    assert front.request("TRACE", S + "health")[0] == 405
    assert front.request("BREW", S + "health")[0] == 405
    assert front.sync.requests == []


def test_delete_deletes(front):
    front.sync.answer = lambda op, args: {"code": 0, "error": ""}
    assert front.request("DELETE", S + "del-spec?service=a")[0] == 200


def test_get_deletes_where_the_configuration_says_so():
    with Front(compat="{getDelSpec: true}") as f:
        assert f.get(S + "del-spec?service=a") == (200, {})
        assert f.sync.requests == [("del-spec", {"service": "a"})]
        assert f.request("GET", S + "add-spec")[0] == 405


def test_options_and_head(front):
    status, headers, body = front.request("OPTIONS", S + "health")
    assert status == 200 and "GET" in headers["Allow"] and body == b""
    whole = front.request("GET", S + "detail?service=S")
    status, headers, body = front.request("HEAD", S + "detail?service=S")
    assert status == 200 and body == b"" and headers["Content-Length"] == str(len(whole[2]))
    answer = front.raw(b"HEAD /sm/server/health HTTP/1.1\r\nHost: x\r\n\r\nGET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.count(b"HTTP/1.1 200 OK") == 2 and answer.endswith(b"\r\n\r\nok\n<open>")


def test_other_sites_pages_change_nothing(front):
    front.sync.requests.clear()
    own = {"Origin": f"http://127.0.0.1:{front.port}"}
    assert front.request("POST", S + "add-spec", {"service": "a"}, {"Origin": "http://evil.example"})[0] == 403
    assert front.request("POST", S + "add-spec", {"service": "a"}, {"Origin": "null"})[0] == 403
    assert front.sync.requests == []
    front.sync.answer = lambda op, args: {"code": 0, "error": ""}
    assert front.request("POST", S + "add-spec", {"service": "a"}, own)[0] == 200
    assert front.request("GET", S + "health", None, {"Origin": "http://evil.example"})[0] == 200


# ---- for whoever runs it ----

def test_probes_and_metrics(front):
    assert front.request("GET", "/livez")[2] == b"ok\n"
    front.view("synced")
    wait_until(lambda: front.request("GET", "/readyz")[0] == 200, "ready")
    status, headers, body = front.request("GET", "/metrics")
    lines = body.decode().splitlines()
    assert status == 200 and headers["Content-Type"].startswith("text/plain")
    for line in ('shardmgr_shards{service="S"} 4', 'shardmgr_shards_serving{service="S"} 1',
                 'shardmgr_shards_unassigned{service="S"} 1', 'shardmgr_claims{service="S"} 3',
                 'shardmgr_containers{service="S"} 2', "shardmgr_lock_delay_seconds 5.147"):
        assert line in lines, line
    names = {line.split("{")[0].split(" ")[0] for line in lines if not line.startswith("#")}
    assert {"shardmgr_build_info", "shardmgr_view_revision", "shardmgr_view_age_seconds", "shardmgr_http_requests_total",
            "shardmgr_http_connections", "shardmgr_view_garbage_bytes"} <= names
    assert any('route="/livez",status="200"' in line for line in lines)
    for name in names:
        assert sum(line.startswith(f"# TYPE {name} ") for line in lines) == 1


def test_every_route_is_documented(front):
    doc = front.get("/swagger/doc.json")[1]
    assert doc["swagger"] == "2.0"
    for path in ("health", "detail", "add-spec", "del-spec", "add-shard", "add-shards", "update-shard", "del-worker"):
        assert S + path in doc["paths"]
    assert set(doc["paths"][S + "del-spec"]) == {"post", "delete"}
    add = doc["paths"][S + "add-shards"]["post"]["parameters"][0]["schema"]["properties"]
    assert add["shards"]["items"]["required"] == ["shardId"]
    page = front.request("GET", "/swagger/index.html")
    assert page[0] == 200 and b"http" not in page[2] and front.request("GET", "/swagger/")[2] == page[2]


def test_without_a_view_and_without_sync():
    with Front(view=False, sync=False, requestTimeoutMs=500) as f:
        assert f.get(S + "health")[0] == 200
        assert f.request("GET", "/livez")[0] == 200
        status, answer = f.get(S + "get-spec")
        assert status == 500 and "no view" in answer["error"]
        assert f.get(S + "get-shard?service=S")[0] == 500
        status, _, body = f.request("GET", "/readyz")
        assert status == 503 and b"no view" in body
        assert f.request("GET", "/metrics")[0] == 200
        status, answer = f.post(S + "add-spec", {"service": "a"})
        assert status == 500 and "nothing was done" in answer["error"]


# ---- when sync is slow or gone ----

def in_background(call):
    result = []
    thread = threading.Thread(target=lambda: result.append(call()))
    thread.start()
    return thread, result


def test_an_unanswered_change_has_an_unknown_outcome():
    with Front(requestTimeoutMs=400) as f:
        f.sync.answer = lambda op, args: None
        start = time.monotonic()
        status, answer = f.post(S + "add-spec", {"service": "a"})
        assert status == 500 and "outcome is unknown" in answer["error"]
        assert 0.3 < time.monotonic() - start < 5
        f.sync.answer = lambda op, args: {"code": 0, "error": ""}
        assert f.post(S + "add-spec", {"service": "b"}) == (200, {})


def test_sync_dies_before_it_answers():
    with Front() as f:
        def die(op, args):
            raise EOFError
        f.sync.answer = die
        status, answer = f.post(S + "add-spec", {"service": "a"})
        assert status == 500 and "outcome is unknown" in answer["error"]
        f.sync.answer = lambda op, args: {"code": 0, "error": ""}
        assert f.post(S + "add-spec", {"service": "b"}) == (200, {})  # on a new link, and "a" was not sent again
        assert [args["service"] for _, args in f.sync.requests] == ["a", "b"]


def test_changes_wait_for_sync_to_come():
    with Front(sync=False) as f:
        thread, result = in_background(lambda: f.post(S + "add-spec", {"service": "a"}))
        time.sleep(0.2)
        assert not result
        from http_front import Sync
        f.sync = Sync(f.socket_path)
        thread.join()
        assert result == [(200, {})]


def test_a_client_that_leaves_before_the_answer_harms_nobody():
    with Front() as f:
        seen, go = threading.Event(), threading.Event()

        def slow(op, args):
            seen.set()
            go.wait(5)
            return {"code": 0, "error": ""}
        f.sync.answer = slow
        body = b'{"service":"a"}'
        with f.connect() as sock:
            sock.sendall(b"POST /sm/server/add-spec HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            assert seen.wait(5)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # reset, not just closed
        go.set()
        assert f.post(S + "add-spec", {"service": "b"}) == (200, {})
