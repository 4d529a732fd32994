"""The demo as a newcomer runs it: a real node, all of the data, once; then again, interrupted, and beside another."""

from __future__ import annotations

import contextlib
import http.client
import re
import shlex
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tools import tree
from tools.demo import node
from tools.demo.entities import TABLES

_DEADLINE_S = 120.0
pytestmark = pytest.mark.timeout(300)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((node.HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def command(data: Path, port: int, *flags: str) -> list[str]:
    return [str(tree.PYTHON), "-m", "tools.demo", "--data", str(data), "--port", str(port), *flags]


def run(data: Path, *flags: str, port: int | None = None) -> subprocess.CompletedProcess[str]:
    line = command(data, port if port is not None else free_port(), *flags)
    return subprocess.run(line, cwd=tree.ROOT, capture_output=True, text=True, timeout=_DEADLINE_S, check=False)


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until something is so, and not longer than the deadline."""
    deadline = time.monotonic() + _DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "it did not become so in time"
        time.sleep(0.02)


@contextlib.contextmanager
def demo_running(data: Path, port: int, output: Path) -> Iterator[subprocess.Popen[bytes]]:
    with output.open("wb") as stream:
        process = subprocess.Popen(command(data, port), cwd=tree.ROOT, stdout=stream, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.wait(_DEADLINE_S)


@dataclass(frozen=True)
class Demo:
    """A demo that has run once, to its end."""

    data: Path
    output: str


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    data = tmp_path_factory.mktemp("demo") / "data"
    answer = run(data, "--once")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return Demo(data, answer.stdout)


def test_everything_is_loaded_counted_and_read_back(loaded: Demo) -> None:
    for table in TABLES:
        assert re.search(rf"{table.collection} +{table.model} +{table.count:,} +{table.count:,} ", loaded.output)
    assert "BQN (896 flights), PSE (365 flights), SJU (5,819 flights), STT (522 flights)" in loaded.output
    assert '"name": "Newark Liberty Intl"' in loaded.output
    assert loaded.output.endswith("The node is stopped.\n")


def test_a_second_run_changes_nothing(loaded: Demo) -> None:
    answer = run(loaded.data, "--once")

    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "The data is already loaded" in answer.stdout
    assert re.search(r"all +367,687 +0 ", answer.stdout)


def test_what_it_says_to_try_works(loaded: Demo, tmp_path: Path) -> None:
    port, output = free_port(), tmp_path / "output"
    with demo_running(loaded.data, port, output) as process:
        wait_for(lambda: "Ctrl-C stops the node." in output.read_text(encoding="utf-8") or process.poll() is not None)
        said = output.read_text(encoding="utf-8")

        urls = [shlex.split(line)[-1] for line in said.splitlines() if line.strip().startswith("curl ")]
        assert len(urls) == 7
        for url in urls:
            with urllib.request.urlopen(url) as answer:
                assert answer.status == 200
        python = "\n".join(line.partition(">>> ")[2] for line in said.splitlines() if ">>> " in line)
        shown = subprocess.run([str(tree.PYTHON), "-c", _printing_the_last(python)], capture_output=True, text=True)
        assert "John F Kennedy Intl" in shown.stdout, shown.stderr

        process.send_signal(signal.SIGINT)
        assert process.wait(_DEADLINE_S) == 0
    assert "The node is stopped." in output.read_text(encoding="utf-8")


def test_a_second_demo_beside_the_first_is_told_so(loaded: Demo, tmp_path: Path) -> None:
    port = free_port()
    with node.running(loaded.data, port):
        on_its_port = run(tmp_path / "other", port=port)
        on_its_data = run(loaded.data)

    assert on_its_port.returncode == on_its_data.returncode == 1
    assert f"Port {port} is in use by a ThemisDB node" in on_its_port.stderr
    assert f"The node does not start on {loaded.data}" in on_its_data.stderr
    assert "Traceback" not in on_its_port.stderr + on_its_data.stderr


def test_an_interrupted_load_stops_cleanly_and_is_completed_later(tmp_path: Path) -> None:
    port, output = free_port(), tmp_path / "output"
    with demo_running(tmp_path / "data", port, output) as process:

        def flights_are_coming() -> bool:
            with contextlib.suppress(OSError, http.client.HTTPException):
                return node.ask(port, "/namespaces/flights/collections/flights/count")[0] == 200
            return False

        wait_for(flights_are_coming)
        process.send_signal(signal.SIGINT)
        assert process.wait(_DEADLINE_S) == 130
    assert "Interrupted" in output.read_text(encoding="utf-8")

    answer = run(tmp_path / "data", "--once")

    assert answer.returncode == 0, answer.stdout + answer.stderr
    new = re.search(r"all +367,687 +([\d,]+) ", answer.stdout)
    assert new is not None
    assert 0 < int(new[1].replace(",", "")) < 367_687


def _printing_the_last(lines: str) -> str:
    *before, last = lines.splitlines()
    return "\n".join([*before, f"print({last})"])
