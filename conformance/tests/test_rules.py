"""The suite's own small rules: lines, variables, makers, the ring, names."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID, uuid4

import pytest
import yaml

from themis_conformance.data import vectors_directory
from themis_conformance.jsonlines import decode_line, encode_line
from themis_conformance.names import NotAName, parse_urn
from themis_conformance.operations import OPERATIONS, find_route
from themis_conformance.ring import Ring, scripted_ring, uuid_of_shard
from themis_conformance.variables import UnknownVariable, Variables, names_in

SPEC = vectors_directory().parent

VALUES: list[Any] = [
    None,
    True,
    0,
    -(1 << 53) + 1,
    1 << 53,
    -(1 << 63),
    (1 << 64) - 1,
    1.5,
    "ä\u2028\U0001f600\x00",
    [1 << 60, {"a": [1 << 60]}],
    {"$int": "5"},
    {"$literal": {"$int": 1 << 60}},
    {"$int": 1, "other": 2},
    {"a": {"$literal": 5}},
]


@pytest.mark.parametrize("value", VALUES)
def test_values_survive_the_way_to_an_adapter_and_back(value: Any) -> None:
    line = encode_line({"id": 1, "value": value})
    assert line.count(b"\n") == 1
    assert decode_line(line) == {"id": 1, "value": value}
    assert type(decode_line(line)["value"]) is type(value)


def test_large_integers_travel_as_text() -> None:
    assert json.loads(encode_line({"a": 9007199254740993})) == {"a": {"$int": "9007199254740993"}}
    assert json.loads(encode_line({"a": 9007199254740991})) == {"a": 9007199254740991}
    assert json.loads(encode_line({"a": {"$int": 5}})) == {"a": {"$literal": {"$int": 5}}}


@pytest.mark.parametrize("line", [b"", b"[]", b"{", b"\xff", b'{"value":{"$int":5}}', b'{"value":{"$literal":5}}'])
def test_a_line_that_is_no_reply_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode_line(line)


@pytest.fixture
def variables() -> Variables:
    return Variables(scripted_ring(4), ["http://127.0.0.1:1"], {"ca_file": "ca.pem"}, "ns", {"v": 5, "name": "x${y}"})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("${namespace}", "ns"),
        ("${v}", 5),
        ("v${v}", "v5"),
        ('"${v}"', '"5"'),
        ("${node.0}/x", "http://127.0.0.1:1/x"),
        ("${tls.ca_file}", "ca.pem"),
        ("$${v}", "${v}"),
        ("a$${v}b", "a${v}b"),
        # What a variable stands for is not read again.
        ("<${name}>", "<x${y}>"),
        ({"$int": "9007199254740993"}, 9007199254740993),
        ({"$literal": {"$int": "${v}"}}, {"$int": 5}),
        ({"$make": {"text": 5}}, "xxxxx"),
        ({"$make": {"text": 5, "of": "ab"}}, "ababa"),
        ({"$make": {"deep": 3}}, {"d": {"d": {}}}),
        ({"$make": {"list": 2, "of": {"n": "${i}", "t": "k${i}"}}}, [{"n": 0, "t": "k0"}, {"n": 1, "t": "k1"}]),
        ({"$make": {"map": 2, "of": "${i}"}}, {"k0": 0, "k1": 1}),
        ({"$make": {"map": 1, "of": 5, "key": "${namespace}-${i}"}}, {"ns-0": 5}),
        ({"${namespace}": ["${v}"]}, {"ns": [5]}),
    ],
)
def test_variables_and_makers(variables: Variables, text: Any, value: Any) -> None:
    assert variables.resolve(text) == value


def test_uuids_are_the_same_wherever_they_are_named(variables: Variables) -> None:
    uuid = variables.resolve("${uuid.a}")
    assert str(UUID(uuid)) == uuid
    assert variables.resolve("${urn.a}") == f"urn:themis:document:ns:things:{uuid}"
    assert variables.resolve("${quoted.a}") == f"urn%3Athemis%3Adocument%3Ans%3Athings%3A{uuid}"
    assert variables.resolve("${uuid.b}") != uuid
    assert variables.resolve("${uuid.k${i}}", i=1) == variables.resolve("${uuid.k1}")


def test_a_uuid_of_a_shard_belongs_to_it(variables: Variables) -> None:
    for shard in ("shard_001", "shard_002", "shard_003", "shard_004"):
        assert scripted_ring(4).shard_of(variables.resolve(f"${{uuid.{shard}.a}}")) == shard


@pytest.mark.parametrize("name", ["nothing", "node.1", "tls.pin", "uuid", "urn."])
def test_a_variable_that_stands_for_nothing_is_an_error(variables: Variables, name: str) -> None:
    with pytest.raises(UnknownVariable):
        variables.resolve(f"${{{name}}}")


def test_all_names_are_found_the_inner_ones_first() -> None:
    found = [name for _, name in names_in({"${a}": ["${uuid.k${i}}", {"x": "${b}${c}"}]})]
    assert found == ["a", "i", "uuid.k0", "b", "c"]


def vectors(rule: str, *ops: str) -> list[dict[str, Any]]:
    found = json.loads((vectors_directory() / f"{rule}.json").read_text())["vectors"]
    return [vector for vector in found if vector["op"] in ops]


def test_the_ring_is_that_of_the_vectors() -> None:
    for vector in vectors("ring", "locate"):
        tokens = [(int(token, 16), shard) for token, shard in vector["input"]["tokens"]]
        ring = Ring(tokens)
        place = int(vector["input"]["hash"], 16)
        owner = next((shard for token, shard in ring.tokens if token >= place), ring.tokens[0][1])
        assert owner == vector["expect"]["shard_id"]
    for vector in vectors("ring", "ranges"):
        ring = Ring.from_wire(vector["input"]["tokens"])
        ranges = [[f"{start:016x}", f"{end:016x}"] for start, end in ring.ranges(vector["input"]["shard_id"])]
        assert ranges == vector["expect"]["ranges"], vector["name"]


def test_a_shard_without_tokens_owns_no_uuid() -> None:
    with pytest.raises(ValueError, match="there is no shard 'shard_009'"):
        uuid_of_shard(scripted_ring(2), "shard_009", uuid4)


def test_names_are_those_of_the_vectors() -> None:
    for vector in vectors("urn", "parse"):
        text = vector["input"]["text"]
        if "refused" in vector:
            with pytest.raises(NotAName) as caught:
                parse_urn(text)
            assert caught.value.position == vector["refused"]["position"], text
        else:
            assert str(parse_urn(text)) == vector["expect"]["text"]


def test_the_operations_are_those_of_the_specification() -> None:
    paths = yaml.safe_load((SPEC / "openapi.yaml").read_text())["paths"]
    found = {
        spec["operationId"]: (method.upper(), path)
        for path, item in paths.items()
        for method, spec in item.items()
        if isinstance(spec, dict) and "operationId" in spec
    }
    assert {name: (one.method, one.path) for name, one in OPERATIONS.items()} == found


def test_a_path_finds_its_operation() -> None:
    route = find_route("GET", "/namespaces/a/collections/b%2Ec/entities")
    assert route is not None
    assert route.operation.operation_id == "listEntities"
    assert route.parameters == {"namespace": "a", "collection": "b%2Ec"}
    assert find_route("POST", "/topology") is None
    assert find_route("GET", "/entity/a/b") is None
