# SPDX-License-Identifier: Apache-2.0
"""The Go package's own tests, with a cluster of theirs."""

import os
import subprocess

import pytest

from containers import SOURCE, command
from smd import BUILD, Dev


@pytest.mark.skipif(command("go") is None, reason="go is not built")
def test_go_test():
    dev = Dev()
    try:
        environment = {
            **command("go")[1],
            "SM_TEST_ENDPOINT": dev.endpoint,
            "SM_TEST_HTTP": dev.http,
            "SM_TEST_RUNTIME": dev.runtime,
            "PKG_CONFIG_PATH": str(BUILD / "packaging"),
            "GOFLAGS": "-buildvcs=false -mod=mod",
            "GOTOOLCHAIN": "local",
            "GOPROXY": "off",
            "GOCACHE": str(BUILD / "go-cache"),
            "CGO_LDFLAGS": f"-Wl,-rpath,{BUILD}/.libs",
        }
        preload = environment.pop("LD_PRELOAD", None)
        program = BUILD / "tests/integration/go.test"
        subprocess.run(["go", "test", "-c", "-o", str(program), "."], cwd=SOURCE / "bindings/go", env=environment, check=True)
        if preload:
            environment["LD_PRELOAD"] = preload
        result = subprocess.run([str(program), "-test.v"], cwd=SOURCE / "bindings/go", env=environment, text=True, capture_output=True)
        program.unlink()
        print(result.stdout + result.stderr)
        assert result.returncode == 0, result.stdout + result.stderr
        assert "--- SKIP" not in result.stdout
    finally:
        assert dev.stop() == 0
