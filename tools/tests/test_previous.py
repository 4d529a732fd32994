"""The release before this one, as the tree carries it."""

from __future__ import annotations

import hashlib
import io
import lzma
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from tools import previous, tree
from tools.previous import PreviousError


def _names() -> list[str]:
    packed = lzma.decompress(previous.known().archive.read_bytes())
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        return archive.getnames()


def test_the_archive_is_the_one_that_the_manifest_names_and_small() -> None:
    named = previous.known()

    assert hashlib.sha256(named.archive.read_bytes()).hexdigest() == named.sha256
    assert named.archive.stat().st_size <= 600_000
    assert len(named.commit) == 40


def test_it_holds_a_node_its_core_and_its_locks_and_no_tests() -> None:
    names = _names()

    for needed in (
        "server/src/themis_server/main.py",
        "server/raft/src/lib.rs",
        "server/raft/Cargo.lock",
        "clients/python/src/themis/placement.py",
        "requirements/runtime.lock",
    ):
        assert needed in names
    assert [name for name in names if "/tests" in name] == []


def test_an_archive_that_was_damaged_is_not_unpacked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    damaged = tmp_path / "previous.tar.xz"
    named = previous.known()
    damaged.write_bytes(named.archive.read_bytes()[:-1])
    monkeypatch.setattr(tree, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(previous, "known", lambda: replace(named, archive=damaged))

    with pytest.raises(PreviousError, match="its digest differs"):
        previous.prepare()

    assert list((tmp_path / "cache").rglob("*.py")) == []
