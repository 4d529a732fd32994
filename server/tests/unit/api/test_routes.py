from __future__ import annotations

import pytest

from server.tests.unit.inprocess import urn
from themis_server._generated.operations import OPERATIONS, Operation
from themis_server.api.answer import Answer
from themis_server.api.call import Call
from themis_server.api.routes import BindingError, Handler, Routes
from themis_server.errors import ErrorCode, ThemisServerError
from themis_server.observability.instruments import Instruments


async def nothing(call: Call) -> Answer:
    return Answer(200)


def handlers() -> dict[str, Handler]:
    return {operation.operation_id: nothing for operation in OPERATIONS}


@pytest.fixture(scope="module")
def routes() -> Routes:
    return Routes(handlers(), Instruments("0.1.0"))


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.operation_id)
def test_every_operation_of_the_spec_is_found_under_its_path(routes: Routes, operation: Operation) -> None:
    path = "/".join("v%2F%3A" if segment.startswith("{") else segment for segment in operation.path.split("/"))

    route, parameters = routes.find(operation.method, path)

    assert route.operation is operation
    assert parameters == ["v%2F%3A"] * len(operation.path_params)
    assert route.defaults == {p.name: p.default for p in operation.query_params if p.default is not None}


def test_a_handler_that_is_missing_or_too_many_stops_the_start() -> None:
    few, many = handlers(), handlers()
    del few["getEntity"]
    many["getNothing"] = nothing

    with pytest.raises(BindingError, match="without a handler: getEntity"):
        Routes(few, Instruments("0.1.0"))
    with pytest.raises(BindingError, match="without an operation in the spec: getNothing"):
        Routes(many, Instruments("0.1.0"))


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/nothing",
        "/entity",
        "/entity/a/b",
        "//",
        "/Entity/a",
        "/batch",
        "/batch/get/",
        "/namespaces/a/b",
        "/..",
    ],
)
def test_a_path_of_no_operation_is_not_found(routes: Routes, path: str) -> None:
    with pytest.raises(ThemisServerError) as raised:
        routes.find("GET", path)

    assert raised.value.code == ErrorCode.ROUTE_NOT_FOUND


def test_a_method_that_a_path_does_not_take_is_told_which_it_takes(routes: Routes) -> None:
    with pytest.raises(ThemisServerError) as raised:
        routes.find("POST", f"/entity/{urn(1)}")

    assert raised.value.code == ErrorCode.METHOD_NOT_ALLOWED
    assert raised.value.fields["allowed"] == ["DELETE", "GET", "HEAD", "PATCH", "PUT"]


def test_the_methods_of_a_path_are_told_for_preflights(routes: Routes) -> None:
    assert routes.methods("/batch/get") == ["POST"]
    assert routes.methods("/nothing") == []
