# SPDX-License-Identifier: Apache-2.0
"""Every row of the manager's endpoints against a whole smd and a real etcd: what is answered, what etcd then holds, what survives kill -9."""

import json
import os
import signal
import subprocess
import threading
import time

import pytest
from smd import BUILD, Dev, wait_until

P = "/sm/app"


@pytest.fixture(scope="module")
def dev():
    daemon = Dev()
    daemon.manager = [s for s in daemon.must("get-spec", method="GET")["services"]][-1]
    yield daemon
    assert daemon.stop() == 0, "".join(daemon.log[-30:])
    assert not [line for line in daemon.log if "Sanitizer" in line or "runtime error" in line], "".join(daemon.log)


@pytest.fixture()
def service(dev, request):
    """A service of its own for each test; gone afterwards."""
    name = "t." + request.node.name.split("[")[0][-60:]
    dev.must("add-spec", {"service": name})
    yield name
    dev.must("del-spec", {"service": name})


def read(dev, call):
    return dev.must(call, method="GET")


def config(dev, service):
    """{key below the service's configuration: value}"""
    prefix = f"{P}/{dev.manager}/service/{service}/"
    return {key[len(prefix):]: value for key, value in dev.etcd.list(prefix).items()}


# ---- services ----

def test_a_service_is_added_changed_and_removed(dev):
    assert dev.ask("add-spec", {"service": "a.b", "maxShardCount": 3, "maxRecoveryTime": 4}) == (200, {})
    spec = json.loads(config(dev, "a.b")["spec"])
    assert (spec["service"], spec["maxShardCount"], spec["maxRecoveryTime"]) == ("a.b", 3, 4)
    assert abs(spec["createTime"] - time.time()) < 60
    governed = json.loads(dev.etcd.get(f"{P}/{dev.manager}/service/{dev.manager}/shard/a.b"))
    assert json.loads(governed["task"]) == {"governedService": "a.b"}
    assert dev.ask("add-spec", {"service": "a.b", "maxShardCount": 9}) == (200, {})  # exists: changes nothing
    assert read(dev, "detail?service=a.b")["spec"] == spec
    assert dev.ask("update-spec", {"service": "a.b", "maxShardCount": 9}) == (200, {})
    assert read(dev, "detail?service=a.b")["spec"] == {**spec, "maxShardCount": 9}
    assert "a.b" in read(dev, f"get-shard?service={dev.manager}")["shards"]
    assert dev.ask("del-spec?service=a.b", method="GET")[0] == 405
    assert dev.ask("del-spec?service=a.b", method="DELETE") == (200, {})
    assert dev.ask("del-spec?service=a.b", method="POST") == (200, {})  # also when absent
    assert config(dev, "a.b") == {}
    assert "a.b" not in read(dev, "get-spec")["services"]
    assert dev.ask("detail?service=a.b", method="GET")[0] == 400


def test_services_are_listed_with_the_manager_last(dev, service):
    services = read(dev, "get-spec")["services"]
    assert services[-1] == dev.manager and service in services


def test_deleting_a_service_leaves_the_one_that_begins_like_it(dev):
    for name in ("foo", "foobar"):
        dev.must("add-spec", {"service": name})
        dev.must("add-shard", {"service": name, "shardId": "s1"})
    dev.must("del-spec", {"service": "foo"})
    assert set(config(dev, "foobar")) == {"spec", "shard/s1"} and config(dev, "foo") == {}
    dev.must("del-spec", {"service": "foobar"})


# ---- shards ----

