from __future__ import annotations

import os
import stat
from pathlib import Path

import msgspec
import pytest

from themis_server.storage.directory import FORMAT, DataDirectory, DirectoryRefused, Identity

INSTANCE = "0123456789abcdef" * 2
IDENTITY = Identity(format=FORMAT, node_id="node-1", cluster="themis", shards=8, virtual_nodes=150, instance=INSTANCE)
RELEASED = b"""{
  "format": 1,
  "node_id": "node-1",
  "cluster": "themis",
  "shards": 8,
  "virtual_nodes": 150
}
"""
"""node.json as the first release wrote it."""


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
    (tmp_path / "node.json").write_text('{"format": 3, "made_of": "what this release does not know"}')
    directory = DataDirectory(tmp_path)

    with pytest.raises(DirectoryRefused, match="has format 3, and this release reads formats 1 to 2"):
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


def stored(path: Path) -> Identity:
    return msgspec.json.decode((path / "node.json").read_bytes(), type=Identity)


def without_instance() -> Identity:
    return msgspec.structs.replace(IDENTITY, instance="")


def test_a_new_directory_draws_an_instance_that_stays(tmp_path: Path) -> None:
    instances = []
    for name in ("one", "other"):
        directory = DataDirectory(tmp_path / name)
        instances.append(directory.identify(without_instance()).instance)
        make_databases(tmp_path / name)
        directory.confirm()
        directory.close()
    again = DataDirectory(tmp_path / "one")

    assert again.identify(without_instance()).instance == instances[0]
    assert instances[0] != instances[1]
    assert all(len(instance) == 32 and int(instance, 16) for instance in instances)
    again.close()


def test_a_directory_of_the_first_release_starts_and_is_raised_once_its_databases_are_open(tmp_path: Path) -> None:
    make_databases(tmp_path)
    (tmp_path / "node.json").write_bytes(RELEASED)
    directory = DataDirectory(tmp_path)

    identity = directory.identify(without_instance())

    assert identity == msgspec.structs.replace(IDENTITY, instance=identity.instance)
    assert len(identity.instance) == 32
    assert (tmp_path / "node.json").read_bytes() == RELEASED  # what could not be opened stays what it was
    directory.confirm()
    assert stored(tmp_path) == identity
    directory.close()
    again = DataDirectory(tmp_path)
    assert again.identify(without_instance()) == identity
    again.close()


def test_a_raise_of_the_format_that_was_cut_off_is_made_at_the_next_start(tmp_path: Path) -> None:
    make_databases(tmp_path)
    (tmp_path / "node.json").write_bytes(RELEASED)
    (tmp_path / "node.json.partial").write_text("{")
    directory = DataDirectory(tmp_path)

    identity = directory.identify(without_instance())
    directory.confirm()

    assert stored(tmp_path) == identity
    assert not (tmp_path / "node.json.partial").exists()
    directory.close()


def test_a_directory_of_this_format_is_not_written_again(tmp_path: Path) -> None:
    directory = made(tmp_path)
    before = (tmp_path / "node.json").stat().st_mtime_ns
    directory.close()
    again = DataDirectory(tmp_path)

    again.identify(without_instance())
    again.confirm()

    assert (tmp_path / "node.json").stat().st_mtime_ns == before
    again.close()


def test_snapshots_on_their_way_are_no_part_of_a_whole_directory(tmp_path: Path) -> None:
    directory = made(tmp_path)
    (tmp_path / "snapshots" / "1-5-a").mkdir(parents=True)

    assert directory.identify(IDENTITY) == IDENTITY
    directory.close()
