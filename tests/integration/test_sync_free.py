# SPDX-License-Identifier: Apache-2.0
"""Claims of containers that are gone: freed after the lock delay, never before."""

import threading
import time

import pytest
from smd import wait_until
# The lower-case names are fixtures and helpers.
from sync_alone import (  # noqa: F401
    BELIEF_MS, PREFIX, Container, assert_view_is, etcd, lock_delay_s, server, shard, sync,
)


def watch_claims(etcd, container, *shards):
    """{shard: when it was seen freed}, filled by a thread until all are"""
    freed = {}

    def run():
        while len(freed) < len(shards):
            keys = etcd.list(f"{PREFIX}/app/{container.service}/shardhb/")
            for name in shards:
                if container.claim_key(name) not in keys:
                    freed.setdefault(name, time.monotonic())
            time.sleep(0.01)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return freed, thread


def freed_after(etcd, container, *shards):
    freed, thread = watch_claims(etcd, container, *shards)
    ended = time.monotonic()
    container.end()
    thread.join(30)
    assert set(freed) == set(shards), freed
    return [freed[name] - ended for name in shards]


def test_freed_after_the_lock_delay(sync, etcd):
    sync.must("add-spec", service="s")
    gone, alive = Container(etcd, "s", "h:1"), Container(etcd, "s", "h:10")
    names = [f"s{n}" for n in range(300)]
    gone.claim(*names[:100], belief_ms=BELIEF_MS)
    gone.claim(*names[100:200], belief_ms=BELIEF_MS, ready=False)
    gone.claim(*names[200:], belief_ms=BELIEF_MS + 1000)
    alive.claim("other", belief_ms=BELIEF_MS)
    assert_view_is(sync, etcd)
    times = freed_after(etcd, gone, *names)
    assert min(times[:200]) >= lock_delay_s(BELIEF_MS) and min(times[200:]) >= lock_delay_s(BELIEF_MS + 1000), times
    assert sync.service("s")["shards"]["other"]["claim"]
    assert_view_is(sync, etcd)


def test_sighting_survives_a_restart(sync, etcd):
    sync.must("add-spec", service="s")
    gone = Container(etcd, "s", "h:1")
    gone.claim("s1", belief_ms=BELIEF_MS)
    assert_view_is(sync, etcd)

    started = []

    def restarts():
        wait_until("seen", lambda: not sync.service("s")["containers"])
        for _ in range(5):
            time.sleep(0.3)
            started.append(time.monotonic())
            sync.restart()

    freed, thread = watch_claims(etcd, gone, "s1")
    ended = time.monotonic()
    gone.end()
    restarts()
    thread.join(30)
    assert freed["s1"] - ended >= lock_delay_s(BELIEF_MS)
    assert freed["s1"] - started[-1] < lock_delay_s(BELIEF_MS), "the lock delay began again"


def test_gone_while_sync_was_away(sync, etcd):
    """Nobody saw it go: the lock delay begins when it is first missed."""
    sync.must("add-spec", service="s")
    gone = Container(etcd, "s", "h:1")
    gone.claim("s1", belief_ms=BELIEF_MS)
    assert_view_is(sync, etcd)
    sync.kill()
    gone.end()
    time.sleep(1)
    freed, thread = watch_claims(etcd, gone, "s1")
    started = time.monotonic()
    sync.start()
    thread.join(20)
    assert freed["s1"] - started >= lock_delay_s(BELIEF_MS)


@pytest.mark.parametrize("why", ["compacted", "died in a publish"])
def test_sighting_survives_a_fresh_segment(sync, etcd, why):
    sync.must("add-spec", service="s")
    gone = Container(etcd, "s", "h:1")
    gone.claim("s1", belief_ms=BELIEF_MS)
    assert_view_is(sync, etcd)
    freed, thread = watch_claims(etcd, gone, "s1")
    ended = time.monotonic()
    gone.end()
    wait_until("seen", lambda: not sync.service("s")["containers"])
    time.sleep(1)
    sync.kill()
    if why == "compacted":
        etcd.put(f"{PREFIX}/x", "")
        etcd.put(f"{PREFIX}/x", "")
        etcd.compact()
    else:
        sync.cut()
    started = time.monotonic()
    sync.start()
    thread.join(30)
    assert len(sync.logged("listed everything")) == 2
    assert freed["s1"] - ended >= lock_delay_s(BELIEF_MS)
    assert freed["s1"] - started < lock_delay_s(BELIEF_MS), "the lock delay began again"


