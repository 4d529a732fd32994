from __future__ import annotations

import asyncio

import pytest

from themis_server.errors import ErrorCode, ThemisServerError, shutting_down
from themis_server.replication.group import Busy, Completion, NotLeader, OutcomeUnknown, Stalled, Stopped
from themis_server.shard import pending as pending_module
from themis_server.shard.pending import Pending
from themis_server.statemachine.command import Mutated
from themis_server.storage.keys import METADATA_GROUP

RESULT = Mutated(())


class Queue:
    """Takes proposals and does nothing with them."""

    def __init__(self) -> None:
        self.handles: list[object] = []

    def propose(self, group: int, command: bytes, handle: object) -> None:
        self.handles.append(handle)

    def refresh(self) -> None:
        raise AssertionError("nobody reads what may lag")

    def barrier(self, group: int, handle: object) -> None:
        self.handles.append(handle)


def made(*, proposals_max: int = 3, proposal_bytes_max: int = 100, timeout_s: float = 60) -> tuple[Pending, Queue]:
    pending, queue = (
        Pending(
            asyncio.get_running_loop(),
            proposals_max=proposals_max,
            proposal_bytes_max=proposal_bytes_max,
            timeout_s=timeout_s,
        ),
        Queue(),
    )
    pending.connect(queue)
    return pending, queue


async def test_who_proposed_is_given_the_result() -> None:
    pending, queue = made()
    future = pending.propose(1, b"c")

    pending.settle([Completion(queue.handles[0], RESULT)])

    assert await future == RESULT
    assert (pending.count, pending.size_bytes) == (0, 0)


async def test_a_barrier_ends_with_nothing() -> None:
    pending, queue = made()
    future = pending.barrier(1)

    pending.settle([Completion(queue.handles[0], None)])

    assert await future is None


@pytest.mark.parametrize(
    ("error", "code", "retryable"),
    [
        (NotLeader(0), ErrorCode.NO_LEADER, True),
        (Busy("too_much_in_flight"), ErrorCode.TOO_MANY_REQUESTS, True),
        (Busy("not_ready"), ErrorCode.NO_LEADER, True),
        (Stalled(), ErrorCode.DISK_FULL, True),
        (Stopped(), ErrorCode.SHUTTING_DOWN, True),
        (OutcomeUnknown(), ErrorCode.OUTCOME_UNKNOWN, False),
    ],
)
async def test_what_went_wrong_is_told_in_the_words_of_the_api(
    error: Exception, code: ErrorCode, retryable: bool
) -> None:
    pending, queue = made()
    future = pending.propose(1, b"c")

    pending.settle([Completion(queue.handles[0], error)])

    with pytest.raises(ThemisServerError) as raised:
        await future
    assert raised.value.code == code
    assert raised.value.retryable(with_key=False) is retryable


async def test_a_full_queue_refuses_before_it_grows() -> None:
    pending, queue = made(proposals_max=3)
    futures = [pending.propose(1, b"c") for _ in range(3)]

    with pytest.raises(ThemisServerError) as raised:
        pending.propose(1, b"c")

    assert raised.value.code == ErrorCode.TOO_MANY_REQUESTS
    assert raised.value.fields == {"limit": 3, "retry_after_s": 1}
    assert "limits.proposals_max = 3" in raised.value.detail
    assert len(queue.handles) == 3
    pending.settle([Completion(queue.handles[0], RESULT)])
    pending.propose(1, b"c")
    assert not futures[1].done()


async def test_bytes_in_flight_are_bounded_and_one_proposal_always_goes() -> None:
    pending, queue = made(proposal_bytes_max=100)
    pending.propose(1, b"x" * 500)

    with pytest.raises(ThemisServerError) as raised:
        pending.propose(1, b"c")

    assert "limits.proposal_bytes_max = 100" in raised.value.detail
    pending.settle([Completion(queue.handles[0], RESULT)])
    assert pending.size_bytes == 0


async def test_a_node_that_refuses_writes_says_why() -> None:
    pending, queue = made()
    pending.why_refused = shutting_down

    with pytest.raises(ThemisServerError) as raised:
        pending.propose(1, b"c")

    assert raised.value.code == ErrorCode.SHUTTING_DOWN
    assert queue.handles == []


async def test_a_write_that_takes_too_long_is_unknown_and_its_late_end_is_no_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pending_module, "_SWEEP_S", 0.001)
    pending, queue = made(timeout_s=0)
    future = pending.propose(1, b"c")

    with pytest.raises(ThemisServerError) as raised:
        await future
    pending.settle([Completion(queue.handles[0], RESULT)])

    assert raised.value.code == ErrorCode.OUTCOME_UNKNOWN
    assert "may or may not take effect" in raised.value.detail


async def test_what_has_timed_out_is_still_under_way_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pending_module, "_SWEEP_S", 0.001)
    pending, queue = made(proposals_max=1, timeout_s=0)
    with pytest.raises(ThemisServerError):
        await pending.propose(1, b"c")

    with pytest.raises(ThemisServerError) as raised:
        pending.propose(1, b"c")
    pending.settle([Completion(queue.handles[0], RESULT)])

    assert raised.value.code == ErrorCode.TOO_MANY_REQUESTS
    assert pending.count == 0


async def test_the_sweep_ends_when_nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pending_module, "_SWEEP_S", 0.001)
    pending, queue = made()
    future = pending.propose(1, b"c")
    pending.settle([Completion(queue.handles[0], RESULT)])
    await future

    async with asyncio.timeout(10):
        while pending._sweeper is not None:
            await asyncio.sleep(0)

    assert not pending._deadlines


async def test_a_caller_who_has_gone_is_no_error() -> None:
    pending, queue = made()
    future = pending.propose(1, b"c")
    future.cancel()

    pending.settle([Completion(queue.handles[0], RESULT)])

    assert pending.count == 0


async def test_an_error_of_another_kind_is_a_bug_and_not_hidden() -> None:
    pending, queue = made()
    future = pending.propose(1, b"c")

    with pytest.raises(ZeroDivisionError):
        pending.settle([Completion(queue.handles[0], ZeroDivisionError())])
    future.cancel()


async def test_the_metadata_has_room_however_many_writes_wait() -> None:
    pending, queue = made(proposals_max=1)
    pending.propose(1, b"c")

    pending.propose(METADATA_GROUP, b"keep the lease")

    assert pending.count == 2
    for group in (1, METADATA_GROUP):
        with pytest.raises(ThemisServerError) as caught:
            pending.propose(group, b"c")
        assert caught.value.code == ErrorCode.TOO_MANY_REQUESTS
    pending.settle([Completion(handle, RESULT) for handle in queue.handles])
    assert (pending.count, pending.size_bytes) == (0, 0)
