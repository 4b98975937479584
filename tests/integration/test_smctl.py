# SPDX-License-Identifier: Apache-2.0
"""smctl against the front: tables, JSON, waiting, exit statuses."""

import json
import os
import socket
import subprocess
import threading
import time

import pytest
from http_front import BUILD, MANAGER, Front

OK, REFUSED, USAGE, UNREACHABLE, NOT_GREEN = range(5)


def smctl(server, *arguments, **environment):
    done = subprocess.run([BUILD / "smctl", *(["-s", server] if server else []), *arguments], capture_output=True, text=True,
                          timeout=60, env={**os.environ, **environment})
    return done.returncode, done.stdout, done.stderr


@pytest.fixture()
def front():
    with Front() as f:
        f.url = f"http://127.0.0.1:{f.port}"

        def answer(op, args):
            results = []
            for shard in args.get("shards", []):
                identity = shard if isinstance(shard, str) else shard["shardId"]
                if op == "add-shards" and identity == "taken":
                    results.append({"id": identity, "code": -5, "error": "it exists already"})
                    continue
                if op == "add-shards":
                    f.view("shard", service=args["service"], id=identity, group=shard["group"], pin=shard["manualContainerId"],
                           workerGroup=shard["workerGroup"])
                else:
                    f.view("unshard", service=args["service"], id=identity)
                results.append({"id": identity, "code": 0, "error": ""})
            if op == "add-spec":
                f.view("service", name=args["service"], max=args["maxShardCount"])
            if op == "del-spec":
                f.view("unservice", name=args["service"])
            if op == "add-worker":
                f.view("worker", service=args["service"], group=args["workerGroup"], container=args["worker"])
            return {"code": 0, "error": "", "results": results}
        f.sync.answer = answer
        yield f


def test_a_service_from_beginning_to_end(front):
    url = front.url
    assert smctl(url, "health") == (OK, "ok\n", "")
    assert smctl(url, "service", "add", "S", "--max-shards", "7") == (OK, "", "")
    assert smctl(url, "service", "list") == (OK, f"S\n{MANAGER}\n", "")
    assert smctl(url, "shard", "add", "S", "b", "a", "--group", "g", "--pin", "h:1") == (OK, "", "")
    assert smctl(url, "shard", "add", "S", "c") == (OK, "", "")
    status, out, _ = smctl(url, "service", "show", "S")
    assert status == OK and "most shards each     7" in out and "shards               3" in out
    front.view("container", service="S", id="h:1", incarnation=5)
    front.view("container", service="S", id="h:2", incarnation=6)
    front.view("claim", service="S", shard="a", container="h:1", incarnation=5, ready=True)
    front.view("claim", service="S", shard="b", container="h:1", incarnation=5, ready=False)
    assert smctl(url, "shard", "list", "S")[1].splitlines() == [
        "SHARD  OWNER  READY  GROUP  WORKERGROUP  PIN",
        "a      h:1    yes    g      -            h:1",
        "b      h:1    no     g      -            h:1",
        "c      -      no     -      -            -"]
    assert smctl(url, "container", "list", "S")[1].splitlines() == [
        "CONTAINER  ALIVE  SHARDS", "h:1        yes    2", "h:2        yes    0"]
    status, out, _ = smctl(url, "status")
    assert status == NOT_GREEN and out.splitlines() == [
        "SERVICE  GREEN  SHARDS  SERVING  UNASSIGNED  CONTAINERS",
        "S        no     3       1        1           2"]
    assert smctl(url, "worker", "add", "S", "w", "h:1")[0] == OK
    assert smctl(url, "worker", "list", "S")[1] == "WORKERGROUP  WORKER\nw            h:1\n"
    assert smctl(url, "worker", "del", "S", "w", "h:1")[0] == OK
    assert smctl(url, "shard", "update", "S", "a", "--pin", "")[0] == OK
    assert front.sync.requests[-1] == ("update-shard", {"service": "S", "shardId": "a", "manualContainerId": ""})
    assert smctl(url, "service", "update", "S", "--recovery", "3")[0] == OK
    assert smctl(url, "shard", "del", "S", "a", "b", "c")[0] == OK
    assert smctl(url, "shard", "list", "S")[1].count("\n") == 1  # only the heads: claims of removed shards are not listed
    assert smctl(url, "service", "del", "S")[0] == OK
    assert smctl(url, "service", "list")[1] == f"{MANAGER}\n"


def test_waiting_for_green(front):
    front.view("service", name="S")
    front.view("shards", service="S", count=1)
    front.view("container", service="S", id="h:1", incarnation=5)
    status, _, error = smctl(front.url, "status", "--wait", "green", "--timeout", "0.3")
    assert status == NOT_GREEN and "not green after 0.3 s" in error
    timer = threading.Timer(0.3, lambda: front.view("claim", service="S", shard="s0", container="h:1", incarnation=5, ready=True))
    timer.start()
    start = time.monotonic()
    assert smctl(front.url, "status", "S", "--wait", "green", "--timeout", "20")[0] == OK
    assert 0.2 < time.monotonic() - start < 10
    timer.join()


