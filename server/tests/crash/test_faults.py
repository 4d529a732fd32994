"""Disks that fill up, syncs that fail, processes that stand still, clocks that go backwards."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.tests.conformance import check_problem
from server.tests.crash.ledger import check
from server.tests.crash.load import Load, read_all
from server.tests.process import Fleet, Node, StartFailed, wait_for
from server.tests.rawhttp import Closed, Reply, exchange, request

MIB = 1 << 20
_PREFIX = "urn:themis:document:faults:things:00000000-0000-4000-8000-"


def _urn(number: int) -> str:
    return f"{_PREFIX}{number:012x}"


def _put(node: Node, number: int, size: int = 100) -> Reply:
    body = json.dumps({"n": number, "pad": "x" * size}).encode()
    return exchange(node.port, request("PUT", f"/entity/{_urn(number)}", body))


def _get(node: Node, number: int) -> Reply:
    return exchange(node.port, request("GET", f"/entity/{_urn(number)}"))


# A disk that is full


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 96 MiB."""
    directory = tmp_path / "disk"
    directory.mkdir()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"tmpfs", os.fsencode(directory), b"tmpfs", 0, b"size=96m") != 0:
        pytest.skip(f"NOT TESTED: a small disk cannot be mounted here ({os.strerror(ctypes.get_errno())}); be root")
    yield directory
    assert libc.umount2(os.fsencode(directory), 2) == 0


def _fill(directory: Path, leave: int) -> Path:
    """Put a file there that leaves so many bytes free."""
    ballast = directory / "ballast"
    figures = os.statvfs(directory)
    with ballast.open("ab") as stream:
        os.posix_fallocate(stream.fileno(), 0, figures.f_bavail * figures.f_frsize - leave)
    return ballast


def test_below_the_reserve_writes_are_refused_and_reads_go_on(small_disk: Path, tmp_path: Path) -> None:
    with Fleet(tmp_path / "logs") as fleet:
        node = fleet.start(data=small_disk / "node", settings={"storage.disk_reserve_bytes": 16 * MIB})
        assert _put(node, 1).status == 201
        ballast = _fill(small_disk, 8 * MIB)
        refused = wait_for(lambda: (reply := _put(node, 2)).status == 507 and reply, "the disk to be seen as full")
        assert isinstance(refused, Reply)
        problem = check_problem(refused, "disk_full")
        assert problem["retryable"] is True
        assert refused.header("retry-after") is not None
        for method, target, body in (
            ("PATCH", f"/entity/{_urn(1)}", b'{"a":1}'),
            ("DELETE", f"/entity/{_urn(1)}", None),
            ("POST", "/namespaces", b'{"name":"fresh"}'),
            ("DELETE", "/namespaces/faults?force=true", None),
        ):
            check_problem(exchange(node.port, request(method, target, body)), "disk_full")
        batch = json.dumps({"items": [{"urn": _urn(1), "doc": {}}]}).encode()
        answered = exchange(node.port, request("POST", "/batch/put", batch))
        assert answered.code == "disk_full" or answered.json()["items"][0]["error"]["code"] == "disk_full"
        assert _get(node, 1).status == 200
        assert exchange(node.port, request("GET", "/health/live")).status == 200
        ballast.unlink()
        wait_for(lambda: _put(node, 2).status in (200, 201), "writes to be taken again")
        assert _get(node, 2).status == 200
        assert node.stop() == 0
        fleet.check_logs()


def test_a_disk_that_is_really_full_loses_nothing(small_disk: Path, tmp_path: Path) -> None:
    with Fleet(tmp_path / "logs") as fleet:
        # Events are to expire at once: clean-up needs space too, and must not bring the node down for the lack of it.
        settings = {
            "storage.disk_reserve_bytes": 0,
            "storage.write_buffer_bytes": 4 * MIB,
            "storage.change_feed_retention_s": 1,
            "limits.request_timeout_s": 5,
        }
        node = fleet.start(data=small_disk / "node", settings=settings)
        acknowledged = [number for number in range(20) if _put(node, number).status == 201]
        ballast = _fill(small_disk, 6 * MIB)
        refusals: list[Reply] = []
        number = 100
        deadline_s = time.monotonic() + 40
        while len(refusals) < 20 and time.monotonic() < deadline_s:
            reply = _put(node, number, 200_000)
            if reply.status == 201:
                acknowledged.append(number)
            else:
                refusals.append(reply)
            number += 1
        assert refusals, "the disk did not fill up: void"
        codes = [check_problem(reply)["code"] for reply in refusals]
        assert set(codes) <= {"disk_full", "outcome_unknown"}, codes
        assert codes[-1] == "disk_full"
        assert node.running
        for known in acknowledged:
            assert _get(node, known).status == 200
        idle_until_s = time.monotonic() + 3  # clean-up and log compaction come round
        wait_for(lambda: time.monotonic() > idle_until_s or not node.running, "time to pass")
        assert node.running, node.output()[-3000:]
        ballast.unlink()
        wait_for(lambda: _put(node, number).status == 201, "writes to be taken again", timeout_s=30)
        acknowledged.append(number)
        for _ in range(2):
            for known in acknowledged:
                assert _get(node, known).status == 200, known
            node.restart()
        assert node.stop() == 0


