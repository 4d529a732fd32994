from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from server.tests.unit.statemachine.feeding import DOCUMENT_BYTES_MAX, NOW_MS, SHARD, Fed, delete, put
from themis_server.statemachine.command import KeyReused, Mutate, Mutated, Result, Status, Write
from themis_server.storage import keys

DIGEST = b"d" * 16
HOUR_MS = 3_600_000


def send(
    fed: Fed,
    *writes: Write,
    digest: bytes = DIGEST,
    fingerprint: bytes = b"same",
    expires_ms: int = NOW_MS + HOUR_MS,
    records_max: int = 100,
) -> Result:
    (result,) = fed.entry(Mutate(writes, DOCUMENT_BYTES_MAX, digest, fingerprint, expires_ms, records_max))
    return result


def records(fed: Fed) -> set[bytes]:
    """Return the digests that are remembered, having checked that both ways to them agree with the count."""
    by_digest = {key[3:] for key, _ in fed.engine.scan(keys.idempotency(SHARD, b""), keys.idempotency(SHARD + 1, b""))}
    by_expiry = [key[11:] for key, _ in fed.engine.scan(*keys.idempotency_expiry_range(SHARD))]
    assert sorted(by_digest) == sorted(by_expiry)
    assert fed.machine.state.records == len(by_digest)
    return by_digest


def test_a_repeated_request_is_answered_as_the_first_and_writes_nothing() -> None:
    fed = Fed()
    first = send(fed, put(1), delete(2))
    before = fed.content()

    again = send(fed, put(1), delete(2))

    assert isinstance(first, Mutated)
    assert again == Mutated(first.outcomes, replayed=True)
    ignored = keys.machine_state(SHARD)
    assert {**fed.content(), ignored: b""} == {**before, ignored: b""}


def test_a_request_that_failed_fails_the_same_way_again() -> None:
    fed = Fed()
    send(fed, delete(1))
    fed.one(put(1))

    again = send(fed, delete(1))

    assert isinstance(again, Mutated)
    assert (again.replayed, again.outcomes[0].status) == (True, Status.NOT_FOUND)


def test_another_request_under_the_same_key_is_refused_and_writes_nothing() -> None:
    fed = Fed()
    send(fed, put(1))

    other = send(fed, put(2), fingerprint=b"other")

    assert other == KeyReused()
    assert fed.engine.get(keys.entity_prefix(SHARD, 1) + (2).to_bytes(16)) is None


def test_a_retry_in_the_very_same_entry_is_a_retry() -> None:
    fed = Fed()
    command = Mutate((put(1),), DOCUMENT_BYTES_MAX, DIGEST, b"f", NOW_MS + HOUR_MS)

    first, again = fed.entry(command, command)

    assert isinstance(first, Mutated)
    assert again == Mutated(first.outcomes, replayed=True)


def test_a_restart_forgets_no_request() -> None:
    fed = Fed()
    send(fed, put(1))

    again = send(Fed(fed.engine), put(1))

    assert isinstance(again, Mutated)
    assert again.replayed


def test_a_record_is_kept_until_it_expires_and_not_longer() -> None:
    fed = Fed()
    send(fed, put(1), expires_ms=NOW_MS + 10)

    fed.now_ms = NOW_MS + 9
    before = send(fed, put(1), expires_ms=NOW_MS + 20)
    fed.now_ms = NOW_MS + 10
    after = send(fed, put(1), expires_ms=NOW_MS + 20)

    assert isinstance(before, Mutated)
    assert isinstance(after, Mutated)
    assert (before.replayed, after.replayed) == (True, False)
    assert after.outcomes[0].status == Status.REPLACED
    assert records(fed) == {DIGEST}


def test_expired_records_are_removed_two_a_write() -> None:
    fed = Fed()
    for number in range(6):
        send(fed, digest=number.to_bytes(16), expires_ms=NOW_MS + 10)

    fed.now_ms = NOW_MS + 10
    counts = []
    for number in range(6, 10):
        send(fed, digest=number.to_bytes(16), expires_ms=NOW_MS + HOUR_MS)
        counts.append(len(records(fed)))

    assert counts == [5, 4, 3, 4]


def test_beyond_the_greatest_number_of_records_the_first_to_expire_goes() -> None:
    fed = Fed()
    for number in (3, 1, 2):
        send(fed, digest=number.to_bytes(16), expires_ms=NOW_MS + number, records_max=3)

    send(fed, digest=(4).to_bytes(16), expires_ms=NOW_MS + 4, records_max=3)

    assert records(fed) == {number.to_bytes(16) for number in (2, 3, 4)}


def test_a_lowered_limit_is_reached_step_by_step() -> None:
    fed = Fed()
    for number in range(10):
        send(fed, digest=number.to_bytes(16))

    counts = []
    for number in range(10, 17):
        send(fed, digest=number.to_bytes(16), records_max=5)
        counts.append(len(records(fed)))

    assert counts == [9, 8, 7, 6, 5, 5, 5]


def test_without_a_key_nothing_is_remembered() -> None:
    fed = Fed()

    fed.mutate(put(1))

    assert records(fed) == set()


requests = st.tuples(
    st.integers(0, 3).map(lambda n: n.to_bytes(16)),  # digest
    st.sampled_from([b"f", b"g"]),  # fingerprint
    st.integers(1, 40),  # how long it is kept
    st.integers(0, 15),  # how much time passes before it
)


@given(st.lists(requests, max_size=25))
def test_requests_are_answered_as_by_a_dictionary_with_expiry(history: list[tuple[bytes, bytes, int, int]]) -> None:
    fed = Fed()
    model: dict[bytes, tuple[bytes, int, Mutated]] = {}

    for digest, fingerprint, kept_ms, passed_ms in history:
        fed.now_ms += passed_ms
        result = send(fed, put(1), digest=digest, fingerprint=fingerprint, expires_ms=fed.now_ms + kept_ms)
        known = model.get(digest)
        if known is not None and known[1] > fed.now_ms:
            assert result == (Mutated(known[2].outcomes, True) if known[0] == fingerprint else KeyReused())
        else:
            assert isinstance(result, Mutated)
            assert not result.replayed
            model[digest] = (fingerprint, fed.now_ms + kept_ms, result)
        living = {digest for digest, (_, expires_ms, _) in model.items() if expires_ms > fed.now_ms}
        assert living <= records(fed) <= model.keys()


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 50)), max_size=30), st.integers(0, 4))
def test_there_are_never_more_records_than_allowed(history: list[tuple[int, int]], records_max: int) -> None:
    fed = Fed()

    for number, kept_ms in history:
        send(fed, digest=number.to_bytes(16), expires_ms=NOW_MS + 1 + kept_ms, records_max=records_max)

        assert len(records(fed)) <= records_max
