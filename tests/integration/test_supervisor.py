# SPDX-License-Identifier: Apache-2.0
"""The supervisor with roles that only behave (tests/fake_smd.c): starts, deaths, reloads, stops."""

import os
import pathlib
import resource
import signal
import socket
import subprocess

import pytest
from conftest import FAKE_SMD, PATIENCE, SMD, Smd, children_of, http_request, is_running, wait_until

ROLES = ("sync", "balancer", "http")


@pytest.fixture
def fake(start):
    def start_fake(config=None, **keywords):
        return start(Smd, config, binary=FAKE_SMD, **keywords)

    return start_fake


def run(*arguments):
    return subprocess.run([str(a) for a in arguments], capture_output=True, text=True, timeout=20 * PATIENCE)


def answer_of(url):
    return int(http_request(url, "GET", "/")[1])


def test_is_four_processes(fake):
    smd = fake()
    roles = smd.wait_roles(*ROLES)
    assert len(children_of(smd.pid)) == 3
    assert answer_of(smd.url) == roles["http"]
    assert pathlib.Path(smd.runtime_dir).stat().st_mode & 0o777 == 0o755
    assert pathlib.Path(smd.runtime_dir, "command.sock").stat().st_mode & 0o777 == 0o600


def test_children_have_their_descriptors_and_no_others(fake, tmp_path):
    stray = os.open(tmp_path, os.O_RDONLY)
    os.set_inheritable(stray, True)
    try:
        smd = fake(pass_fds=[stray])
        roles = smd.wait_roles(*ROLES)
    finally:
        os.close(stray)
    expected = {
        "sync": {3: "socket", 4: "socket", 5: "[eventfd]", 6: "[eventfd]"},
        "balancer": {3: "socket", 5: "[eventfd]"},
        "http": {3: "socket", 4: "socket", 6: "[eventfd]"},
    }
    links = {}
    for role, pid in roles.items():
        links[role] = {int(n.name): os.readlink(n) for n in pathlib.Path(f"/proc/{pid}/fd").iterdir()}
        for fd, kind in expected[role].items():
            assert kind in links[role][fd], (role, fd, links[role])
        assert not any(str(tmp_path) in target for target in links[role].values())
        assert links[role][0] == "/dev/null"
        assert sum(target.startswith("socket:") for target in links[role].values()) <= len(expected[role]) + 2  # libevent's signals
    assert links["sync"][4] != links["http"][4]


@pytest.mark.parametrize("role", ROLES)
def test_a_killed_child_is_back_and_takes_nobody_along(fake, role):
    smd = fake()
    before = smd.wait_roles(*ROLES)
    os.kill(before[role], signal.SIGKILL)
    wait_until(lambda: smd.roles().get(role, before[role]) != before[role], f"{role} is back")
    after = smd.wait_roles(*ROLES)
    assert {r: p for r, p in after.items() if r != role} == {r: p for r, p in before.items() if r != role}
    assert answer_of(smd.url) == after["http"]


def test_no_connection_is_refused_while_http_is_dead(fake):
    smd = fake()
    for _ in range(3):
        http = smd.wait_roles(*ROLES)["http"]
        os.kill(http, signal.SIGKILL)
        assert answer_of(smd.url) != http  # the third time it waits for 2 s, and the connection with it


def test_a_second_smd_is_refused(fake, short_tmp):
    smd = fake()
    other = short_tmp / "other.yml"
    other.write_text(smd.config_path.read_text())
    done = run(FAKE_SMD, "-c", other)
    assert done.returncode == 1
    assert f"another smd (process {smd.pid}) runs in {smd.runtime_dir}; stop it, or set another runtimeDir" in done.stderr
    assert answer_of(smd.url) == smd.wait_roles(*ROLES)["http"]


def test_killed_supervisor_leaves_nothing_and_the_next_one_starts(fake):
    smd = fake()
    children = smd.wait_roles(*ROLES).values()
    smd.signal(signal.SIGKILL)
    smd.wait()
    wait_until(lambda: not any(is_running(p) for p in children), "the children are gone", 2)
    assert pathlib.Path(smd.runtime_dir, "command.sock").exists()
    again = fake()
    again.wait_roles(*ROLES)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stops_cleanly(fake, number):
    smd = fake()
    children = smd.wait_roles(*ROLES).values()
    smd.signal(number)
    assert smd.wait() == 0
    assert not any(is_running(p) for p in children)
    assert not pathlib.Path(smd.runtime_dir, "command.sock").exists()
    assert "warning" not in smd.log() and "error" not in smd.log()