def test_waiting_for_a_manager_that_is_not_there_yet(front):
    front.view("service", name="S")
    assert front.stop() == 0
    front.listener.close()
    timer = threading.Timer(0.5, lambda: (setattr(front, "listener", socket.create_server(("127.0.0.1", front.port))), front.start()))
    timer.start()
    assert smctl(front.url, "status", "--wait", "green", "--timeout", "20")[::2] == (OK, "")
    timer.join()


def test_json(front):
    front.view("service", name="S")
    front.view("shards", service="S", count=2)
    assert json.loads(smctl(front.url, "-o", "json", "service", "list")[1]) == {"services": ["S", MANAGER]}
    assert json.loads(smctl(front.url, "status", "-o", "json")[1])["services"][0]["shards"] == 2
    for arguments in (["shard", "list", "S"], ["worker", "list", "S"], ["container", "list", "S"], ["service", "show", "S"],
                      ["health"], ["shard", "add", "S", "x"], ["service", "add", "T"]):
        status, out, _ = smctl(front.url, "-o", "json", *arguments)
        assert status == OK and isinstance(json.loads(out), dict), arguments


def test_refusals(front):
    front.view("service", name="S")
    status, out, error = smctl(front.url, "shard", "add", "S", "ok", "taken")
    assert (status, out) == (REFUSED, "") and "shard taken: it exists already" in error
    status, out, error = smctl(front.url, "shard", "list", "nope")
    assert status == REFUSED and "unknown" in error
    status, _, error = smctl(front.url, "service", "add", "a/b")
    assert status == REFUSED and "service" in error
    status, _, error = smctl(front.url + "/elsewhere", "health")
    assert status == REFUSED and "nothing is served" in error


def test_many_shards_go_in_several_requests(front):
    front.view("service", name="S")
    front.sync.answer = lambda op, args: {"code": 0, "error": "", "results": [
        {"id": s["shardId"], "code": 0, "error": ""} for s in args["shards"]]}
    assert smctl(front.url, "shard", "add", "S", *[f"s{i}" for i in range(12345)])[0] == OK
    assert [len(args["shards"]) for _, args in front.sync.requests] == [10000, 2345]


@pytest.mark.parametrize("arguments,part", [
    ([], "no command"), (["frobnicate"], "unknown command frobnicate"), (["shard"], "unknown command"),
    (["shard", "frob"], "unknown command"), (["shard", "add", "S"], "SERVICE SHARD"), (["health", "x"], "none"),
    (["--frob"], "--frob"), (["-o"], "-o"), (["-o", "xml", "health"], "json or table"), (["--wait", "blue", "status"], "green"),
    (["--timeout", "0", "status"], "--timeout"), (["--timeout", "x", "status"], "--timeout"),
    (["--max-shards", "-1", "service", "add", "S"], "--max-shards")])
def test_usage(arguments, part):
    status, out, error = smctl("http://127.0.0.1:1", *arguments)
    assert (status, out) == (USAGE, "") and part in error and "--help" in error


def test_help_and_the_server_of_the_environment(front):
    status, out, _ = smctl(None, "--help")
    assert status == OK and "exit status" in out and "--wait" in out
    assert smctl(None, "--version")[1].startswith("smctl ")
    assert smctl(None, "health", SMCTL_SERVER=front.url)[0] == OK


def test_nobody_there_and_nobody_answering():
    assert smctl("http://127.0.0.1:1", "health")[0] == UNREACHABLE
    assert smctl("gopher://127.0.0.1", "health")[0] == UNREACHABLE
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        status, _, error = smctl(url, "--timeout", "0.3", "status")
        assert status == UNREACHABLE and "is smd running there" in error


@pytest.mark.parametrize("answer", ["null", "[]", "{}", '{"services":[1,null],"spec":[],"shardSpec":7,"allocate":{"c":["s",7]},"results":[]}',
                                    '{"services":{}}', "[" * 5000, "\\0"])
def test_an_answer_that_is_not_smds(answer):
    """Nothing is called done that nobody confirmed, and no answer is too strange."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def serve():
            while True:
                try:
                    with listener.accept()[0] as sock:
                        sock.recv(65536)
                        sock.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {len(answer)}\r\n\r\n{answer}".encode())
                except OSError:
                    return
        thread = threading.Thread(target=serve)
        thread.start()
        url = "http://127.0.0.1:%d" % listener.getsockname()[1]
        for command in ("service list", "service show s", "shard list s", "worker list s", "container list s", "shard add s a", "shard del s a"):
            status, _, error = smctl(url, *command.split())
            assert status in (OK, REFUSED) and "runtime error" not in error and "Sanitizer" not in error, (command, error)
            if status == OK:
                assert "services" in answer and not command.startswith(("shard add", "shard del")), command
            else:
                assert "is it smd's address?" in error
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
