# SPDX-License-Identifier: Apache-2.0
"""The command link: each operation with its good and its bad input, and deleting services."""

import json
import time

import pytest
from smd import wait_until
# The lower-case names are fixtures and helpers.
from sync_alone import (  # noqa: F401
    CONFIG, EEXIST, EINVAL, ENOENT, EUNAVAILABLE, EUNKNOWN, MANAGER, PREFIX, Container, Sync, assert_view_is, codes, etcd, scratch, server,
    shard, sync,
)


def test_specs(sync, etcd):
    sync.must("add-spec", service="s", maxShardCount=7, maxRecoveryTime=3)
    spec = json.loads(sync.service("s")["spec"])
    assert spec["maxShardCount"] == 7 and spec["maxRecoveryTime"] == 3 and abs(spec["createTime"] - time.time()) < 60
    sync.must("add-spec", service="s", maxShardCount=8)
    assert json.loads(sync.service("s")["spec"]) == spec
    sync.must("update-spec", service="s", maxRecoveryTime=4)
    assert json.loads(sync.service("s")["spec"]) == {**spec, "maxRecoveryTime": 4}
    revision = etcd.revision()
    sync.must("update-spec", service="s", maxRecoveryTime=4)
    assert etcd.revision() == revision
    assert sync.command("update-spec", service="t")["code"] == ENOENT
    for bad in ({"service": MANAGER}, {"service": ""}, {}, {"service": "a/b"}, {"service": "s", "maxShardCount": -1},
                {"service": "s", "maxShardCount": "7"}, {"service": "x" * 129}, {"service": 5}, {"service": ".."}):
        for op in ("add-spec", "update-spec"):
            answer = sync.command(op, **bad)
            assert answer["code"] == EINVAL and answer["error"], (op, bad, answer)
    assert sync.command("del-spec", service=MANAGER)["code"] == EINVAL
    assert sync.command("no-such")["code"] != 0


def test_shards(sync, etcd):
    assert sync.command("add-shards", service="s", shards=[shard("s1")])["code"] == ENOENT
    sync.must("add-spec", service="s")
    sync.must("add-shards", service="s", shards=[shard("s1", task="t", group="g", workerGroup="w", manualContainerId="[::1]:80"),
                                                 shard("s10")])
    got = sync.service("s")["shards"]
    assert (got["s1"]["task"], got["s1"]["group"], got["s1"]["workerGroup"], got["s1"]["pin"]) == ("t", "g", "w", "[::1]:80")
    answer = sync.must("add-shards", service="s", shards=[
        shard("s1"), shard("s2"), shard("s2"), shard("a/b"), shard("x" * 128), shard("s3", task="x" * 65536), shard("s4", task="x" * 65537),
        shard("s5", workerGroup="a b"), {"shardId": 5}, 7, shard("s6", manualContainerId="a/b")])
    assert [r["code"] for r in answer["results"]] == [EEXIST, 0, EEXIST, EINVAL, 0, 0, EINVAL, EINVAL, EINVAL, EINVAL, EINVAL]
    assert all(bool(r["error"]) == bool(r["code"]) for r in answer["results"])
    assert sorted(sync.service("s")["shards"]) == sorted(["s1", "s10", "s2", "s3", "x" * 128])
    before = sync.service("s")["shards"]["s1"]
    sync.must("update-shard", service="s", shardId="s1", task="new")
    after = sync.service("s")["shards"]["s1"]
    assert {**after, "mod": 0, "updateTime": 0} == {**before, "task": "new", "mod": 0, "updateTime": 0}
    sync.must("update-shard", service="s", shardId="s1", manualContainerId="")
    assert sync.service("s")["shards"]["s1"]["pin"] == ""
    assert sync.command("update-shard", service="s", shardId="s9", task="x")["code"] == ENOENT
    assert sync.command("update-shard", service="t", shardId="s1", task="x")["code"] == ENOENT
    assert sync.command("update-shard", service="s", shardId="s1", task="x" * 65537)["code"] == EINVAL
    answer = sync.must("del-shards", service="s", shards=["s1", "s1", "nope", "a/b"])
    assert [r["code"] for r in answer["results"]] == [0, 0, 0, EINVAL]
    assert "s10" in sync.service("s")["shards"] and "s1" not in sync.service("s")["shards"]
    assert codes(sync.must("del-shards", service="t", shards=["s1"])) == {"s1": 0}
    for bad in ([], "s1", None, [shard("x")] * 10001):
        assert sync.command("add-shards", service="s", shards=bad)["code"] == EINVAL
    assert_view_is(sync, etcd)


