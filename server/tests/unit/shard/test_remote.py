"""What becomes of a call to another node, in the words of shards: refused, lost, or answered."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from themis_server.errors import ErrorCode, ThemisServerError
from themis_server.peer.errors import PeerBusy, PeerLost, PeerRefused, PeerUnreachable
from themis_server.peer.identity import PeerAddress
from themis_server.shard.refusal import Lost, Reason, Refused
from themis_server.shard.remote import RemoteHost
from themis_server.shard.wire import Answers, Ask, DropPart, Dropped, encode

ASK = Ask(1, 500, (DropPart(1, (2,)), DropPart(2, (2,))))


class Line:
    def __init__(self, answer: Callable[[], bytes]) -> None:
        self._answer = answer
        self.timeout_s = 0.0

    async def call(self, to: PeerAddress, method: str, payload: bytes, *, timeout_s: float) -> bytes:
        assert (to.node_id, method, payload) == ("node-2", "shard.drop", encode(ASK))
        self.timeout_s = timeout_s
        return self._answer()


def host(answer: Callable[[], bytes]) -> RemoteHost:
    return RemoteHost(PeerAddress("node-2", 2, "127.0.0.1", 1), Line(answer))


def failing(error: Exception) -> RemoteHost:
    def fail() -> bytes:
        raise error

    return host(fail)


async def test_the_patience_of_the_caller_crosses_the_wire() -> None:
    line = Line(lambda: encode(Answers([Dropped(), Dropped()])))

    assert await RemoteHost(PeerAddress("node-2", 2, "127.0.0.1", 1), line).drop(ASK) == [Dropped(), Dropped()]
    assert 0.5 < line.timeout_s < 0.7


@pytest.mark.parametrize(
    "error",
    [
        PeerUnreachable("no route"),
        PeerBusy("too many calls"),
        PeerRefused("shutting_down", "going", {}),
        PeerRefused("not_ready", "coming", {}),
    ],
)
async def test_where_nothing_happened_somebody_else_may_be_asked(error: Exception) -> None:
    with pytest.raises(Refused) as raised:
        await failing(error).drop(ASK)

    assert (raised.value.reason, raised.value.code) == (Reason.UNREACHABLE, ErrorCode.NODE_UNREACHABLE)


@pytest.mark.parametrize(
    "error",
    [PeerLost("silence"), PeerRefused("internal", "a bug", {}), PeerRefused("from_the_future", "what", {})],
)
async def test_where_it_may_have_happened_nobody_knows(error: Exception) -> None:
    with pytest.raises(Lost):
        await failing(error).drop(ASK)


@pytest.mark.parametrize(
    "answer", [b"", b"\xc1", b"noise", encode(Answers([Dropped()])), encode(Answers([Dropped()] * 3))]
)
async def test_an_answer_that_is_none_leaves_the_outcome_unknown(answer: bytes) -> None:
    with pytest.raises(Lost):
        await host(lambda: answer).drop(ASK)


async def test_a_request_that_was_unfit_is_an_error_and_not_repeated() -> None:
    with pytest.raises(ThemisServerError) as raised:
        await failing(PeerRefused("invalid_body", "unfit", {"limit": 3})).drop(ASK)

    assert not isinstance(raised.value, Refused)
    assert (raised.value.code, raised.value.fields) == (ErrorCode.INVALID_BODY, {"limit": 3})
