from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from themis_server.peer.frames import FrameReader
from themis_server.peer.outbox import CHUNK_BYTES, Outbox

sizes = st.one_of(st.integers(0, 50), st.integers(CHUNK_BYTES - 8, CHUNK_BYTES + 8), st.just(3 * CHUNK_BYTES + 1))


@given(st.lists(sizes, max_size=12), st.lists(st.integers(5000, 2 * CHUNK_BYTES), min_size=1, max_size=5))
def test_what_goes_in_comes_out_in_order_and_is_counted(sizes: list[int], takes: list[int]) -> None:
    outbox, reader = Outbox(), FrameReader(4 * CHUNK_BYTES)
    payloads = [bytes([number % 251]) * size for number, size in enumerate(sizes)]
    for payload in payloads:
        outbox.put(payload)
    assert outbox.queued_bytes == outbox.enqueued_bytes == sum(sizes) + 4 * len(sizes)

    found, written, turn = [], 0, 0
    while (chunk := outbox.chunk()) is not None:
        assert len(chunk) <= CHUNK_BYTES + 4
        assert outbox.chunk() is chunk, "the same until it is written"
        taken = min(takes[turn % len(takes)], len(chunk))
        assert written + len(chunk) == outbox.attempted_bytes
        found += reader.feed(bytes(chunk[:taken]))
        outbox.took(taken)
        written, turn = written + taken, turn + 1
        assert outbox.queued_bytes == outbox.enqueued_bytes - written

    assert found == payloads
    assert outbox.attempted_bytes == outbox.enqueued_bytes == written


def test_small_frames_share_a_chunk() -> None:
    outbox = Outbox()
    for _ in range(1000):
        outbox.put(bytes(60))
    chunk = outbox.chunk()

    assert chunk is not None
    assert len(chunk) == 64_000


def test_what_is_dropped_was_not_attempted() -> None:
    outbox = Outbox()
    outbox.put(bytes(CHUNK_BYTES))
    outbox.put(bytes(10))
    outbox.chunk()
    outbox.clear()

    assert outbox.queued_bytes == 0
    assert outbox.chunk() is None
    assert outbox.enqueued_bytes - outbox.attempted_bytes == 14
