"""What a node says of itself to others, over the wire."""

from __future__ import annotations

import pytest

from server.tests.unit.clustered import RAFT, Clustered
from themis_server.errors import ErrorCode, ThemisServerError
from themis_server.gateway import status
from themis_server.gateway.status import TransferReply, TransferRequest
from themis_server.peer.identity import Identity

CALLER = Identity("themis", "node-2", RAFT["node-2"], "0" * 32, 1, "0.2.0")


async def no_metrics() -> bytes:
    return b"{}"


@pytest.fixture
def cluster() -> Clustered:
    return Clustered()


async def test_what_is_said_survives_the_wire(cluster: Clustered) -> None:
    service = cluster.machines["node-1"].service
    cluster.clock.advance(12.5)

    told = await service.handlers(no_metrics)[status.STATUS](CALLER, status.encode_status_request(None))

    said = status.decode_status(told)
    assert (said.node_id, said.epoch, said.uptime_s, said.disk_free_bytes) == ("node-1", 42, 12.5, 1 << 30)
    assert said.by_group() == cluster.machines["node-1"].groups


@pytest.mark.parametrize(("asked", "answered"), [((1,), [1]), ((1, 99), [1]), ((), [])])
async def test_only_the_groups_asked_for_are_answered(
    cluster: Clustered, asked: tuple[int, ...], answered: list[int]
) -> None:
    said = await cluster.machines["node-1"].service.status(asked)

    assert [facts.group for facts in said.groups] == answered


@pytest.mark.parametrize("method", [status.STATUS, status.TRANSFER])
@pytest.mark.parametrize("payload", [b"", b"\xc1", b"\x93\x01\x02\x03", b"\x81\xa6groups\xa1x", b"\xff" * 100])
async def test_a_call_that_makes_no_sense_is_refused(cluster: Clustered, method: str, payload: bytes) -> None:
    handler = cluster.machines["node-1"].service.handlers(no_metrics)[method]

    with pytest.raises(ThemisServerError) as raised:
        await handler(CALLER, payload)

    assert raised.value.code == ErrorCode.INVALID_BODY


async def test_a_node_that_does_not_lead_says_who_does(cluster: Clustered) -> None:
    service = cluster.machines["node-3"].service

    assert await service.transfer(TransferRequest(2, (RAFT["node-1"],))) == TransferReply("not_leader", RAFT["node-2"])
    assert await service.transfer(TransferRequest(99, (RAFT["node-1"],))) == TransferReply("not_leader", 0)


async def test_nobody_to_hand_over_to(cluster: Clustered) -> None:
    reply = await cluster.machines["node-1"].service.transfer(TransferRequest(1, (RAFT["reader-1"], 77)))

    assert reply.outcome == "refused"


async def test_a_hand_over_that_comes_to_nothing_is_given_up(cluster: Clustered) -> None:
    machine = cluster.machines["node-1"]

    async def begun(group: int, to: int) -> None:
        cluster.clock.advance(status.TRANSFER_WAIT_S)

    machine.service._transfer = begun

    reply = await machine.service.transfer(TransferRequest(1, (RAFT["node-2"],)))

    assert reply.outcome == "refused"
    assert "did not take over" in reply.detail
