# SPDX-License-Identifier: Apache-2.0
"""At most one owner, and in the end always one, while everything is killed, stopped and cut off at random.

SM_SEED repeats a run's choices (not its timing), SM_FAULT_S says how long it lasts.
"""

import contextlib
import heapq
import json
import os
import random
import signal
import struct
import subprocess
import threading
import time

from conftest import BUILD, PATIENCE, Etcd, Smd, start, short_tmp  # noqa: F401
from smd import Etcd as Gateway, request

TTL = 2
SERVICE = "owned"
SHARDS = 24
CONTAINERS = 4
PROGRAM = BUILD / "tests/integration/owner"
SPAN = struct.Struct("=4Q")


class Owner:
    """One process of tests/integration/owner.c, and the file that outlives it."""

    def __init__(self, directory, endpoint, ident, number, seed):
        self.ident, self.paused, self.ending = ident, False, False
        self.path = directory / f"spans-{number}"
        self.log = open(directory / f"owner-{number}.log", "w")
        self.process = subprocess.Popen([PROGRAM, SERVICE, ident, endpoint, str(TTL), str(SHARDS), self.path, str(seed)], stderr=self.log)

    def signal(self, number):
        if self.process.poll() is None:
            self.process.send_signal(number)

    def spans(self):
        """[(shard, token, held since at the latest, held until at the earliest)], and what it found wrong itself"""
        data = self.path.read_bytes() if self.path.exists() else b""
        if len(data) < 16:  # ended before it had made its file: it held nothing
            return [], 0
        count, faults = struct.unpack_from("=2Q", data)
        return [SPAN.unpack_from(data, 16 + i * SPAN.size) for i in range(count)], faults


def violations(spans):
    """Two tokens of one shard held at the same time, or a smaller one after a larger one; spans: (name, shard, token, since, until)"""
    found = []
    for shard in range(SHARDS):
        until, before = 0, None
        for span in sorted((s for s in spans if s[1] == shard), key=lambda s: s[2]):
            name, _, token, since, ends = span
            if before and token == before[2]:
                found.append(f"s{shard}: token {token:x} in {before[0]} and in {name}")
            elif since < until:
                found.append(f"s{shard}: token {token:x} of {name} since {since}, a smaller one still held {(until - since) / 1e6:.1f} ms later: {before}")
            if ends > until:
                until, before = ends, span
    return found


def test_the_checker_sees_what_is_wrong():
    assert violations([("a", 0, 1, 10, 20), ("b", 0, 2, 21, 30), ("b", 1, 1, 10, 20)]) == []
    assert violations([("a", 0, 1, 10, 20), ("b", 0, 2, 19, 30)])
    assert violations([("a", 0, 1, 10, 20), ("b", 0, 2, 12, 13), ("c", 0, 3, 14, 15)])
    assert violations([("a", 0, 2, 10, 20), ("b", 0, 1, 30, 40)])
    assert violations([("a", 0, 1, 10, 20), ("b", 0, 1, 30, 40)])


