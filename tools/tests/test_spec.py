"""The specification: examples for everything, and each of its judges fails on a planted fault."""

from __future__ import annotations

import copy
import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from tools.codegen.bundle import METHODS, operations_of
from tools.codegen.targets import Spec, load_spec
from tools.spec.examples import example_faults
from tools.spec.openapi import openapi_faults
from tools.spec.redocly import node_is_missing, redocly_faults

OPERATIONS = [
    "getEntity",
    "headEntity",
    "putEntity",
    "patchEntity",
    "deleteEntity",
    "batchGet",
    "batchPut",
    "batchDelete",
    "listNamespaces",
    "createNamespace",
    "getNamespace",
    "alterNamespace",
    "dropNamespace",
    "listCollections",
    "createCollection",
    "getCollection",
    "alterCollection",
    "dropCollection",
    "countCollection",
    "listEntities",
    "getTopology",
    "getVersion",
    "getLive",
    "getReady",
    "getMetrics",
    "getOpenapi",
    "adminTopology",
    "adminMetrics",
    "adminStatus",
    "adminNodes",
    "adminNode",
    "adminRemoveNode",
    "adminDrainNode",
    "adminUndrainNode",
    "adminShards",
    "adminShard",
    "adminTransferLeader",
    "adminReplaceReplica",
    "adminSetReplicas",
    "adminJoinTokens",
    "adminCreateJoinToken",
    "adminRevokeJoinToken",
]


@pytest.fixture(scope="module")
def spec() -> Spec:
    return load_spec()


@pytest.fixture
def document(spec: Spec) -> dict[str, Any]:
    return copy.deepcopy(spec.document)


def test_the_operations_are_those_that_were_agreed(spec: Spec) -> None:
    assert sorted(operation.operation_id for operation in spec.api.operations) == sorted(OPERATIONS)


def test_every_example_is_there_and_fits(document: dict[str, Any]) -> None:
    assert example_faults(document) == []


def test_it_is_openapi(document: dict[str, Any]) -> None:
    assert openapi_faults(document) == []


def test_every_error_code_can_be_met(spec: Spec) -> None:
    for entry in spec.api.answered_errors:
        assert entry.operations, entry.code


def test_every_write_takes_an_idempotency_key_and_may_be_a_replay(spec: Spec) -> None:
    for operation in spec.api.operations:
        takes_key = "Idempotency-Key" in [parameter.name for parameter in operation.parameters]
        assert takes_key == (not operation.idempotent), operation.operation_id
        replayed = any(header.name == "Idempotency-Replayed" for header in operation.success.headers)
        assert replayed == takes_key, operation.operation_id


def test_every_read_of_data_takes_consistency(spec: Spec) -> None:
    reads = {"getEntity", "headEntity", "batchGet", "listEntities", "countCollection"}
    for operation in spec.api.operations:
        names = {parameter.name for parameter in operation.parameters_in("query")}
        assert ({"consistency", "max_lag_ms"} <= names) == (operation.operation_id in reads), operation.operation_id


def test_every_answer_of_a_replica_says_whose_and_up_to_which_version(spec: Spec) -> None:
    """Absence and a failed condition are read from a replica too."""
    reads = {"getEntity", "headEntity", "batchGet", "listEntities", "countCollection"}
    writes = {"putEntity", "patchEntity", "deleteEntity", "batchPut", "batchDelete"}
    for operation in spec.api.operations:
        takes_session = "Themis-Session" in {parameter.name for parameter in operation.parameters_in("header")}
        assert takes_session == (operation.operation_id in reads), operation.operation_id
        for response in operation.responses:
            told = {"Themis-Node", "Themis-Role", "Themis-Session"} <= {header.name for header in response.headers}
            answered = not response.codes and operation.operation_id in reads | writes
            read = {"entity_not_found", "precondition_failed"} & set(response.codes)
            assert told == (answered or bool(read)), (operation.operation_id, response.status)


def test_every_answer_carries_request_id_and_epoch(document: dict[str, Any]) -> None:
    for _, _, _, operation in operations_of(document):
        for status, response in operation["responses"].items():
            assert {"X-Request-Id", "Themis-Topology-Epoch"} <= set(response["headers"]), (
                operation["operationId"],
                status,
            )


def test_conditional_answers_name_the_entity_tag(document: dict[str, Any]) -> None:
    for method in ("get", "head"):
        responses = document["paths"]["/entity/{urn}"][method]["responses"]
        assert "ETag" in responses["200"]["headers"]
        assert "ETag" in responses["304"]["headers"]


