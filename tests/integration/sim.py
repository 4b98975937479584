# SPDX-License-Identifier: Apache-2.0
"""tests/sim_containers as a process: many containers, and what they say."""

import collections
import json
import os
import subprocess
import threading
import time

from containers import BUILD, Journal, boot_ns
from smd import die_with_parent

PATIENCE = float(os.environ.get("SM_PATIENCE", "1"))


class Sim:
    """count containers of service in one process; its events also go to journal, under their container's id."""

    def __init__(self, service, endpoints, count=1, ttl=5, journal=None):
        self.journal = journal or Journal()
        self.ids, self.ended = [], {}
        self._names = {}
        self._changed = threading.Condition()
        self.process = subprocess.Popen(
            [str(BUILD / "tests/sim_containers"), "--service", service, "--endpoints", endpoints, "--count", str(count), "--ttl", str(ttl)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.wait(lambda: len(self.ids) == count, f"{count} containers")

    def _read(self):
        for line in self.process.stdout:
            event = json.loads(line)
            with self._changed:
                if event["event"] == "open":
                    self.ids.append(event["container"])
                elif event["event"] == "end":
                    self.ended[event["container"]] = event
                else:
                    # the journal compares containers by identity
                    self.journal.note(self._names.setdefault(event["container"], event["container"]), event)
                self._changed.notify_all()

    def wait(self, condition, what, seconds=30):
        """Until condition() holds; its value."""
        end = time.monotonic() + seconds * PATIENCE
        with self._changed:
            while not (value := condition()):
                assert time.monotonic() < end, f"not within {seconds * PATIENCE:g} s: {what() if callable(what) else what}"
                self._changed.wait(0.05)
        return value

    def tell(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def open(self):
        """One more; its id."""
        n = len(self.ids)
        self.tell("open")
        return self.wait(lambda: len(self.ids) > n, "one more container") and self.ids[n]

    def stop_one(self, container):
        self.tell(f"stop {self.ids.index(container)}")

    def kill(self):
        """kill -9; what its containers held counts as dropped from then on."""
        self.process.kill()
        self.process.wait()
        self._reader.join()
        now, owners = boot_ns(), self.journal.owners()
        with self.journal._lock:
            self.journal.events += [(now, owner, "drop", shard, 0) for shard, owner in owners.items() if owner in self.ids]

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdin.close()
        self._reader.join()


def held(journal):
    """Container id -> its shards."""
    found = collections.defaultdict(set)
    for shard, container in journal.owners().items():
        found[container].add(shard)
    return dict(found)


def counts(journal):
    return sorted(len(shards) for shards in held(journal).values())
