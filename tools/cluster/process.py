"""The process of a node, or of a member of etcd: spawned, found again, signalled, waited for."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tools import tree
from tools.cluster.state import ClusterError, NodeState, Program

READY_TIMEOUT_S = 60.0
# A node hands its shards over and drains for up to 20 s after SIGTERM; a little more before it is killed.
STOP_TIMEOUT_S = 30.0
_POLL_S = 0.03
_ASK_TIMEOUT_S = 5.0
_LOG_TAIL_LINES = 12
_REFUSED = "themis-server: the node does not start\n"
_children: dict[int, subprocess.Popen[bytes]] = {}
"""The processes that this one started: they outlive it, and are reaped if they don't."""


def spawn(node: NodeState) -> None:
    """Start a node's process; `node` then knows it. Does not wait until it is ready."""
    settings = [part for name, value in node.settings.items() for part in ("--set", f"{name}={value}")]
    command = [*node.wrapper, node.program or str(tree.VENV / "bin" / "themis-server"), "start", *settings]
    launch(node, command, node.environment)


def launch(program: Program, command: Sequence[str], environment: Mapping[str, str]) -> None:
    """Start a process that writes into the log of `program`, which then knows it; raises `ClusterError` if it runs."""
    if alive(program):
        raise ClusterError(f"{program.id} is running already (pid {program.pid}).")
    Path(program.log).parent.mkdir(parents=True, exist_ok=True)
    with Path(program.log).open("ab") as output:
        # A session of its own: Ctrl-C in the terminal that made the cluster does not reach its nodes.
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            env={**os.environ, **environment},
        )
    _children[process.pid] = process
    program.pid, program.started = process.pid, _start_time(process.pid) or 0


def alive(program: Program) -> bool:
    """Whether the process that was started is still there (and no zombie)."""
    return program.pid != 0 and _start_time(program.pid) == program.started and _state(program.pid) not in ("Z", "X")


def paused(program: Program) -> bool:
    """Whether the process is stopped by a signal."""
    return alive(program) and _state(program.pid) == "T"


def send(program: Program, number: signal.Signals) -> None:
    """Signal a process; raises `ClusterError` if it is not running."""
    if not alive(program):
        raise ClusterError(f"{program.id} is not running.")
    with contextlib.suppress(ProcessLookupError):
        # The whole session: a wrapper is a process of its own.
        os.killpg(program.pid, number)


def wait_gone(program: Program, timeout_s: float = STOP_TIMEOUT_S) -> bool:
    """Wait until a process has ended; False if it has not in time."""
    deadline_s = time.monotonic() + timeout_s
    while alive(program):
        if time.monotonic() > deadline_s:
            return False
        time.sleep(_POLL_S)
    child = _children.pop(program.pid, None)
    if child is not None:
        child.wait()  # its last thread may take a moment longer than its first
    program.pid = program.started = 0
    return True


def wait_ready(node: NodeState, timeout_s: float = READY_TIMEOUT_S) -> None:
    """Wait until a node takes requests; raises `ClusterError` with its own words if it ends before."""

    def ready() -> bool:
        if not alive(node):
            raise ClusterError(failure(node))
        with contextlib.suppress(OSError, http.client.HTTPException):
            return ask(node, "GET", "/health/ready")[0] == http.client.OK
        return False

    wait_for(ready, f"{node.id} was not ready", timeout_s, lambda: f"its log is {node.log}")


def wait_for(probe: Callable[[], bool], what: str, timeout_s: float, more: Callable[[], str] = lambda: "") -> None:
    """Poll until `probe` holds; raises `ClusterError` with `what` and `more()` when it does not in time."""
    deadline_s = time.monotonic() + timeout_s
    while not probe():
        if time.monotonic() > deadline_s:
            raise ClusterError(f"{what} after {timeout_s:.0f} s; {more()}".rstrip("; "))
        time.sleep(_POLL_S)


def failure(program: Program) -> str:
    """Say why a process ended: in its own words where it refused to start, else by the end of its log."""
    text = Path(program.log).read_text(encoding="utf-8", errors="replace")
    _before, refused, reason = text.rpartition(_REFUSED)
    if refused:
        return f"{program.id} does not start: {reason.strip()}"
    tail = "\n".join(text.splitlines()[-_LOG_TAIL_LINES:])
    return f"{program.id} stopped. The end of its log ({program.log}):\n{tail}"


def ask(
    node: NodeState, method: str, path: str, body: object = None, timeout_s: float = _ASK_TIMEOUT_S
) -> tuple[int, bytes]:
    """Make one request to a node; returns status and body."""
    connection = http.client.HTTPConnection(node.client_host, node.client_port, timeout=timeout_s)
    try:
        if body is None:
            connection.request(method, path)
        else:
            connection.request(method, path, json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def ask_json(node: NodeState, path: str) -> Any:
    """GET a JSON answer of a node, None while it gives none."""
    try:
        status, body = ask(node, "GET", path)
        return json.loads(body) if status == http.client.OK else None
    except (OSError, http.client.HTTPException, ValueError):
        return None


def _start_time(pid: int) -> int | None:
    fields = _stat(pid)
    return int(fields[19]) if fields else None


def _state(pid: int) -> str:
    fields = _stat(pid)
    return fields[0] if fields else "X"


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