def test_a_start_on_a_full_disk_says_so(small_disk: Path, tmp_path: Path) -> None:
    with Fleet(tmp_path / "logs") as fleet:
        _fill(small_disk, 0)
        node = fleet.node(data=small_disk / "node")
        with pytest.raises(StartFailed) as refused:
            node.start()
        assert refused.value.code == 1, refused.value
        assert "Traceback" not in refused.value.output
        assert "space" in refused.value.output


# A sync that fails


def _strace() -> str:
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("NOT TESTED: strace is not here (apt install strace)")
    probe = subprocess.run([strace, "-f", "-o", os.devnull, "true"], capture_output=True, check=False)
    if probe.returncode:
        pytest.skip(f"NOT TESTED: strace cannot trace here ({probe.stderr.decode().strip()})")
    return strace


def test_a_sync_that_fails_stops_the_node_at_once_and_a_restart_recovers(fleet: Fleet) -> None:
    inject = "inject=fsync,fdatasync:error=EIO:when="
    probe = fleet.node(name="probe", wrapper=[_strace(), "-f", "-qq", "-o", str(fleet.directory / "trace")])
    probe.wrapper += ["-e", "trace=fsync,fdatasync"]
    probe.start(60)
    before = (fleet.directory / "trace").read_text().count("sync(")
    probe.kill()

    node = fleet.node(wrapper=[_strace(), "-f", "-qq", "-o", os.devnull, "-e", "trace=fsync,fdatasync"])
    node.wrapper += ["-e", f"{inject}{before + 30}+"]
    node.expected_errors = {"node.fatal"}
    node.start(60)
    acknowledged = []
    for number in range(200):
        try:
            reply = _put(node, number)
        except (Closed, OSError):
            break
        assert reply.status == 201, reply
        acknowledged.append(number)
    else:
        pytest.fail("no sync failed: void")
    assert acknowledged, "not one write went through: void"
    assert node.wait() == 70
    assert "could not be synced" in node.output()
    node.wrapper = []
    node.start()
    for number in acknowledged:
        assert _get(node, number).status == 200
    assert _put(node, 1000).status == 201


# A process that stands still


def test_a_pause_loses_nothing_and_the_node_goes_on(fleet: Fleet) -> None:
    node = fleet.start()
    load = Load(3, 5)
    load.start(node)
    wait_for(lambda: load.acknowledged > 100, "load")
    node.pause()
    answered = load.acknowledged  # what was sent before the stop may still be on its way to the three writers
    threading.Event().wait(0.5)
    frozen = load.acknowledged
    threading.Event().wait(2.5)  # longer than an election time-out, in which nothing may go on
    assert load.acknowledged == frozen, f"{answered} at the stop"
    node.signal(signal.SIGCONT)
    wait_for(lambda: load.acknowledged > frozen + 100, "load after the pause")
    load.finish()
    assert not any(ledger.doubts for ledger in load.ledgers), "every request was answered"
    stored, counted = read_all(node)
    verdict = check(load.ledgers, stored, counted)
    assert verdict.clean, verdict


# A clock that goes backwards


_SHIFTED = """
import sys
from themis_server import cli, clock
offset_ms, true_ms = int(sys.argv[1]), clock.SystemClock.unix_ms
clock.SystemClock.unix_ms = lambda self: true_ms(self) + offset_ms
sys.exit(cli.main(sys.argv[3:]))
"""
"""A server whose wall clock is off by its first argument; all of it reads the time in that one place."""


def test_versions_rise_although_the_clock_goes_back(fleet: Fleet) -> None:
    node = fleet.node()
    versions: list[int] = []
    for offset_s in (3600, -3600, 0, -86_400):
        node.wrapper = [sys.executable, "-c", _SHIFTED, str(offset_s * 1000)]
        node.start()
        for _ in range(20):
            reply = _put(node, 1)
            assert reply.status in (200, 201)
            versions.append(int(reply.json()["version"]))
        node.kill()
    assert versions == sorted(set(versions))
    assert versions[20] - versions[19] < 1000, "after the jump back, versions go on by counting"
    ahead_ms = (versions[0] >> 12) + 1_704_067_200_000 - time.time() * 1000
    assert 3_500_000 < ahead_ms < 3_700_000, "the clock was not off: void"
