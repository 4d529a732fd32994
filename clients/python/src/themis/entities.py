"""Operations on one entity, as flows."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec

from themis.core import OPERATION, Answer, Call, Core, perform
from themis.errors import ConfigurationError
from themis.flow import Flow
from themis.json_codec import Document, decode_document, encode_document
from themis.options import STRONG, IdempotencyKey, ReadOptions, check_idempotency_key, check_timeout
from themis.placement import key_hash
from themis.urn import Urn

__all__ = ["NOT_MODIFIED", "Entity", "IfMatch", "NotModified", "VersionMatch", "WriteResult"]

VERSION_MAX: Final = (1 << 53) - 1

VersionMatch: TypeAlias = int | Iterable[int] | Literal["*"]
"""One version, several, or "*" for any."""

IfMatch: TypeAlias = VersionMatch


class NotModified(Enum):
    """The type of NOT_MODIFIED."""

    NOT_MODIFIED = "not modified"

    def __bool__(self) -> Literal[False]:
        return False


NOT_MODIFIED: Final = NotModified.NOT_MODIFIED
"""What a conditional read answers when the entity still has the version given. Falsy."""


class Entity(msgspec.Struct, frozen=True):
    """An entity as it was read.

    Attributes:
        urn: Its name.
        version: The version it had; for `if_match` and `if_none_match`.
        doc: The document.
        role: Which replica answered; None where the answer does not say.
        lag_ms: How far behind that replica may be, in milliseconds; None where the answer does not say.
        node: The id of the node it is on; None where the answer does not say.
    """

    urn: Urn
    version: int
    doc: dict[str, Any]
    role: str | None = None
    lag_ms: int | None = None
    node: str | None = None


class WriteResult(msgspec.Struct, frozen=True):
    """A write that happened. Always truthy.

    Attributes:
        urn: What was written.
        version: The version it has now; for a deletion, the version of that.
        created: Whether there was no entity before; None where the answer does not say (batches).
        replayed: Whether this answers an earlier request with the same idempotency key.
    """

    urn: Urn
    version: int
    created: bool | None = None
    replayed: bool = False

    def __bool__(self) -> Literal[True]:
        return True


_GET: Final = OPERATION["getEntity"]
_HEAD: Final = OPERATION["headEntity"]
_PUT: Final = OPERATION["putEntity"]
_PATCH: Final = OPERATION["patchEntity"]
_DELETE: Final = OPERATION["deleteEntity"]
_BEFORE_URN: Final = _GET.path.removesuffix("{urn}")
_JSON: Final = "application/json"
_MERGE_PATCH: Final = "application/merge-patch+json"
_READ_EXPECTED: Final = frozenset({304, 404})
_DELETE_EXPECTED: Final = frozenset({404})
# A 404 of these codes means "no such entity"; any other (a wrong base path, a proxy) is an error.
_ABSENT_CODES: Final = frozenset({"entity_not_found", "collection_not_found", "namespace_not_found"})
_ETAG: Final = re.compile(r'"([1-9][0-9]{0,15})"')


def get(core: Core, urn: Urn, read: ReadOptions, timeout_s: float | None) -> Flow[dict[str, Any] | None]:
    """The document, None when there is no such entity."""
    answer = yield from perform(core, _read_call(core, _GET.operation_id, urn, read, {}, timeout_s))
    if answer.response.status == 404:
        _check_absent(answer)
        return None
    return _document(answer)


def get_entity(
    core: Core, urn: Urn, read: ReadOptions, if_none_match: VersionMatch | None, timeout_s: float | None
) -> Flow[Entity | NotModified | None]:
    """The document with its version, NOT_MODIFIED, or None."""
    headers = {} if if_none_match is None else {"If-None-Match": format_etags(if_none_match, "if_none_match")}
    answer = yield from perform(core, _read_call(core, _GET.operation_id, urn, read, headers, timeout_s))
    response = answer.response
    if response.status == 404:
        _check_absent(answer)
        return None
    if response.status == 304:
        if if_none_match is None:
            raise answer.malformed("nothing was asked conditionally")
        return NOT_MODIFIED
    lag = response.headers.get("themis-lag-ms", "")
    return Entity(
        urn,
        _version(answer),
        _document(answer),
        response.headers.get("themis-role"),
        int(lag) if lag.isascii() and lag.isdigit() else None,
        response.headers.get("themis-node"),
    )


def exists(core: Core, urn: Urn, read: ReadOptions, timeout_s: float | None) -> Flow[bool]:
    """Whether there is such an entity."""
    answer = yield from perform(core, _read_call(core, _HEAD.operation_id, urn, read, {}, timeout_s))
    if answer.response.status != 404:
        return True
    # A node of an earlier release does not say why.
    if answer.problem_code() not in ("", *_ABSENT_CODES):
        raise answer.error()
    return False


def put(
    core: Core,
    urn: Urn,
    data: Document,
    if_match: IfMatch | None,
    if_none_match: Literal["*"] | None,
    idempotency_key: IdempotencyKey,
    timeout_s: float | None,
) -> Flow[WriteResult]:
    """Create or replace."""
    headers = {"Content-Type": _JSON}
    if if_match is not None:
        headers["If-Match"] = format_etags(if_match, "if_match")
    if if_none_match is not None:
        if if_none_match != "*":
            raise ConfigurationError("if_none_match of a write is '*': only if there is no entity yet")
        headers["If-None-Match"] = "*"
    body = encode_document(data)
    answer = yield from perform(core, _write_call(core, "putEntity", urn, headers, body, idempotency_key, timeout_s))
    return _written(answer, urn, created=answer.response.status == 201)


def patch(
    core: Core,
    urn: Urn,
    changes: Document,
    if_match: IfMatch | None,
    idempotency_key: IdempotencyKey,
    timeout_s: float | None,
) -> Flow[WriteResult]:
    """Merge changes into an existing entity (RFC 7396)."""
    headers = {"Content-Type": _MERGE_PATCH}
    if if_match is not None:
        headers["If-Match"] = format_etags(if_match, "if_match")
    body = encode_document(changes)
    answer = yield from perform(core, _write_call(core, "patchEntity", urn, headers, body, idempotency_key, timeout_s))
    return _written(answer, urn, created=False)


def delete(
    core: Core, urn: Urn, if_match: IfMatch | None, idempotency_key: IdempotencyKey, timeout_s: float | None
) -> Flow[WriteResult | None]:
    """Delete; None when there was nothing to delete."""
    headers = {} if if_match is None else {"If-Match": format_etags(if_match, "if_match")}
    call = _write_call(core, "deleteEntity", urn, headers, b"", idempotency_key, timeout_s, _DELETE_EXPECTED)
    answer = yield from perform(core, call)
    if answer.response.status == 404:
        _check_absent(answer)
        return None
    return _written(answer, urn, created=False)


def timeout_of(core: Core, timeout_s: float | None) -> float:
    """The call's own time limit, or the client's."""
    return core.options.timeout_s if timeout_s is None else check_timeout(timeout_s)


def key_header(core: Core, key: IdempotencyKey) -> dict[str, str]:
    """The Idempotency-Key of one logical write: the caller's, a new one, or none."""
    if key is None:
        return {"Idempotency-Key": core.new_id()} if core.options.idempotency_keys else {}
    if key is False:
        return {}
    return {"Idempotency-Key": check_idempotency_key(key)}


