# SPDX-License-Identifier: Apache-2.0
"""The Python package: its errors, signals, fork, asyncio, routing. What all languages share is in test_conformance.py."""

import os
import signal
import subprocess
import textwrap

import pytest

from containers import command
from smd import Dev, die_with_parent, wait_until

pytestmark = pytest.mark.skipif(command("python") is None, reason="the Python package is not built")


@pytest.fixture(scope="module")
def dev():
    cluster = Dev()
    cluster.must("add-spec", {"service": "py"})
    cluster.must("add-shard", {"service": "py", "shardId": "s1"})
    yield cluster
    assert cluster.stop() == 0


def before_exec():
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # ignored where a script's & started the tests, and then in Python, too


class Script:
    """A Python program of its own: what it does to its process stays there."""

    def __init__(self, tmp_path, text, *arguments):
        (tmp_path / "script.py").write_text(textwrap.dedent(text))
        argv, environment = command("python")
        self.output = tmp_path / "output"
        with open(self.output, "w") as out:
            self.process = subprocess.Popen(
                [argv[0], str(tmp_path / "script.py"), *arguments], stdout=out, stderr=subprocess.STDOUT, env=environment, preexec_fn=before_exec
            )

    def text(self):
        return self.output.read_text()

    def said(self, words, seconds=20):
        wait_until(f"{words} in the output", lambda: words in self.text() or self.process.poll() is not None, seconds)
        assert words in self.text(), self.text()

    def status(self, seconds=20):
        return self.process.wait(seconds)


PRELUDE = """
import asyncio, os, signal, sys, threading, time
import shardmgr

class App:
    def add(self, shard):
        print("add", shard.id, shard.held() == shard.token, flush=True)
    def drop(self, shard):
        print("drop", shard.id, flush=True)
"""


@pytest.fixture
def script(tmp_path):
    """script(body, *arguments): runs it; what still runs at the test's end is killed."""
    started = []

    def start(body, *arguments):
        started.append(Script(tmp_path, PRELUDE + textwrap.dedent(body), *arguments))
        return started[-1]

    yield start
    for run in started:
        if run.process.poll() is None:
            run.process.kill()
            run.process.wait()


def test_wrong_options_say_what_and_what_to_do(script):
    run = script(
        """
        for options in ({"ttl": 1}, {"ttl": "soon"}, {"endpoint": "x"}, {"endpoints": "unix:relative"}):
            try:
                shardmgr.Container("py", "127.0.0.1:0", App(), **options).start()
                print("accepted", options)
            except shardmgr.Error as error:
                print(error.code, error)
        try:
            shardmgr.Container("p/y", "127.0.0.1:0", App()).start()
        except shardmgr.Error as error:
            print(error)
        """,
    )
    assert run.status() == 0
    text = run.text()
    assert "endpoints" in text and 'did you mean "endpoints"' in text
    assert "service" in text
    assert "Traceback" not in text


def test_port_taken(script):
    run = script(
        """
        import socket
        s = socket.create_server(("127.0.0.1", 0))
        try:
            shardmgr.Container("py", "127.0.0.1:%d" % s.getsockname()[1], App()).start()
        except shardmgr.Error as error:
            print("refused:", error)
        """,
    )
    assert run.status() == 0
    assert "refused:" in run.text()


def test_no_etcd_times_out_and_ctrl_c_ends_waiting(script):
    run = script(
        """
        try:
            shardmgr.Container("py", "127.0.0.1:0", App(), endpoints="127.0.0.1:1", open_timeout=0.3).start()
        except TimeoutError as error:
            print("timed out:", error, flush=True)
        try:
            print("waiting", flush=True)
            shardmgr.Container("py", "127.0.0.1:0", App(), endpoints="127.0.0.1:1", open_timeout=None).start()
        except KeyboardInterrupt:
            print("interrupted", flush=True)
        """,
    )
    run.said("timed out:")
    run.said("waiting")
    run.process.send_signal(signal.SIGINT)
    assert run.status() == 0
    assert "interrupted" in run.text()


def test_with_statement_drops_everything(dev, script):
    run = script(
        """
        added = threading.Event()
        class Told(App):
            def add(self, shard):
                super().add(shard)
                added.set()
        with shardmgr.Container("py", "127.0.0.1:0", Told(), endpoints=sys.argv[1], ttl=2) as c:
            added.wait()
            assert c.held("s1") and not c.held("s2") and c.state == "open"
        print(c.state, c.held("s1"), flush=True)
        c.close()
        """,
        dev.endpoint,
    )
    assert run.status() == 0
    assert run.text().split("\n")[-4:-1] == ["add s1 True", "drop s1", "stopped 0"]


