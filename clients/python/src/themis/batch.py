"""Many entities with few requests.

Items are grouped by the node that leads their shard (for a lagging read: by a near one that has a replica of it),
packed into requests that stay below the server's limits, sent side by side, and put back into the order asked. A batch
is no transaction: each item succeeds or fails on its own, and no item's failure is raised: `BatchResult` tells what
became of each.

Items that failed for a passing reason (no leader just now, moved to another shard, answer too large) are sent again,
within the same deadline. A write whose outcome is unknown is not: it would need the whole request's key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import msgspec
from xxhash import xxh64_hexdigest

from themis._generated.models import BatchItem, BatchResponse, ItemError
from themis._generated.operations import Operation
from themis.batch_result import BatchFailure, BatchGetResult, BatchResult
from themis.collections import with_query
from themis.core import OPERATION, Answer, Call, Core, perform
from themis.entities import VERSION_MAX, Entity, WriteResult, key_header, timeout_of
from themis.errors import (
    ConfigurationError,
    EncodingError,
    ThemisError,
    TimeoutError,
    TooLarge,
    api_error,
)
from themis.flow import Flow, Gather, LoadTopology, Sleep
from themis.json_codec import Document, encode_document
from themis.options import STRONG, IdempotencyKey, ReadOptions
from themis.placement import key_hash
from themis.transport.message import Endpoint
from themis.urn import InvalidUrn, Urn

__all__ = ["BATCH_BYTES_MAX", "BATCH_ITEMS_MAX", "PutItems"]

BATCH_ITEMS_MAX: Final = 10_000
BATCH_BYTES_MAX: Final = 8 * 1024 * 1024

# `{"items":[` and `]}`, and a little: what a request has beyond its items.
_ENVELOPE_BYTES: Final = 32
_TOPOLOGY_TIMEOUT_S: Final = 5.0
# A read from where nothing was ever written finds nothing; that is how get() sees it, too.
_ABSENT_CODES: Final = frozenset({"entity_not_found", "collection_not_found", "namespace_not_found"})
_NO_FAULT: Final = "batch_response_limit"
# After these, said of an item, the leaders are likely to be others than those known here.
_MOVED_CODES: Final = frozenset({"wrong_shard", "no_leader", "node_unreachable", "stale_epoch"})


PutItems: TypeAlias = Mapping[str, Document] | Iterable[tuple[str, Document] | tuple[str, Document, int | None]]
"""{uuid: document}, or (uuid, document) pairs, or (uuid, document, if_match): a version, or 0 for "must not exist"."""


class _Item(msgspec.Struct, frozen=True):
    """One item on its way: its place, its name, and its piece of the request's JSON."""

    index: int
    urn: Urn
    text: str
    hash: int
    encoded: bytes


_Outcome: TypeAlias = BatchItem | BatchFailure


class _Job(msgspec.Struct, frozen=True):
    """What all requests of one logical batch share.

    `independent`: no URN occurs twice, or order does not matter; requests may run side by side and items be sent again.
    `to_leader`: what is left could not be served by replicas.
    """

    operation: Operation
    opening: bytes
    target: str
    deadline: float
    headers: dict[str, str]
    repeatable: bool
    read: ReadOptions
    independent: bool
    to_leader: bool = False


class _Sent(msgspec.Struct, frozen=True):
    """What one request came to: an outcome for each of its items, or the error that all of them share."""

    items: list[_Item]
    outcomes: list[_Outcome]
    error: ThemisError | None = None
    answer: Answer | None = None


class _Board:
    """What has become of each item so far, and in which answer it was said."""

    __slots__ = ("answers", "outcomes")

    def __init__(self, asked: int) -> None:
        self.outcomes: list[_Outcome | None] = [None] * asked
        self.answers: list[Answer | None] = [None] * asked

    def code(self, item: _Item) -> str:
        return _code(self.outcomes[item.index])

    def retry_after_s(self, items: list[_Item]) -> float | None:
        asked = [
            outcome.error.retry_after_s
            for outcome in (self.outcomes[item.index] for item in items)
            if isinstance(outcome, BatchItem) and outcome.error is not None and outcome.error.retry_after_s is not None
        ]
        return float(max(asked)) if asked else None

    def failure(self, index: int, urn: Urn | None) -> BatchFailure:
        outcome, answer = self.outcomes[index], self.answers[index]
        if isinstance(outcome, BatchFailure):
            return outcome
        # Only what has a URN is sent, and only what was sent has another outcome.
        name = str(urn)
        attempts, request_id = (answer.attempts, answer.request_id) if answer is not None else (0, "-")
        if outcome is None or outcome.error is None:
            problem: dict[str, Any] = {
                "title": "Malformed item",
                "detail": "the item has neither a result nor an error",
            }
            return BatchFailure(index, name, api_error(200, problem, attempts=attempts, request_id=request_id))
        problem = msgspec.to_builtins(outcome.error)
        error = api_error(outcome.error.status, problem, attempts=attempts, request_id=request_id)
        return BatchFailure(index, name, error)


