from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from themis_server.peer.frames import PING, FrameReader, MalformedFrame, header


@given(st.lists(st.binary(max_size=40), max_size=8), st.lists(st.integers(1, 60), min_size=1))
def test_payloads_come_out_as_they_went_in_however_the_stream_is_cut(payloads: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(header(len(payload)) + payload for payload in payloads)
    reader = FrameReader(40)

    found, at, turn = [], 0, 0
    while at < len(stream):
        size = cuts[turn % len(cuts)]
        found += reader.feed(stream[at : at + size])
        at, turn = at + size, turn + 1

    assert found == payloads
    assert reader.kept_bytes == 0


def test_a_frame_beyond_the_limit_is_refused_by_its_header() -> None:
    assert FrameReader(10).feed(header(10) + bytes(10)) == [bytes(10)]
    with pytest.raises(MalformedFrame, match="11 bytes, at most 10"):
        FrameReader(10).feed(header(11))
    with pytest.raises(MalformedFrame):
        FrameReader(10).feed(b"\xff" * 4)


def test_what_is_kept_is_one_frame_at_most() -> None:
    reader = FrameReader(1000)

    for _ in range(250):
        reader.feed(header(999) + bytes(999) + header(1000) + bytes(3))
        reader.feed(bytes(997))

    assert reader.kept_bytes == 0


def test_frames_before_a_malformed_one_do_not_count() -> None:
    with pytest.raises(MalformedFrame):
        FrameReader(4).feed(header(1) + b"a" + header(5) + b"bcdef")


def test_a_ping_is_a_frame_without_payload() -> None:
    assert FrameReader(0).feed(PING + PING) == [b"", b""]