def test_fork_owns_nothing(dev, script):
    run = script(
        """
        added = threading.Event()
        class Told(App):
            def add(self, shard):
                added.set()
        with shardmgr.Container("py", "127.0.0.1:0", Told(), endpoints=sys.argv[1], ttl=2) as c:
            added.wait()
            for n in range(20):  # other threads are inside of the library at some of these
                pid = os.fork()
                if pid == 0:
                    os.write(1, b"child holds %d\\n" % c.held("s1"))
                    os._exit(0)
                os.waitpid(pid, 0)
            print("parent holds", c.held("s1") > 0, flush=True)
        """,
        dev.endpoint,
    )
    assert run.status() == 0
    assert run.text().count("child holds 0\n") == 20 and "parent holds True" in run.text()


def test_asyncio(dev, script):
    run = script(
        """
        class Async:
            async def add(self, shard):
                print("add", shard.id, flush=True)
                self.added.set()
            async def drop(self, shard):
                await asyncio.sleep(0.01)
                print("drop", shard.id, flush=True)
        async def main():
            app = Async()
            app.added = asyncio.Event()
            async with shardmgr.AsyncContainer("py", "127.0.0.1:0", app, endpoints=sys.argv[1], ttl=2) as c:
                await app.added.wait()
                assert c.held("s1")
            try:
                async with shardmgr.AsyncContainer("py", "127.0.0.1:0", app, endpoints="127.0.0.1:1", open_timeout=0.2):
                    pass
            except TimeoutError:
                print("timed out", flush=True)
        asyncio.run(main())
        """,
        dev.endpoint,
    )
    assert run.status() == 0, run.text()
    assert run.text().split("\n")[:3] == ["add s1", "drop s1", "timed out"]


def test_route(dev, script):
    run = script(
        """
        try:
            shardmgr.Route("/nonexistent")
        except shardmgr.Error as error:
            print("no view:", error, flush=True)
        with shardmgr.Route(sys.argv[2]) as route, shardmgr.Container("py", "127.0.0.1:0", App(), endpoints=sys.argv[1], ttl=2) as c:
            end = time.monotonic() + 20
            while (owner := route.lookup("py", "s1")) is None and time.monotonic() < end:
                time.sleep(0.01)
            assert owner.address == c.id and owner.token == c.held("s1"), owner
            assert route.lookup("py", "s2") is None and route.lookup("nobody", "s1") is None
            assert route.age is not None and route.age < 10
        try:
            route.lookup("py", "s1")
        except shardmgr.Closed:
            print("closed", flush=True)
        """,
        dev.endpoint,
        dev.runtime,
    )
    assert run.status() == 0, run.text()
    assert "no view:" in run.text() and "closed" in run.text()


def test_texts_that_c_would_cut_or_not_see(dev, script):
    run = script(
        """
        for service in (None, "p\\0y", "\\udcff"):
            try:
                shardmgr.Container(service, "127.0.0.1:0", App(), endpoints=sys.argv[1]).start()
                print("accepted", repr(service))
            except (TypeError, ValueError, shardmgr.Error) as error:
                print("refused", ascii(error))
        with shardmgr.Container("py", "127.0.0.1:0", App(), endpoints=sys.argv[1], ttl=2) as c:
            for shard in (None, "s1\\0", "\\udcff", 7):
                try:
                    print("held", c.held(shard))
                except (TypeError, ValueError) as error:
                    print("refused", ascii(error))
        print("end", flush=True)
        """,
        dev.endpoint,
    )
    assert run.status() == 0, run.text()
    assert run.text().count("refused") >= 6 and "accepted" not in run.text() and run.text().endswith("end\n"), run.text()


def test_an_add_may_fail_with_any_text(dev, script):
    """The claim is given back and asked for again, whatever the exception says of itself."""
    run = script(
        """
        class Odd(Exception):
            def __str__(self):
                raise RuntimeError
        errors = [ValueError("\\udcff"), ValueError("a\\0b"), Odd()]
        added = threading.Event()
        class Failing(App):
            def add(self, shard):
                if errors:
                    raise errors.pop()
                added.set()
        with shardmgr.Container("py", "127.0.0.1:0", Failing(), endpoints=sys.argv[1], ttl=2) as c:
            print("added" if added.wait(20) else "stuck", flush=True)
        """,
        dev.endpoint,
    )
    assert run.status(60) == 0 and "added" in run.text(), run.text()


def test_close_without_start_and_failing_handlers(dev, script):
    run = script(
        """
        shardmgr.Container("py", "127.0.0.1:0", App()).close()
        class Broken(App):
            def drop(self, shard):
                raise ValueError("cannot stop")
        added = threading.Event()
        Broken.add = lambda self, shard: added.set()
        with shardmgr.Container("py", "127.0.0.1:0", Broken(), endpoints=sys.argv[1], ttl=2) as c:
            added.wait()
        print("closed all the same", flush=True)
        """,
        dev.endpoint,
    )
    assert run.status() == 0, run.text()
    assert "closed all the same" in run.text()
    wait_until("s1 is free", lambda: not dev.etcd.list("/sm/app/py/shardhb/"))
