# SPDX-License-Identifier: Apache-2.0
"""The sync process against a real etcd: the view equals it, whatever happens to either."""

import contextlib
import json
import os
import random
import select
import shutil
import threading
import time

import pytest
from smd import wait_until
# The lower-case names are fixtures and helpers.
from sync_alone import (  # noqa: F401
    BELIEF_MS, CONFIG, EUNAVAILABLE, MANAGER, PREFIX, Container, Server, Sync, assert_view_is, etcd, lock_delay_s,
    random_changes, scratch, server, shard, shown, sync,
)


def test_first_start(sync, etcd):
    sync.must("add-spec", service="s", maxShardCount=0, maxRecoveryTime=0)
    keys = etcd.list(PREFIX + "/")
    assert json.loads(keys[f"{PREFIX}/store"]) == {"incarnation": 1}
    assert keys[f"{PREFIX}/app/s/containerhb/"] == ""
    governed = json.loads(keys[f"{CONFIG}/{MANAGER}/shard/s"])
    assert governed["task"] == '{"governedService":"s"}' and governed["service"] == MANAGER and governed["updateTime"] > 0
    assert set(keys) == {f"{PREFIX}/store", f"{PREFIX}/app/s/containerhb/", f"{PREFIX}/app/{MANAGER}/containerhb/",
                         f"{CONFIG}/{MANAGER}/spec", f"{CONFIG}/{MANAGER}/shard/s", f"{CONFIG}/s/spec"}
    view = assert_view_is(sync, etcd)
    assert view["incarnation"] == 1 and view["services"][MANAGER]["exists"]


def test_nothing_is_written_when_nothing_changes(sync, etcd):
    sync.must("add-spec", service="s")
    Container(etcd, "s", "h:1").claim("s1")
    revision = etcd.revision()
    sync.restart()
    time.sleep(3)  # longer than a watch's question for a sign of life
    assert etcd.revision() == revision


def test_bells_ring_only_for_changes(sync, etcd):
    sync.must("add-spec", service="s")
    assert_view_is(sync, etcd)
    for bell in sync.bells:
        os.eventfd_read(bell)
    last = etcd.put(f"{PREFIX}/elsewhere", "not ours")
    sync.wait_revision(last)
    assert not select.select(sync.bells, [], [], 0)[0]
    etcd.put(f"{CONFIG}/s/workerpool/g/h:1", "")
    for bell in sync.bells:
        assert select.select([bell], [], [], 5)[0]


def test_view_equals_etcd_after_random_changes(sync, etcd):
    random_changes(etcd, random.Random(1), 40)
    assert_view_is(sync, etcd)
    sync.restart()
    random_changes(etcd, random.Random(2), 40)
    assert_view_is(sync, etcd)


def test_kill_at_random_moments(sync, etcd):
    """The view is resumed, not listed anew, unless it died inside a publish; either way it equals etcd."""
    rng = random.Random(3)
    sync.must("add-spec", service="s")
    stop = threading.Event()

    def change():
        for number in range(100000):
            if stop.is_set():
                return
            etcd.txn([(f"{CONFIG}/s/workerpool/g{rng.randint(1, 3)}/h:{rng.randint(1, 500)}", "") for _ in [0]],
                     [f"{CONFIG}/s/workerpool/g{rng.randint(1, 3)}/h:{500 + rng.randint(1, 500)}"])

    thread = threading.Thread(target=change)
    thread.start()
    try:
        for _ in range(12):
            time.sleep(rng.random() * 0.1)
            sync.restart()
    finally:
        stop.set()
        thread.join()
    assert_view_is(sync, etcd)
    assert len(sync.logged("resumed the view")) >= 6


def test_compacted_while_away(sync, etcd):
    sync.must("add-spec", service="s")
    number = assert_view_is(sync, etcd)["segment"]
    sync.kill()
    random_changes(etcd, random.Random(4), 30)
    etcd.compact()
    sync.start()
    view = assert_view_is(sync, etcd)
    assert view["segment"] > number
    etcd.put(f"{CONFIG}/s/workerpool/g/h:1", "")
    assert_view_is(sync, etcd)


def test_compacted_exactly_at_a_deletion(sync, etcd):
    """etcd 3.4 keeps no trace of a deletion at the revision of a compaction, and takes a watch from there all the same."""
    sync.must("add-spec", service="s")
    sync.must("add-shards", service="s", shards=[shard("s1")])
    assert_view_is(sync, etcd)
    sync.kill()
    etcd.delete(f"{CONFIG}/s/shard/s1")
    etcd.compact()
    sync.start()
    assert_view_is(sync, etcd)


