"""Damage on disk: a torn tail is cut, a flipped byte is found; nothing wrong is ever served."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from server.tests.process import Fleet, Node, StartFailed, wait_for
from server.tests.rawhttp import exchange, request

_PREFIX = "urn:themis:document:damage:things:00000000-0000-4000-8000-"


def _document(number: int) -> bytes:
    return json.dumps({"n": number, "pad": f"{number:04x}" * 50}).encode()


def _write(node: Node, first: int, last: int) -> None:
    for number in range(first, last):
        reply = exchange(node.port, request("PUT", f"/entity/{_PREFIX}{number:012x}", _document(number)))
        assert reply.status == 201, reply


def _read(node: Node, number: int) -> bytes | None:
    """Return a document; None where the node says that it failed to read it. It must never say that there is none."""
    reply = exchange(node.port, request("GET", f"/entity/{_PREFIX}{number:012x}"))
    if reply.status == 500:
        assert reply.code == "internal"
        return None
    assert reply.status == 200, reply
    return reply.body


def _all_there(node: Node, count: int) -> None:
    for number in range(count):
        assert _read(node, number) == _document(number), number


def _newest(directory: Path, suffix: str) -> Path:
    files = [file for file in directory.glob(f"*{suffix}") if file.stat().st_size]
    assert files, list(directory.iterdir())
    return max(files, key=lambda file: file.name)


def _flip(file: Path, position: int) -> None:
    data = bytearray(file.read_bytes())
    data[position] ^= 0x40
    file.write_bytes(data)


def _truncate(file: Path, cut: int) -> None:
    with file.open("r+b") as stream:
        stream.truncate(file.stat().st_size - cut)


def _refused(node: Node) -> str:
    """Start a node that must refuse to, and return what it says: a message for an operator, no traceback."""
    with pytest.raises(StartFailed) as refused:
        node.start()
    assert refused.value.code == 1, refused.value
    assert "Traceback" not in refused.value.output, refused.value
    return refused.value.output


# Settings under which nothing is compacted or flushed in the course of a test: what is on disk is one write-ahead log.
_QUIET = {"raft.log_compact_entries": 100_000_000, "shards.count": 2}


@pytest.fixture
def crashed(fleet: Fleet) -> Node:
    """A node with 200 acknowledged writes that was killed."""
    node = fleet.start(settings=_QUIET)
    _write(node, 0, 200)
    node.kill()
    return node


@pytest.mark.parametrize("cut", [1, 100, 300])
def test_a_torn_last_record_of_the_log_is_cut(fleet: Fleet, cut: int) -> None:
    # A crash in the middle of a log write: the record is not whole, so it was not synced, so it was not applied either.
    node = fleet.start(settings=_QUIET)
    _write(node, 0, 50)
    shutil.copytree(node.data / "data", fleet.directory / "before")
    _write(node, 50, 51)
    node.kill()
    shutil.rmtree(node.data / "data")
    (fleet.directory / "before").rename(node.data / "data")
    _truncate(_newest(node.data / "raft", ".log"), cut)
    node.start()
    _all_there(node, 50)
    assert exchange(node.port, request("GET", f"/entity/{_PREFIX}{50:012x}")).status == 404
    _write(node, 50, 60)
    node.restart()
    _all_there(node, 60)


def test_half_a_record_behind_the_acknowledged_ones_is_cut(crashed: Node) -> None:
    log = _newest(crashed.data / "raft", ".log")
    record = log.read_bytes()[:7]
    with log.open("ab") as stream:
        stream.write(record + b"\x00" * 5)  # a header, and less than it promises
    crashed.start()
    _all_there(crashed, 200)


@pytest.mark.parametrize("cut", [1, 10_000])
def test_a_log_that_lacks_what_was_acknowledged_is_refused(crashed: Node, cut: int) -> None:
    _truncate(_newest(crashed.data / "raft", ".log"), cut)
    assert "its log ends at" in _refused(crashed)


def test_a_log_and_a_state_that_both_lack_it_are_an_older_copy_and_serve_nothing_wrong(crashed: Node) -> None:
    for name in ("raft", "data"):
        log = _newest(crashed.data / name, ".log")
        _truncate(log, log.stat().st_size // 2)
    refused = crashed.start_or_refusal()
    if refused is not None:
        assert refused.code == 1
        assert "Traceback" not in refused.output
        return
    missing = 0
    for number in range(200):
        reply = exchange(crashed.port, request("GET", f"/entity/{_PREFIX}{number:012x}"))
        missing += reply.status == 404
        assert reply.status == 404 or reply.body == _document(number)
    assert missing, "the plant had no effect"


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_flipped_byte_before_the_tail_of_the_log_is_refused(crashed: Node, part: float) -> None:
    log = _newest(crashed.data / "raft", ".log")
    _flip(log, int(log.stat().st_size * part))
    said = _refused(crashed)
    assert "raft" in said
    assert "orruption" in said or "checksum" in said
    # And it stays refused: the attempt has not repaired it into a loss.
    assert _refused(crashed) == said or "orruption" in said


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_flipped_byte_in_the_log_of_the_state_is_made_good_from_the_raft_log(crashed: Node, part: float) -> None:
    log = _newest(crashed.data / "data", ".log")
    _flip(log, int(log.stat().st_size * part))
    crashed.start()
    _all_there(crashed, 200)


def test_a_state_that_is_gone_is_refused_once_the_log_was_compacted(fleet: Fleet) -> None:
    node = fleet.start(settings={"raft.log_compact_entries": 100, "shards.count": 1})
    _write(node, 0, 300)
    wait_for(lambda: _log_entries(node) < 100, "the log to be compacted")
    node.kill()
    for file in (node.data / "data").iterdir():
        file.unlink()
    assert "lost" in _refused(node)


def _log_entries(node: Node) -> int:
    figures = exchange(node.port, request("GET", "/api/admin/metrics")).json()["raft"]
    return int(figures["log_entries"])


@pytest.mark.parametrize("part", [0.02, 0.3, 0.6])
def test_a_flipped_byte_in_a_file_of_the_state_is_never_served(fleet: Fleet, part: float) -> None:
    node = fleet.start(settings=_QUIET)
    _write(node, 0, 300)
    assert node.stop() == 0
    files = sorted((node.data / "data").glob("*.sst"), key=lambda file: file.stat().st_size)
    assert files, "a clean stop flushes"
    _flip(files[-1], int(files[-1].stat().st_size * part))
    node.expected_errors = {"request.failed", "node.fatal"}
    refused = node.start_or_refusal()
    if refused is not None:
        assert refused.code in (1, 70)
        assert "orruption" in refused.output
        return
    failed = 0
    for number in range(300):
        body = _read(node, number)
        failed += body is None
        assert body is None or body == _document(number)
    assert failed, "the flipped byte was in no block that was read: void"


def test_a_directory_without_its_identity_is_refused(crashed: Node) -> None:
    (crashed.data / "node.json").unlink()
    assert "node.json" in _refused(crashed)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format":1}', '{"format":"x"}', "\x00" * 100])
def test_a_damaged_identity_is_refused(crashed: Node, text: str) -> None:
    (crashed.data / "node.json").write_text(text)
    assert "node.json" in _refused(crashed)


def test_a_newer_format_is_refused_by_name(crashed: Node) -> None:
    file = crashed.data / "node.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "format": 99}))
    said = _refused(crashed)
    assert "format 99" in said
    assert "newer" in said


def test_another_node_s_directory_is_refused(crashed: Node) -> None:
    crashed.settings["node.id"] = "node-2"
    assert "node-1" in _refused(crashed)
    crashed.settings["node.id"] = "node-1"
    crashed.settings["node.cluster"] = "other"
    assert "themis" in _refused(crashed)
