"""Running one node, for the demo and for the conformance suite: start it, wait until it is ready, stop it cleanly."""

from __future__ import annotations

import contextlib
import errno
import http.client
import json
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tools import tree

HOST = "127.0.0.1"
_READY_TIMEOUT_S = 60.0
_POLL_S = 0.05
_ASK_TIMEOUT_S = 2.0
# The server drains for up to 20 s after SIGTERM; a little more before it is killed.
_STOP_TIMEOUT_S = 25.0
_LOG_TAIL_LINES = 12
# How themis-server begins what it says when it refuses to start.
_REFUSED = "themis-server: the node does not start\n"
# The data takes 360 MB; while RocksDB rewrites its files, more.
DISK_FREE_MIN_BYTES = 600 << 20


class NodeError(Exception):
    """The node cannot run; the text says why and what to do."""


@contextlib.contextmanager
def running(data: Path, port: int, log: Path | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """Run a node from start to stop.

    Args:
        data: The directory of its data; made if it is not there.
        port: The port it listens on, on the loopback interface.
        log: Where its output goes (default: `log_file`).

    Yields:
        The server process, ready to answer.

    Raises:
        NodeError: The port is taken, the disk is full, or the server does not start.
    """
    require_port(port)
    _require_space(data)
    log = log or log_file()
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [str(tree.VENV / "bin" / "themis-server"), "start", "--data", str(data), "--port", str(port)]
    with log.open("wb") as output:
        # A session of its own: Ctrl-C reaches the demo alone, which then stops the node in order.
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True
        )
    try:
        _wait_until_ready(process, port, data, log)
        yield process
    finally:
        stop(process)


def log_file() -> Path:
    """Where the demo's server writes to."""
    return tree.LOGS / "demo-node.log"


def stop(process: subprocess.Popen[bytes]) -> int:
    """Stop the server: ask it to drain, and kill it only if it does not. Returns its exit status."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOP_TIMEOUT_S)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            process.kill()
    return process.wait()


def failure(data: Path, log: Path, status: int) -> NodeError:
    """Say why a server ended by itself: in its own words where it refused to start, else by the end of its log."""
    text = log.read_text(encoding="utf-8", errors="replace")
    _before, refused, reason = text.partition(_REFUSED)
    if refused:  # the server's own words for what an operator can mend: a directory in use, a newer format, ...
        return NodeError(
            f"The node does not start on {data}:\n{reason.strip()}\n"
            "Another place can be chosen: ./themis demo --data DIR --port N"
        )
    tail = "\n".join(text.splitlines()[-_LOG_TAIL_LINES:])
    return NodeError(f"The server stopped with status {status}. The end of its log ({log}):\n{tail}")


def require_port(port: int) -> None:
    """Make sure that a node can listen on this port of the loopback interface; raises `NodeError` if not."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise NodeError(
                    f"Port {port} is in use by {_who_answers(port)}. Stop it, or choose another port: "
                    f"./themis demo --port {port + 1 if port < 65535 else port - 1}"
                ) from error
            raise NodeError(f"Port {port} cannot be used: {error.strerror}. Choose another: --port N") from error


def _who_answers(port: int) -> str:
    try:
        status, body = ask(port, "/version")
        server = json.loads(body)["server"] if status == http.client.OK else ""
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
        server = ""
    return f"a ThemisDB node (version {server})" if server else "another program"


def _require_space(data: Path) -> None:
    existing = next(folder for folder in (data, *data.parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    if free < DISK_FREE_MIN_BYTES:
        raise NodeError(
            f"The disk that holds {data} has {free / 2**20:,.0f} MiB left; the demo needs "
            f"{DISK_FREE_MIN_BYTES / 2**20:,.0f}. Free some space, or choose another place: ./themis demo --data DIR"
        )


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, data: Path, log: Path) -> None:
    deadline = time.monotonic() + _READY_TIMEOUT_S
    while time.monotonic() < deadline:
        status = process.poll()
        if status is not None:
            raise failure(data, log, status)
        with contextlib.suppress(OSError, http.client.HTTPException):  # not listening yet
            if ask(port, "/health/ready")[0] == http.client.OK:
                return
        time.sleep(_POLL_S)
    raise NodeError(f"The server was not ready after {_READY_TIMEOUT_S:.0f} s; its log is {log}")


def ask(port: int, path: str) -> tuple[int, bytes]:
    """GET a path of the node; returns status and body."""
    connection = http.client.HTTPConnection(HOST, port, timeout=_ASK_TIMEOUT_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()
