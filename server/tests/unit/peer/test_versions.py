"""The versions of the protocol: nodes of two releases agree on one for each pair, or refuse each other by name."""

from __future__ import annotations

import pytest

from server.tests.unit.peer.cluster import Certificates, PeerNode, connected, until
from themis_server.peer import Versions


@pytest.mark.parametrize(
    ("ours", "theirs", "shared"),
    [
        ((1, 1), (1, 1), 1),
        ((1, 3), (1, 2), 2),
        ((1, 2), (2, 9), 2),
        ((2, 5), (3, 4), 4),
        ((1, 1), (2, 2), None),
        ((4, 6), (1, 3), None),
    ],
)
def test_both_sides_take_the_highest_that_they_share(
    ours: tuple[int, int], theirs: tuple[int, int], shared: int | None
) -> None:
    assert Versions(*ours).shared(Versions(*theirs)) == Versions(*theirs).shared(Versions(*ours)) == shared


async def test_every_pair_of_nodes_speaks_the_highest_version_that_both_know(certs: Certificates) -> None:
    async with (
        PeerNode("old", certs.tls("old"), versions=Versions(1, 1)) as old,
        PeerNode("new", certs.tls("new"), versions=Versions(1, 2)) as new,
        PeerNode("newer", certs.tls("newer"), versions=Versions(1, 3)) as newer,
    ):
        await connected(old, new, newer)

        assert old.spoken == {"new": 1, "newer": 1}
        assert new.spoken == {"old": 1, "newer": 2}
        assert newer.spoken == {"old": 1, "new": 2}


@pytest.mark.parametrize(("before", "after"), [(1, 2), (2, 1)])
async def test_a_node_that_comes_back_as_another_release_is_met_anew(
    certs: Certificates, before: int, after: int
) -> None:
    """Told before anything can be sent on the new stream, so nothing goes out in the words of the old one."""
    async with PeerNode("a", certs.tls("a"), versions=Versions(1, 2)) as a:
        b = await PeerNode("b", certs.tls("b"), versions=Versions(1, before)).start()
        await connected(a, b)
        assert a.spoken == {"b": before}
        port = b.port
        await b.stop()
        again = await PeerNode("b", certs.tls("b"), versions=Versions(1, after)).start(port)
        await until(lambda: a.spoken == {"b": after} and a.streams.connected(b.raft_id))
        await again.stop()


async def test_versions_that_do_not_meet_are_refused_by_name_and_counted_on_both_sides(certs: Certificates) -> None:
    async with (
        PeerNode("a", certs.tls("a"), versions=Versions(1, 2)) as a,
        PeerNode("b", certs.tls("b"), versions=Versions(3, 4)) as b,
    ):
        a.knows(b)
        await until(lambda: a.counters.refused_by_peers.get("version_unsupported", 0) > 0)

        assert b.counters.refused["version_unsupported"] > 0
        assert not a.streams.connected(b.raft_id)
        assert a.spoken == {}
