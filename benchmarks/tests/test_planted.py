"""The measurement itself is tested: a server that was made slow misses the bar, one that was not clears it."""

from __future__ import annotations

import contextlib
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks import rounds, servers
from benchmarks.load import requests
from benchmarks.load.wrk import Load, StandstillError, WrkError
from benchmarks.peers.bare_aiohttp import bare_aiohttp
from benchmarks.rounds import Effort
from benchmarks.scenarios import get

_answers = servers.answers("/")
_EFFORT = Effort(rounds=1, round_s=1, warm_up_s=1)
_STEADY = Effort(rounds=5, round_s=1, warm_up_s=1)
"""One round of a second may meet a neighbour's burst on a shared machine; the median of five does not."""

pytestmark = pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed: apt-get install -y wrk")


@pytest.fixture
def load(tmp_path: Path) -> Load:
    return Load(requests.write_file(tmp_path / "load", [requests.get("/")]), 16)


@contextlib.contextmanager
def slow(scratch: Path, burn_us: int, ready: Callable[[int], bool] = _answers) -> Iterator[servers.Running]:
    port = servers.free_port()
    command = [sys.executable, "-m", "benchmarks.tests.slow_server", str(port), str(burn_us)]
    with servers.running(command, port, ready, log=scratch / "slow.log") as server:
        yield server


def test_a_planted_slow_server_misses_the_bar(tmp_path: Path, load: Load) -> None:
    with slow(tmp_path, burn_us=200) as server, bare_aiohttp(b"{}", tmp_path) as bare:
        figure = get.compare(_EFFORT, server, bare, load)

    assert figure.verdict == "missed"
    assert figure.value is not None
    assert figure.value < 0.4


def test_the_same_server_twice_clears_the_bar(tmp_path: Path, load: Load) -> None:
    with slow(tmp_path, burn_us=0) as server, bare_aiohttp(b"{}", tmp_path) as bare:
        figure = get.compare(_STEADY, server, bare, load)

    assert figure.verdict == "met", figure


def test_a_server_that_answers_nothing_is_not_measured(tmp_path: Path, load: Load) -> None:
    with slow(tmp_path, burn_us=3_000_000, ready=servers.listens) as server, pytest.raises(StandstillError):
        rounds.sample(server, load, 1, 1)


def test_a_server_that_refuses_is_not_measured(tmp_path: Path) -> None:
    refused = Load(requests.write_file(tmp_path / "load", [b"GARBAGE\r\n\r\n"]), 1)
    with bare_aiohttp(b"{}", tmp_path) as bare, pytest.raises(WrkError):
        get.compare(_EFFORT, bare, bare, refused)


def test_a_server_that_does_not_start_is_named_with_the_end_of_its_log(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "print('no licence'); raise SystemExit(3)"]

    with (
        pytest.raises(servers.ServerError, match=r"ended with 3:\nno licence"),
        servers.running(command, servers.free_port(), servers.answers("/"), log=tmp_path / "log"),
    ):
        pass


def test_a_server_is_stopped_when_the_measurement_fails(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="planted"), bare_aiohttp(b"{}", tmp_path) as bare:
        raise RuntimeError("planted")

    assert bare.process.returncode is not None
