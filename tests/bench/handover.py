# SPDX-License-Identifier: Apache-2.0
"""How long shards are without owner, as the containers themselves see it, beside etcd's own commit time in the same run.

    ./dev bench handover        (SHARDS=1000, TTL=5 in the environment change the defaults)

3 containers (tests/conformance/container.c) carry SHARDS; a fourth joins; one stops cleanly; one is killed with -9.
"""

import os
import statistics
import sys
import time

from containers import Container, Journal, boot_ns
from smd import Dev, wait_until

SHARDS = int(os.environ.get("SHARDS", "1000"))
TTL = int(os.environ.get("TTL", "5"))
SERVICE = "bench"


def ms(seconds):
    return f"{seconds * 1000:8.2f} ms"


def row(name, values):
    values = sorted(values)
    p99 = values[min(len(values) - 1, len(values) * 99 // 100)]
    return f"{name:<18}{len(values):>6} moves   without owner p50 {ms(statistics.median(values))}  p99 {ms(p99)}  max {ms(values[-1])}"


def commit_seconds(dev, count=200):
    """Medium time of one put, by one connection each: an upper bound of etcd's commit."""
    times = []
    for n in range(count):
        began = time.monotonic()
        dev.etcd.put("/bench/commit", str(n))
        times.append(time.monotonic() - began)
    return statistics.median(times)


def main():
    dev, journal, containers = Dev(), Journal(), []

    def start():
        containers.append(Container(SERVICE, dev.endpoint, ttl=TTL, journal=journal))
        return containers[-1]

    def balanced():
        alive = [c for c in containers if c.process.poll() is None]
        counts = [len(c.holds()) for c in alive]
        return sum(counts) == SHARDS and max(counts) - min(counts) <= 1

    whole = {}

    def phase(cause, act):
        wait_until("nothing is under way", lambda: dev.must(f"status?service={SERVICE}", method="GET")["green"])
        journal.begin(cause)
        began, before = boot_ns(), len(journal.events)
        act()
        wait_until(cause, balanced, 60)
        whole[cause] = (max(e[0] for e in journal.events[before:]) - began) / 1e9

    try:
        dev.must("add-spec", {"service": SERVICE})
        dev.must("add-shards", {"service": SERVICE, "shards": [{"shardId": f"s{n}"} for n in range(SHARDS)]})
        commit = commit_seconds(dev)
        start(), start()
        third = start()
        wait_until("first placement", balanced, 60)
        placed = max(e[0] for e in journal.events)
        print(f"placement         {SHARDS} shards on 3 containers, all owned {(placed - third.started_ns) / 1e9:.2f} s after the third one's start")
        phase("container joined", start)
        phase("stopped cleanly", containers[1].stop)
        phase("killed with -9", containers[0].kill)
        journal.begin("end")
        gaps, adds, violations = journal.sweep()
        print(f"joined: {adds['container joined']} moves, least possible {SHARDS // 4}")
        print(f"stopped: {adds['stopped cleanly']} moves; killed: {adds['killed with -9']} moves")
        for cause in ("container joined", "stopped cleanly", "killed with -9"):
            print(row(cause, gaps[cause]) + f"  all done after {ms(whole[cause])}")
        print(f"etcd commit, median {ms(commit)}; planned move p50 is {statistics.median(gaps['container joined']) / commit:.1f} of it")
        print(f"two owners, or a token that did not grow: {len(violations)}")
        return 1 if violations else 0
    finally:
        for container in containers:
            if container.process.poll() is None:
                container.stop()
        dev.stop()


if __name__ == "__main__":
    began = boot_ns()
    status = main()
    print(f"took {(boot_ns() - began) / 1e9:.1f} s")
    sys.exit(status)
