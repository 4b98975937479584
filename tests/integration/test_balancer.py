# SPDX-License-Identifier: Apache-2.0
"""The balancer with everything real: smd, etcd, containers. What moved is read off what the containers themselves wrote down."""

import os
import signal

import pytest
from conftest import children_of
from containers import Journal, boot_ns
from sim import PATIENCE, Sim, counts, held
from smd import Dev, wait_until

SERVICE = "sim"
SHARDS = 1000


@pytest.fixture
def dev():
    daemon = Dev()
    daemon.must("add-spec", {"service": SERVICE})
    yield daemon
    print("".join(daemon.log))  # pytest shows it when the test has failed
    daemon.stop()


@pytest.fixture
def journal():
    """Nobody ever has what another has, whatever the test does."""
    written = Journal()
    yield written
    assert written.sweep()[2] == []


@pytest.fixture
def sims(dev, journal):
    """sims(count, ttl): a process of containers that ends with the test."""
    running = []

    def start(count=1, ttl=5):
        running.append(Sim(SERVICE, dev.endpoint, count, ttl, journal))
        return running[-1]

    yield start
    for sim in running:
        sim.stop()


def add_shards(dev, count, first=0, **more):
    shards = [{"shardId": f"s{i}", **more} for i in range(first, first + count)]
    answer = dev.must("add-shards", {"service": SERVICE, "shards": shards})
    assert all(r["status"] == 200 for r in answer["results"])


def wait_counts(sim, wanted, seconds=30):
    sim.wait(lambda: counts(sim.journal) == wanted, lambda: f"{wanted}, but {counts(sim.journal)}", seconds)


def moved_since(journal, cause):
    """How often shards were added since journal.begin(cause)."""
    return journal.sweep()[1].get(cause, 0)


def wait_view(dev, count):
    """Until the view shows that many shards with a ready owner."""
    wait_until(f"{count} owned in the view", lambda: sum(len(s) for s in dev.detail(SERVICE)["allocate"].values()) == count)