def test_ctrl_c_reaches_the_whole_group_and_still_stops_in_order(fake):
    smd = fake(start_new_session=True)
    smd.wait_roles(*ROLES)
    os.killpg(smd.pid, signal.SIGINT)
    assert smd.wait() == 0
    assert "warning" not in smd.log()


def test_stubborn_children_are_killed(fake):
    smd = fake({"service": "stubborn"})
    children = smd.wait_roles(*ROLES).values()
    smd.signal(signal.SIGTERM)
    wait_until(lambda: "stopping" in smd.log(), "it stops")
    smd.signal(signal.SIGTERM)  # the second one does not wait
    assert smd.wait() == 0
    assert not any(is_running(p) for p in children)


def test_a_child_without_success_does_not_stop_the_others(fake):
    smd = fake({"service": "crash"}, wait=False)
    smd.wait_log("balancer")
    wait_until(lambda: smd.log().count("ended with status 3") >= 3, "three tries")
    assert set(smd.roles()) >= {"sync", "http"}
    http = smd.roles()["http"]
    assert answer_of(smd.url) == http
    smd.signal(signal.SIGTERM)
    assert smd.wait() == 0


def test_a_child_that_cannot_be_started_is_tried_again(fake):
    smd = fake()
    sync = smd.wait_roles(*ROLES)["sync"]
    limits = resource.prlimit(smd.pid, resource.RLIMIT_NOFILE, (3, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    os.kill(sync, signal.SIGKILL)
    smd.wait_log("cannot start sync: socketpair: Too many open files")
    resource.prlimit(smd.pid, resource.RLIMIT_NOFILE, limits)
    assert smd.wait_roles(*ROLES)["sync"] != sync


def test_blocked_signals_and_closed_descriptors_of_the_caller_do_not_matter(fake):
    def spoil():
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGCHLD, signal.SIGHUP})
        resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
        os.close(0)

    smd = fake(preexec_fn=spoil)
    smd.wait_roles(*ROLES)
    smd.signal(signal.SIGTERM)
    assert smd.wait() == 0


def test_an_unknown_message_ends_its_sender(fake):
    smd = fake({"service": "odd"}, wait=False)
    smd.wait_log('balancer sent a message that nobody knows, "hello": killed')


def test_balancer_and_http_wait_for_sync(fake):
    smd = fake()
    order = [line.split("info: ")[1].split()[0] for line in smd.log().splitlines() if " is up " in line]
    assert order[0] == "sync" and sorted(order) == sorted(ROLES)


# ---- configuration ----


def test_check(short_tmp):
    good = short_tmp / "good.yml"
    good.write_text("service: a\nport: 1\nendpoints: [h:1]\netcdPrefix: /sm\n")
    done = run(SMD, "--check", "--config-file", good)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{good}: ok\n", "")
    bad = short_tmp / "bad.yml"
    bad.write_text("service: a\nprot: 1\nendpoints: [h:1]\netcdPrefix: /sm\n")
    done = run(SMD, "--check", "--config-file", bad)
    assert done.returncode == 1
    assert f'{bad}:2:1: unknown key "prot"; did you mean "port"?\n' in done.stderr
    assert 'key "port" is missing' in done.stderr


@pytest.mark.parametrize(
    "arguments, status, text",
    [
        ([], 2, "--config-file is missing"),
        (["--nonsense"], 2, "usage:"),
        (["x"], 2, "unknown argument x"),
        (["-c", "/nowhere/x.yml"], 1, "No such file"),
        (["dev", "--port", "65536"], 2, "from 0 to 65535"),
        (["dev", "x"], 2, "dev takes no argument x"),
        (["--role=nonsense"], 2, "there is no role nonsense"),
        (["--role=balancer"], 1, "only smd itself starts a role"),
    ],
)
def test_wrong_use(arguments, status, text):
    done = run(SMD, *arguments)
    assert done.returncode == status
    assert text in done.stderr


def test_help_and_version():
    assert "etcdPrefix" in run(SMD, "--help").stdout
    assert run(SMD, "--version").stdout.startswith("smd 0.")


def test_wrong_runtime_directories(fake, short_tmp):
    for directory, text in [
        ("/proc/nowhere/run", "cannot make the runtime directory"),
        ("/tmp", "can be written by others"),
        ("/etc/passwd", "is not a directory"),
    ]:
        smd = fake({"runtimeDir": directory}, wait=False)
        assert smd.wait() == 1
        assert text in smd.log()


def test_a_taken_port(fake):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        smd = fake({"port": port}, wait=False)
        assert smd.wait() == 1
        assert f"cannot listen on 127.0.0.1 port {port}: Address already in use; another process has it" in smd.log()