def test_etcd_goes_and_comes(sync, etcd):
    sync.must("add-spec", service="s")
    before = assert_view_is(sync, etcd)
    etcd.kill()
    wait_until("notices", lambda: sync.logged("etcd is away"))
    assert sync.view()["services"] == before["services"]
    answer = sync.command("add-shards", service="s", shards=[shard("s1")])
    assert answer["code"] in (EUNAVAILABLE, -8), answer
    sync.kill()
    sync.start()  # ready without etcd: the view is there
    assert sync.view()["services"] == before["services"]
    etcd.start()
    wait_until("etcd is back", lambda: sync.logged("following from"), 20)
    sync.must("add-shards", service="s", shards=[shard("s2")])
    assert_view_is(sync, etcd)


def test_malformed_values_are_left_alone(sync, etcd):
    sync.must("add-spec", service="s")
    sync.must("add-shards", service="s", shards=[shard("good"), shard("bad")])
    bad = {f"{CONFIG}/s/shard/bad": "{", f"{CONFIG}/t/spec": "[]", f"{PREFIX}/app/s/shardhb/good": '{"container":"h:1"}',
           f"{PREFIX}/app/s/shardhb/other": '{"container":"h:1","incarnation":"7","beliefMs":1,"ready":true}',
           f"{PREFIX}/app/s/shardhb/liar": '{"container":"h:1","incarnation":99999999,"beliefMs":1,"ready":true}',
           f"{CONFIG}/s/shard/a b": "{}", f"{PREFIX}/app/s/nonsense": "x"}
    for key, value in bad.items():
        last = etcd.put(key, value)
    view = sync.wait_revision(last)
    assert list(view["services"]["s"]["shards"]) == ["good"] and view["services"]["s"]["shards"]["good"]["claim"] is None
    assert "t" not in view["services"] or not view["services"]["t"]["exists"]
    time.sleep(1)
    assert {k: v for k, v in etcd.list(PREFIX + "/").items() if k in bad} == bad
    for key in list(bad)[:5]:
        assert len(sync.logged(key + " is left alone")) == 1, sync.log
    sync.restart()
    assert list(sync.service("s")["shards"]) == ["good"]


VALUES = ["", "{", "[]", "null", "\x00", "5", '"x"', '{"id":5}', '{"task":"' + "x" * 70000 + '"}', '{"incarnation":"1"}', "{" * 3000,
          '{"container":"h:1","incarnation":2,"beliefMs":60000,"ready":true}', '{"container":"h:2","incarnation":2,"beliefMs":-1}',
          '{"service":"s","createTime":1,"maxShardCount":0,"maxRecoveryTime":99}', '{"shardmgr":{"protocol":1}}', '{"shardmgr":[]}',
          '{"id":"s1","service":"s","task":"t","updateTime":7,"manualContainerId":"","group":"","workerGroup":"","lease":null}']
KEYS = [f"{CONFIG}/s/spec", f"{CONFIG}/t/spec", f"{CONFIG}/s/shard/s1", f"{CONFIG}/s/shard/s2", f"{CONFIG}/s/workerpool/g/h:1",
        f"{PREFIX}/app/s/shardhb/s1", f"{PREFIX}/app/s/shardhb/s1/1", f"{PREFIX}/app/s/shardhb/s1/0", f"{PREFIX}/app/t/shardhb/s9",
        f"{PREFIX}/app/s/containerhb/h:1/1f", f"{PREFIX}/app/s/containerhb/h:1/2f", f"{PREFIX}/app/s/containerhb/h:2/01",
        f"{PREFIX}/app/s/containerhb/", f"{PREFIX}/app/s/s/h:1/s1", f"{PREFIX}/app/s/lease/guard", f"{PREFIX}/app//x", f"{PREFIX}//",
        f"{PREFIX}/app/{MANAGER}/ctl/deleted/t", f"{CONFIG}/{MANAGER}/shard/s", f"{CONFIG}/s/shard/\u00e4", f"{CONFIG}/s/shard/" + "x" * 200]


@pytest.mark.parametrize("seed", range(3))
def test_followed_equals_loaded(sync, etcd, seed):
    """Whatever values the keys held in between: the view depends on what etcd holds now."""
    rng = random.Random(seed)
    sync.must("add-spec", service="s")
    for _ in range(150):
        key = rng.choice(KEYS)
        last = etcd.delete(key) if rng.random() < 0.2 else etcd.put(key, rng.choice(VALUES))
    # What a fresh start would put there.
    governing = [(f"{CONFIG}/{MANAGER}/shard/{service}", VALUES[-1]) for service in "st"]
    last = etcd.txn(governing + [(f"{PREFIX}/app/{service}/containerhb/", "") for service in "st"])
    followed = shown(sync.wait_revision(last))
    sync.kill()
    etcd.put(f"{PREFIX}/end", "")
    etcd.put(f"{PREFIX}/end", "")
    etcd.compact()
    sync.start()
    wait_until("listed", lambda: len(sync.logged("listed everything")) == 2)
    with contextlib.suppress(AssertionError):
        wait_until("equal", lambda: shown(sync.view()) == followed, 10)
    assert shown(sync.view()) == followed


