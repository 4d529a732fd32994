from __future__ import annotations

import orjson
import pytest

from themis_server.api.problems import item_error, problem
from themis_server.errors import ERRORS, ErrorCode, ThemisServerError, precondition_failed, wrong_shard


def body(error: ThemisServerError, *, with_key: bool = False) -> dict[str, object]:
    answer = problem(error, instance="/entity/a", request_id="r-1", with_key=with_key)
    found: dict[str, object] = orjson.loads(answer.body)
    return found


@pytest.mark.parametrize("code", ErrorCode)
def test_every_code_is_a_problem_of_the_standard(code: ErrorCode) -> None:
    fields: dict[str, object] = {"allowed": ["GET"]} if code == ErrorCode.METHOD_NOT_ALLOWED else {}
    error = ThemisServerError(code, "why", **fields)

    answer = problem(error, instance="/entity/a", request_id="r-1")

    assert (answer.status, answer.media_type) == (ERRORS[code].status, "application/problem+json")
    assert orjson.loads(answer.body) == {
        "type": f"https://themisdb.dev/errors/{code}",
        "title": ERRORS[code].title,
        "status": ERRORS[code].status,
        "detail": "why",
        "instance": "/entity/a",
        "code": code,
        "retryable": ERRORS[code].retryable == "yes",
        "request_id": "r-1",
        **fields,
    }


def test_the_fields_of_the_case_stand_beside() -> None:
    found = body(wrong_shard("http://other:1", 7))

    assert (found["owner"], found["epoch"], found["retryable"]) == ("http://other:1", 7, True)


def test_an_unknown_outcome_is_retryable_with_a_key_only() -> None:
    error = ThemisServerError(ErrorCode.OUTCOME_UNKNOWN, "why")

    assert (body(error)["retryable"], body(error, with_key=True)["retryable"]) == (False, True)
    assert item_error(error, with_key=True).retryable is True


def test_when_to_come_back_and_what_is_allowed_are_headers_too() -> None:
    busy = problem(ThemisServerError(ErrorCode.TOO_MANY_REQUESTS, "", retry_after_s=3), instance="", request_id="")
    method = problem(
        ThemisServerError(ErrorCode.METHOD_NOT_ALLOWED, "", allowed=["GET", "PUT"]), instance="", request_id=""
    )

    assert busy.head == "Themis-Error: too_many_requests\r\nRetry-After: 3\r\n"
    assert method.head == "Themis-Error: method_not_allowed\r\nAllow: GET, PUT\r\n"


@pytest.mark.parametrize(
    ("code", "closes"),
    [(ErrorCode.BODY_TOO_LARGE, True), (ErrorCode.ENTITY_NOT_FOUND, False), (ErrorCode.INTERNAL, False)],
)
def test_the_connection_closes_where_the_rest_of_the_request_is_in_the_way(code: ErrorCode, closes: bool) -> None:
    assert problem(ThemisServerError(code, ""), instance="", request_id="").close_connection is closes


def test_an_item_says_what_a_problem_says_without_the_request() -> None:
    item = item_error(precondition_failed(7), with_key=False)

    assert (item.code, item.status, item.version, item.retryable) == ("precondition_failed", 412, 7, False)