class World:
    def __init__(self, directory, start, dice):  # noqa: F811
        self.directory, self.start, self.dice = directory, start, dice
        self.etcd = start(Etcd)
        self.gateway = Gateway(self.etcd.endpoint)
        self.smd = start(Smd, {"endpoints": [self.etcd.endpoint]})
        self.owners, self.all, self.later, self.threads = {}, [], [], []
        self.etcd_stopped = False
        self.counts = {}

    def ask(self, call, body, timeout=30):
        status, answer = request(self.smd.url, "POST", "/sm/server/" + call, body, timeout)
        assert status == 200, (call, status, answer)

    def run(self, ident):
        owner = Owner(self.directory, self.etcd.endpoint, ident, len(self.all), self.dice.randrange(1 << 30))
        self.owners[ident] = owner
        self.all.append(owner)

    def after(self, seconds, what, *arguments):
        heapq.heappush(self.later, (time.monotonic() + seconds, self.dice.random(), what, arguments))

    def aside(self, what, *arguments):
        """In a thread of its own: what it asks may not be answered for long."""

        def run():
            with contextlib.suppress(OSError, AssertionError, KeyError):
                what(*arguments)

        self.threads.append(threading.Thread(target=run, daemon=True))
        self.threads[-1].start()

    # ---- faults ----

    def some_owner(self):
        idle = [o for o in self.owners.values() if not o.paused and not o.ending]
        return self.dice.choice(idle) if idle else None

    def revive(self, owner):
        owner.signal(signal.SIGKILL)
        owner.process.wait()
        self.run(owner.ident)

    def kill(self, owner):
        owner.signal(signal.SIGKILL)
        owner.ending = True
        self.after(self.dice.choice((0, 0, TTL * 2.5)), self.revive, owner)

    def pause(self, owner):
        owner.signal(signal.SIGSTOP)
        owner.paused = True
        self.after(self.dice.choice((0.5, 0.95, 1.5, 3, 3)) * TTL, self.resume, owner)

    def resume(self, owner):
        owner.paused = False
        owner.signal(signal.SIGCONT)

    def stop(self, owner):
        owner.signal(self.dice.choice((signal.SIGTERM, signal.SIGTERM, signal.SIGINT)))
        owner.ending = True
        self.after(self.dice.choice((0.05, 1, 4)), self.revive, owner)

    def revoke(self, owner):
        self.aside(lambda: self.gateway.revoke(self.gateway.sessions(SERVICE)[owner.ident]))

    def end_while_paused(self, owner):
        """etcd ends a session whose owner does not hear of it and believes on: what the lock delay is for."""
        owner.signal(signal.SIGSTOP)
        owner.paused = True
        self.revoke(owner)
        self.after(self.dice.choice((0.2, 0.5, 0.95, 3)) * TTL, self.resume, owner)

    def kill_role(self, _):
        roles = self.smd.roles()
        if roles:
            role = self.dice.choice(sorted(roles))
            with contextlib.suppress(ProcessLookupError):
                os.kill(roles[role], signal.SIGKILL)

    def pause_role(self, _):
        roles = self.smd.roles()
        if roles:
            pid = roles[self.dice.choice(sorted(roles))]
            os.kill(pid, signal.SIGSTOP)
            self.after(self.dice.choice((0.1, 1, 4)), self.resume_role, pid)

    def resume_role(self, pid):
        if pid in self.smd.roles().values():
            os.kill(pid, signal.SIGCONT)

    def pause_etcd(self, _):
        if not self.etcd_stopped:
            self.etcd.signal(signal.SIGSTOP)
            self.etcd_stopped = True
            self.after(self.dice.choice((0.2, 0.6, TTL * 0.95, TTL * 1.5)), self.resume_etcd)

    def resume_etcd(self):
        self.etcd.signal(signal.SIGCONT)
        self.etcd_stopped = False

    def kill_etcd(self, _):
        if not self.etcd_stopped:
            self.etcd.signal(signal.SIGKILL)
            self.etcd.wait()
            self.etcd = self.start(Etcd)

    def change_shard(self, _):
        shard = f"s{self.dice.randrange(SHARDS)}"

        def change():
            self.ask("del-shard", {"service": SERVICE, "shardId": shard})
            self.ask("add-shard", {"service": SERVICE, "shardId": shard})

        self.aside(change)

    FAULTS = {kill: 3, pause: 4, end_while_paused: 4, stop: 3, revoke: 2, kill_role: 3, pause_role: 1, pause_etcd: 2, kill_etcd: 1, change_shard: 4}

    def step(self):
        fault = self.dice.choices(list(self.FAULTS), list(self.FAULTS.values()))[0]
        owner = self.some_owner()
        if owner:
            self.counts[fault.__name__] = self.counts.get(fault.__name__, 0) + 1
            fault(self, owner)

    def carry_on_until(self, end):
        """Does what is due, until then."""
        while (now := time.monotonic()) < end:
            if self.later and self.later[0][0] <= now:
                _, _, what, arguments = heapq.heappop(self.later)
                what(*arguments)
            else:
                time.sleep(max(0, min(end, self.later[0][0] if self.later else end) - now))

    def heal(self):
        while self.later:
            _, _, what, arguments = heapq.heappop(self.later)
            what(*arguments)
        for thread in self.threads:
            thread.join()
        for n in range(SHARDS):  # one that was deleted may not have been added again
            with contextlib.suppress(AssertionError):
                self.ask("add-shard", {"service": SERVICE, "shardId": f"s{n}"})

    # ---- what is to be seen ----

    def unowned(self):
        for owner in self.owners.values():
            if owner.process.poll() is not None:  # it gave up: its id was taken for too long
                self.run(owner.ident)
                break
        prefix = f"/sm/app/{SERVICE}/shardhb/"
        claims = {key[len(prefix):]: json.loads(value) for key, value in self.gateway.list(prefix).items()}
        return [f"s{n}" for n in range(SHARDS) if not claims.get(f"s{n}", {}).get("ready")]

    def close(self):
        for owner in self.all:
            owner.signal(signal.SIGCONT)
            owner.signal(signal.SIGKILL)
            owner.process.wait()
            owner.log.close()


def wait_all_owned(world, seconds):
    began = time.monotonic()
    while (left := world.unowned()):
        assert time.monotonic() - began < seconds * PATIENCE, f"{left} without owner; smd:\n{world.smd.log()[-6000:]}"
        time.sleep(0.02)
    return time.monotonic() - began


def test_one_owner_whatever_happens(short_tmp, start):  # noqa: F811
    seed = int(os.environ.get("SM_SEED", random.SystemRandom().randrange(1 << 32)))
    print("seed", seed)
    world = World(short_tmp, start, random.Random(seed))
    with contextlib.closing(world):
        world.ask("add-spec", {"service": SERVICE})
        world.ask("add-shards", {"service": SERVICE, "shards": [{"shardId": f"s{n}"} for n in range(SHARDS)]})
        for n in range(CONTAINERS):
            world.run(f"127.77.{os.getpid() % 250}.{n + 1}:7001")  # an address of its own: the port is free again after each death
        wait_all_owned(world, 20)
        end = time.monotonic() + float(os.environ.get("SM_FAULT_S", "40"))
        while time.monotonic() < end:
            world.step()
            world.carry_on_until(min(end, time.monotonic() + world.dice.uniform(0.05, 0.9)))
        world.heal()
        healed = wait_all_owned(world, 40)
        held = [(f"{o.ident}#{n}", *span) for n, o in enumerate(world.all) for span in o.spans()[0]]
        print(f"{world.counts}: {len(held)} times held, all owned {healed:.1f} s after the last fault")
        assert not violations(held), (seed, violations(held))
        assert [o.path for o in world.all if o.spans()[1]] == [], seed
        assert len(held) > 2 * SHARDS, "hardly anything moved"
