"""Joining a cluster."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from server.tests.unit.inprocess import refused
from server.tests.unit.metadata.group import LaggingGroup
from server.tests.unit.metadata.world import node
from themis_server.errors import ErrorCode, ThemisServerError
from themis_server.ids import raft_id
from themis_server.metadata import transitions
from themis_server.metadata.fencing import Fence
from themis_server.metadata.joining import Joining, JoinRequest, decode_answer
from themis_server.metadata.keeper import TopologyKeeper, load_or_create
from themis_server.metadata.releases import compatible
from themis_server.metadata.topology import Node, TopologyView
from themis_server.peer import Identity

INSTANCE = "0123456789abcdef0123456789abcdef"
NEW = Node("node-2", raft_id("node-2"), "http://h:2", "dc1", "r2", "joining", "0.1.0", "h:9082", INSTANCE)
REQUEST = JoinRequest("the token", "themis", NEW)


def caller(of: Node) -> Identity:
    return Identity("themis", of.node_id, of.raft_id, of.instance, 0, of.version)


class Seed:
    """A node that is asked."""

    def __init__(self) -> None:
        self.store = LaggingGroup().leader.store

    async def start(self) -> None:
        self.view = TopologyView(await load_or_create(self.store, node(1), 2, 1, replicas=3, cluster="id"))
        keeper = TopologyKeeper(self.store, self.view, Fence(), lambda: node(1))
        self.joining = Joining(keeper, "themis", "0.1.0", "embedded", self._check)

    @staticmethod
    async def _check(token: str) -> None:
        if token != "the token":
            raise ThemisServerError(ErrorCode.JOIN_TOKEN_INVALID, "no such token")

    async def ask(self, request: JoinRequest, who: Node | None = None) -> bytes:
        return await self.joining.handle(caller(who or request.node), request.encoded())


@pytest.fixture
async def seed() -> Seed:
    started = Seed()
    await started.start()
    return started


async def test_an_admitted_node_is_told_the_topology_that_it_is_in(seed: Seed) -> None:
    answer = decode_answer(await seed.ask(REQUEST))

    topology = answer.decoded()
    assert topology == seed.view.current
    assert (topology.epoch, topology.cluster, topology.node("node-2")) == (2, "id", NEW)
    assert Fence().admit(answer.topology) == topology


async def test_who_gets_no_answer_asks_again(seed: Seed) -> None:
    first = await seed.ask(REQUEST)

    assert await seed.ask(REQUEST) == first


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (replace(REQUEST, token="another"), ErrorCode.JOIN_TOKEN_INVALID),
        (replace(REQUEST, cluster="another"), ErrorCode.WRONG_CLUSTER),
        (replace(REQUEST, metadata="etcd"), ErrorCode.WRONG_CLUSTER),
        (replace(REQUEST, node=replace(NEW, version="0.3.0")), ErrorCode.VERSION_UNSUPPORTED),
        (replace(REQUEST, node=replace(NEW, raft_id=5)), ErrorCode.BAD_REQUEST),
        (replace(REQUEST, node=replace(NEW, instance="")), ErrorCode.BAD_REQUEST),
        (replace(REQUEST, node=replace(NEW, peer="")), ErrorCode.BAD_REQUEST),
    ],
)
async def test_who_does_not_belong_here_is_told_why(seed: Seed, request_: JoinRequest, code: ErrorCode) -> None:
    await refused(seed.ask(request_), code)

    assert seed.view.epoch == 1


async def test_a_node_joins_for_itself_only(seed: Seed) -> None:
    other = replace(NEW, node_id="node-3", raft_id=raft_id("node-3"))

    await refused(seed.ask(REQUEST, other), ErrorCode.BAD_REQUEST)
    await refused(seed.ask(REQUEST, replace(NEW, instance="f" * 32)), ErrorCode.BAD_REQUEST)


async def test_a_name_that_is_taken_is_refused(seed: Seed) -> None:
    await seed.ask(REQUEST)

    await refused(seed.ask(replace(REQUEST, node=replace(NEW, instance="f" * 32))), ErrorCode.DUPLICATE_NODE)


async def test_a_removed_data_directory_is_refused(seed: Seed) -> None:
    await seed.ask(REQUEST)
    await seed.joining._keeper.change(lambda topology: transitions.remove(topology, "node-2"))

    await refused(seed.ask(REQUEST), ErrorCode.NODE_REMOVED)


@pytest.mark.parametrize("payload", [b"", b"\xc1", msgspec.msgpack.encode({"token": 1}), REQUEST.encoded()[:-3]])
async def test_what_does_not_decode_is_refused(seed: Seed, payload: bytes) -> None:
    await refused(seed.joining.handle(caller(NEW), payload), ErrorCode.BAD_REQUEST)


@pytest.mark.parametrize(
    ("ours", "theirs", "together"),
    [
        ("0.1.0", "0.1.9", True),
        ("0.1.0", "0.2.0", True),
        ("0.3.0", "0.2.5", True),
        ("0.1.0", "0.3.0", False),
        ("1.0.0", "0.9.0", False),
        ("odd", "odd", True),
        ("odd", "0.1.0", False),
    ],
)
def test_releases_next_to_each_other_work_together(ours: str, theirs: str, together: bool) -> None:
    assert compatible(ours, theirs) is together