def _read_call(
    core: Core, operation_id: str, urn: Urn, read: ReadOptions, headers: dict[str, str], timeout_s: float | None
) -> Call:
    target = _BEFORE_URN + urn.quoted()
    if read is not STRONG and (parameters := read.parameters()):
        target = f"{target}?{'&'.join(parameters)}"
    return Call(
        OPERATION[operation_id],
        target,
        timeout_of(core, timeout_s),
        headers,
        key_hash=key_hash(urn.uuid),
        expected=_READ_EXPECTED,
        read=read,
        one_entity=True,
    )


def _write_call(
    core: Core,
    operation_id: str,
    urn: Urn,
    headers: dict[str, str],
    body: bytes,
    idempotency_key: IdempotencyKey,
    timeout_s: float | None,
    expected: frozenset[int] = frozenset(),
) -> Call:
    headers.update(key_header(core, idempotency_key))
    return Call(
        OPERATION[operation_id],
        _BEFORE_URN + urn.quoted(),
        timeout_of(core, timeout_s),
        headers,
        body,
        key_hash(urn.uuid),
        expected=expected,
        repeatable="Idempotency-Key" in headers,
        one_entity=True,
    )


def _check_absent(answer: Answer) -> None:
    if answer.problem_code() not in _ABSENT_CODES:
        raise answer.error()


def parse_etag(text: str) -> int | None:
    """The version in a strong entity tag, None when it is none."""
    found = _ETAG.fullmatch(text)
    version = int(found[1]) if found is not None else 0
    return version if 0 < version <= VERSION_MAX else None


def format_etags(match: VersionMatch, what: str) -> str:
    """The value of If-Match or If-None-Match; raises ConfigurationError, which says `what`."""
    if isinstance(match, str):
        if match != "*":
            raise ConfigurationError(f"{what} is a version, several, or '*', not {match!r}")
        return match
    versions = [match] if isinstance(match, int) else list(match)
    if not versions:
        raise ConfigurationError(f"{what} names no version")
    for version in versions:
        if not 1 <= version <= VERSION_MAX:
            raise ConfigurationError(f"{what} is a version, several, or '*', not {version!r}")
    return ", ".join(f'"{version}"' for version in versions)


def _version(answer: Answer) -> int:
    # A proxy that compresses makes a tag weak; it is the same version.
    version = parse_etag(answer.response.headers.get("etag", "").removeprefix("W/"))
    if version is None:
        raise answer.malformed("its ETag is no version")
    return version


def _document(answer: Answer) -> dict[str, Any]:
    try:
        return decode_document(answer.response.body)
    except msgspec.DecodeError as error:
        raise answer.malformed(f"its body is no JSON object: {error}") from error


class _Written(msgspec.Struct, frozen=True):
    version: Annotated[int, msgspec.Meta(ge=1, le=VERSION_MAX)]


_written_decoder: Final = msgspec.json.Decoder(_Written)


def _written(answer: Answer, urn: Urn, *, created: bool) -> WriteResult:
    try:
        version = _written_decoder.decode(answer.response.body).version
    except msgspec.DecodeError as error:
        raise answer.malformed(f"its body is no write result: {error}") from error
    return WriteResult(urn, version, created, answer.response.headers.get("idempotency-replayed") == "true")
