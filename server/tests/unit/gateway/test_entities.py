from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from server.tests.unit.inprocess import RETENTION_MS, InProcess, prefix, refused, urn
from themis.urn import split_urn
from themis_server.errors import ErrorCode
from themis_server.gateway.entities import Written
from themis_server.gateway.writing import ABSENT, PRESENT
from themis_server.metadata.catalog import NOTHING
from themis_server.statemachine.command import WriteOp
from themis_server.storage import values


@pytest.fixture
async def node() -> AsyncIterator[InProcess]:
    async with InProcess() as started:
        yield started


async def write(
    node: InProcess,
    op: WriteOp,
    name: str,
    document: bytes = b"{}",
    *,
    expect: tuple[int, ...] | None = None,
    key: str | None = None,
) -> Written:
    return await node.entities.write(op, *split_urn(name), document, expect, key)


async def put(
    node: InProcess,
    name: str,
    document: bytes = b"{}",
    *,
    expect: tuple[int, ...] | None = None,
    key: str | None = None,
) -> Written:
    return await write(node, WriteOp.PUT, name, document, expect=expect, key=key)


async def test_a_put_creates_then_replaces_and_is_read_as_it_came(node: InProcess) -> None:
    created = await put(node, urn(1), b'{"a":1}')
    replaced = await put(node, urn(1), b'{"a": 2}')

    assert (created.created, replaced.created) == (True, False)
    assert replaced.version > created.version
    stored = node.document(urn(1))
    assert stored is not None
    assert (values.version_of(stored), values.document_of(stored)) == (replaced.version, b'{"a": 2}')


async def test_a_patch_and_a_delete_create_no_collection(node: InProcess) -> None:
    for op in (WriteOp.PATCH, WriteOp.DELETE):
        await refused(write(node, op, urn(1)), ErrorCode.NAMESPACE_NOT_FOUND)

    assert node.catalog.namespaces == {}


async def test_what_is_missing_is_not_found(node: InProcess) -> None:
    await put(node, urn(1))

    for op in (WriteOp.PATCH, WriteOp.DELETE):
        await refused(write(node, op, urn(2)), ErrorCode.ENTITY_NOT_FOUND)
    assert node.document(urn(2)) is None


async def test_preconditions_hold_or_name_the_current_version(node: InProcess) -> None:
    created = await put(node, urn(1), expect=ABSENT)

    failed = await refused(put(node, urn(1), expect=ABSENT), ErrorCode.PRECONDITION_FAILED)
    missing = await refused(put(node, urn(2), expect=PRESENT), ErrorCode.PRECONDITION_FAILED)
    await put(node, urn(1), expect=(created.version,))

    assert failed.fields["version"] == created.version
    assert missing.fields["version"] is None


async def test_a_retry_with_a_key_is_told_what_the_first_was(node: InProcess) -> None:
    first = await put(node, urn(1), expect=ABSENT, key="k")

    again = await put(node, urn(1), expect=ABSENT, key="k")

    assert again == first._replace(replayed=True)


async def test_a_retry_after_a_failure_fails_the_same_way(node: InProcess) -> None:
    await put(node, urn(1))
    await refused(put(node, urn(1), expect=ABSENT, key="k"), ErrorCode.PRECONDITION_FAILED)
    await write(node, WriteOp.DELETE, urn(1))

    await refused(put(node, urn(1), expect=ABSENT, key="k"), ErrorCode.PRECONDITION_FAILED)


async def test_a_key_that_another_request_used_is_refused(node: InProcess) -> None:
    await put(node, urn(1), b'{"a":1}', key="k")

    await refused(put(node, urn(1), b'{"a":2}', key="k"), ErrorCode.IDEMPOTENCY_KEY_REUSED)
    await refused(write(node, WriteOp.DELETE, urn(1), b"", key="k"), ErrorCode.IDEMPOTENCY_KEY_REUSED)

    stored = node.document(urn(1))
    assert stored is not None
    assert values.document_of(stored) == b'{"a":1}'


async def test_a_key_is_free_again_when_its_time_has_passed(node: InProcess) -> None:
    await put(node, urn(1), b'{"a":1}', key="k")

    node.clock.advance(RETENTION_MS / 1000)

    assert not (await put(node, urn(1), b'{"a":2}', key="k")).replayed


async def test_a_retry_after_a_crash_is_still_a_retry(node: InProcess) -> None:
    first = await put(node, urn(1), key="k")

    await node.crash()

    assert (await put(node, urn(1), key="k")) == first._replace(replayed=True)


async def test_a_write_that_is_not_answered_in_time_is_unknown_and_can_be_asked_for_again(node: InProcess) -> None:
    await put(node, urn(1))
    node.held = True
    error = await refused(put(node, urn(2), key="k"), ErrorCode.OUTCOME_UNKNOWN)
    assert (error.retryable(with_key=True), error.retryable(with_key=False)) == (True, False)

    node.release()
    again = await put(node, urn(2), key="k")

    assert (again.created, again.replayed) == (True, True)


async def test_a_patch_that_grows_a_document_too_far_is_refused_and_names_the_limit() -> None:
    async with InProcess(document_bytes_max=50) as node:
        await put(node, urn(1), b'{"a":"%b"}' % (b"x" * 30))

        error = await refused(
            write(node, WriteOp.PATCH, urn(1), b'{"b":"%b"}' % (b"x" * 30)), ErrorCode.DOCUMENT_TOO_LARGE
        )

        assert error.fields["limit"] == 50


async def test_entities_of_a_dropped_collection_are_gone_and_a_new_one_is_empty(node: InProcess) -> None:
    await put(node, urn(1), b'{"old":true}')
    await node.changes.drop_collection("app", "users", NOTHING)

    await put(node, urn(2))

    assert node.document(urn(1)) is None
    assert node.document(urn(2)) is not None


async def test_a_write_that_lost_a_race_with_a_drop_finds_no_collection(node: InProcess) -> None:
    await put(node, urn(1))
    old = node.catalog.by_prefix[prefix().text]
    await node.changes.drop_collection("app", "users", NOTHING)
    node.catalog.by_prefix[prefix().text] = old  # what a request that began before the drop has in its hands

    await refused(put(node, urn(1)), ErrorCode.COLLECTION_NOT_FOUND)
