#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The main job on real input, in under a minute: smd dev, and containers that mirror every file name this machine's packages own from one
etcd prefix to another, while records change, a container is killed, one stops, one joins. Ends by comparing source and copy record by record.

    ./dev demo        or        demo.py --build BUILD-DIR [--shards 60]
"""

import argparse
import asyncio
import json
import pathlib
import random
import sys
import urllib.request
import zlib

import etcd
from board import Board
from journal import Journal, report
from etcd import WRITES
from processes import Container, Smd

DATA = "/var/lib/dpkg/info"
RECORDS_AT_MOST = 30_000
CHANGES_PER_BURST = 20
END = "end"


def read_records():
    """{path: package} from what dpkg knows about this machine: the first RECORDS_AT_MOST, in the order of the lists' names."""
    records = {}
    for listing in sorted(pathlib.Path(DATA).glob("*.list")):
        for path in listing.read_text(errors="replace").splitlines():
            records.setdefault(path.encode(errors="replace").decode(), listing.stem)
            if len(records) >= RECORDS_AT_MOST:
                return records
    return records


class Source:
    """The records that are mirrored; changes them while the demo runs."""

    def __init__(self, store, shards):
        self.store = store
        self.shards = shards
        self.paths = []
        self.changes = 0

    def key(self, path):
        return f"/mirror/source/s{zlib.crc32(path.encode()) % self.shards}/{path}"

    async def load(self, records, progress):
        self.paths = list(records)
        puts = [etcd.put(self.key(path), f"{package} 0") for path, package in records.items()]
        for start in range(0, len(puts), WRITES):
            await self.store.txn([], puts[start : start + WRITES])
            progress(min(start + WRITES, len(puts)))

    async def keep_changing(self):
        chance = random.Random(1)
        while True:
            operations = {}
            for path in chance.sample(self.paths, CHANGES_PER_BURST):
                gone = chance.random() < 0.2
                operations[path] = etcd.delete(self.key(path)) if gone else etcd.put(self.key(path), f"changed {self.changes}")
                self.changes += 1
            await self.store.txn([], list(operations.values()))
            await asyncio.sleep(0.05)


async def contents(store, prefix):
    return {r.key[len(prefix) :]: r.value for r in (await store.list(prefix))[0]}


async def compare(store):
    """(records in the source, how many differ)"""
    source, copy = await contents(store, "/mirror/source/"), await contents(store, "/mirror/target/")
    return len(source), sum(source.get(k) != copy.get(k) for k in source.keys() | copy.keys())


class Demo:
    def __init__(self, build, shards):
        self.smd = Smd(build)
        self.shards = shards
        self.journal = Journal()
        self.containers = []
        self.board = Board(self.journal, self.containers, shards)

    def ask(self, call, body):
        """One call of the admin API, as curl would make it."""
        request = urllib.request.Request(
            f"{self.smd.addresses['http']}/sm/server/{call}", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    async def start_container(self):
        container = Container("ABCDEFGH"[len(self.containers)], self.smd, self.journal)
        await container.start()
        self.containers.append(container)
        return container

    async def until(self, what, condition, seconds=30):
        """Draws until condition holds."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while not condition():
            if loop.time() > end:
                raise SystemExit(f"gave up after {seconds} s waiting until {what}\n" + "\n".join(self.smd.lines[-20:]))
            self.board.draw()
            await asyncio.sleep(0.02)
        self.board.draw()

    def alive(self):
        return [c for c in self.containers if c.ended_how is None]

    def balanced(self):
        counts = [list(self.journal.owner.values()).count(c) for c in self.alive()]
        return sum(counts) == self.shards and max(counts) - min(counts) <= 1

    async def place(self):
        for name in ("A", "B", "C"):
            await self.start_container()
        await self.until("all shards are owned", self.balanced)
        self.board.say(f"{self.shards} shards on 3 containers")

    async def first_copy(self, store, total):
        async def done():
            return len((await store.list("/mirror/done/"))[0])

        while (count := await done()) < self.shards:
            self.board.progress = f"first copy {count * 100 // self.shards}%"
            self.board.draw()
            await asyncio.sleep(0.1)
        self.board.progress = "first copy 100%"
        self.board.say(f"first copy of {total} records is whole; from now on records keep changing")

    async def events(self):
        a, b, _ = self.containers
        self.journal.begin("killed with -9")
        self.board.say("kill -9 A: nobody may take its shards before its session and the lock delay are over")
        await a.kill()
        await self.until("A's shards are owned elsewhere", self.balanced)
        self.journal.begin("stopped cleanly")
        self.board.say("stop B cleanly: it hands over first")
        await b.stop()
        await self.until("B's shards are owned elsewhere", self.balanced)
        self.journal.begin("container joined")
        self.board.say("start D: exactly its share moves there")
        await self.start_container()
        await self.until("D has its share", self.balanced)

    async def catch_up(self, store, seconds=20):
        """The copy is behind by what is under way; it has to become equal."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while True:
            total, different = await compare(store)
            if not different or loop.time() > end:
                return total, different
            await asyncio.sleep(0.1)

    async def run(self, records):
        await self.smd.start()
        store = etcd.Etcd(self.smd.addresses["etcd"])
        source = Source(store, self.shards)
        self.board.say(f"smd dev: {self.smd.addresses['http']}")
        self.ask("add-spec", {"service": "mirror"})
        self.ask("add-shards", {"service": "mirror", "shards": [{"shardId": f"s{n}"} for n in range(self.shards)]})

        def progress(count):
            self.board.progress = f"loading {count * 100 // len(records)}%"
            self.board.draw()

        await source.load(records, progress)
        self.board.say(f"loaded {len(records)} records from {DATA} into /mirror/source/")
        await self.place()
        await self.first_copy(store, len(records))
        changing = asyncio.create_task(source.keep_changing())
        try:
            await self.events()
        finally:
            changing.cancel()
            await asyncio.gather(changing, return_exceptions=True)
        self.board.say(f"{source.changes} records were changed meanwhile; comparing source and copy")
        total, different = await self.catch_up(store)
        store.close()
        return total, different

    async def stop(self):
        """Everything, at once: one container may still be given what another hands over, and that is nobody's move."""
        self.moves = self.journal.moves
        self.journal.begin(END)
        await asyncio.gather(*(c.stop() for c in self.alive() if c.process))
        if self.smd.process:
            await self.smd.stop()


async def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, required=True, help="where smd and the Python package were built")
    parser.add_argument("--shards", type=int, default=60)
    arguments = parser.parse_args()
    demo = Demo(arguments.build.resolve(), arguments.shards)
    records = read_records()
    try:
        total, different = await demo.run(records)
    finally:
        await demo.stop()
    gaps, doubles = demo.journal.sweep()
    gaps.pop(END, None)
    print(f"\nrecords {total}, moves {demo.moves}, time without owner as the containers themselves saw it:")
    print("\n".join("  " + row for row in report(gaps)))
    if doubles:
        print(f"two owners at a time: {doubles}")
    print(f"different: {different} of {total} records" if different else f"identical: {total} records")
    return 1 if different or doubles or not total else 0


if __name__ == "__main__":
    try:
        sys.exit(asyncio.run(main()))
    except KeyboardInterrupt:
        sys.exit(130)
