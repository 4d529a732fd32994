"""Whether what a node knows may be written back to a store that was restored, and what is written then."""

from __future__ import annotations

import msgspec

from server.tests.unit.metadata.world import node
from themis_server.metadata import topology as topologies
from themis_server.metadata import transitions
from themis_server.metadata.lastknown import InMemory, fingerprint
from themis_server.metadata.store import Delete, Listing, Put, Value
from themis_server.metadata.topology import Topology
from themis_server.metadata.writeback import (
    EPOCHS_SKIPPED,
    IDS_SKIPPED,
    REVISIONS_SKIPPED,
    Comparison,
    Known,
    Other,
    Stored,
    known,
)

_OLD = topologies.initial(node(1), 2, 1, cluster="c1", embedded=False)
_NEW = transitions.admit(transitions.admit(_OLD, node(2)), node(3))
_CATALOG = {"/catalog/next_id": b"7", "/catalog/collections/app/late": b"late", "/catalog/namespaces/app": b"app"}
_BACKUP = {"/catalog/next_id": b"3", "/catalog/collections/app/old": b"old", "/catalog/namespaces/app": b"app"}


def other(name: str, epoch: int = _NEW.epoch, revision: int = 90, last_change: int = 80, **of: str) -> Other:
    return Other(name, epoch, revision, last_change, of.get("catalog", fingerprint(_CATALOG)))


def comparison(
    others: tuple[Other, ...] = (other("n002"), other("n003")),
    *,
    topology: Topology | None = _OLD,
    revision: int = 40,
    last_change: int = 30,
    without: frozenset[str] = frozenset(),
) -> Comparison:
    entries = Listing({key: Value(data, 1) for key, data in _BACKUP.items()}, revision)
    stored = Stored(topology, 10 if topology else 0, entries, revision, last_change)
    return Comparison(Known(_NEW, _CATALOG, 95, 80), stored, others, without)


def test_an_older_store_is_given_the_catalogue_and_the_topology_with_the_next_epoch() -> None:
    made = comparison()

    assert made.needed
    assert made.objection() == ""
    assert made.topology() == msgspec.structs.replace(_NEW, epoch=_NEW.epoch + 1)
    ops = made.catalog()
    assert Delete("/catalog/collections/app/old") in ops
    assert Put("/catalog/collections/app/late", b"late") in ops
    assert Put("/catalog/namespaces/app", b"app") in ops  # the same, and yet with a revision that nobody has seen
    assert Put("/catalog/next_id", b"%d" % (7 + IDS_SKIPPED)) in ops
    assert made.differences() == (1, 0, 1)


def test_the_revision_is_raised_above_what_any_node_has_seen() -> None:
    assert comparison().revision == 95 + REVISIONS_SKIPPED
    assert comparison((other("n002", revision=500),)).revision == 500 + REVISIONS_SKIPPED
    assert comparison(revision=10_000).revision == 10_000


def test_a_store_that_lacks_nothing_is_left_alone() -> None:
    assert not comparison(topology=_NEW, revision=95, last_change=80).needed
    assert comparison(topology=_NEW, revision=95, last_change=79).needed
    assert comparison(topology=_NEW, revision=94, last_change=80).needed
    assert comparison(topology=None, revision=95, last_change=80).needed
    assert comparison((other("n002", revision=96),), topology=_NEW, revision=95, last_change=80).needed


def test_a_node_that_knows_more_has_to_be_the_one() -> None:
    assert "n002 has seen more" in comparison((other("n002", epoch=_NEW.epoch + 1),)).objection()
    assert "n002 has seen more" in comparison((other("n002", last_change=81, catalog="other"),)).objection()


def test_a_later_change_that_was_not_one_of_the_catalogue_does_no_harm() -> None:
    assert comparison((other("n002", last_change=81),)).objection() == ""
    assert comparison((other("n002", last_change=79, catalog="other"),)).objection() == ""


def test_a_node_that_does_not_answer_has_to_be_left_out_by_name() -> None:
    silent = (Other("n002"), other("n003"))

    assert "n002 does not answer" in comparison(silent).objection()
    made = comparison(silent, without=frozenset({"n002"}))
    assert made.objection() == ""
    assert made.topology().epoch == _NEW.epoch + EPOCHS_SKIPPED
    assert "no other node n009" in comparison(without=frozenset({"n009"})).objection()


def test_a_store_of_another_cluster_and_a_newer_one_are_not_written_to() -> None:
    foreign = msgspec.structs.replace(_OLD, cluster="c2")
    newer = msgspec.structs.replace(_NEW, epoch=_NEW.epoch + 1)

    assert "another cluster: c2" in comparison(topology=foreign).objection()
    assert "newer than this node's" in comparison(topology=newer).objection()


def test_what_a_node_knows_is_read_from_its_notes() -> None:
    local = InMemory()
    assert known(local, (0, 0)) is None
    local.save("topology", topologies.encode(_NEW))
    assert known(local, (9, 8)) == Known(_NEW, {}, 9, 8)
    copy = {"revision": 5, "values": {"/catalog/next_id": [b"7", 4]}}
    local.save("catalog", msgspec.msgpack.encode(copy))
    made = known(local, (9, 8))
    assert made is not None
    assert made.catalog == {"/catalog/next_id": b"7"}