def test_compacted_all_the_time(sync, etcd):
    stop = threading.Event()

    def compact():
        while not stop.wait(0.05):
            with contextlib.suppress(AssertionError):  # nothing new to compact
                etcd.compact()

    thread = threading.Thread(target=compact)
    thread.start()
    try:
        for seed in range(4):
            random_changes(etcd, random.Random(seed), 30)
            sync.restart()
    finally:
        stop.set()
        thread.join()
    assert_view_is(sync, etcd)


def test_two_daemons_on_one_prefix(sync, etcd):
    """Both show the same, both may change it, and both try to free."""
    with scratch() as directory, Sync(directory, etcd.endpoint) as other:
        for number, each in enumerate([sync, other] * 5):
            each.must("add-spec", service="s")
            each.must("add-shards", service="s", shards=[shard(f"s{number}")])
        container = Container(etcd, "s", "h:1")
        container.claim(*[f"s{n}" for n in range(10)], belief_ms=BELIEF_MS)
        container.end()
        wait_until("freed", lambda: not etcd.list(f"{PREFIX}/app/s/shardhb/"))
        for each in (sync, other):
            assert assert_view_is(each, etcd)["services"]["s"]["shardCount"] == 10
            assert not each.logged("warning: freeing")


def test_two_sessions_of_one_container(sync, etcd):
    sync.must("add-spec", service="s")
    first = Container(etcd, "s", "h:1")
    second = Container(etcd, "s", "h:1")
    last = second.claim("s1")
    assert sync.wait_revision(last)["services"]["s"]["containers"]["h:1"]["incarnation"] == first.incarnation
    for restart in (False, True):
        if restart:
            sync.restart()
        assert_view_is(sync, etcd)
    first.end()
    wait_until("the younger key holds the id",
               lambda: sync.service("s")["containers"]["h:1"]["incarnation"] == second.incarnation)
    assert_view_is(sync, etcd)
    second.end()
    wait_until("gone", lambda: not sync.service("s")["containers"])


def test_identity_decides_what_is_resumed(etcd):
    with scratch() as directory:
        with Sync(directory, etcd.endpoint) as sync:
            sync.must("add-spec", service="s")
            segment = sync.view()["segment"]
        (directory / "run" / "command.sock").unlink()
        with Sync(directory, etcd.endpoint, manager="other") as sync:
            wait_until("listed", lambda: sync.logged("listed everything"))
            view = sync.view()
            assert view["segment"] > segment and not view["services"].get("s", {"exists": False})["exists"]
            assert not sync.logged("resumed")


def test_restored_from_a_backup(etcd):
    with scratch() as directory:
        server = Server(directory)
        with Sync(directory, server.endpoint) as sync:
            sync.must("add-spec", service="s")
            gone = Container(server, "s", "h:1", ttl=600)
            gone.claim("s1", belief_ms=BELIEF_MS)
            wait_until("seen", lambda: sync.service("s")["claimCount"] == 1)
            server.kill()
            shutil.copytree(directory / "data", directory / "backup")
            server.start()
            for n in range(20):
                last = server.put(f"{CONFIG}/s/workerpool/g/h:{n}", "")
            sync.wait_revision(last)
            server.kill()
            server.start("backup")
            wait_until("said loudly", lambda: sync.logged("error: etcd went back"))
            gone.end()
            time.sleep(lock_delay_s(BELIEF_MS) + 1)
            assert gone.claim_key("s1") in server.list(PREFIX + "/"), "freed in a store that went back"
            assert len(sync.service("s")["workers"]) == 20, "the view is kept"
            assert sync.command("add-shards", service="s", shards=[shard("x")])["code"] == EUNAVAILABLE
            sync.restart()
            wait_until("said again", lambda: len(sync.logged("error: etcd went back")) == 2)
            server.put(f"{PREFIX}/store", '{"incarnation":2}')
            raised = time.monotonic()
            wait_until("listed", lambda: sync.view()["incarnation"] == 2)
            assert_view_is(sync, server)
            wait_until("freed", lambda: gone.claim_key("s1") not in server.list(PREFIX + "/"))
            assert time.monotonic() - raised >= lock_delay_s(BELIEF_MS), "the sightings of before are void"
            sync.must("add-shards", service="s", shards=[shard("x")])
        server.kill()


