#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The conformance container in Python; what it prints is in README.md beside this file. With --asyncio before the
arguments it is the asyncio form."""

import asyncio
import json
import os
import signal
import sys
import time

import shardmgr


def say(event, **fields):
    os.write(1, (json.dumps({"event": event, **fields}) + "\n").encode())  # one write: shards are added in parallel


def say_shard(event, shard):
    ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    say(event, shard=shard.id, task=shard.task, token=str(shard.token), held=str(shard.held()), ns=ns)


class App:
    def __init__(self):
        self.failed = set()

    def add(self, shard):
        if shard.task == "fail-once" and shard.id not in self.failed:
            self.failed.add(shard.id)
            say_shard("failed", shard)
            raise RuntimeError("told to fail")
        say_shard("add", shard)

    def drop(self, shard):
        say_shard("drop", shard)

    def lost(self, shard):
        say_shard("lost", shard)


class AsyncApp:
    def __init__(self):
        self.app = App()

    async def add(self, shard):
        self.app.add(shard)

    async def drop(self, shard):
        self.app.drop(shard)

    async def lost(self, shard):
        self.app.lost(shard)


class Announced(shardmgr.Container):
    def start(self):
        super().start()
        say("open", id=self.id)
        return self


async def run_async(service, identity, options):
    async with shardmgr.AsyncContainer(service, identity, AsyncApp(), **options) as container:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, container.stop)
        say("open", id=container.id)
        await container.wait()


def main():
    arguments = sys.argv[1:]
    use_asyncio = arguments[0] == "--asyncio"
    service, identity, endpoints, *ttl = arguments[use_asyncio:]
    options = {"endpoints": endpoints, **({"ttl": int(ttl[0])} if ttl else {})}
    if use_asyncio:
        asyncio.run(run_async(service, identity, options))
    else:
        Announced(service, identity, App(), **options).run()
    say("closed")


if __name__ == "__main__":
    main()