def test_other_addresses(fake):
    smd = fake({"listen": "::1"})
    assert smd.url.startswith("http://[::1]:")
    assert answer_of(smd.url) == smd.wait_roles(*ROLES)["http"]


# ---- reload ----


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


def test_reload_swaps_the_configuration(fake):
    smd = fake()
    before, old_url, port = smd.wait_roles(*ROLES), smd.url, free_port()
    smd.write_config(port=port)
    smd.signal(signal.SIGHUP)
    wait_until(lambda: smd.log().count(" ready: ") == 2, lambda: f"ready again:\n{smd.log()}")
    after = smd.wait_roles(*ROLES)
    assert not set(before.values()) & set(after.values())
    assert smd.url == f"http://127.0.0.1:{port}"
    assert answer_of(smd.url) == after["http"]
    with pytest.raises(ConnectionRefusedError):
        answer_of(old_url)
    log = smd.log().partition("new configuration")[2]
    assert log.index("sync is up") < log.index("balancer is up") and log.index("sync is up") < log.index("http is up")


def test_reload_keeps_an_unchanged_socket(fake):
    smd = fake()
    url = smd.url
    smd.write_config(logLevel="debug")
    smd.signal(signal.SIGHUP)
    wait_until(lambda: smd.log().count(" ready: ") == 2, "ready again")
    assert smd.url == url


def test_bad_reloads_change_nothing(fake, short_tmp):
    smd = fake()
    before, url = smd.wait_roles(*ROLES), smd.url
    with socket.create_server(("127.0.0.1", 0)) as taken:
        for changes, text in [
            ({"prot": 1}, 'unknown key "prot"'),
            ({"port": taken.getsockname()[1]}, "Address already in use"),
            ({"runtimeDir": "/tmp/elsewhere"}, "runtimeDir cannot change"),
        ]:
            kept = dict(smd.config)
            smd.write_config(**changes)
            smd.signal(signal.SIGHUP)
            wait_until(lambda: text in smd.log(), lambda: f"{text} in:\n{smd.log()}")
            smd.config = kept
    assert smd.log().count("the configuration stays as it was") == 3
    assert smd.wait_roles(*ROLES) == before
    assert answer_of(url) == before["http"]
    smd.write_config()
    smd.signal(signal.SIGHUP)
    wait_until(lambda: smd.log().count(" ready: ") == 2, "ready again")


# ---- systemd ----


class Notified:
    def __init__(self, directory):
        self.path = str(directory / "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(0.05)
        self.lines = []

    def read(self):
        try:
            while True:
                self.lines += self.socket.recv(4096).decode().split("\n")
        except TimeoutError:
            return self.lines

    def wait(self, text):
        wait_until(lambda: any(text in line for line in self.read()), lambda: f"{text} in {self.lines}")


def test_systemd_is_told(fake, short_tmp):
    notified = Notified(short_tmp)
    smd = fake(env=os.environ | {"NOTIFY_SOCKET": notified.path, "WATCHDOG_USEC": "100000"})
    notified.wait("READY=1")
    notified.wait("STATUS=sync up, balancer up, http up")
    notified.wait("WATCHDOG=1")
    smd.signal(signal.SIGHUP)
    notified.lines.clear()
    notified.wait("RELOADING=1")
    notified.wait("READY=1")
    smd.signal(signal.SIGTERM)
    notified.wait("STOPPING=1")
    assert smd.wait() == 0
    notified.socket.close()


def test_no_watchdog_while_a_child_hangs(fake, short_tmp):
    notified = Notified(short_tmp)
    smd = fake(env=os.environ | {"NOTIFY_SOCKET": notified.path, "WATCHDOG_USEC": "100000"})
    notified.wait("WATCHDOG=1")
    balancer = smd.wait_roles(*ROLES)["balancer"]
    os.kill(balancer, signal.SIGSTOP)

    def is_silent():
        notified.lines.clear()
        wait_until(lambda: True, "")
        for _ in range(4):  # 4 times 50 ms without a line: four were due
            notified.read()
        return "WATCHDOG=1" not in notified.lines

    wait_until(is_silent, "the watchdog is silent")
    os.kill(balancer, signal.SIGCONT)
    notified.wait("WATCHDOG=1")
    notified.socket.close()


def test_the_reason_of_a_death_is_in_the_status(fake, short_tmp):
    notified = Notified(short_tmp)
    smd = fake({"service": "fatal"}, wait=False, env=os.environ | {"NOTIFY_SOCKET": notified.path})
    notified.wait("balancer waiting to restart: the moon is in the way")
    smd.wait_log("the moon is in the way")
    notified.socket.close()