_decoder: Final = msgspec.json.Decoder(BatchResponse)


# The three operations. `make_urn` turns a name as the caller wrote it into a URN, or raises InvalidUrn.


def batch_get(
    core: Core, make_urn: Callable[[str], Urn], names: Sequence[str], read: ReadOptions, timeout_s: float | None
) -> Flow[BatchGetResult]:
    """Read many."""
    operation = OPERATION["batchGet"]
    job = _Job(
        operation,
        b'{"urns":[',
        with_query(operation.path, read.parameters()),
        core.clock() + timeout_of(core, timeout_s),
        {"Content-Type": "application/json"},
        repeatable=True,
        read=read,
        independent=True,
    )
    board = _Board(len(names))
    items = _collect(names, make_urn, lambda _, text: b'"%b"' % text.encode(), board)
    urn_at = {item.index: item.urn for item in items}
    yield from _run(core, job, items, board)
    places: list[Entity | Urn | BatchFailure] = []
    for index, outcome in enumerate(board.outcomes):
        if isinstance(outcome, BatchItem) and outcome.version is not None and outcome.doc is not None:
            places.append(Entity(urn_at[index], outcome.version, outcome.doc))
        elif _code(outcome) in _ABSENT_CODES:
            places.append(urn_at[index])
        else:
            places.append(board.failure(index, urn_at.get(index)))
    return BatchGetResult(places)


def batch_put(
    core: Core,
    make_urn: Callable[[str], Urn],
    entries: Sequence[tuple[str, Document, int | None]],
    key: IdempotencyKey,
    timeout_s: float | None,
) -> Flow[BatchResult[WriteResult]]:
    """Write many; each entry is (name, document, if_match)."""

    def encode(index: int, text: str) -> bytes:
        _, document, if_match = entries[index]
        return b'{"urn":"%b","doc":%b%b}' % (text.encode(), encode_document(document), _condition(if_match))

    return _write(core, "batchPut", make_urn, [entry[0] for entry in entries], encode, key, timeout_s)


def batch_delete(
    core: Core,
    make_urn: Callable[[str], Urn],
    entries: Sequence[tuple[str, int | None]],
    key: IdempotencyKey,
    timeout_s: float | None,
) -> Flow[BatchResult[WriteResult]]:
    """Delete many; each entry is (name, if_match)."""

    def encode(index: int, text: str) -> bytes:
        return b'{"urn":"%b"%b}' % (text.encode(), _condition(entries[index][1]))

    return _write(core, "batchDelete", make_urn, [entry[0] for entry in entries], encode, key, timeout_s)


def _write(
    core: Core,
    operation_id: str,
    make_urn: Callable[[str], Urn],
    names: Sequence[str],
    encode: Callable[[int, str], bytes],
    key: IdempotencyKey,
    timeout_s: float | None,
) -> Flow[BatchResult[WriteResult]]:
    deadline = core.clock() + timeout_of(core, timeout_s)
    headers = key_header(core, key)
    repeatable = bool(headers)
    headers["Content-Type"] = "application/json"
    board = _Board(len(names))
    items = _collect(names, make_urn, encode, board)
    operation = OPERATION[operation_id]
    job = _Job(
        operation,
        b'{"items":[',
        operation.path,
        deadline,
        headers,
        repeatable=repeatable,
        read=STRONG,
        # An item sent again could overtake another one with the same URN.
        independent=len({item.text for item in items}) == len(items),
    )
    urn_at = {item.index: item.urn for item in items}
    yield from _run(core, job, items, board)
    ok: list[WriteResult] = []
    missing: list[Urn] = []
    failed: list[BatchFailure] = []
    for index, outcome in enumerate(board.outcomes):
        if isinstance(outcome, BatchItem) and outcome.version is not None and outcome.error is None:
            ok.append(WriteResult(urn_at[index], outcome.version))
        elif operation_id == "batchDelete" and _code(outcome) in _ABSENT_CODES:
            missing.append(urn_at[index])
        else:
            failed.append(board.failure(index, urn_at.get(index)))
    return BatchResult(ok, missing, failed, len(names))


