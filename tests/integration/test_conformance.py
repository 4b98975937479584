# SPDX-License-Identifier: Apache-2.0
"""One scenario, four kinds of container: C, Python, Python with asyncio, Go (tests/conformance)."""

import pytest

from containers import Container, Journal, command
from smd import Dev, wait_until

SERVICE = "conformance"
TTL = 2


@pytest.fixture(scope="module")
def dev():
    cluster = Dev()
    yield cluster
    assert cluster.stop() == 0


@pytest.fixture(params=["c", "python", "asyncio", "go"])
def language(request):
    if command(request.param) is None:
        pytest.skip(f"{request.param} is not built")
    return request.param


@pytest.fixture
def service(dev, language):
    name = f"{SERVICE}-{language}"
    dev.must("add-spec", {"service": name})
    yield name
    dev.must("del-spec", {"service": name})


@pytest.fixture
def start(dev, service, language):
    started = []

    def go(**options):
        started.append(Container(service, dev.endpoint, ttl=TTL, language=language, **options))
        return started[-1]

    yield go
    for container in started:
        if container.process.poll() is None:
            container.kill()


def add(dev, service, *shards, task=""):
    answer = dev.must("add-shards", {"service": service, "shards": [{"shardId": s, "task": task} for s in shards]})
    assert all(not result.get("error") for result in answer.get("results", [])), answer


def test_add_drop_and_clean_exit(dev, service, start):
    container = start()
    add(dev, service, "s1", "s2", task="the task")
    event = container.wait_event("add", "s1")
    assert event["task"] == "the task"
    assert event["held"] == event["token"] != "0"
    container.wait_event("add", "s2")
    wait_until("s1 and s2 in detail", lambda: sorted(dev.detail(service)["allocate"].get(container.id, [])) == ["s1", "s2"])
    dev.must("del-shard", {"service": service, "shardId": "s1"})
    container.wait_event("drop", "s1")
    assert container.stop() == 0
    assert container.events[-1] == {"event": "closed"}
    assert [e["shard"] for e in container.events if e["event"] == "drop"] == ["s1", "s2"]
    wait_until("nothing claimed", lambda: not dev.etcd.list(f"/sm/app/{service}/shardhb/"))
    assert dev.etcd.sessions(service) == {}


def test_failing_add_is_tried_again(dev, service, start):
    container = start()
    add(dev, service, "bad", task="fail-once")
    add(dev, service, "good")
    container.wait_event("failed", "bad")
    container.wait_event("add", "good")
    container.wait_event("add", "bad")
    assert container.stop() == 0


def test_crash_moves_shards_after_the_lock_delay(dev, service, start):
    journal = Journal()
    first = start(journal=journal)
    shards = [f"s{n}" for n in range(10)]
    add(dev, service, *shards)
    for shard in shards:
        first.wait_event("add", shard)
    second = start(journal=journal)
    wait_until("five each", lambda: len(second.holds()) == 5 == len(first.holds()))
    journal.begin("crash")
    first.kill()
    wait_until("all on the second", lambda: len(second.holds()) == 10)
    assert second.stop() == 0
    gaps, adds, violations = journal.sweep()
    assert not violations
    assert adds["crash"] == 5
    assert min(gaps["crash"]) > TTL * 0.9  # no sooner than the belief of the dead could have ended


def test_restart_with_the_same_id(dev, service, start):
    first = start()
    add(dev, service, "s1")
    before = int(first.wait_event("add", "s1")["token"])
    identity = first.id
    first.kill()
    second = start(identity=identity)
    assert second.id == identity
    assert int(second.wait_event("add", "s1")["token"]) > before
    assert second.stop() == 0


def test_lost_session(dev, service, start):
    container = start()
    add(dev, service, "s1")
    before = int(container.wait_event("add", "s1")["token"])
    dev.etcd.revoke(dev.etcd.sessions(service)[container.id])
    lost = container.wait_event("lost", "s1")
    assert lost["held"] == "0"
    seen = container.events.index(lost)
    assert int(container.wait_event("add", "s1", after=seen)["token"]) > before
    assert container.stop() == 0
