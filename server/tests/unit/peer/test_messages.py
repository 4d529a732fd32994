from __future__ import annotations

import pytest

from themis_server.peer.errors import PeerRefused
from themis_server.peer.frames import MalformedFrame
from themis_server.peer.messages import (
    Answer,
    Busy,
    Call,
    Cancel,
    Error,
    Failure,
    decode_from_acceptor,
    decode_from_dialler,
    encode_answer,
    encode_busy,
    encode_call,
    encode_cancel,
    encode_error,
    encode_failure,
)


def test_messages_read_as_they_were_said() -> None:
    assert decode_from_dialler(encode_call(7, 2.5, "shard.read", b"x")) == Call(7, 2500, "shard.read", b"x")
    assert decode_from_dialler(encode_cancel(7)) == Cancel(7)
    assert decode_from_acceptor(encode_answer(7, b"")) == Answer(7, b"")
    assert decode_from_acceptor(encode_failure(7, "ü" * 3000)) == Failure(7, "ü" * 2000)
    assert decode_from_acceptor(encode_busy(7, "full")) == Busy(7, "full")
    fields: dict[str, object] = {"version": 3, "allowed": ["a"], "owner": None}
    assert decode_from_acceptor(encode_error(7, "wrong_shard", "d", fields)) == Error(7, "wrong_shard", "d", fields)


def test_a_field_that_cannot_be_sent_goes_as_its_text() -> None:
    read = decode_from_acceptor(encode_error(1, "c", "d", {"limit": complex(1, 2)}))

    assert isinstance(read, Error)
    assert read.fields == {"limit": "(1+2j)"}


def test_a_time_out_is_a_positive_number_of_milliseconds() -> None:
    for timeout_s, expected_ms in ((-1.0, 1), (0.0001, 1), (1e9, (1 << 32) - 1)):
        call = decode_from_dialler(encode_call(1, timeout_s, "a.b", b""))
        assert isinstance(call, Call)
        assert call.timeout_ms == expected_ms


@pytest.mark.parametrize("method", ["", "read", "Shard.read", "shard.", "shard.read ", "a." + "b" * 255, "a.ü"])
def test_no_method_has_such_a_name(method: str) -> None:
    with pytest.raises(ValueError, match="no method"):
        encode_call(1, 1, method, b"")


GOOD = encode_call(7, 2.5, "shard.read", b"")


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"Q",
        GOOD[:-1],
        GOOD[:1] + bytes(4) + GOOD[5:],
        GOOD[:5] + bytes(4) + GOOD[9:],
        GOOD.replace(b"shard.read", b"shard\nread"),
        b"X\0\0\0",
        b"X\0\0\0\0",
        b"X\0\0\0\x01more",
        b"A\0\0\0\x01",
        b"?\0\0\0\x01",
    ],
)
def test_malformed_calls(frame: bytes) -> None:
    with pytest.raises(MalformedFrame):
        decode_from_dialler(frame)


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"A\0\0\0",
        b"A\0\0\0\0",
        b"E\0\0\0\x01",
        b"E\0\0\0\x01\x93\xa1a\xa1b\x01",
        b"F\0\0\0\x01\xff",
        b"B\0\0\0\x01\xff",
        GOOD,
        b"?\0\0\0\x01",
    ],
)
def test_malformed_answers(frame: bytes) -> None:
    with pytest.raises(MalformedFrame):
        decode_from_acceptor(frame)


def test_a_refusal_is_the_error_that_the_handler_raised() -> None:
    error = PeerRefused("precondition_failed", "no", {"version": 4}).as_error()

    assert error is not None
    assert (error.code, error.detail, error.fields) == ("precondition_failed", "no", {"version": 4})
    assert PeerRefused("of_a_newer_release", "no", {}).as_error() is None
