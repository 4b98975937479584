#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The manager's HTTP reads as ratios to nginx answering `return 200` with one worker, in the same run; memory of smd's processes.

usage: tests/bench/run BUILD-DIR manager_http      wrk -t2 -c16, 3 s a round, 3 rounds, nginx before each; the median counts
"""

import pathlib
import re
import signal
import socket
import statistics
import subprocess
import tempfile

from smd import BUILD, Dev, die_with_parent, wait_until

SECONDS, ROUNDS = 3, 3
SHARDS, CONTAINERS = 100, 3
AIMS = {"health": 0.6, "get-spec": None, "get-shard?service=bench": 0.4, "get-worker?service=bench": None, "detail?service=bench": 0.2}
NGINX = """
worker_processes 1; daemon off; pid {dir}/pid; error_log stderr;
events {{ worker_connections 1024; }}
http {{ access_log off; keepalive_requests 1000000000; client_body_temp_path {dir}; proxy_temp_path {dir}; fastcgi_temp_path {dir};
        uwsgi_temp_path {dir}; scgi_temp_path {dir};
        server {{ listen 127.0.0.1:{port}; location / {{ return 200 'ok'; }} }} }}
"""


def wrk(url):
    """Requests/s."""
    out = subprocess.run(["wrk", "-t2", "-c16", f"-d{SECONDS}", url], capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in out and "Socket errors" not in out, out
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))


def start_nginx(directory):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    config = pathlib.Path(directory, "nginx.conf")
    config.write_text(NGINX.format(dir=directory, port=port))
    process = subprocess.Popen(["nginx", "-p", directory, "-c", config], stderr=subprocess.DEVNULL)

    def answers():
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return True
        except OSError:
            return False
    wait_until("nginx", answers)
    return process, f"http://127.0.0.1:{port}/"


def memory_kb(pid):
    """(PSS, RSS)"""
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return tuple(int(re.search(rf"^{what}:\s+(\d+)", text, re.M).group(1)) for what in ("Pss", "Rss"))


def fill(dev):
    dev.must("add-spec", {"service": "bench"})
    dev.must("add-shards", {"service": "bench", "shards": [{"shardId": f"s{i}"} for i in range(SHARDS)]})
    dev.must("add-worker", {"service": "bench", "workerGroup": "w", "worker": "127.0.0.1:1"})
    containers = [subprocess.Popen([BUILD / "bindings/examples/counter", "bench", dev.endpoint], stdout=subprocess.DEVNULL,
                                   preexec_fn=die_with_parent) for _ in range(CONTAINERS)]
    wait_until("all shards are served", lambda: dev.must("status?service=bench", method="GET")["green"])
    return containers


def measure(dev, yardstick):
    base = dev.http if "://" in dev.http else "http://" + dev.http
    print(f"{'GET /sm/server/…':32} {'requests/s':>11} {'nginx':>9} {'ratio':>6} {'aim':>5}")
    for call, aim in AIMS.items():
        pairs = [(wrk(f"{base}/sm/server/{call}"), wrk(yardstick)) for _ in range(ROUNDS)]
        ours, theirs, ratio = (statistics.median(column) for column in zip(*((a, b, a / b) for a, b in pairs)))
        print(f"{call:32} {ours:11.0f} {theirs:9.0f} {ratio:6.2f} {aim or '':>5}")


def print_memory(dev):
    print(f"{'process':32} {'PSS kB':>11} {'RSS kB':>9}")
    total = [0, 0]
    for name, pid in {"supervisor": dev.process.pid, **dev.children()}.items():
        pss, rss = memory_kb(pid)
        print(f"{name:32} {pss:11} {rss:9}")
        if name != "etcd":
            total = [total[0] + pss, total[1] + rss]
    print(f"{'all of smd':32} {total[0]:11} {total[1]:9}")


def main():
    with tempfile.TemporaryDirectory() as directory:
        nginx, yardstick = start_nginx(directory)
        dev, containers = Dev(), []
        try:
            containers = fill(dev)
            measure(dev, yardstick)
            print_memory(dev)
        finally:
            for container in containers:
                container.terminate()
            for container in containers:
                container.wait()
            dev.stop()
            nginx.send_signal(signal.SIGTERM)
            nginx.wait()


if __name__ == "__main__":
    main()
