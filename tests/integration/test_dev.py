# SPDX-License-Identifier: Apache-2.0
"""smd dev: a private etcd, and nothing left of it, however it ends."""

import base64
import json
import os
import pathlib
import random
import signal
import socket
import time

import pytest
from conftest import FAKE_SMD, SmdDev, children_of, command_line, descendants_of, http_request, is_running, processes_naming, wait_until

ROLES = ("etcd", "sync", "balancer", "http")


@pytest.fixture
def dev(start):
    def start_dev(*arguments, **keywords):
        return start(SmdDev, *arguments, binary=FAKE_SMD, **keywords)

    return start_dev


def text64(text):
    return base64.b64encode(text.encode()).decode()


def put(address, key, value):
    status, _ = http_request(address, "POST", "/v3/kv/put", {"key": text64(key), "value": text64(value)})
    assert status == 200


def get(address, key):
    _, text = http_request(address, "POST", "/v3/kv/range", {"key": text64(key)})
    kvs = json.loads(text).get("kvs", [])
    return base64.b64decode(kvs[0]["value"]).decode() if kvs else None


def etcd_pid(smd):
    return children_of(smd.wait_roles(*ROLES)["etcd"])[0]


def assert_nothing_is_left(smd, pids):
    """Within 2 s, processes and directory."""
    wait_until(lambda: not any(is_running(p) for p in pids), lambda: f"gone: {[command_line(p) for p in pids if is_running(p)]}", 2)
    wait_until(lambda: not smd.dirs(), lambda: f"{smd.dirs()} gone", 2)
    assert not processes_naming(str(smd.tmp))


def test_prints_its_addresses_and_serves(dev):
    smd = dev()
    names = [line.partition(": ")[0] for line in smd.out().splitlines()]
    assert names == ["http", "etcd", "runtime", "ready"]
    roles = smd.wait_roles(*ROLES)
    assert int(http_request(smd.url, "GET", "/")[1]) == roles["http"]
    put(smd.etcd, "a", "1")
    assert get(smd.etcd, "a") == "1"
    assert pathlib.Path(smd.runtime_dir, "command.sock").is_socket()
    (directory,) = smd.dirs()
    assert directory.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_leaves_nothing(dev, number):
    smd = dev()
    pids = descendants_of(smd.pid)
    assert len(pids) == 5  # keeper, etcd, three roles
    smd.signal(number)
    assert smd.wait(5) == (-signal.SIGKILL if number == signal.SIGKILL else 0)
    assert_nothing_is_left(smd, pids)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_leaves_nothing_when_its_whole_group_is_hit(dev, number):
    smd = dev(start_new_session=True)
    pids = descendants_of(smd.pid)
    os.killpg(smd.pid, number)
    smd.wait(5)
    assert_nothing_is_left(smd, pids)


def test_leaves_nothing_when_killed_during_start(dev):
    rng = random.Random(1)
    for _ in range(30):
        smd = dev(wait=False)
        time.sleep(rng.uniform(0, 0.15))
        smd.signal(rng.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT]))
        smd.wait(5)
        wait_until(lambda: not smd.dirs(), lambda: f"{smd.dirs()} gone", 2)
        wait_until(lambda: not processes_naming(str(smd.tmp)), "the processes are gone", 2)


def test_etcd_is_back_with_its_data(dev):
    smd = dev()
    put(smd.etcd, "a", "1")
    before = smd.wait_roles(*ROLES)
    os.kill(etcd_pid(smd), signal.SIGKILL)
    wait_until(lambda: smd.log().count("etcd is up") == 2, "etcd is back")
    assert get(smd.etcd, "a") == "1"
    after = smd.wait_roles(*ROLES)
    assert {r: p for r, p in after.items() if r != "etcd"} == {r: p for r, p in before.items() if r != "etcd"}


def test_the_keeper_is_back_with_etcd_and_its_data(dev):
    smd = dev()
    put(smd.etcd, "a", "1")
    keeper, etcd = smd.wait_roles(*ROLES)["etcd"], etcd_pid(smd)
    os.kill(keeper, signal.SIGKILL)
    wait_until(lambda: not is_running(etcd), "the old etcd is gone")
    wait_until(lambda: smd.log().count("etcd is up") == 2, lambda: f"etcd is back:\n{smd.log()}", 15)
    assert get(smd.etcd, "a") == "1"
    pids = descendants_of(smd.pid)
    smd.signal(signal.SIGKILL)
    smd.wait()
    assert_nothing_is_left(smd, pids)


def test_persist_keeps_the_data(dev, short_tmp):
    kept = short_tmp / "kept"
    smd = dev("--persist", str(kept))
    put(smd.etcd, "a", "1")
    pids = descendants_of(smd.pid)
    smd.signal(signal.SIGTERM)
    assert smd.wait(10) == 0
    assert_nothing_is_left(smd, pids)
    again = dev("--persist", str(kept))
    assert get(again.etcd, "a") == "1"
    put(again.etcd, "a", "2")
    pids = descendants_of(again.pid)
    again.signal(signal.SIGKILL)
    again.wait()
    assert_nothing_is_left(again, pids)
    third = dev("--persist", str(kept))
    assert get(third.etcd, "a") == "2"


