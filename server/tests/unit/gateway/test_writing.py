from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.tests.unit.inprocess import InProcess, prefix
from themis_server.errors import ErrorCode
from themis_server.gateway.writing import WriteLimits, digest, fingerprint, outcome_error
from themis_server.statemachine.command import Outcome, Status, Write, WriteOp

LIMITS = WriteLimits(1000, 1, 1)
WRITE = Write(WriteOp.PUT, 1, b"u" * 16, b'{"a":1}', (5,))

keys = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=20)


@given(keys, keys, st.integers(0, 20), st.integers(0, 20))
def test_a_digest_stands_for_one_key_and_one_part(one: str, other: str, part: int, other_part: int) -> None:
    assert len(digest(one, part)) == 16
    assert (digest(one, part) == digest(other, other_part)) == ((one, part) == (other, other_part))


@pytest.mark.parametrize(
    "other",
    [
        Write(WriteOp.PATCH, 1, b"u" * 16, b'{"a":1}', (5,)),
        Write(WriteOp.PUT, 2, b"u" * 16, b'{"a":1}', (5,)),
        Write(WriteOp.PUT, 1, b"v" * 16, b'{"a":1}', (5,)),
        Write(WriteOp.PUT, 1, b"u" * 16, b'{"a":2}', (5,)),
        Write(WriteOp.PUT, 1, b"u" * 16, b'{"a":1}', (6,)),
        Write(WriteOp.PUT, 1, b"u" * 16, b'{"a":1}', None),
    ],
)
def test_a_fingerprint_tells_requests_apart_by_all_that_the_caller_said(other: Write) -> None:
    assert fingerprint((WRITE,)) != fingerprint((other,))


def test_a_fingerprint_does_not_mix_up_where_documents_end() -> None:
    def two(first: bytes, second: bytes) -> tuple[Write, Write]:
        return Write(0, 1, b"u" * 16, first), Write(0, 1, b"u" * 16, second)

    assert fingerprint(two(b"{}", b"{}{}")) != fingerprint(two(b"{}{}", b"{}"))
    assert fingerprint((WRITE,)) != fingerprint((WRITE, WRITE))


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (Outcome(Status.PRECONDITION_FAILED, 7), ErrorCode.PRECONDITION_FAILED),
        (Outcome(Status.NOT_FOUND, 0), ErrorCode.ENTITY_NOT_FOUND),
        (Outcome(Status.COLLECTION_DROPPED, 0), ErrorCode.COLLECTION_NOT_FOUND),
        (Outcome(Status.DOCUMENT_TOO_LARGE, 7), ErrorCode.DOCUMENT_TOO_LARGE),
    ],
)
async def test_every_outcome_that_is_no_write_has_its_error(outcome: Outcome, code: ErrorCode) -> None:
    async with InProcess() as node:
        collection = await node.catalog.ensure(prefix(), 5)

        error = outcome_error(outcome, collection, "urn", LIMITS)

        assert error is not None
        assert error.code == code


async def test_a_failed_precondition_names_the_version_or_that_there_is_none() -> None:
    async with InProcess() as node:
        collection = await node.catalog.ensure(prefix(), 5)

        found = [
            outcome_error(Outcome(Status.PRECONDITION_FAILED, version), collection, "urn", LIMITS) for version in (7, 0)
        ]

        assert [error and error.fields["version"] for error in found] == [7, None]


async def test_what_was_written_is_no_error_and_what_is_unknown_is_a_bug() -> None:
    async with InProcess() as node:
        collection = await node.catalog.ensure(prefix(), 5)

        for status in (Status.CREATED, Status.REPLACED, Status.DELETED):
            assert outcome_error(Outcome(status, 7), collection, "urn", LIMITS) is None
        with pytest.raises(AssertionError):
            outcome_error(Outcome(99, 7), collection, "urn", LIMITS)