def test_no_pattern_takes_long_on_hostile_text(spec: Spec) -> None:
    """Patterns are run by generated code of three languages; one that backtracks is a door for an attack."""
    hostile = [" , " * 2700, '"1" , ' * 1300 + "x", '"1"' + ", " * 4000 + "x", "W/" * 4000, "a" * 8192 + "\n"]
    for operation in spec.api.operations:
        for parameter in operation.parameters:
            if parameter.constraints.pattern:
                for text in hostile:
                    begin = time.process_time()
                    re.search(parameter.constraints.pattern, text)
                    assert time.process_time() - begin < 0.5, (operation.operation_id, parameter.name, text[:10])


def entity(document: dict[str, Any], method: str) -> dict[str, Any]:
    operation: dict[str, Any] = document["paths"]["/entity/{urn}"][method]
    return operation


def without_response_example(document: dict[str, Any]) -> None:
    del entity(document, "get")["responses"]["200"]["content"]["application/json"]["examples"]


def without_request_example(document: dict[str, Any]) -> None:
    entity(document, "put")["requestBody"]["content"]["application/json"]["examples"] = {}


def wrong_response_example(document: dict[str, Any]) -> None:
    document["components"]["examples"]["WriteResult"]["value"]["version"] = "5"


def wrong_request_example(document: dict[str, Any]) -> None:
    content = document["paths"]["/batch/put"]["post"]["requestBody"]["content"]["application/json"]
    content["examples"]["two"]["value"]["items"][0]["if-match"] = 5


def version_beyond_2_53(document: dict[str, Any]) -> None:
    document["components"]["examples"]["WriteResult"]["value"]["version"] = 2**53


def example_of_two_outcomes(document: dict[str, Any]) -> None:
    content = document["paths"]["/batch/put"]["post"]["responses"]["200"]["content"]["application/json"]
    content["examples"]["mixed"]["value"]["items"][1]["version"] = 7


def wrong_parameter_example(document: dict[str, Any]) -> None:
    document["components"]["parameters"]["Consistency"]["example"] = "strict"


def without_parameter_example(document: dict[str, Any]) -> None:
    del document["components"]["parameters"]["Limit"]["example"]


def wrong_header_example(document: dict[str, Any]) -> None:
    document["components"]["headers"]["ETag"]["example"] = "5"


def without_error_example(document: dict[str, Any]) -> None:
    del entity(document, "get")["responses"]["404"]["content"]["application/problem+json"]["examples"][
        "entity_not_found"
    ]


def wrong_error_example(document: dict[str, Any]) -> None:
    document["components"]["examples"]["error.entity_not_found"]["value"]["code"] = "entity_missing"


def error_without_status(document: dict[str, Any]) -> None:
    del document["components"]["examples"]["error.internal"]["value"]["status"]


def error_that_is_no_problem(document: dict[str, Any]) -> None:
    content = entity(document, "get")["responses"]["404"]["content"]
    content["application/json"] = content.pop("application/problem+json")


def date_without_time(document: dict[str, Any]) -> None:
    document["components"]["examples"]["Namespace"]["value"]["created_at"] = "2026-11-23"


@pytest.mark.parametrize(
    "plant",
    [
        without_response_example,
        without_request_example,
        wrong_response_example,
        wrong_request_example,
        version_beyond_2_53,
        example_of_two_outcomes,
        wrong_parameter_example,
        without_parameter_example,
        wrong_header_example,
        without_error_example,
        wrong_error_example,
        error_without_status,
        error_that_is_no_problem,
        date_without_time,
    ],
)
def test_a_planted_fault_in_an_example_is_found(
    plant: Callable[[dict[str, Any]], None], document: dict[str, Any]
) -> None:
    plant(document)
    assert example_faults(document)


def test_the_validator_finds_a_planted_fault(document: dict[str, Any]) -> None:
    entity(document, "get")["responses"]["200"]["content"]["application/json"]["schema"] = {"type": "objekt"}
    assert openapi_faults(document)


def test_the_validator_finds_a_dangling_reference(document: dict[str, Any]) -> None:
    entity(document, "get")["parameters"].append({"name": "x", "in": "nowhere", "schema": {}})
    assert openapi_faults(document)


needs_node = pytest.mark.skipif(node_is_missing() is not None, reason=f"redocly does not run: {node_is_missing()}")


@needs_node
def test_redocly_has_no_finding(document: dict[str, Any]) -> None:
    assert redocly_faults(document) == []


@needs_node
def test_redocly_finds_a_planted_fault(document: dict[str, Any]) -> None:
    del entity(document, "get")["summary"]
    assert redocly_faults(document) == [
        "#/paths/~1entity~1{urn}/get/summary: Operation object should contain `summary` field. [operation-summary]"
    ]


def test_a_machine_without_node_is_told_apart() -> None:
    assert node_is_missing(lambda _: None) == "Node is not installed"


def test_only_known_methods_are_used(document: dict[str, Any]) -> None:
    for path, item in document["paths"].items():
        assert set(item) <= {*METHODS, "parameters"}, path