def settled_three(dev, sims, journal, shards=SHARDS):
    add_shards(dev, shards)
    sim = sims(3)
    wait_counts(sim, [shards // 3, shards // 3, shards - 2 * (shards // 3)])
    wait_view(dev, shards)
    return sim


def print_gaps(journal, cause):
    gaps = sorted(journal.sweep()[0].get(cause, []))
    if gaps:
        p99 = gaps[min(len(gaps) - 1, len(gaps) * 99 // 100)]
        print(f"{cause}: {len(gaps)} shards without owner p50 {gaps[len(gaps) // 2] * 1e3:.1f} ms, p99 {p99 * 1e3:.1f} ms")


def test_a_fourth_container_gets_exactly_a_quarter(dev, sims, journal):
    sim = settled_three(dev, sims, journal)
    journal.begin("join")
    sim.open()
    wait_counts(sim, [SHARDS // 4] * 4)
    wait_view(dev, SHARDS)
    assert moved_since(journal, "join") == SHARDS // 4
    print_gaps(journal, "join")


def test_a_clean_stop_moves_only_its_shards(dev, sims, journal):
    sim = settled_three(dev, sims, journal)
    before = held(journal)
    journal.begin("stop")
    sim.stop_one(sim.ids[0])
    wait_counts(sim, [SHARDS // 2] * 2)
    assert sim.wait(lambda: sim.ended, "its end")[sim.ids[0]]["error"] == 0
    assert moved_since(journal, "stop") == len(before[sim.ids[0]])
    for other in sim.ids[1:]:
        assert before[other] <= held(journal)[other]
    print_gaps(journal, "stop")


def test_what_a_killed_container_had_is_elsewhere_in_time(dev, sims, journal):
    add_shards(dev, SHARDS)
    victim, others = sims(1, ttl=2), sims(2, ttl=2)
    wait_counts(others, [333, 333, 334])
    lost = held(journal)[victim.ids[0]]
    journal.begin("kill")
    killed_ns = boot_ns()
    victim.kill()
    wait_counts(others, [500, 500])
    assert moved_since(journal, "kill") == len(lost)
    ttl, lock_delay = 2.0, (2 * 0.99 - 0.1) * 1.02 + 0.2
    assert (max(e[0] for e in journal.events) - killed_ns) / 1e9 < (ttl + lock_delay + 1) * PATIENCE


@pytest.mark.parametrize("role", ["sync", "balancer", "http"])
def test_a_killed_role_moves_nothing(dev, sims, journal, role):
    sim = settled_three(dev, sims, journal)
    events = len(journal.events)
    for _ in range(3):
        pid = dev.children()[role]
        os.kill(pid, signal.SIGKILL)
        wait_until(f"{role} is back", lambda: dev.children().get(role, pid) != pid)
    # a shard that is added now is placed: the new one works, and has seen everything that it would have done before
    add_shards(dev, 1, first=SHARDS)
    sim.wait(lambda: len(journal.events) > events, "the new shard")
    wait_view(dev, SHARDS + 1)
    assert len(journal.events) == events + 1


def test_a_balancer_killed_in_the_middle_of_moves(dev, sims, journal):
    sim = settled_three(dev, sims, journal)
    sim.open()
    sim.wait(lambda: len(journal.events) > SHARDS + 20, "some moves")
    os.kill(dev.children()["balancer"], signal.SIGKILL)
    wait_counts(sim, [SHARDS // 4] * 4)
    wait_view(dev, SHARDS)


def test_pins_worker_groups_and_limits(dev, sims, journal):
    sim = sims(3)
    first, second, third = sim.ids
    dev.must("add-worker", {"service": SERVICE, "workerGroup": "g", "worker": second})
    add_shards(dev, 10, workerGroup="g")
    add_shards(dev, 10, first=10, manualContainerId=first)
    add_shards(dev, 10, first=20)
    sim.wait(lambda: counts(journal) == [10, 10, 10], "placement")
    wanted = {second: {f"s{i}" for i in range(10)}, first: {f"s{i}" for i in range(10, 20)}, third: {f"s{i}" for i in range(20, 30)}}
    assert held(journal) == wanted
    # a change of pin moves that shard, and one goes back for balance
    dev.must("update-shard", {"service": SERVICE, "shardId": "s25", "manualContainerId": second})
    sim.wait(lambda: "s25" in held(journal)[second], "the pinned one")
    # a pin to a container that is not there: who has it keeps it, who has none stays without
    dev.must("update-shard", {"service": SERVICE, "shardId": "s25", "manualContainerId": "127.0.0.1:1"})
    add_shards(dev, 1, first=40, manualContainerId="127.0.0.1:1")
    wait_until("the absent one is known", lambda: "s40" in dev.detail(SERVICE)["notAllocateShards"])
    add_shards(dev, 1, first=41)
    sim.wait(lambda: "s41" in journal.owners(), "the one beside it")
    assert journal.owners()["s25"] == second
    assert "s40" not in journal.owners()
    # the worker group moves
    dev.must("add-worker", {"service": SERVICE, "workerGroup": "g", "worker": third})
    dev.must("del-worker", {"service": SERVICE, "workerGroup": "g", "worker": second})
    sim.wait(lambda: {f"s{i}" for i in range(10)} <= held(journal)[third], "the group's move")


def test_max_shard_count(dev, sims, journal):
    dev.must("update-spec", {"service": SERVICE, "maxShardCount": 5})
    add_shards(dev, 20)
    sim = sims(3)
    wait_counts(sim, [5, 5, 5])
    wait_until("five are left", lambda: len(dev.detail(SERVICE)["notAllocateShards"]) == 5)
    sim.open()
    wait_counts(sim, [5, 5, 5, 5])
    dev.must("update-spec", {"service": SERVICE, "maxShardCount": 0})
    add_shards(dev, 4, first=20)
    wait_counts(sim, [6, 6, 6, 6])


def test_an_add_that_fails_is_repeated(dev, sims, journal):
    sim = sims(1)
    sim.tell("fail s7 4")
    add_shards(dev, 100)
    wait_counts(sim, [100])


def test_an_add_that_hangs_delays_no_other(dev, sims, journal):
    sim = sims(1)
    sim.tell("hang s7")
    add_shards(dev, 100)
    wait_counts(sim, [99])
    add_shards(dev, 100, first=100)
    wait_counts(sim, [199])
    sim.tell("release s7")
    wait_counts(sim, [200])


def test_deleted_shards_and_services_are_dropped(dev, sims, journal):
    sim = settled_three(dev, sims, journal, shards=90)
    dev.must("del-shards", {"service": SERVICE, "shards": [f"s{i}" for i in range(30)]})
    sim.wait(lambda: len(journal.owners()) == 60, "30 drops")
    dev.must(f"del-spec?service={SERVICE}")
    sim.wait(lambda: not journal.owners(), "all drops")
    dev.must("add-spec", {"service": SERVICE})
    add_shards(dev, 30)
    wait_counts(sim, [10, 10, 10])


def test_a_container_that_comes_back_within_the_recovery_time(dev, sims, journal):
    dev.must("update-spec", {"service": SERVICE, "maxRecoveryTime": 20})
    add_shards(dev, 300)
    others, one = sims(2), sims(1, ttl=2)
    wait_counts(one, [100, 100, 100])
    wait_view(dev, 300)
    before = held(journal)
    journal.begin("kill")
    one.kill()
    sims(0, ttl=2).tell(f"open {one.ids[0]}")
    wait_counts(others, [100, 100, 100])
    assert held(journal) == before
    assert moved_since(journal, "kill") == 100  # each once, to where it was


def test_nothing_is_moved_while_etcd_is_away(dev, sims, journal):
    sim = settled_three(dev, sims, journal, shards=300)
    events = len(journal.events)
    etcd = children_of(dev.children()["etcd"])[0]
    os.kill(etcd, signal.SIGSTOP)
    try:
        wait_until("no plans without etcd", lambda: any("out of step" in line for line in dev.log), 30)
        assert not [e for e in journal.events[events:] if e[2] != "lost"]
    finally:
        os.kill(etcd, signal.SIGCONT)
    wait_until("plans again", lambda: any("in step with etcd again" in line for line in dev.log))
    # every session may have ended meanwhile: whatever that costs, it ends even
    wait_counts(sim, [100, 100, 100], 60)
    wait_view(dev, 300)