def test_unknown_fields_survive_an_update(sync, etcd):
    sync.must("add-spec", service="s")
    etcd.put(f"{CONFIG}/s/shard/s1", json.dumps({"id": "s1", "service": "s", "task": "t", "updateTime": 1, "lease": {"id": 7, "expire": 9},
                                                 "later": [1, 2]}))
    sync.must("update-shard", service="s", shardId="s1", group="g")
    value = json.loads(etcd.get(f"{CONFIG}/s/shard/s1"))
    assert value["later"] == [1, 2] and value["lease"] == {"id": 7, "expire": 9} and value["group"] == "g" and value["updateTime"] > 1


def test_workers(sync, etcd):
    assert sync.command("add-worker", service="s", workerGroup="g", worker="h:1")["code"] == ENOENT
    assert sync.command("del-worker", service="s", workerGroup="g", worker="h:1")["code"] == 0
    sync.must("add-spec", service="s")
    for worker in ("h:1", "h:10", "h:1", "[::1]:80"):
        sync.must("add-worker", service="s", workerGroup="g", worker=worker)
    sync.must("del-worker", service="s", workerGroup="g", worker="h:1")
    sync.must("del-worker", service="s", workerGroup="g", worker="h:1")
    assert sorted(sync.service("s")["workers"]) == [["g", "[::1]:80"], ["g", "h:10"]]
    for bad in ({"workerGroup": "a/b", "worker": "h:1"}, {"workerGroup": "g", "worker": ""}, {"worker": "h:1"}):
        assert sync.command("add-worker", service="s", **bad)["code"] == EINVAL


def test_ten_thousand_shards(sync, etcd):
    sync.must("add-spec", service="s")
    names = [f"s{n}" for n in range(10000)]
    start = etcd.revision()
    began = time.monotonic()
    answer = sync.must("add-shards", service="s", shards=[shard(n, task="x" * 300) for n in names])
    print(f"10,000 shards added in {time.monotonic() - began:.2f} s")
    assert set(codes(answer)) == set(names) and not any(codes(answer).values())
    assert etcd.revision() - start <= 80  # transactions of 127
    assert sync.service("s")["shardCount"] == 10000
    answer = sync.must("add-shards", service="s", shards=[shard("s5"), shard("new")])
    assert codes(answer) == {"s5": EEXIST, "new": 0}
    sync.restart()
    assert_view_is(sync, etcd)
    sync.must("del-shards", service="s", shards=names)
    assert sync.service("s")["shardCount"] == 1
    assert_view_is(sync, etcd)


def test_large_tasks_are_split_by_bytes(sync, etcd):
    sync.must("add-spec", service="s")
    answer = sync.must("add-shards", service="s", shards=[shard(f"s{n}", task="\u00e4" * 32768) for n in range(100)])
    assert not any(codes(answer).values())
    assert sync.service("s")["shardCount"] == 100


def test_many_commands_on_one_link(sync, etcd):
    sync.must("add-spec", service="s")
    with sync.link() as link:
        sent = {link.send("add-shards", service="s", shards=[shard(f"s{n}")]) for n in range(200)}
        assert {link.receive()["id"] for _ in range(200)} == sent
        link.send("add-shards", service="s", shards=[shard("left")])
    # Nobody waits for the last one; it happens all the same.
    wait_until("the change without an asker", lambda: "left" in sync.service("s")["shards"])


def test_broken_messages_close_the_link(sync, etcd):
    for junk in (b"\0\0\0\2{}", b"\xff\xff\xff\xff", b"\0\0\0\1x", b'\0\0\0\x1f{"id":1,"op":"add-spec","args":3}'):
        with sync.link() as link:
            link.sock.sendall(junk)
            link.sock.settimeout(10)
            assert link.sock.recv(1) == b""
    sync.must("add-spec", service="s")


