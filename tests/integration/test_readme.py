# SPDX-License-Identifier: Apache-2.0
"""README's containers, as they stand there, are built and carry a shard."""

import re
import subprocess

import pytest

from containers import PYTHON, SOURCE, command, foreign_environment
from smd import BUILD, Dev, die_with_parent, wait_until

LINES_AT_MOST = 30


@pytest.fixture(scope="module")
def dev():
    cluster = Dev()
    cluster.must("add-spec", {"service": "mirror"})
    cluster.must("add-shard", {"service": "mirror", "shardId": "s1"})
    yield cluster
    assert cluster.stop() == 0


def example(language):
    text = (SOURCE / "README.md").read_text()
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)
    assert len(blocks) == 1
    assert len(blocks[0].splitlines()) < LINES_AT_MOST
    return blocks[0]


def build_c(folder):
    (folder / "mirror.c").write_text(example("c"))
    flags = ["-I", str(SOURCE / "bindings"), f"-L{BUILD}/.libs", f"-Wl,-rpath,{BUILD}/.libs", "-lshardmgr"]
    subprocess.run(["gcc", "-Wall", "-Wextra", "-Werror", "-o", "mirror", "mirror.c", *flags], cwd=folder, check=True)
    return [str(folder / "mirror")]


def build_python(folder):
    (folder / "mirror.py").write_text(example("python"))
    return [PYTHON, str(folder / "mirror.py")]


def build_go(folder):
    (folder / "main.go").write_text(example("go"))
    (folder / "go.mod").write_text(f"module mirror\n\ngo 1.19\n\nrequire shardmgr v0.0.0\n\nreplace shardmgr => {SOURCE}/bindings/go\n")
    environment = {
        **command("go")[1],
        "PKG_CONFIG_PATH": str(BUILD / "packaging"),
        "GOFLAGS": "-buildvcs=false -mod=mod",
        "GOTOOLCHAIN": "local",
        "GOPROXY": "off",
        "GOCACHE": str(BUILD / "go-cache"),
        "CGO_LDFLAGS": f"-Wl,-rpath,{BUILD}/.libs",
    }
    environment.pop("LD_PRELOAD", None)
    subprocess.run(["go", "build", "-o", "mirror", "."], cwd=folder, env=environment, check=True)
    return [str(folder / "mirror")]


@pytest.mark.parametrize("language", ["c", "python", "go"])
def test_example(dev, tmp_path, language):
    if command(language) is None:
        pytest.skip(f"{language} is not built")
    argv = {"c": build_c, "python": build_python, "go": build_go}[language](tmp_path)
    output = tmp_path / "output"
    with open(output, "w") as out:
        process = subprocess.Popen(
            [*argv, dev.endpoint], stdout=out, stderr=subprocess.STDOUT, env={**command(language)[1], **foreign_environment()} if language == "c" else command(language)[1], preexec_fn=die_with_parent
        )
    try:
        wait_until("it serves s1", lambda: "serve s1 token" in output.read_text() or process.poll() is not None)
        assert process.poll() is None, output.read_text()
        process.terminate()
        process.wait(20)
        if language != "c":  # the C example has no signal handler: the simplest loop there is
            assert process.returncode == 0
            assert "stop s1" in output.read_text()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    wait_until("s1 is free again", lambda: not dev.etcd.list("/sm/app/mirror/shardhb/"))
