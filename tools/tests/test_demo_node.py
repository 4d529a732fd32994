"""The demo's node: started, waited for, stopped cleanly; each way in which it cannot start is one message."""

from __future__ import annotations

import collections
import shutil
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools import tree
from tools.demo import node
from tools.demo.node import NodeError

SERVER = """#!{python}
import http.server, json, pathlib, signal, sys
data, port = sys.argv[sys.argv.index("--data") + 1], int(sys.argv[sys.argv.index("--port") + 1])

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({{"server": "9.9.9"}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

def stop(*_):
    pathlib.Path(data, "stopped").touch()
    sys.exit(0)

signal.signal(signal.SIGTERM, stop)
{behaviour}
pathlib.Path(data).mkdir(parents=True, exist_ok=True)
http.server.HTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind((node.HOST, 0))
        number: int = probe.getsockname()[1]
        return number


@pytest.fixture(autouse=True)
def small_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "VENV", tmp_path / "venv")
    monkeypatch.setattr(tree, "LOGS", tmp_path / "log")
    install(tmp_path)


def install(root: Path, behaviour: str = "") -> None:
    """Put a server of a few lines where the demo looks for themis-server."""
    program = root / "venv" / "bin" / "themis-server"
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(SERVER.format(python=sys.executable, behaviour=behaviour), encoding="utf-8")
    program.chmod(0o755)


@pytest.fixture
def listener(port: int) -> Iterator[None]:
    with socket.create_server((node.HOST, port)):
        yield


def test_a_node_runs_and_is_stopped_in_order(tmp_path: Path, port: int) -> None:
    with node.running(tmp_path / "data", port) as process:
        assert node.ask(port, "/health/ready")[0] == 200
        assert process.poll() is None

    assert process.returncode == 0
    assert (tmp_path / "data" / "stopped").exists()


def test_a_failure_inside_stops_the_node_too(tmp_path: Path, port: int) -> None:
    with pytest.raises(RuntimeError, match="inside"), node.running(tmp_path / "data", port) as process:
        raise RuntimeError("inside")

    assert process.returncode == 0


def test_a_node_that_does_not_stop_is_killed(tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    monkeypatch.setattr(node, "_STOP_TIMEOUT_S", 0.1)

    with node.running(tmp_path / "data", port) as process:
        pass

    assert process.returncode == -signal.SIGKILL


@pytest.mark.usefixtures("listener")
def test_a_port_in_use_is_said_with_another_to_try(tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "_ASK_TIMEOUT_S", 0.1)

    with pytest.raises(NodeError, match=rf"Port {port} is in use by another program.*--port \d+"):
        node.require_port(port)


def test_a_second_demo_is_recognised_by_its_answer(tmp_path: Path, port: int) -> None:
    with (
        node.running(tmp_path / "data", port),
        pytest.raises(NodeError, match=r"in use by a ThemisDB node \(version 9\.9\.9\)"),
        node.running(tmp_path / "data", port),
    ):
        pytest.fail("a second node on one port")


def test_a_full_disk_is_said_before_the_start(tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = collections.namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage(1 << 40, 1 << 40, 5 << 20))

    with pytest.raises(NodeError, match="has 5 MiB left"), node.running(tmp_path / "data", port):
        pytest.fail("started on a full disk")


def test_a_refusal_to_start_is_told_in_the_servers_words(tmp_path: Path, port: int) -> None:
    said = "themis-server: the node does not start\\nThe directory is used by process 4711."
    install(tmp_path, f"print('noise'); print({said!r}.replace(chr(92) + 'n', chr(10))); sys.exit(1)")

    with (
        pytest.raises(NodeError, match=r"used by process 4711\.\n.*--data DIR") as refusal,
        node.running(tmp_path / "data", port),
    ):
        pytest.fail("started all the same")

    assert "noise" not in str(refusal.value)


def test_a_crash_at_the_start_shows_the_end_of_the_log(tmp_path: Path, port: int) -> None:
    install(tmp_path, "print('no such thing'); sys.exit(7)")

    with (
        pytest.raises(NodeError, match=r"status 7[\s\S]*no such thing"),
        node.running(tmp_path / "data", port),
    ):
        pytest.fail("started all the same")
