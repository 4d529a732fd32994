"""What the README shows: the sample `failover` of each SDK writes to a cluster while a leader is killed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from server.tests.cluster.harness import Cluster
from tools import sdks, tree
from tools.cluster import forming, state

# Seconds of the samples: the leader is killed after the first ones, and is back before the last ones.
_SAMPLE_S = 12
_BEFORE_S = 3.0
_AWAY_S = 3.0
_ENDS_S = 90.0
_LAST_LINE = re.compile(r"^(\d+) writes acknowledged, (\d+) missing$")
_SECOND = re.compile(r"^second (\d+): (\d+) writes acknowledged, the slowest took (\d+) ms, (\d+) retries$")

pytestmark = pytest.mark.timeout(240)


@dataclass
class Ended:
    """What a sample came to."""

    status: int
    output: str
    errors: str


def _python(_folder: Path) -> list[str]:
    return [sys.executable, str(tree.ROOT / "clients/python/samples/failover.py")]


def _javascript(_folder: Path) -> list[str] | None:
    program = shutil.which("node")
    if program is None or not (tree.JAVASCRIPT / "dist").is_dir():
        return None
    return [program, str(tree.JAVASCRIPT / "samples/failover.mjs")]


def _java(folder: Path) -> list[str] | None:
    jars = [path for path in (tree.JAVA / "target").glob("themis-java-*.jar") if "-" not in path.stem[12:]]
    if shutil.which("javac") is None or not jars or not sdks.java_libraries():
        return None
    libraries = os.pathsep.join(map(str, [jars[0], *sdks.java_libraries()]))
    sources = [
        tree.JAVA / "samples/src/main/java/dev/themisdb/samples" / name for name in ("Failover.java", "Sample.java")
    ]
    subprocess.run(["javac", "-cp", libraries, "-d", folder, *sources], check=True, timeout=60)
    path = os.pathsep.join([str(folder), libraries])
    return ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", path, "dev.themisdb.samples.Failover"]


_COMMANDS = {"python": _python, "javascript": _javascript, "java": _java}


@contextmanager
def _brought_up(folder: Path) -> Iterator[Cluster]:
    """A cluster, by the command that the README names."""
    data = folder / "cluster"
    base_port = forming.free_base_port(5)
    subprocess.run(
        [tree.ROOT / "themis", "cluster", "up", "--nodes", "3", "--data", data, "--base-port", str(base_port)],
        check=True,
        timeout=120,
        stdout=subprocess.DEVNULL,
    )
    cluster = Cluster(state.load(data))
    try:
        yield cluster
    finally:
        cluster.close()
    cluster.check_logs()


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ended]:
    """All samples that can run here, side by side on one cluster, while the leader of the first shard is killed."""
    folder = tmp_path_factory.mktemp("samples")
    commands = {sdk: command for sdk, make in _COMMANDS.items() if (command := make(folder)) is not None}
    with _brought_up(folder) as cluster:
        environment = {
            **os.environ,
            "THEMIS_ENDPOINT": ",".join(node.endpoint for node in cluster.nodes),
            "SECONDS": str(_SAMPLE_S),
        }
        running = {
            sdk: subprocess.Popen(
                command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tree.ROOT
            )
            for sdk, command in commands.items()
        }
        try:
            time.sleep(_BEFORE_S)
            leader = cluster.leaders()["shard_001"]
            assert leader is not None
            cluster.kill(cluster.node(leader))
            time.sleep(_AWAY_S)
            cluster.start(cluster.node(leader))
            found = {}
            for sdk, process in running.items():
                output, errors = process.communicate(timeout=_ENDS_S)
                found[sdk] = Ended(process.returncode, output, errors)
        finally:
            for process in running.values():
                process.kill()
                process.wait()
        cluster.whole()
    return found


@pytest.mark.parametrize("sdk", _COMMANDS)
def test_a_sample_goes_on_while_a_leader_is_killed_and_misses_nothing(ended: dict[str, Ended], sdk: str) -> None:
    if sdk not in ended:
        pytest.skip(f"the SDK for {sdk} is not built: ./themis test cluster builds it")
    sample = ended[sdk]
    assert sample.status == 0, f"{sample.output}\n{sample.errors}"
    *lines, last = sample.output.splitlines()

    seconds = [[int(part) for part in found.groups()] for line in lines if (found := _SECOND.match(line))]
    assert [second for second, *_ in seconds] == list(range(1, _SAMPLE_S + 1)), sample.output
    assert all(writes for _, writes, _, _ in seconds)
    # The leader was missed: otherwise nothing was shown.
    assert sum(retries for *_, retries in seconds) > 0, sample.output
    total = _LAST_LINE.match(last)
    assert total is not None, sample.output
    assert int(total[1]) == sum(writes for _, writes, _, _ in seconds)
    assert int(total[2]) == 0
