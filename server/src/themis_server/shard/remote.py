"""Another node as a host of shards: the same requests, over the peer port."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NoReturn, Protocol, TypeVar

import msgspec

from themis_server.errors import ErrorCode, ThemisServerError
from themis_server.peer.errors import PeerLost, PeerRefused, PeerUnreachable
from themis_server.peer.identity import PeerAddress
from themis_server.shard.refusal import Lost, unreachable
from themis_server.shard.wire import (
    Answers,
    Ask,
    Changed,
    ChangePart,
    Counted,
    CountPart,
    DropPart,
    Dropped,
    Failure,
    MutatePart,
    Paged,
    PagePart,
    Read,
    ReadPart,
    Wrote,
    encode,
)

T = TypeVar("T")

READ: Final = "shard.read"
PAGE: Final = "shard.page"
COUNT: Final = "shard.count"
MUTATE: Final = "shard.mutate"
DROP: Final = "shard.drop"
CHANGE: Final = "meta.change"

_SPARE_S: Final = 0.05
"""So much longer than its caller's patience does a call last: the other node's own answer to it is the better one."""

_decode_read = msgspec.msgpack.Decoder(Answers[Read | Failure]).decode
_decode_paged = msgspec.msgpack.Decoder(Answers[Paged | Failure]).decode
_decode_counted = msgspec.msgpack.Decoder(Answers[Counted | Failure]).decode
_decode_wrote = msgspec.msgpack.Decoder(Answers[Wrote | Failure]).decode
_decode_dropped = msgspec.msgpack.Decoder(Answers[Dropped | Failure]).decode
_decode_changed = msgspec.msgpack.Decoder(Answers[Changed | Failure]).decode


class Calls(Protocol):
    """What carries requests to other nodes (see peer.calls.PeerCalls)."""

    async def call(self, to: PeerAddress, method: str, payload: bytes, *, timeout_s: float) -> bytes:
        """Call a method; raises PeerUnreachable, PeerLost, PeerRefused."""
        ...


class RemoteHost:
    """A node that is asked over the peer port."""

    def __init__(self, address: PeerAddress, calls: Calls) -> None:
        self.address = address
        self._calls = calls

    async def read(self, ask: Ask[ReadPart]) -> list[Read | Failure]:
        """Read entities."""
        return await self._ask(READ, ask, _decode_read)

    async def page(self, ask: Ask[PagePart]) -> list[Paged | Failure]:
        """Read pieces of collections in key order."""
        return await self._ask(PAGE, ask, _decode_paged)

    async def count(self, ask: Ask[CountPart]) -> list[Counted | Failure]:
        """Count entities of collections."""
        return await self._ask(COUNT, ask, _decode_counted)

    async def mutate(self, ask: Ask[MutatePart]) -> list[Wrote | Failure]:
        """Write entities."""
        return await self._ask(MUTATE, ask, _decode_wrote)

    async def drop(self, ask: Ask[DropPart]) -> list[Dropped | Failure]:
        """Remove collections from shards."""
        return await self._ask(DROP, ask, _decode_dropped)

    async def change(self, ask: Ask[ChangePart]) -> list[Changed | Failure]:
        """Change the metadata."""
        return await self._ask(CHANGE, ask, _decode_changed)

    async def _ask(self, method: str, ask: Ask[Any], decode: Callable[[bytes], Answers[T]]) -> list[T]:
        node_id = self.address.node_id
        try:
            raw = await self._calls.call(self.address, method, encode(ask), timeout_s=ask.budget_ms / 1000 + _SPARE_S)
        except PeerUnreachable as error:
            raise unreachable(node_id, error) from error
        except PeerLost as error:
            raise Lost(f"node {node_id} did not answer: {error}") from error
        except PeerRefused as error:
            _refused(node_id, error)
        try:
            answers = decode(raw).parts
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise Lost(f"the answer of node {node_id} does not decode: {error}") from error
        if len(answers) != len(ask.parts):
            raise Lost(f"node {node_id} answered {len(answers)} of {len(ask.parts)} parts")
        return answers


def _refused(node_id: str, error: PeerRefused) -> NoReturn:
    """Translate what the handler as a whole refused: parts fail one by one, so this is the request that was unfit."""
    known = error.as_error()
    if known is None or known.code == ErrorCode.INTERNAL:
        raise Lost(f"node {node_id} failed: {error}")
    if known.code in (ErrorCode.SHUTTING_DOWN, ErrorCode.NOT_READY):
        raise unreachable(node_id, known.detail)
    raise ThemisServerError(known.code, known.detail, **known.fields)
