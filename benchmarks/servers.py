"""Server processes under measurement: started on a free port, waited for, and stopped, whatever happens."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools import tree

HOST = "127.0.0.1"
_POLL_S = 0.01
_ASK_TIMEOUT_S = 2.0
_STOP_TIMEOUT_S = 25.0


class ServerError(Exception):
    """A server does not start, or answers something else than was asked."""


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers; `ready_after_s` is how long it took to."""

    process: subprocess.Popen[bytes]
    port: int
    ready_after_s: float

    @property
    def pid(self) -> int:
        """The process whose tree is measured."""
        return self.process.pid


def free_port() -> int:
    """Find a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def answers(path: str, status: int = http.client.OK) -> Callable[[int], bool]:
    """Make a test of readiness: GET of `path` is answered with `status`."""

    def ready(port: int) -> bool:
        try:
            return ask(port, "GET", path)[0] == status
        except (OSError, http.client.HTTPException):
            return False

    return ready


def listens(port: int) -> bool:
    """Whether somebody accepts connections at a port; for a server that speaks no HTTP."""
    try:
        with socket.create_connection((HOST, port), timeout=1):
            return True
    except OSError:
        return False


@contextlib.contextmanager
def running(
    command: Sequence[str],
    port: int,
    ready: Callable[[int], bool],
    *,
    log: Path,
    timeout_s: float = 60.0,
    cwd: Path = tree.ROOT,
    standard_input: str = "",
) -> Iterator[Running]:
    """Run a server that listens on `port` of the loopback interface.

    Args:
        command: The program and its arguments.
        port: Where `ready` asks it.
        ready: Whether a server answers at a port.
        log: Where its output goes.
        timeout_s: How long it may take to be ready.
        cwd: The directory it runs in.
        standard_input: What it may read.

    Raises:
        ServerError: It ended, or was not ready in time.
    """
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("THEMIS_")}
    begun_s = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=cwd,
            env=inherited,
        )
        assert process.stdin is not None
        process.stdin.write(standard_input.encode())
        process.stdin.close()
    try:
        while not ready(port):
            if process.poll() is not None:
                raise ServerError(f"{Path(command[0]).name} ended with {process.returncode}:\n{_tail(log)}")
            if time.monotonic() - begun_s > timeout_s:
                raise ServerError(f"{Path(command[0]).name} was not ready after {timeout_s:.0f} s:\n{_tail(log)}")
            time.sleep(_POLL_S)
        yield Running(process, port, time.monotonic() - begun_s)
    finally:
        stop(process)


@contextlib.contextmanager
def themis(data: Path, **settings: str) -> Iterator[Running]:
    """Run a ThemisDB node on a directory.

    Args:
        data: The directory of its data.
        settings: What differs from the defaults, `section__key="value"`.
    """
    port = free_port()
    command = [str(tree.VENV / "bin" / "themis-server"), "start", "--data", str(data), "--port", str(port)]
    for name, value in settings.items():
        command += ["--set", f"{name.replace('__', '.')}={value}"]
    with running(command, port, answers("/health/ready"), log=data.with_suffix(".log")) as server:
        yield server


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ask a server to stop, and kill it and all it started if it does not."""
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(_STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a server at once, as a power cut would (SIGKILL), with all it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def ask(port: int, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    """Send one request; returns status and body."""
    connection = http.client.HTTPConnection(HOST, port, timeout=_ASK_TIMEOUT_S if body is None else 60.0)
    try:
        headers = {"Content-Type": "application/json"} if body is not None else {}
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _tail(log: Path, lines: int = 12) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