def test_what_was_due_before_a_restore_waits_again_after_it():
    belief_ms = 5000
    with scratch() as directory:
        server = Server(directory)
        with Sync(directory, server.endpoint) as sync:
            sync.must("add-spec", service="s")
            gone = Container(server, "s", "h:1", ttl=600)
            gone.claim("s1", belief_ms=belief_ms)
            wait_until("seen", lambda: sync.service("s")["claimCount"] == 1)
            gone.end()
            wait_until("seen gone", lambda: not sync.service("s")["containers"])
            ended = time.monotonic()
            server.kill()
            shutil.copytree(directory / "data", directory / "backup")
            server.start()
            for n in range(20):
                last = server.put(f"{CONFIG}/s/workerpool/g/h:{n}", "")
            sync.wait_revision(last)
            server.kill()
            server.start("backup")
            wait_until("said loudly", lambda: sync.logged("error: etcd went back"))
            time.sleep(max(0, ended + lock_delay_s(belief_ms) + 0.5 - time.monotonic()))
            assert gone.claim_key("s1") in server.list(PREFIX + "/"), "freed in a store that went back"
            raised = time.monotonic()
            server.put(f"{PREFIX}/store", '{"incarnation":2}')
            wait_until("freed", lambda: gone.claim_key("s1") not in server.list(PREFIX + "/"))
            assert time.monotonic() - raised >= lock_delay_s(belief_ms), "the sightings of before are void"
        server.kill()


def tear(sync):
    """As a kill in the midst of a publish leaves the segment; sync does not run."""
    path, = sync.runtime.glob("view.[0-9]*")
    with open(path, "r+b") as segment:
        segment.seek(64)  # publishing: shm/view_layout.h
        assert segment.read(4) == bytes(4)
        segment.seek(64)
        segment.write(b"\1\0\0\0")


def test_restore_is_seen_from_a_torn_view():
    with scratch() as directory:
        server = Server(directory)
        with Sync(directory, server.endpoint) as sync:
            sync.must("add-spec", service="s")
            gone = Container(server, "s", "h:1", ttl=600)
            gone.claim("s1", belief_ms=BELIEF_MS)
            wait_until("seen", lambda: sync.service("s")["claimCount"] == 1)
            server.kill()
            shutil.copytree(directory / "data", directory / "backup")
            server.start()
            for n in range(20):
                last = server.put(f"{CONFIG}/s/workerpool/g/h:{n}", "")
            sync.wait_revision(last)
            sync.kill()
            tear(sync)
            server.kill()
            server.start("backup")
            sync.start(wait=False)
            wait_until("said loudly", lambda: sync.logged("error: etcd went back"))
            gone.end()
            time.sleep(lock_delay_s(BELIEF_MS) + 1)
            assert gone.claim_key("s1") in server.list(PREFIX + "/"), "freed in a store that went back"
            server.put(f"{PREFIX}/store", '{"incarnation":2}')
            wait_until("freed", lambda: gone.claim_key("s1") not in server.list(PREFIX + "/"))
            assert_view_is(sync, server)
        server.kill()


def test_store_deleted_is_put_again(sync, etcd):
    sync.must("add-spec", service="s")
    etcd.put(f"{PREFIX}/store", '{"incarnation":7}')
    wait_until("raised", lambda: sync.view()["incarnation"] == 7)
    etcd.delete(f"{PREFIX}/store")
    wait_until("put again", lambda: etcd.get(f"{PREFIX}/store") == '{"incarnation":7}')
    etcd.put(f"{PREFIX}/store", "nonsense")
    wait_until("reported", lambda: sync.logged("must hold"))
    sync.must("add-shards", service="s", shards=[shard("x")])
    etcd.put(f"{PREFIX}/store", '{"incarnation":7}')
    sync.must("add-shards", service="s", shards=[shard("y")])
    assert sync.view()["incarnation"] == 7


def test_terminates_cleanly(sync, etcd):
    sync.must("add-spec", service="s")
    with sync.link() as link:
        for n in range(20):
            link.send("add-shards", service="s", shards=[shard(f"s{n}-{m}") for m in range(100)])
        wait_until("begun", lambda: sync.service("s")["shardCount"] > 0)
        assert sync.terminate() == 0
    sync.start()
    assert_view_is(sync, etcd)
    assert len(sync.logged("listed everything")) == 1


def test_ends_with_its_supervisor(sync, etcd):
    sync.parent.close()
    assert sync.process.wait(5) != 0
