from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from themis_server.statemachine.command import (
    Command,
    Compare,
    DropCollection,
    Entry,
    LeaseEnd,
    LeaseGrant,
    MetadataOp,
    MetadataTransaction,
    Mutate,
    Status,
    UnreadableEntry,
    Write,
    WriteOp,
    decode_entry,
    encode_command,
    encode_entry,
)

numbers = st.integers(0, 2**53 - 1)
writes = st.builds(
    Write,
    op=st.sampled_from([int(op) for op in WriteOp]),
    collection=st.integers(0, 2**32 - 1),
    uuid=st.binary(min_size=16, max_size=16),
    document=st.binary(max_size=20),
    expect=st.none() | st.lists(st.integers(-1, 2**53 - 1), max_size=3).map(tuple),
    emit_event=st.booleans(),
)
commands: st.SearchStrategy[Command] = st.one_of(
    st.builds(
        Mutate,
        writes=st.lists(writes, max_size=3).map(tuple),
        document_bytes_max=numbers,
        digest=st.binary(max_size=16),
        fingerprint=st.binary(max_size=16),
        expires_ms=numbers,
        records_max=numbers,
    ),
    st.builds(DropCollection, numbers),
    st.builds(
        MetadataTransaction,
        st.lists(st.builds(Compare, st.text(max_size=5), numbers), max_size=2).map(tuple),
        st.lists(
            st.builds(MetadataOp, st.text(max_size=5), st.none() | st.binary(max_size=5), numbers), max_size=2
        ).map(tuple),
    ),
    st.builds(LeaseGrant, numbers, numbers),
    st.builds(LeaseEnd, numbers, st.booleans()),
)


@given(numbers, st.lists(commands, max_size=4))
def test_an_entry_says_what_was_put_into_it(proposed: int, commands: list[Command]) -> None:
    payload = encode_entry(proposed, [encode_command(command) for command in commands])

    assert decode_entry(payload) == Entry(proposed, tuple(commands))


@given(st.binary(max_size=40))
def test_bytes_that_are_no_entry_are_refused_and_nothing_else_is_raised(payload: bytes) -> None:
    with pytest.raises(UnreadableEntry):
        decode_entry(payload)


@given(st.lists(commands, min_size=1, max_size=2), st.data())
def test_a_cut_entry_is_refused(commands: list[Command], data: st.DataObject) -> None:
    payload = encode_entry(1, [encode_command(command) for command in commands])
    length = data.draw(st.integers(0, len(payload) - 1))

    with pytest.raises(UnreadableEntry):
        decode_entry(payload[:length])


def test_an_entry_of_a_newer_format_names_both_formats() -> None:
    with pytest.raises(UnreadableEntry, match="has format 02, this program reads 01"):
        decode_entry(b"\x02" + encode_entry(1, [])[1:])


def test_fields_that_an_older_release_did_not_write_have_their_defaults() -> None:
    older = b"\x01" + msgspec.msgpack.encode([7, [["m", [[0, 1, b"u" * 16, b"{}"]], 100]]])

    (command,) = decode_entry(older).commands

    assert command == Mutate((Write(0, 1, b"u" * 16, b"{}", expect=None, emit_event=True),), 100)


def test_fields_that_a_newer_release_appends_are_passed_over() -> None:
    newer = b"\x01" + msgspec.msgpack.encode([7, [["d", 5, "what this release does not know"]], "nor this"])

    assert decode_entry(newer) == Entry(7, (DropCollection(5),))


def test_numbers_that_are_stored_never_change() -> None:
    # They stand in log entries and idempotency records.
    assert [(op.name, int(op)) for op in WriteOp] == [("PUT", 0), ("PATCH", 1), ("DELETE", 2)]
    assert [(status.name, int(status)) for status in Status] == [
        ("CREATED", 0),
        ("REPLACED", 1),
        ("DELETED", 2),
        ("PRECONDITION_FAILED", 3),
        ("NOT_FOUND", 4),
        ("COLLECTION_DROPPED", 5),
        ("DOCUMENT_TOO_LARGE", 6),
    ]
