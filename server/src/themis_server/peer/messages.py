"""What the frames of a connection for calls say. Pure.

    dialler  -> Q call id | timeout in ms | length of the method | method | payload      a call
                X call id                                                                its caller waits no more
    acceptor -> A call id | payload                                                      the answer
                E call id | [code, detail, fields] as MessagePack                        the handler refused
                F call id | a sentence                                                   the handler failed: who knows
                B call id | a sentence                                                   not taken, nothing happened

Numbers are u32, big endian; the method's length is a u8. Call ids are counted up by the dialler, from 1 and after
2^32 - 1 from 1 again.
"""

from __future__ import annotations

import re
import struct
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

from themis_server.peer.frames import MalformedFrame

__all__ = [
    "Answer",
    "Busy",
    "Call",
    "Cancel",
    "Error",
    "Failure",
    "FromAcceptor",
    "FromDialler",
    "decode_from_acceptor",
    "decode_from_dialler",
    "encode_answer",
    "encode_busy",
    "encode_call",
    "encode_cancel",
    "encode_error",
    "encode_failure",
]

_CALL: Final = struct.Struct(">cIIB")
_HEAD: Final = struct.Struct(">cI")
_METHOD: Final = re.compile(rb"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
_METHOD_MAX: Final = 255
_TIMEOUT_MAX_MS: Final = (1 << 32) - 1
_TEXT_MAX: Final = 2000


class Call(NamedTuple):
    """A call to a handler."""

    id: int
    timeout_ms: int
    method: str
    payload: bytes


class Cancel(NamedTuple):
    """The caller waits no more."""

    id: int


class Answer(NamedTuple):
    """What the handler returned."""

    id: int
    payload: bytes


class Error(NamedTuple):
    """The error that the handler raised."""

    id: int
    code: str
    detail: str
    fields: dict[str, Any]


class Failure(NamedTuple):
    """The handler failed in a way that says nothing about what it did before."""

    id: int
    detail: str


class Busy(NamedTuple):
    """The call was not handed to a handler."""

    id: int
    detail: str


FromDialler: TypeAlias = Call | Cancel
FromAcceptor: TypeAlias = Answer | Error | Failure | Busy

_errors: Final = msgspec.msgpack.Decoder(tuple[str, str, dict[str, Any]])
_encoder: Final = msgspec.msgpack.Encoder(enc_hook=str)


def encode_call(call_id: int, timeout_s: float, method: str, payload: bytes) -> bytes:
    """Return the frame of a call; raises ValueError for a name that no method has."""
    name = method.encode()
    if len(name) > _METHOD_MAX or not _METHOD.fullmatch(name):
        raise ValueError(f"no method is called {method!r}")
    timeout_ms = min(max(round(timeout_s * 1000), 1), _TIMEOUT_MAX_MS)
    return _CALL.pack(b"Q", call_id, timeout_ms, len(name)) + name + payload


def encode_cancel(call_id: int) -> bytes:
    """Return the frame that says that nobody waits for a call any more."""
    return _HEAD.pack(b"X", call_id)


def encode_answer(call_id: int, payload: bytes) -> bytes:
    """Return the frame of an answer."""
    return _HEAD.pack(b"A", call_id) + payload


def encode_error(call_id: int, code: str, detail: str, fields: dict[str, object]) -> bytes:
    """Return the frame of an error; a field that MessagePack cannot say is sent as its text."""
    return _HEAD.pack(b"E", call_id) + _encoder.encode((code, detail, fields))


def encode_failure(call_id: int, detail: str) -> bytes:
    """Return the frame of a failure."""
    return _HEAD.pack(b"F", call_id) + _text(detail)


def encode_busy(call_id: int, detail: str) -> bytes:
    """Return the frame that refuses a call before anything happened."""
    return _HEAD.pack(b"B", call_id) + _text(detail)


def decode_from_dialler(frame: bytes) -> FromDialler:
    """Read what a dialler sent; raises MalformedFrame."""
    kind = frame[:1]
    if kind == b"Q":
        if len(frame) < _CALL.size:
            raise MalformedFrame("a call that ends too soon")
        _, call_id, timeout_ms, length = _CALL.unpack_from(frame)
        end = _CALL.size + length
        name = frame[_CALL.size : end]
        if len(name) < length or not _METHOD.fullmatch(name) or not timeout_ms or not call_id:
            raise MalformedFrame("a call with impossible values")
        return Call(call_id, timeout_ms, name.decode(), frame[end:])
    if kind == b"X" and len(frame) == _HEAD.size:
        return Cancel(_id(frame))
    raise MalformedFrame("neither a call nor the end of one")


def decode_from_acceptor(frame: bytes) -> FromAcceptor:
    """Read what an acceptor sent; raises MalformedFrame."""
    if len(frame) < _HEAD.size:
        raise MalformedFrame("an answer that ends too soon")
    kind, call_id, rest = frame[:1], _id(frame), frame[_HEAD.size :]
    try:
        if kind == b"A":
            return Answer(call_id, rest)
        if kind == b"E":
            return Error(call_id, *_errors.decode(rest))
        if kind == b"F":
            return Failure(call_id, rest.decode())
        if kind == b"B":
            return Busy(call_id, rest.decode())
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedFrame("an answer that cannot be read") from error
    raise MalformedFrame("no kind of answer")


def _id(frame: bytes) -> int:
    call_id = int.from_bytes(frame[1:5])
    if not call_id:
        raise MalformedFrame("calls are counted from 1")
    return call_id


def _text(text: str) -> bytes:
    return text[:_TEXT_MAX].encode("utf-8", "replace")
