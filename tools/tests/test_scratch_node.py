"""A node for as long as something needs one: on an empty directory that is gone afterwards, whatever happened."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools import scratch_node, tree
from tools.demo import node


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, int, Path]]:
    """The nodes that were started: data, port, log."""
    nodes: list[tuple[Path, int, Path]] = []

    @contextlib.contextmanager
    def running(data: Path, port: int, log: Path) -> Iterator[subprocess.Popen[bytes] | None]:
        data.mkdir()
        nodes.append((data, port, log))
        yield None

    monkeypatch.setattr(tree, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(tree, "LOGS", tmp_path / "log")
    monkeypatch.setattr(node, "running", running)
    return nodes


def test_its_data_is_gone_afterwards(started: list[tuple[Path, int, Path]], tmp_path: Path) -> None:
    with scratch_node.running("samples") as url:
        ((data, port, log),) = started
        assert url == f"http://127.0.0.1:{port}"
        assert data.is_dir()

    assert not data.parent.exists()
    assert log == tmp_path / "log" / "samples-node.log"


def test_its_data_is_gone_after_a_failure_too(started: list[tuple[Path, int, Path]]) -> None:
    with pytest.raises(RuntimeError, match="inside"), scratch_node.running("samples"):
        raise RuntimeError("inside")

    assert not started[0][0].exists()