def test_updates_conflict_and_both_happen(sync, etcd):
    sync.must("add-spec", service="s")
    sync.must("add-shards", service="s", shards=[shard("s1")])
    with sync.link() as link:
        for n in range(50):
            link.send("update-shard", service="s", shardId="s1", **({"task": f"t{n}"} if n % 2 else {"group": f"g{n}"}))
            link.send("update-spec", service="s", maxShardCount=n)
            link.send("add-shards", service="s", shards=[shard(f"n{n}")])
        assert all(link.receive()["code"] == 0 for _ in range(150))
    got = sync.service("s")
    assert got["shardCount"] == 51 and got["shards"]["s1"]["task"] and got["shards"]["s1"]["group"]
    assert_view_is(sync, etcd)


def test_del_spec_takes_only_its_own(sync, etcd):
    for service in ("foo", "foobar"):
        sync.must("add-spec", service=service)
        sync.must("add-shards", service=service, shards=[shard("s1"), shard("s10")])
        sync.must("add-worker", service=service, workerGroup="g", worker="h:1")
    etcd.put(f"{PREFIX}/app/foo/lease/guard", "{}")
    before = {k: v for k, v in etcd.list(PREFIX + "/").items() if "foo" not in k.replace("foobar", "").replace(MANAGER, "")}
    revision = etcd.revision()
    sync.must("del-spec", service="foo")
    assert etcd.revision() == revision + 1  # one transaction, sweep included
    assert etcd.list(PREFIX + "/") == before
    assert "foo" not in sync.view()["services"] or not sync.service("foo")["exists"]
    assert sync.service("foobar")["shardCount"] == 2
    revision = etcd.revision()
    sync.must("del-spec", service="foo")
    sync.must("del-spec", service="never-was")
    assert etcd.revision() == revision
    assert_view_is(sync, etcd)


@pytest.mark.parametrize("restart", [False, True])
def test_del_spec_with_claims_left(sync, etcd, restart):
    sync.must("add-spec", service="s")
    sync.must("add-shards", service="s", shards=[shard("s1"), shard("s2")])
    container = Container(etcd, "s", "h:1")
    container.claim("s1", "s2")
    sync.must("del-spec", service="s")
    keys = etcd.list(PREFIX + "/")
    assert container.claim_key("s1") in keys and container.key in keys and f"{CONFIG}/s/shard/s1" not in keys
    assert_view_is(sync, etcd)
    container.release("s1")
    if restart:
        sync.restart()
    container.release("s2")
    time.sleep(0.2)
    assert f"{PREFIX}/app/s/containerhb/" in etcd.list(PREFIX + "/")  # a session is left
    container.end()
    wait_until("swept", lambda: not etcd.list(f"{PREFIX}/app/s/"))
    assert not etcd.list(f"{PREFIX}/app/{MANAGER}/ctl/")


def test_sweep_missed_by_a_crash(sync, etcd):
    sync.must("add-spec", service="s")
    container = Container(etcd, "s", "h:1")
    sync.must("del-spec", service="s")
    sync.kill()
    container.end()
    sync.start()
    wait_until("swept", lambda: not etcd.list(f"{PREFIX}/app/s/"))


def test_added_again_meanwhile(sync, etcd):
    sync.must("add-spec", service="s")
    container = Container(etcd, "s", "h:1")
    container.claim("s1")
    sync.must("del-spec", service="s")
    sync.must("add-spec", service="s")
    assert sync.service("s")["shards"]["s1"]["claim"]["container"] == "h:1"
    container.release("s1")
    container.end()
    wait_until("gone", lambda: not sync.service("s")["containers"])
    time.sleep(0.3)
    assert f"{PREFIX}/app/s/containerhb/" in etcd.list(PREFIX + "/")
    assert_view_is(sync, etcd)


