from __future__ import annotations

from collections.abc import Callable

import pytest

from themis_server import errors
from themis_server.errors import ERRORS, ErrorCode, StartRefusedError, ThemisServerError

CONSTRUCTED: list[tuple[Callable[[], ThemisServerError], ErrorCode, dict[str, object]]] = [
    (lambda: errors.entity_not_found("urn:themis:document:a:b:c"), ErrorCode.ENTITY_NOT_FOUND, {}),
    (lambda: errors.namespace_not_found("shop"), ErrorCode.NAMESPACE_NOT_FOUND, {}),
    (lambda: errors.collection_not_found("shop", "users"), ErrorCode.COLLECTION_NOT_FOUND, {}),
    (lambda: errors.precondition_failed(7), ErrorCode.PRECONDITION_FAILED, {"version": 7}),
    (lambda: errors.precondition_failed(None), ErrorCode.PRECONDITION_FAILED, {"version": None}),
    (
        lambda: errors.wrong_shard("http://127.0.0.1:8081", 3),
        ErrorCode.WRONG_SHARD,
        {"owner": "http://127.0.0.1:8081", "epoch": 3},
    ),
    (lambda: errors.body_too_large(1024), ErrorCode.BODY_TOO_LARGE, {"limit": 1024}),
    (lambda: errors.too_many_items(11, 10), ErrorCode.TOO_MANY_ITEMS, {"limit": 10}),
    (lambda: errors.too_many_requests("full"), ErrorCode.TOO_MANY_REQUESTS, {"retry_after_s": 1}),
    (lambda: errors.no_leader("shard_001"), ErrorCode.NO_LEADER, {"retry_after_s": 1}),
    (lambda: errors.not_ready("recovering"), ErrorCode.NOT_READY, {"retry_after_s": 1}),
    (errors.shutting_down, ErrorCode.SHUTTING_DOWN, {"retry_after_s": 1}),
    (lambda: errors.outcome_unknown("it took too long"), ErrorCode.OUTCOME_UNKNOWN, {}),
    (lambda: errors.disk_full(10, 20), ErrorCode.DISK_FULL, {"limit": 20, "retry_after_s": 10}),
]


def test_an_error_carries_its_code_its_sentence_and_the_fields_of_its_case() -> None:
    error = ThemisServerError(ErrorCode.INVALID_PARAMETER, "limit is 0", parameter="limit", allowed="1..1000")

    assert error.code is ErrorCode.INVALID_PARAMETER
    assert error.detail == "limit is 0"
    assert error.fields == {"parameter": "limit", "allowed": "1..1000"}
    assert str(error) == "invalid_parameter: limit is 0"
    assert "parameter='limit'" in repr(error)


@pytest.mark.parametrize("code", list(ErrorCode))
def test_every_code_has_a_status_and_a_title(code: ErrorCode) -> None:
    error = ThemisServerError(code, "detail")

    assert 400 <= error.status < 600
    assert error.title
    assert error.info is ERRORS[code]


@pytest.mark.parametrize(("construct", "code", "fields"), CONSTRUCTED, ids=[code for _, code, _ in CONSTRUCTED])
def test_constructors_set_code_and_fields(
    construct: Callable[[], ThemisServerError], code: ErrorCode, fields: dict[str, object]
) -> None:
    error = construct()

    assert error.code is code
    assert error.fields == fields
    assert error.detail.endswith((".", "full", "recovering", "long"))


def test_an_unknown_outcome_is_retryable_only_with_an_idempotency_key() -> None:
    error = errors.outcome_unknown("it took too long")

    assert error.retryable(with_key=True)
    assert not error.retryable(with_key=False)


@pytest.mark.parametrize("with_key", [True, False])
def test_other_errors_are_retryable_or_not_whatever_the_key(with_key: bool) -> None:
    assert errors.no_leader("shard_001").retryable(with_key=with_key)
    assert not errors.entity_not_found("urn").retryable(with_key=with_key)


def test_a_refused_start_is_no_answer_to_a_request() -> None:
    assert not issubclass(StartRefusedError, ThemisServerError)
