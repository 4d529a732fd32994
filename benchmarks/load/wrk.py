"""Running wrk, the load generator, and reading what it reports."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

_SCRIPT = Path(__file__).with_name("replay.lua")
_MARK = "REPORT "
_GRACE_S = 60.0
_LOOPBACK = "127.0.0.1"


class WrkError(Exception):
    """wrk is not there, failed, or saw requests fail."""


class StandstillError(WrkError):
    """Not one request was answered in the time: the disk stood still, or the server does."""


@dataclass(frozen=True, slots=True)
class Load:
    """What is sent: the requests in a file, by so many connections at once."""

    requests: Path
    connections: int


@dataclass(frozen=True, slots=True)
class Target:
    """A server and the requests it is sent."""

    host: str
    port: int
    requests: Path


class Report(msgspec.Struct, frozen=True):
    """What wrk saw."""

    requests: int
    duration_us: int
    bytes: int
    failed: dict[str, int]
    p50_us: int
    p99_us: int

    @property
    def requests_per_s(self) -> float:
        """Answers per second of wall clock."""
        return self.requests / (self.duration_us / 1e6)

    @property
    def answer_bytes(self) -> float:
        """Bytes of an answer on average, head included."""
        return self.bytes / self.requests if self.requests else 0.0


def parse_report(output: str) -> Report:
    """Find the line that replay.lua printed.

    Raises:
        WrkError: It is not there, or says that requests failed: a server is not faster for refusing them.
    """
    lines = [line for line in output.splitlines() if line.startswith(_MARK)]
    if len(lines) != 1:
        raise WrkError(f"wrk printed no report:\n{output.strip()}")
    report = msgspec.json.decode(lines[0].removeprefix(_MARK), type=Report)
    failed = {kind: count for kind, count in report.failed.items() if count}
    if failed:
        raise WrkError(f"of {report.requests} requests failed: {failed}")
    if not report.requests:
        raise StandstillError("not one request was answered")
    return report


def require() -> None:
    """Make sure that wrk is installed; raises `WrkError` that says how to install it."""
    if shutil.which("wrk") is None:
        raise WrkError("wrk is not installed; on Debian: apt-get install -y wrk (./themis doctor tells for others)")


def run(port: int, load: Load, duration_s: float, seed: int) -> Report:
    """Send a load to a port of the loopback interface for a while; raises `WrkError` if wrk or a request failed."""
    return run_spread([Target(_LOOPBACK, port, load.requests)], load.connections, duration_s, seed)


def run_spread(targets: Sequence[Target], connections: int, duration_s: float, seed: int) -> Report:
    """Send each server its own requests for a while, all at once, by one process with a thread for each.

    Args:
        targets: The servers; each gets as many of the connections.
        connections: How many there are at most; what cannot be shared out evenly is left.
        duration_s: For how long, in whole seconds.
        seed: Makes the order of the requests.

    Raises:
        WrkError: wrk failed, or a request did.
    """
    each = connections // len(targets)
    command = ["wrk", "--threads", str(len(targets)), "--connections", str(each * len(targets))]
    command += ["--duration", f"{duration_s:.0f}s", "--timeout", "20s", "--script", str(_SCRIPT)]
    command += [f"http://{targets[0].host}:{targets[0].port}", "--", str(seed)]
    for target in targets:
        command += [target.host, str(target.port), str(target.requests)]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=duration_s + _GRACE_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise WrkError(f"wrk did not end within {duration_s + _GRACE_S:.0f} s") from error
    if ended.returncode:
        raise WrkError(f"wrk ended with {ended.returncode}: {ended.stderr.strip() or ended.stdout.strip()}")
    return parse_report(ended.stdout)