def test_other_managers_services_are_not_swept(sync, etcd):
    """Under one prefix there may be another manager: without a spec of ours nothing is touched, and never what manages."""
    stranger = Container(etcd, "theirs", "h:9")
    etcd.put(f"{PREFIX}/app/theirs/containerhb/", "")
    sync.must("del-spec", service="theirs")
    sync.must("add-spec", service="also-a-manager")
    etcd.put(f"{PREFIX}/app/also-a-manager/service/x/spec", "{}")
    sync.must("del-spec", service="also-a-manager")
    stranger.end()
    wait_until("gone", lambda: not (sync.service("theirs") or {"containers": {}})["containers"])
    time.sleep(0.3)
    keys = etcd.list(PREFIX + "/")
    assert f"{PREFIX}/app/theirs/containerhb/" in keys and f"{PREFIX}/app/also-a-manager/service/x/spec" in keys


def test_permanent_keys_are_put_where_they_lack(etcd):
    etcd.put(f"{CONFIG}/old/spec", '{"service":"old","createTime":1,"maxShardCount":0,"maxRecoveryTime":0}')
    with scratch() as directory, Sync(directory, etcd.endpoint) as sync:
        wait_until("created", lambda: "old" in (sync.service(MANAGER) or {"shards": {}})["shards"])
        assert f"{PREFIX}/app/old/containerhb/" in etcd.list(PREFIX + "/")


# ---- answers that are lost ----

CHANGES = [("add-shards", {"service": "s", "shards": [shard("new")]}), ("del-shards", {"service": "s", "shards": ["old"]}),
           ("update-shard", {"service": "s", "shardId": "old", "task": "new"}), ("update-spec", {"service": "s", "maxShardCount": 5}),
           ("add-spec", {"service": "t"}), ("del-spec", {"service": "u"}),
           ("add-worker", {"service": "s", "workerGroup": "g", "worker": "h:1"})]


def prepare(sync):
    for service in ("s", "u"):
        sync.must("add-spec", service=service)
    sync.must("add-shards", service="s", shards=[shard("old")])


def is_done(view):
    s, t, u = (view["services"].get(name, {"exists": False}) for name in "stu")
    return ("new" in s["shards"] and json.loads(s["spec"])["maxShardCount"] == 5 and t["exists"] and not u["exists"] and
            s["workers"] == [["g", "h:1"]])


def test_lost_answers_are_settled(sync, etcd):
    """etcd stops before the requests and goes on after they have timed out: what hung in it arrives, and is found."""
    prepare(sync)
    with sync.link() as link:
        etcd.freeze()
        try:
            for op, args in CHANGES:
                link.send(op, **args)
            time.sleep(6)
        finally:
            etcd.thaw()
        answers = [link.receive() for _ in CHANGES]
    assert [a["code"] for a in answers if a["id"] != 3] == [0] * (len(CHANGES) - 1), answers
    assert is_done(sync.view())
    assert_view_is(sync, etcd)


def test_a_lost_request_cannot_arrive_after_it_was_settled(sync, etcd):
    """The first try of an add hangs in etcd; when it is settled and the shard deleted again, the shard stays away."""
    prepare(sync)
    with sync.link() as link:
        etcd.freeze()
        try:
            link.send("add-shards", service="s", shards=[shard("ghost")])
            time.sleep(6)
        finally:
            etcd.thaw()
        assert link.receive()["results"][0]["code"] == 0
    sync.must("del-shards", service="s", shards=["ghost"])
    time.sleep(1)
    assert "ghost" not in sync.service("s")["shards"]
    assert_view_is(sync, etcd)


def test_unknown_after_the_whole_time(sync, etcd):
    prepare(sync)
    with sync.link() as link:
        etcd.freeze()
        try:
            link.send("add-shards", service="s", shards=[shard("new")])
            link.send("update-spec", service="s", maxShardCount=5)
            answers = [link.receive(60) for _ in range(2)]
        finally:
            etcd.thaw()
    by_id = {a["id"]: a for a in answers}
    assert by_id[1]["code"] == EUNKNOWN and "may" in by_id[1]["error"] and by_id[1]["results"][0]["code"] == EUNKNOWN
    assert by_id[2]["code"] == EUNAVAILABLE  # it was to read first
    wait_until("back", lambda: sync.command("add-worker", service="s", workerGroup="g", worker="h:1")["code"] == 0)
    assert_view_is(sync, etcd)
