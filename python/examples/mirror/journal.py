# SPDX-License-Identifier: Apache-2.0
"""What the containers themselves said: who began and who ended with which shard, on one clock; and what follows from it: moves, the
time without owner, and whether a shard ever had two owners."""

import time
from bisect import bisect_right
from collections import defaultdict
from statistics import median


def boot_ns():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


class Journal:
    def __init__(self):
        self.owner = {}  # shard -> container, as far as we have heard
        self.events = []  # (ns, container, "add" or "drop", shard)
        self.causes = [(0, "first placement")]  # (since when, what moves are due to)

    @property
    def moves(self):
        return sum(kind == "add" for _, _, kind, _ in self.events)

    def begin(self, cause):
        self.causes.append((boot_ns(), cause))

    def note(self, container, event):
        self._add(event["ns"], container, event["event"], event["shard"])

    def killed(self, container):
        """All that it had ends now, although it could not say so any more."""
        now = boot_ns()
        for shard in [s for s, c in self.owner.items() if c is container]:
            self._add(now, container, "drop", shard)

    def _add(self, ns, container, kind, shard):
        self.events.append((ns, container, kind, shard))
        if kind == "add":
            self.owner[shard] = container
        elif self.owner.get(shard) is container:
            del self.owner[shard]

    def sweep(self):
        """In the order of the clock: ({cause: [seconds without owner]}, [shards that two had at a time])"""
        gaps, doubles, owner, free_since = defaultdict(list), [], {}, {}
        for ns, container, kind, shard in sorted(self.events, key=lambda e: e[0]):
            if kind == "drop":
                if owner.get(shard) is container:
                    del owner[shard]
                    free_since[shard] = ns
                continue
            if owner.get(shard, container) is not container:
                doubles.append(shard)
            owner[shard] = container
            if shard in free_since:
                since = free_since.pop(shard)
                cause = self.causes[bisect_right(self.causes, since, key=lambda c: c[0]) - 1][1]
                gaps[cause].append((ns - since) / 1e9)
        return gaps, doubles


def report(gaps):
    rows = [f"{'cause':<24}{'moves':>7}{'without owner: median':>24}{'longest':>12}"]
    for cause, seconds in gaps.items():
        rows.append(f"{cause:<24}{len(seconds):>7}{show(median(seconds)):>24}{show(max(seconds)):>12}")
    return rows


def show(seconds):
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.1f} s"
