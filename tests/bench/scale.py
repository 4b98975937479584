# SPDX-License-Identifier: Apache-2.0
"""Many shards: loaded by the admin API, placed on many containers (one process, tests/sim_containers.c), sync killed and started again.

    ./dev bench scale        (SHARDS=100000, CONTAINERS=50 in the environment change the defaults)
"""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

from smd import BUILD, Dev, die_with_parent, request, wait_until

SHARDS = int(os.environ.get("SHARDS", "100000"))
CONTAINERS = int(os.environ.get("CONTAINERS", "50"))
SERVICE = "scale"
CHUNK = 10_000


def seconds(name, began):
    print(f"{name:<52}{time.monotonic() - began:8.2f} s", flush=True)


def status(dev):
    return request(dev.http, "GET", f"/sm/server/status?service={SERVICE}", timeout=60)[1]


def segment_bytes(dev):
    metrics = request(dev.http, "GET", "/metrics")[1]
    value = {name: float(re.search(rf"^shardmgr_view_{name} (\S+)", metrics, re.M).group(1)) for name in ("segment_bytes", "used_bytes")}
    files = [f for f in pathlib.Path(dev.runtime).glob("view.*") if f.name[5:].isdigit()]
    return value["used_bytes"], sum(f.stat().st_blocks * 512 for f in files)


def load(dev):
    began = time.monotonic()
    dev.must("add-spec", {"service": SERVICE})
    for start in range(0, SHARDS, CHUNK):
        shards = [{"shardId": f"shard-{n:018d}"} for n in range(start, min(start + CHUNK, SHARDS))]
        status_code, answer = request(dev.http, "POST", "/sm/server/add-shards", {"service": SERVICE, "shards": shards}, timeout=120)
        assert status_code == 200, answer
    seconds(f"{SHARDS} shards added, in etcd and in the view", began)


def place(dev):
    arguments = ["--service", SERVICE, "--endpoints", dev.endpoint, "--count", str(CONTAINERS), "--ttl", "15", "--quiet"]
    began = time.monotonic()
    sim = subprocess.Popen(
        [str(BUILD / "tests/sim_containers"), *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent
    )
    wait_until("all shards are owned and ready", lambda: status(dev).get("green") and status(dev), 600)
    seconds(f"placed on {CONTAINERS} containers, owned and ready", began)
    return sim


def restart_sync(dev):
    before = dev.children()["sync"]
    began = time.monotonic()
    os.kill(before, signal.SIGKILL)
    wait_until("another sync", lambda: dev.children().get("sync", before) != before)
    # ready again: a change goes through and shows
    wait_until("a change is acknowledged", lambda: dev.ask("add-shard", {"service": SERVICE, "shardId": "after"})[0] == 200, 60)
    seconds("kill -9 of sync until a change is acknowledged again", began)


def main():
    dev = Dev()
    sim = None
    try:
        load(dev)
        sim = place(dev)
        restart_sync(dev)
        used, allocated = segment_bytes(dev)
        print(f"bytes of segment per shard: {used / SHARDS:.0f} used, {allocated / SHARDS:.0f} allocated (24-byte ids)")
        last = None
        sim.stdin.close()
        for line in sim.stdout:
            last = json.loads(line) if '"sum"' in line else last
        print(f"containers' own sum: {last['adds']} adds, {last['drops']} drops, {last['lost']} lost")
    finally:
        if sim is not None and sim.poll() is None:
            sim.kill()
            sim.wait()
        dev.stop()


if __name__ == "__main__":
    sys.exit(main())
