"""What other nodes may ask of this one about shards: the methods of the peer port, by name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import msgspec

from themis_server.errors import ErrorCode, ThemisServerError
from themis_server.peer.identity import Identity
from themis_server.shard.host import ShardHost
from themis_server.shard.remote import CHANGE, COUNT, DROP, MUTATE, PAGE, READ
from themis_server.shard.wire import (
    Answers,
    Ask,
    ChangePart,
    CountPart,
    DropPart,
    MutatePart,
    PagePart,
    ReadPart,
    encode,
)

T = TypeVar("T")

Handler = Callable[[Identity, bytes], Awaitable[bytes]]


def handlers(host: ShardHost) -> Mapping[str, Handler]:
    """Return method -> handler; each decodes and checks a request, has `host` carry it out, and encodes the answers."""
    return {
        READ: _serving(msgspec.msgpack.Decoder(Ask[ReadPart]).decode, host.read),
        PAGE: _serving(msgspec.msgpack.Decoder(Ask[PagePart]).decode, host.page),
        COUNT: _serving(msgspec.msgpack.Decoder(Ask[CountPart]).decode, host.count),
        MUTATE: _serving(msgspec.msgpack.Decoder(Ask[MutatePart]).decode, host.mutate),
        DROP: _serving(msgspec.msgpack.Decoder(Ask[DropPart]).decode, host.drop),
        CHANGE: _serving(msgspec.msgpack.Decoder(Ask[ChangePart]).decode, host.change),
    }


def _serving(decode: Callable[[bytes], T], carry_out: Callable[[T], Awaitable[list[Any]]]) -> Handler:
    async def serve(peer: Identity, payload: bytes) -> bytes:
        try:
            ask = decode(payload)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            # Nothing was done. The code is one that a sender does not take for "ask again".
            raise ThemisServerError(
                ErrorCode.INVALID_BODY, f"the request of {peer.node_id} is unfit: {error}"
            ) from error
        return encode(Answers(await carry_out(ask)))

    return serve