def test_a_shard_is_added_changed_and_removed(dev, service):
    full = {"service": service, "shardId": "s1", "task": 'any "text"\n\u20ac', "manualContainerId": "h:1", "group": "g", "workerGroup": "w"}
    assert dev.ask("add-shard", full) == (200, {})
    stored = json.loads(config(dev, service)["shard/s1"])
    shown = read(dev, f"detail?service={service}")["shardSpec"]["s1"]
    for spec in (stored, shown):
        assert spec["id"] == "s1" and spec["service"] == service and spec["updateTime"] > 1.6e9
        assert all(spec[key] == full[key] for key in ("task", "manualContainerId", "group", "workerGroup"))
    assert shown["lease"] is None
    status, answer = dev.ask("add-shard", full)
    assert status == 500 and "s1" in answer["error"]
    assert dev.ask("update-shard", {"service": service, "shardId": "s1", "manualContainerId": "", "task": "u"}) == (200, {})
    changed = read(dev, f"detail?service={service}")["shardSpec"]["s1"]
    assert (changed["task"], changed["manualContainerId"], changed["group"]) == ("u", "", "g")
    assert dev.ask("del-shard", {"service": service, "shardId": "s1"}) == (200, {})
    assert dev.ask("del-shard", {"service": service, "shardId": "s1"}) == (200, {})
    assert read(dev, f"get-shard?service={service}") == {"shards": []}
    status, answer = dev.ask("update-shard", {"service": service, "shardId": "s1", "task": "u"})
    assert status == 400 and "s1" in answer["error"]


def test_deleting_a_shard_leaves_the_one_that_begins_like_it(dev, service):
    for shard in ("s1", "s10", "s1.x"):
        dev.must("add-shard", {"service": service, "shardId": shard})
    dev.must("del-shard", {"service": service, "shardId": "s1"})
    assert read(dev, f"get-shard?service={service}") == {"shards": ["s1.x", "s10"]}


def test_many_shards(dev, service):
    shards = [{"shardId": f"s{i:05}"} for i in range(10000)]
    answer = dev.must("add-shards", {"service": service, "shards": shards})
    assert [r["status"] for r in answer["results"]] == [200] * 10000
    assert [r["shardId"] for r in answer["results"]] == [s["shardId"] for s in shards]
    assert read(dev, f"get-shard?service={service}")["shards"] == [s["shardId"] for s in shards]
    answer = dev.must("add-shards", {"service": service, "shards": [{"shardId": "new"}, {"shardId": "s00007"}]})
    assert [r["status"] for r in answer["results"]] == [200, 500] and answer["results"][1]["error"]
    answer = dev.must("del-shards", {"service": service, "shards": ["absent"] + [s["shardId"] for s in shards[:9999]]})
    assert {r["status"] for r in answer["results"]} == {200}
    assert read(dev, f"get-shard?service={service}")["shards"] == ["new", "s09999"]


# ---- workers ----

def test_workers(dev, service):
    for group, worker in (("w2", "h:1"), ("w1", "[::1]:80"), ("w1", "h:1"), ("w1", "h:1")):
        assert dev.ask("add-worker", {"service": service, "workerGroup": group, "worker": worker}) == (200, {})
    assert read(dev, f"get-worker?service={service}") == {"workers": {"w1": ["[::1]:80", "h:1"], "w2": ["h:1"]}}
    assert read(dev, f"detail?service={service}")["workerGroup"] == {"w1": ["[::1]:80", "h:1"], "w2": ["h:1"]}
    assert config(dev, service)["workerpool/w1/h:1"] == ""
    for _ in range(2):
        assert dev.ask("del-worker", {"service": service, "workerGroup": "w1", "worker": "h:1"}) == (200, {})
    assert read(dev, f"get-worker?service={service}") == {"workers": {"w1": ["[::1]:80"], "w2": ["h:1"]}}


# ---- what is refused by sync, not by the front ----

def test_unknown_services_and_the_managers_own(dev):
    shard = {"shardId": "s"}
    worker = {"workerGroup": "w", "worker": "h:1"}
    for name, unknown_delete in (("nope", 200), (dev.manager, 400)):
        for call, body, expected in (
                ("add-shard", shard, 400), ("add-shards", {"shards": [shard]}, 400), ("update-shard", {**shard, "task": "x"}, 400),
                ("update-spec", {"maxShardCount": 1}, 400), ("add-worker", worker, 400), ("del-shard", shard, unknown_delete),
                ("del-shards", {"shards": ["s"]}, unknown_delete), ("del-worker", worker, unknown_delete),
                ("del-spec", {}, unknown_delete)):
            status, answer = dev.ask(call, {"service": name, **body})
            assert status == expected, (name, call, status, answer)
            if expected == 400:
                assert name in answer["error"], (call, answer)
    assert dev.ask("add-spec", {"service": dev.manager})[0] == 400


# ---- reads and changes together ----

