"""Errors as problem+json (RFC 9457): translated once, here."""

from __future__ import annotations

from typing import Any, Final

import orjson

from themis_server._generated.errors import ERRORS, ErrorCode
from themis_server._generated.models import ItemError
from themis_server.api.answer import PROBLEM_JSON, Answer
from themis_server.api.consistency import AnsweredError
from themis_server.errors import ThemisServerError

TYPE_BASE: Final = "https://themisdb.dev/errors/"

_CLOSES_CONNECTION: Final = {
    ErrorCode.BAD_REQUEST,
    ErrorCode.BODY_TOO_LARGE,
    ErrorCode.REQUEST_TIMEOUT,
    ErrorCode.HEADERS_TOO_LARGE,
    ErrorCode.URI_TOO_LONG,
    ErrorCode.TOO_MANY_CONNECTIONS,
    ErrorCode.CONTENT_ENCODING_UNSUPPORTED,
}
"""After these the rest of the request cannot, or should not, be read."""


def problem(error: ThemisServerError, *, instance: str, request_id: str, with_key: bool = False) -> Answer:
    """Return the answer that reports `error` on a request to `instance` (its path)."""
    info = ERRORS[error.code]
    members: dict[str, object] = {
        "type": TYPE_BASE + error.code,
        "title": info.title,
        "status": info.status,
        "detail": error.detail,
        "instance": instance,
        "code": error.code,
        "retryable": error.retryable(with_key=with_key),
        "request_id": request_id,
        **error.fields,
    }
    answer = Answer(info.status, orjson.dumps(members), _head(error), PROBLEM_JSON)
    if error.code in _CLOSES_CONNECTION:
        answer.force_close()
    return answer


def item_error(error: ThemisServerError, *, with_key: bool) -> ItemError:
    """Return `error` as the error of one item of a batch."""
    info = ERRORS[error.code]
    return ItemError(
        code=error.code,
        status=info.status,
        title=info.title,
        detail=error.detail,
        retryable=error.retryable(with_key=with_key),
        **_item_fields(error),
    )


def _item_fields(error: ThemisServerError) -> dict[str, Any]:
    return {name: value for name, value in error.fields.items() if name in ItemError.__struct_fields__}


def _head(error: ThemisServerError) -> str:
    # Beside the body, because an answer to HEAD has none.
    head = f"Themis-Error: {error.code}\r\n"
    if error.replayed:
        head += "Idempotency-Replayed: true\r\n"
    if isinstance(error, AnsweredError):
        head += error.head
    retry_after_s = error.fields.get("retry_after_s")
    if retry_after_s is not None:
        head += f"Retry-After: {retry_after_s}\r\n"
    if error.code == ErrorCode.METHOD_NOT_ALLOWED:
        allowed = error.fields.get("allowed")
        assert isinstance(allowed, list)
        head += f"Allow: {', '.join(allowed)}\r\n"
    return head
