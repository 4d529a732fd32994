"""The error tree: classes by code and status, and errors that survive a process boundary."""

from __future__ import annotations

import builtins
import pickle
from uuid import uuid4

import pytest

import themis
from clients.python.tests.conftest import Connect
from themis import ApiError, ErrorCode, ThemisError, TimeoutError, TransportError
from themis._generated.errors import ERRORS
from themis.errors import api_error
from themis.testing import FakeTransport, Response, json_response


@pytest.mark.parametrize("code", list(ErrorCode))
def test_every_code_of_the_spec_has_a_class_beyond_the_general_one(code: ErrorCode) -> None:
    status = ERRORS[code].status
    error = api_error(status, {"code": code.value, "status": status}, attempts=1, request_id="r")
    assert type(error) is not ApiError
    assert error.code == code
    assert type(error).__name__ in themis.__all__


def test_a_code_of_a_newer_server_is_classed_by_its_status() -> None:
    error = api_error(409, {"code": "brand_new", "retryable": True}, attempts=2, request_id="r")
    assert isinstance(error, themis.Conflict)
    assert (error.code, error.retryable, error.attempts) == ("brand_new", True, 2)


@pytest.mark.parametrize("problem", [{}, {"code": 5, "title": None, "detail": [], "request_id": {}, "version": "x"}])
def test_a_problem_document_may_be_anything(problem: dict[str, object]) -> None:
    error = api_error(412, problem, attempts=1, request_id="r")
    assert isinstance(error, themis.PreconditionFailed)
    assert (error.code, error.version, error.request_id) == ("", None, "r")


def test_errors_pickle() -> None:
    errors: list[ThemisError] = [
        api_error(412, {"code": "precondition_failed", "version": 7}, attempts=1, request_id="r"),
        TransportError("m", kind="lost", endpoint="http://h", attempts=2, request_id="r", outcome_unknown=True),
        TimeoutError("m", attempts=3, request_id="r"),
        themis.BatchError([themis.BatchFailure(0, "u", ThemisError("x"))], 1),
    ]
    for error in errors:
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), str(again)) == (type(error), str(error))


def test_time_outs_are_builtin_ones_and_say_what_is_unknown() -> None:
    error = TimeoutError("no answer", attempts=1, request_id="r", outcome_unknown=True)
    assert isinstance(error, builtins.TimeoutError)
    assert str(error) == "no answer; the outcome is unknown: the write may have happened [1 attempt, request r]"


@pytest.mark.parametrize("method", ["get", "get_entity", "delete"])
def test_a_404_that_says_nothing_is_no_absence(connect: Connect, method: str) -> None:
    client = connect(["http://fake"], transport=FakeTransport(lambda request: Response(404)))
    with pytest.raises(themis.NotFound):
        getattr(client, method)("document", "users", str(uuid4()))


@pytest.mark.parametrize("version", [0, -1, 1 << 53])
def test_a_version_that_is_none_is_no_write_result(connect: Connect, version: int) -> None:
    answer = json_response(200, {"urn": "urn:themis:document:default:users:x", "version": version})
    client = connect(["http://fake"], transport=FakeTransport(lambda request: answer))
    with pytest.raises(TransportError) as caught:
        client.put("document", "users", str(uuid4()), {})
    assert caught.value.kind == "protocol"