def test_a_read_sees_the_change_that_was_acknowledged(dev, service):
    errors = []

    def client(number):
        try:
            for i in range(15):
                shard = f"s{number}-{i}"
                dev.must("add-shard", {"service": service, "shardId": shard})
                assert shard in read(dev, f"get-shard?service={service}")["shards"]
                assert shard in read(dev, f"detail?service={service}")["notAllocateShards"]
                dev.must("del-shard", {"service": service, "shardId": shard})
                assert shard not in read(dev, f"get-shard?service={service}")["shards"]
        except BaseException as error:  # noqa: B902 (an assertion of a thread is told below)
            errors.append(error)
    threads = [threading.Thread(target=client, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors


def test_owners_are_shown(dev, service):
    dev.must("add-shards", {"service": service, "shards": [{"shardId": f"s{i}"} for i in range(10)]})
    containers = [subprocess.Popen([BUILD / "bindings/examples/counter", service, dev.endpoint], stdout=subprocess.PIPE, text=True)
                  for _ in range(2)]
    try:
        ids = sorted(c.stdout.readline().split()[1] for c in containers)
        wait_until("green", lambda: (s := read(dev, f"status?service={service}"))["green"] and s["services"][0]["containers"] == 2)
        detail = wait_until("balanced", lambda: (d := read(dev, f"detail?service={service}")) and
                            [len(s) for s in d["allocate"].values()] == [5, 5] and not d["notReadyShards"] and d)
        assert sorted(detail["allocate"]) == ids == detail["aliveContainers"]
        assert detail["notAllocateShards"] == []
    finally:
        for container in containers:
            container.terminate()
        for container in containers:
            container.communicate()
    detail = read(dev, f"detail?service={service}")
    assert detail["aliveContainers"] == [] and detail["allocate"] == {} and len(detail["notAllocateShards"]) == 10


# ---- kill -9 ----

@pytest.mark.parametrize("role", ["http", "sync", "balancer"])
def test_reads_go_on_while_a_process_is_killed(dev, service, role):
    """HTTP is back within a second on the same socket; a read of the view never fails while another process is killed."""
    dev.must("add-shard", {"service": service, "shardId": "s1"})
    failures, slowest, done = [], [0.0], threading.Event()

    def client():
        while not done.is_set():
            start = time.monotonic()
            try:
                if dev.ask(f"get-shard?service={service}", method="GET") != (200, {"shards": ["s1"]}):
                    failures.append("wrong answer")
            except Exception as error:  # noqa: B902 (whatever a client sees counts)
                failures.append(repr(error))
            slowest[0] = max(slowest[0], time.monotonic() - start)
    thread = threading.Thread(target=client)
    thread.start()
    before = dev.children()[role]
    time.sleep(0.2)
    os.kill(before, signal.SIGKILL)
    wait_until("started again", lambda: dev.children().get(role, before) != before)
    wait_until("changes are taken again", lambda: dev.ask("add-spec", {"service": service})[0] == 200)
    time.sleep(0.3)
    done.set()
    thread.join()
    assert slowest[0] < 2
    if role == "http":  # the one request that was under way is lost, its connection with it
        assert len(failures) <= 1, failures
    else:
        assert failures == []


def test_changes_while_sync_is_killed_are_acknowledged_or_of_unknown_outcome(dev, service):
    outcomes = {}

    def client(number):
        for i in range(20):
            shard = f"k{number}-{i}"
            outcomes[shard] = dev.ask("add-shard", {"service": service, "shardId": shard})
    threads = [threading.Thread(target=client, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(0.05)
    os.kill(dev.children()["sync"], signal.SIGKILL)
    for thread in threads:
        thread.join()
    there = set(read(dev, f"get-shard?service={service}")["shards"])
    for shard, (status, answer) in outcomes.items():
        if status == 200:
            assert shard in there
        else:
            assert status == 500 and "unknown" in answer["error"], (shard, answer)
    assert sum(status == 200 for status, _ in outcomes.values()) >= 70


def test_ready_and_metrics(dev):
    from smd import request
    wait_until("ready", lambda: request(dev.http, "GET", "/readyz")[0] == 200)
    assert "shardmgr_sync_link_up 1" in request(dev.http, "GET", "/metrics")[1].splitlines()