def test_raised_incarnation_voids_sightings(sync, etcd):
    """Also when the view of before cannot be resumed."""
    sync.must("add-spec", service="s")
    gone = Container(etcd, "s", "h:1")
    gone.claim("s1", belief_ms=BELIEF_MS)
    assert_view_is(sync, etcd)
    gone.end()
    wait_until("seen", lambda: not sync.service("s")["containers"])
    time.sleep(1)
    sync.kill()
    sync.cut()
    etcd.put(f"{PREFIX}/store", '{"incarnation":2}')
    freed, thread = watch_claims(etcd, gone, "s1")
    started = time.monotonic()
    sync.start()
    thread.join(30)
    assert freed["s1"] - started >= lock_delay_s(BELIEF_MS)


def test_nothing_is_freed_while_the_store_key_is_malformed(sync, etcd):
    sync.must("add-spec", service="s")
    gone = Container(etcd, "s", "h:1")
    gone.claim("s1", belief_ms=BELIEF_MS)
    etcd.put(f"{PREFIX}/store", "nonsense")
    gone.end()
    wait_until("seen", lambda: not sync.service("s")["containers"])
    before = sync.cpu_ticks()
    time.sleep(lock_delay_s(BELIEF_MS) + 1)
    assert gone.claim_key("s1") in etcd.list(PREFIX + "/")
    assert sync.cpu_ticks() - before < 50, "it waits, it does not spin"
    etcd.put(f"{PREFIX}/store", '{"incarnation":1}')
    wait_until("freed", lambda: gone.claim_key("s1") not in etcd.list(PREFIX + "/"))


def test_recovery_time_unless_the_id_comes_back(sync, etcd):
    sync.must("add-spec", service="s", maxRecoveryTime=2)
    first, second = Container(etcd, "s", "h:1"), Container(etcd, "s", "h:2")
    for container, name in ((first, "s1"), (second, "s2")):
        container.claim(name, belief_ms=BELIEF_MS)
    assert_view_is(sync, etcd)
    freed, thread = watch_claims(etcd, first, "s1", "s2")
    ended = time.monotonic()
    first.end()
    second.end()
    Container(etcd, "s", "h:2")
    thread.join(20)
    wait = lock_delay_s(BELIEF_MS)
    assert wait <= freed["s2"] - ended and wait + 2 <= freed["s1"] - ended, freed
    assert freed["s2"] + 1 < freed["s1"], freed


def test_long_recovery_times_count_as_ten(sync, etcd):
    sync.must("add-spec", service="s", maxRecoveryTime=31)
    sync.must("update-spec", service="s", maxRecoveryTime=32)
    assert len(sync.logged("maxRecoveryTime")) == 1


def test_claims_rebound_or_changed_late_are_not_freed(sync, etcd):
    sync.must("add-spec", service="s")
    gone = Container(etcd, "s", "h:1")
    gone.claim("late", "rebound", "released", belief_ms=BELIEF_MS)
    assert_view_is(sync, etcd)
    gone.end()
    back = Container(etcd, "s", "h:1")
    back.claim("rebound", belief_ms=BELIEF_MS)
    etcd.put(gone.claim_key("late"), gone.claim_value(belief_ms=BELIEF_MS, ready=True))  # a "ready" that was on its way
    gone.release("released")
    wait_until("freed", lambda: gone.claim_key("late") not in etcd.list(f"{PREFIX}/app/s/shardhb/"))
    time.sleep(1)
    assert list(etcd.list(f"{PREFIX}/app/s/shardhb/")) == [back.claim_key("rebound")]
    assert_view_is(sync, etcd)


def test_mass_death(sync, etcd):
    sync.must("add-spec", service="s")
    containers = [Container(etcd, "s", f"h:{n}") for n in range(40)]
    for n, container in enumerate(containers):
        container.claim(*[f"s{n}-{m}" for m in range(50)], belief_ms=BELIEF_MS)
    assert_view_is(sync, etcd)
    ended = time.monotonic()
    for container in containers:
        container.end()
    wait_until("freed", lambda: not etcd.list(f"{PREFIX}/app/s/shardhb/"))
    assert lock_delay_s(BELIEF_MS) <= time.monotonic() - ended
    assert_view_is(sync, etcd)


def test_freed_when_etcd_is_back(sync, etcd):
    sync.must("add-spec", service="s")
    gone = Container(etcd, "s", "h:1", ttl=600)
    gone.claim("s1", belief_ms=BELIEF_MS)
    gone.end()
    wait_until("seen", lambda: not sync.service("s")["containers"])
    etcd.kill()
    time.sleep(lock_delay_s(BELIEF_MS) + 1)
    etcd.start()
    wait_until("freed", lambda: not etcd.list(f"{PREFIX}/app/s/shardhb/"), 15)
