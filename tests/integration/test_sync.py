# SPDX-License-Identifier: Apache-2.0
"""The sync process against a real etcd: loading, following, commands, freeing."""

import json
import os
import random
import select
import threading
import time

import pytest
from smd import wait_until
from sync_alone import (EEXIST, EINVAL, ENOENT, EUNAVAILABLE, MANAGER, PREFIX, Container, Server, Sync, assert_view_is, lock_delay_s,
                        scratch)

CONFIG = f"{PREFIX}/app/{MANAGER}/service"


@pytest.fixture(scope="module")
def server():
    with scratch() as directory:
        server = Server(directory)
        yield server
        server.process.kill()
        server.process.wait()


@pytest.fixture
def etcd(server):
    server.delete_prefix(PREFIX + "/")
    yield server


@pytest.fixture
def sync(etcd):
    with scratch() as directory, Sync(directory, etcd.endpoint) as sync:
        yield sync


def shard(ident, **more):
    return {"shardId": ident, **more}


def codes(answer):
    return {r["id"]: r["code"] for r in answer["results"]}


def view_is(sync, etcd):
    return assert_view_is(sync, etcd)


# ---- loading and following ----

def test_first_start(sync, etcd):
    sync.must("add-spec", service="s", maxShardCount=0, maxRecoveryTime=0)
    keys = etcd.list(PREFIX + "/")
    assert json.loads(keys[f"{PREFIX}/store"]) == {"incarnation": 1}
    assert keys[f"{PREFIX}/app/s/containerhb/"] == ""
    governed = json.loads(keys[f"{CONFIG}/{MANAGER}/shard/s"])
    assert governed["task"] == '{"governedService":"s"}' and governed["service"] == MANAGER and governed["updateTime"] > 0
    assert set(keys) == {f"{PREFIX}/store", f"{PREFIX}/app/s/containerhb/", f"{PREFIX}/app/{MANAGER}/containerhb/",
                         f"{CONFIG}/{MANAGER}/spec", f"{CONFIG}/{MANAGER}/shard/s", f"{CONFIG}/s/spec"}
    view = view_is(sync, etcd)
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
    view_is(sync, etcd)
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
    view_is(sync, etcd)
    sync.restart()
    random_changes(etcd, random.Random(2), 40)
    view_is(sync, etcd)


def random_changes(etcd, rng, count):
    """Transactions of puts and deletes over a small key space, so that the same keys come and go."""
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
    # A belief of a minute: nothing of this is freed while the test looks.
    return containers
