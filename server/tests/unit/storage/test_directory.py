from __future__ import annotations

import os
import stat
from pathlib import Path

import msgspec
import pytest

from themis_server.storage.directory import FORMAT, DataDirectory, DirectoryRefused, Identity

IDENTITY = Identity(format=FORMAT, node_id="node-1", cluster="themis", shards=8, virtual_nodes=150)


def made(path: Path) -> DataDirectory:
    """A directory whose first start went well."""
    directory = DataDirectory(path)
    directory.identify(IDENTITY)
    make_databases(path)
    directory.confirm()
    return directory


def make_databases(path: Path) -> None:
    for name in ("raft", "data"):
        (path / name).mkdir()


def test_a_new_directory_takes_the_identity_it_is_given(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path / "data")

    assert directory.identify(IDENTITY) == IDENTITY

    directory.confirm()
    assert msgspec.json.decode((tmp_path / "data/node.json").read_bytes(), type=Identity) == IDENTITY
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    directory.close()


def test_what_was_decided_at_first_stays_whatever_the_configuration_says_later(tmp_path: Path) -> None:
    directory = made(tmp_path)

    later = directory.identify(msgspec.structs.replace(IDENTITY, shards=64, virtual_nodes=10))

    assert later == IDENTITY
    directory.close()


def test_a_directory_is_used_by_one_process_at_a_time(tmp_path: Path) -> None:
    first = DataDirectory(tmp_path)
    with pytest.raises(DirectoryRefused, match="another process has the data directory"):
        DataDirectory(tmp_path)

    first.close()

    DataDirectory(tmp_path).close()


@pytest.mark.parametrize("name", ["node_id", "cluster"])
def test_a_directory_belongs_to_one_node_of_one_cluster(tmp_path: Path, name: str) -> None:
    directory = made(tmp_path)

    with pytest.raises(DirectoryRefused, match=f"belongs to {name} '.*', not 'other'"):
        directory.identify(msgspec.structs.replace(IDENTITY, **{name: "other"}))
    directory.close()


def test_databases_without_an_identity_are_no_whole_directory(tmp_path: Path) -> None:
    (tmp_path / "raft").mkdir()
    directory = DataDirectory(tmp_path)

    with pytest.raises(DirectoryRefused, match=r"holds databases but no node\.json"):
        directory.identify(IDENTITY)
    assert not (tmp_path / "node.json").exists()
    directory.close()


def test_a_newer_format_names_what_to_do(tmp_path: Path) -> None:
    make_databases(tmp_path)
    (tmp_path / "node.json").write_text('{"format": 2, "made_of": "what this release does not know"}')
    directory = DataDirectory(tmp_path)

    with pytest.raises(DirectoryRefused, match="has format 2, and this release reads format 1"):
        directory.identify(IDENTITY)
    directory.close()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format": 1}', '{"format": "1"}'])
def test_a_damaged_identity_is_refused_and_kept(tmp_path: Path, text: str) -> None:
    make_databases(tmp_path)
    (tmp_path / "node.json").write_text(text)
    directory = DataDirectory(tmp_path)

    with pytest.raises(DirectoryRefused, match=r"node\.json cannot be read"):
        directory.identify(IDENTITY)
    assert (tmp_path / "node.json").read_text() == text
    directory.close()


def test_a_half_written_identity_of_an_earlier_start_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "node.json.partial").write_text("{")
    (tmp_path / "raft").mkdir()
    directory = DataDirectory(tmp_path)

    assert directory.identify(IDENTITY) == IDENTITY

    directory.confirm()
    assert msgspec.json.decode((tmp_path / "node.json").read_bytes(), type=Identity) == IDENTITY
    assert not (tmp_path / "node.json.partial").exists()
    directory.close()


@pytest.mark.parametrize("lost", [("raft",), ("data",), ("raft", "data")])
def test_a_directory_that_lost_a_database_is_refused(tmp_path: Path, lost: tuple[str, ...]) -> None:
    directory = made(tmp_path)
    for name in lost:
        (tmp_path / name).rmdir()

    with pytest.raises(DirectoryRefused, match=f"has lost its {' and '.join(lost)} database"):
        directory.identify(IDENTITY)
    directory.close()


def test_a_path_that_is_a_file_is_refused_in_plain_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(DirectoryRefused, match="cannot be used"):
        DataDirectory(tmp_path / "file")


def test_the_lock_is_not_inherited_by_children(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path)

    assert not os.get_inheritable(directory._lock)
    directory.close()