def test_persist_in_a_relative_directory(dev, short_tmp):
    smd = dev("--persist", "kept", cwd=short_tmp)
    assert (short_tmp / "kept" / "etcd" / "member").is_dir()
    assert get(smd.etcd, "a") is None


def test_persist_is_for_one_at_a_time(dev, short_tmp):
    kept = short_tmp / "kept"
    dev("--persist", str(kept))
    second = dev("--persist", str(kept), wait=False)
    assert second.wait() == 1
    assert "another smd dev keeps its data there" in second.log()


def test_two_at_a_time(dev):
    first, second = dev(), dev()
    put(first.etcd, "a", "1")
    assert get(second.etcd, "a") is None
    assert first.url != second.url
    second.signal(signal.SIGTERM)
    assert second.wait() == 0
    assert get(first.etcd, "a") == "1"


def test_the_next_start_sweeps_dead_directories(dev, short_tmp):
    dead, empty = short_tmp / "smd-dev-AAAAAA", short_tmp / "smd-dev-BBBBBB"
    foreign, longer = short_tmp / "smd-dev-CCCCCC", short_tmp / "smd-dev-DDDDDDD"
    for directory in (dead, empty, foreign, longer):
        directory.mkdir()
    (dead / "dev.lock").touch()
    (dead / "data").mkdir()
    (dead / "data" / "x").touch()
    (foreign / "mine").touch()
    living = dev()
    smd = dev()
    assert not dead.exists() and not empty.exists()
    assert foreign.exists() and longer.exists()
    assert len(smd.dirs()) == 4
    assert get(living.etcd, "a") is None


def test_options(dev, short_tmp):
    smd = dev("--service", "my.manager", "--port", "0")
    assert "my.manager" not in smd.log()
    bad = dev("--service", "a/b", wait=False)
    assert bad.wait() == 1
    assert "'/' at byte 2 is not allowed" in bad.log()


def test_a_taken_port(dev):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        smd = dev("--port", str(taken.getsockname()[1]), wait=False)
        assert smd.wait() == 1
    assert "Address already in use" in smd.log()
    assert not smd.dirs()


def test_without_etcd(dev, short_tmp):
    (short_tmp / "bin").mkdir()
    smd = dev(wait=False, env={"PATH": str(short_tmp / "bin"), "TMPDIR": str(short_tmp)})
    assert smd.wait() == 1
    assert "etcd is not installed" in smd.log()
    wait_until(lambda: not smd.dirs(), "no directory is left", 2)


def test_the_longest_temporary_directory_does(dev, short_tmp):
    longest = short_tmp / ("x" * (86 - len("/smd-dev-XXXXXX") - len(str(short_tmp)) - 1))
    longest.mkdir()
    smd = dev(env=os.environ | {"TMPDIR": str(longest)})
    assert pathlib.Path(smd.runtime_dir, "command.sock").is_socket()


def test_a_temporary_directory_that_does_not_do(dev, short_tmp):
    long = short_tmp / ("x" * (87 - len("/smd-dev-XXXXXX") - len(str(short_tmp)) - 1))
    long.mkdir()
    for directory, text in [(long, "is too long for UNIX sockets"), (short_tmp / "nowhere", "cannot make a directory in")]:
        smd = dev(wait=False, env=os.environ | {"TMPDIR": str(directory)})
        assert smd.wait() == 1
        assert text in smd.log()


def test_settings_of_another_etcd_do_not_matter(dev, short_tmp):
    smd = dev(env=os.environ | {"TMPDIR": str(short_tmp), "ETCD_LISTEN_CLIENT_URLS": "http://127.0.0.1:1", "ETCD_AUTH_TOKEN": "nonsense"})
    assert get(smd.etcd, "a") is None


def test_hang_up_changes_nothing(dev):
    smd = dev()
    before = smd.wait_roles(*ROLES)
    smd.signal(signal.SIGHUP)
    smd.wait_log("there is no configuration to read again")
    assert smd.wait_roles(*ROLES) == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_the_real_daemon(start, number):
    smd = start(SmdDev)
    for role in ROLES:
        before = smd.wait_roles(*ROLES)
        os.kill(before[role], signal.SIGKILL)
        wait_until(lambda: smd.roles().get(role, before[role]) != before[role], f"{role} is back")
        assert json.loads(http_request(smd.url, "GET", "/sm/server/health")[1]) == {"msg": "success"}
    wait_until(lambda: smd.log().count("sync is up") == 2 and smd.log().count("etcd is up") == 2, lambda: f"all up:\n{smd.log()}")
    pids = descendants_of(smd.pid)
    smd.signal(number)
    smd.wait(10)
    assert_nothing_is_left(smd, pids)