def _collect(
    names: Sequence[str],
    make_urn: Callable[[str], Urn],
    encode: Callable[[int, str], bytes],
    board: _Board,
) -> list[_Item]:
    """Name and encode each item; one that cannot be is its own failure."""
    items: list[_Item] = []
    for index, name in enumerate(names):
        text = str(name)
        try:
            urn = make_urn(name)
            text = str(urn)
            items.append(_Item(index, urn, text, key_hash(urn.uuid), encode(index, text)))
        except (InvalidUrn, EncodingError, ConfigurationError) as error:
            board.outcomes[index] = BatchFailure(index, text, error)
    return items


# Rounds: everything once, then what may be tried again


def _run(core: Core, job: _Job, items: list[_Item], board: _Board) -> Flow[None]:
    if items and core.router.wants_topology:
        yield LoadTopology(min(job.deadline - core.clock(), _TOPOLOGY_TIMEOUT_S))
    policy = core.options.retry
    retries = round_number = 0
    pending = items
    while pending:
        asked = pending
        flows = _requests(core, job, asked, round_number)
        round_number += 1
        results: list[list[_Sent] | BaseException] = yield Gather(flows, core.options.parallel)
        sent = _unpack(results)
        if retries == 0 and all(request.error is not None for request in sent):
            # Not one request was answered: that is the call's failure, not the items'.
            assert sent[0].error is not None
            raise sent[0].error
        pending = _settle(job, sent, board)
        if len(pending) < len(asked) and all(board.code(item) == _NO_FAULT for item in pending):
            # The answer was full: what is left is asked for at once, and is no retry.
            continue
        retries += 1
        wait_s = policy.wait_s(retries, board.retry_after_s(pending), core.uniform)
        late = core.clock() + wait_s >= job.deadline
        if retries > policy.retries_max or late or not core.options.budget.spend():
            return
        if any(board.code(item) in _MOVED_CODES for item in pending):
            core.refresh_wanted()
        yield Sleep(wait_s)


def _unpack(results: list[list[_Sent] | BaseException]) -> list[_Sent]:
    sent: list[_Sent] = []
    for result in results:
        if isinstance(result, BaseException):
            raise result
        sent += result
    return sent


def _settle(job: _Job, sent: list[_Sent], board: _Board) -> list[_Item]:
    """Note what became of each item; returns those to send again."""
    again: list[_Item] = []
    writes = not job.operation.idempotent
    for request in sent:
        for item, outcome in zip(request.items, request.outcomes, strict=True):
            board.outcomes[item.index] = outcome
            board.answers[item.index] = request.answer
            error = outcome.error
            if not isinstance(error, ItemError) or not error.retryable or not job.independent:
                continue
            if writes and error.code == "outcome_unknown":
                continue
            again.append(item)
    return again


def _by_node(core: Core, items: list[_Item], *, near: bool) -> dict[Endpoint | None, list[_Item]]:
    """Items whose shards are at the same node travel together: a node answers for all of its shards at once."""
    router = core.router
    if router.view is None:
        return {None: items}
    groups: dict[Endpoint | None, list[_Item]] = {}
    at: dict[str, Endpoint | None] = {}
    for item in items:
        shard_id = router.view.shard_of(item.hash)
        if shard_id not in at:
            at[shard_id] = _near_one(core, item, groups) if near else router.leader(item.hash)
        groups.setdefault(at[shard_id], []).append(item)
    return groups


def _near_one(core: Core, item: _Item, taken: dict[Endpoint | None, list[_Item]]) -> Endpoint | None:
    """A near replica for an item's shard: one that is asked for others already, so that requests are few."""
    nearest = core.router.nearest(item.hash)
    for endpoint in nearest:
        if endpoint in taken:
            return endpoint
    return nearest[int(core.uniform() * len(nearest))] if nearest else core.router.leader(item.hash)


