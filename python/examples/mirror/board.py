# SPDX-License-Identifier: Apache-2.0
"""Shows who owns what as it happens: a table that redraws itself on a terminal, plain lines elsewhere."""

import shutil
import sys
import time

WIDTH = 40
QUIET = 0.3  # seconds between plain lines


class Board:
    def __init__(self, journal, containers, shards):
        self.journal = journal
        self.containers = containers
        self.shards = shards
        self.live = sys.stdout.isatty()
        self.drawn = 0
        self.began = time.monotonic()
        self.last = None
        self.printed = 0.0
        self.progress = ""

    def say(self, text):
        """A line that stays."""
        self._erase()
        print(f"{time.monotonic() - self.began:6.1f} s  {text}", flush=True)
        self.draw(force=True)

    def draw(self, force=False):
        counts = {c: 0 for c in self.containers}
        for owner in self.journal.owner.values():
            counts[owner] = counts.get(owner, 0) + 1
        state = (tuple(counts.values()), self.progress if self.live else "")
        if state == self.last and not force:
            return
        self.last = state
        if self.live:
            self._erase()
            rows = [self._row(c, n) for c, n in counts.items()]
            rows.append(f"{'':9}without owner {self.shards - sum(counts.values()):>5}    moves {self.journal.moves:>5}    {self.progress}")
            columns = shutil.get_terminal_size().columns
            print("\n".join(row[: columns - 1] for row in rows), flush=True)  # a row that wraps would not be erased whole
            self.drawn = len(rows)
        elif not force and (time.monotonic() - self.printed > QUIET or sum(counts.values()) == self.shards):
            self.printed = time.monotonic()
            owners = "  ".join(f"{c.name} {n}" for c, n in counts.items())
            print(f"{time.monotonic() - self.began:6.1f} s    {owners}  nobody {self.shards - sum(counts.values())}", flush=True)

    def _row(self, container, count):
        what = container.ended_how or "#" * (count * WIDTH // max(1, self.shards))
        return f"{'':9}{container.name:<4}{container.id or '':<18}{count:>5} {what}"

    def _erase(self):
        if self.drawn:
            sys.stdout.write(f"\x1b[{self.drawn}A\x1b[J")
            self.drawn = 0
