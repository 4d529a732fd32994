"""Whom a node speaks to, by the releases: as far as its cluster has come, and one minor release further."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from server.tests.unit.metadata.world import node
from themis_server import __version__
from themis_server.config import Config
from themis_server.errors import StartRefusedError
from themis_server.metadata import topology as topologies
from themis_server.metadata.topology import Topology
from themis_server.node.peering import Doorman
from themis_server.peer import Identity
from themis_server.storage.directory import FORMAT
from themis_server.storage.directory import Identity as DirectoryIdentity

MAJOR, MINOR = map(int, __version__.split(".")[:2])
OTHER = node(1)


def seen(release: str) -> Topology:
    return replace(topologies.initial(OTHER, 2, 1), release=release)


def doorman(release: str, data_dir: Path) -> Doorman:
    config = replace(Config(), node=replace(Config().node, data_dir=str(data_dir)))
    directory = DirectoryIdentity(FORMAT, config.node.id, config.node.cluster, 2, 1, "1" * 32)
    return Doorman(config, directory, seen(release))


@pytest.mark.parametrize(
    ("release", "taken"),
    [
        (f"{MAJOR}.{MINOR}.9", True),
        (f"{MAJOR}.{MINOR + 1}.0", True),
        (f"{MAJOR}.{MINOR + 2}.0", False),
        (f"{MAJOR + 1}.{MINOR}.0", False),
    ],
)
def test_who_greets_with_a_release_that_is_too_far_away_is_refused_by_name(
    release: str, taken: bool, tmp_path: Path
) -> None:
    greeting = Identity("themis", OTHER.node_id, OTHER.raft_id, OTHER.instance, 1, release)

    refusal = doorman(f"{MAJOR}.{MINOR}", tmp_path).admit(greeting)

    if taken:
        assert refusal is None
    else:
        assert refusal is not None
        assert refusal.code == "version_unsupported"
        assert release in refusal.detail


def test_who_greets_with_a_release_that_all_nodes_have_left_is_refused_by_name(tmp_path: Path) -> None:
    known = doorman("", tmp_path)
    known.topology = seen(f"{MAJOR}.{MINOR + 1}")

    refusal = known.admit(Identity("themis", OTHER.node_id, OTHER.raft_id, OTHER.instance, 1, __version__))

    assert refusal is not None
    assert refusal.code == "version_unsupported"
    assert __version__ in refusal.detail
    assert f"{MAJOR}.{MINOR + 1}" in refusal.detail


def test_a_node_does_not_start_where_its_cluster_has_gone_on_without_its_release(tmp_path: Path) -> None:
    with pytest.raises(StartRefusedError) as refused:
        doorman(f"{MAJOR}.{MINOR + 1}", tmp_path)

    assert __version__ in str(refused.value)
    assert f"{MAJOR}.{MINOR + 1}" in str(refused.value)
    assert str(tmp_path) in str(refused.value)
