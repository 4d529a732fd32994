"""Histories survive the disk, and a crash of ours in the middle of a line."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from robustness.history import Recorder, by_key, now, read, write
from robustness.tests import histories


def test_a_history_is_read_as_it_was_written(tmp_path: Path) -> None:
    operations = [
        histories.write(0, 1, 2, "a", 1, node="node-1", shard="s1"),
        histories.lost_write(1, 2, "b"),
        histories.read(2, 3, 4, None, None, consistency="bounded", max_lag_ms=5, lag_ms=1.5),
    ]
    write(tmp_path / "history.jsonl", operations)
    assert list(read(tmp_path / "history.jsonl")) == operations


def test_operations_are_on_the_disk_by_round(tmp_path: Path) -> None:
    with Recorder(tmp_path / "history.jsonl") as recorder:
        recorder.round = "kill-leader"
        recorder.add(histories.write(0, 1, 2, "a", 1))
        recorder.round = "pause-leader"
        recorder.add(histories.write(0, 3, 4, "b", 2))
        assert [each.argument for each in recorder.of_round("pause-leader")] == ["b"]
    assert [each.round for each in read(tmp_path / "history.jsonl")] == ["kill-leader", "pause-leader"]


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    write(file, [histories.write(0, 1, 2, "a", 1), histories.write(0, 3, 4, "b", 2)])
    file.write_bytes(file.read_bytes()[:-7])
    assert [each.argument for each in read(file)] == ["a"]


def test_a_line_that_is_none_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    file.write_bytes(b'{"client": 1, "other": 2}\n')
    with pytest.raises(msgspec.ValidationError):
        list(read(file))


def test_keys_are_in_the_order_of_their_beginnings() -> None:
    operations = [histories.write(0, 5, 6, "b", 2), histories.write(1, 1, 9, "a", 1)]
    assert [each.argument for each in by_key(operations)["k"]] == ["a", "b"]


def test_time_does_not_go_back() -> None:
    assert now() <= now()
