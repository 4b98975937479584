#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A small sharded mirror, in the spirit of Kafka's MirrorMaker: copies every record under one etcd prefix to another, shard by shard,
and follows the changes. sm decides which process mirrors which shard.

    mirror.py --endpoint 127.0.0.1:2379 --id 127.0.0.1:0

Keys of shard s1, with <path> a record's name:
    /mirror/source/s1/<path>   what is mirrored
    /mirror/target/s1/<path>   the copy
    /mirror/fence/s1           the largest fencing token that has written to s1's copy
    /mirror/done/s1            source revision up to which the copy is whole: where the next owner goes on

Every write to the copy is one transaction that compares the fence with the writer's own token: an owner of yesterday, however late
it wakes up, changes nothing.
"""

import argparse
import asyncio
import json
import signal
import time

import etcd
import shardmgr



class Fenced(Exception):
    """A later owner has written: this one is over."""


class ShardMirror:
    """Mirrors one shard until it is cancelled."""

    def __init__(self, store, shard):
        self.store = store
        self.shard = shard
        self.source = f"/mirror/source/{shard.id}/"
        self.target = f"/mirror/target/{shard.id}/"
        self.fence = f"/mirror/fence/{shard.id}"
        self.done = f"/mirror/done/{shard.id}"
        self.token = f"{shard.token:020d}"

    async def run(self):
        while True:
            try:
                await self.raise_fence()
                revision = await self.resume() or await self.copy()
                async for revision, events in self.store.watch(self.source, revision + 1):
                    await self.write({key: value for key, value in events}, revision)
            except etcd.Compacted:
                await self.copy()
            except etcd.EtcdError:
                await asyncio.sleep(0.2)  # etcd is away; the claim says by itself whether we still may

    async def raise_fence(self):
        mine = etcd.put(self.fence, self.token)
        for compare in (etcd.absent(self.fence), etcd.value_below(self.fence, self.token), etcd.value_is(self.fence, self.token)):
            if (await self.store.txn([compare], [mine]))[0]:
                return
        raise Fenced(self.shard.id)

    async def resume(self):
        record, _ = await self.store.get(self.done)
        return int(record.value) if record else None

    async def copy(self):
        """Makes the copy equal to the source at one revision, writing only what differs."""
        records, revision = await self.store.list(self.source)
        have = {r.key: r.value for r in (await self.store.list(self.target))[0]}
        changes = {r.key: r.value for r in records if have.pop(self.copy_of(r.key), None) != r.value}
        changes.update({self.source + key[len(self.target) :]: None for key in have})
        await self.write(changes, revision)
        return revision

    def copy_of(self, key):
        return self.target + key[len(self.source) :]

    async def write(self, changes, revision):
        """changes: source key -> value, None = deleted. The checkpoint moves with the last of them."""
        operations = [etcd.delete(self.copy_of(k)) if v is None else etcd.put(self.copy_of(k), v) for k, v in changes.items()]
        for start in range(0, max(1, len(operations)), etcd.WRITES):
            batch = operations[start : start + etcd.WRITES]
            if start + etcd.WRITES >= len(operations):
                batch.append(etcd.put(self.done, str(revision)))
            while not self.shard.held():  # suspended: not ours to write now, perhaps again in a moment
                await asyncio.sleep(0.01)
            if not (await self.store.txn([etcd.value_is(self.fence, self.token)], batch))[0]:
                raise Fenced(self.shard.id)


class Mirror:
    """The application: what shardmgr asks for."""

    def __init__(self, store, say):
        self.store = store
        self.say = say
        self.tasks = {}

    async def add(self, shard):
        self.say("add", shard)
        self.tasks[shard.id] = asyncio.create_task(ShardMirror(self.store, shard).run())

    async def drop(self, shard):
        task = self.tasks.pop(shard.id, None)
        if task:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        self.say("drop", shard)


def say(event, shard=None, **fields):
    """One JSON line per event, for whoever started us."""
    if shard is not None:
        fields.update(shard=shard.id, token=shard.token)
    print(json.dumps({"event": event, "ns": time.clock_gettime_ns(time.CLOCK_BOOTTIME), **fields}), flush=True)


async def run(arguments):
    store = etcd.Etcd(arguments.endpoint)
    options = {"endpoints": arguments.endpoint, "prefix": arguments.prefix}
    async with shardmgr.AsyncContainer(arguments.service, arguments.id, Mirror(store, say), **options) as container:
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, container.stop)
        say("open", id=container.id)
        await container.wait()
    store.close()


def main():
    parser = argparse.ArgumentParser(description="mirror the shards that sm gives to this process")
    parser.add_argument("--endpoint", default="127.0.0.1:2379", help="etcd, host:port or unix:///path")
    parser.add_argument("--prefix", default="/sm", help="smd's etcdPrefix")
    parser.add_argument("--service", default="mirror")
    parser.add_argument("--id", default="127.0.0.1:0", help="host:port to be reached at")
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