def _requests(core: Core, job: _Job, items: list[_Item], round_number: int) -> list[Flow[list[_Sent]]]:
    # What a replica could not answer is asked of the leaders, however often.
    if round_number > 0:
        job = msgspec.structs.replace(job, to_leader=True)
    near = job.read.any_replica and not job.to_leader
    by_node = [(node, _chunks(group)) for node, group in _by_node(core, items, near=near).items()]
    # What fits into one request is sent under the caller's own key.
    whole = round_number == 0 and len(by_node) == 1 and len(by_node[0][1]) == 1
    part = None if whole else str(round_number)
    if job.independent:
        return [_in_turn(core, job, [chunk], part, node) for node, chunks in by_node for chunk in chunks]
    # A URN occurs twice: its writes happen in their order, so the requests to its node do.
    return [_in_turn(core, job, chunks, part, node) for node, chunks in by_node]


def _in_turn(
    core: Core, job: _Job, chunks: list[list[_Item]], part: str | None, node: Endpoint | None
) -> Flow[list[_Sent]]:
    found: list[_Sent] = []
    for chunk in chunks:
        try:
            found += yield from _send(core, job, chunk, part, node)
        except ThemisError as error:
            failures: list[_Outcome] = [BatchFailure(item.index, item.text, error) for item in chunk]
            found.append(_Sent(chunk, failures, error))
    return found


def _chunks(items: list[_Item]) -> list[list[_Item]]:
    """Cut at 10,000 items and at 8 MiB. An item that is too large by itself travels alone, to be refused alone."""
    chunks: list[list[_Item]] = []
    size = BATCH_BYTES_MAX
    for item in items:
        item_bytes = len(item.encoded) + 1
        if size + item_bytes > BATCH_BYTES_MAX or len(chunks[-1]) >= BATCH_ITEMS_MAX:
            chunks.append([])
            size = _ENVELOPE_BYTES
        chunks[-1].append(item)
        size += item_bytes
    return chunks


def _send(core: Core, job: _Job, chunk: list[_Item], part: str | None, node: Endpoint | None) -> Flow[list[_Sent]]:
    body = job.opening + b",".join([item.encoded for item in chunk]) + b"]}"
    timeout_s = job.deadline - core.clock()
    if timeout_s <= 0:
        raise TimeoutError(f"{job.operation.operation_id} was not sent in time", attempts=0, request_id="-")
    call = Call(
        job.operation,
        job.target,
        timeout_s,
        job.headers if part is None else _with_part_key(job.headers, part, body),
        body,
        chunk[0].hash,
        repeatable=job.repeatable,
        read=job.read,
        first=node,
        to_leader=job.to_leader,
    )
    try:
        answer = yield from perform(core, call)
    except TooLarge as error:
        if len(chunk) == 1 or error.code == "document_too_large":
            raise
        # This server allows less than we assumed.
        middle = len(chunk) // 2
        return (yield from _in_turn(core, job, [chunk[:middle], chunk[middle:]], part or "0", node))
    return [_Sent(chunk, _items(answer, len(chunk)), answer=answer)]


def _with_part_key(headers: dict[str, str], part: str, body: bytes) -> dict[str, str]:
    """One of several requests of a batch: the batch's key, its round and a digest of its content, for a key of its own.

    The round, because an item sent again is not to be answered with the failure of the first time.
    The digest makes a repeated batch that is cut in the same way find its earlier answers, and one that is cut in
    another way start afresh instead of being refused.
    """
    key = headers.get("Idempotency-Key")
    if key is None:
        return headers
    digest = xxh64_hexdigest(body)
    part_key = f"{key}.{part}.{digest}"
    if len(part_key) > 255:
        part_key = f"{xxh64_hexdigest(key.encode())}.{part}.{digest}"
    return {**headers, "Idempotency-Key": part_key}


def _items(answer: Answer, expected: int) -> list[_Outcome]:
    try:
        items: list[_Outcome] = list(_decoder.decode(answer.response.body).items)
    except msgspec.DecodeError as error:
        raise answer.malformed(f"its body is no batch answer: {error}") from error
    if len(items) != expected:
        raise answer.malformed(f"it has {len(items)} items instead of {expected}")
    return items


def _code(outcome: _Outcome | None) -> str:
    return outcome.error.code if isinstance(outcome, BatchItem) and outcome.error is not None else ""


def _condition(if_match: int | None) -> bytes:
    if if_match is None:
        return b""
    if not 0 <= if_match <= VERSION_MAX:
        raise ConfigurationError(f"if_match is a version, or 0 for 'must not exist', not {if_match!r}")
    return b',"if_match":%d' % if_match
