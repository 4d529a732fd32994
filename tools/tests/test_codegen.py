"""The generator: what it writes is what is in the tree, works, and cannot say what the specification does not."""

from __future__ import annotations

import copy
import importlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest

from tools.codegen.__main__ import main
from tools.codegen.bundle import bundle, operations_of
from tools.codegen.errors import load_errors
from tools.codegen.honesty import faults
from tools.codegen.operations import read_api
from tools.codegen.python_text import literal, python_pattern
from tools.codegen.references import resolve
from tools.codegen.source import SpecError, load_yaml, parse_yaml
from tools.codegen.targets import ROOT, SPEC, Spec, generate, load_spec

SERVER = ROOT / "server/src/themis_server/_generated"
CLIENT = ROOT / "clients/python/src/themis/_generated"
EXAMPLE_URN = "urn:themis:document:default:airports:0e3a1c4b-6d1f-5c8e-9b57-2f4d8a1b7c60"


def load_module(path: Path) -> ModuleType:
    """Load a generated module by its file, so that neither package has to be installed for these tests."""
    name = f"generated_{path.parents[1].name}_{path.stem}"
    specification = importlib.util.spec_from_file_location(name, path)
    if specification is None or specification.loader is None:
        raise AssertionError(path)
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def spec() -> Spec:
    return load_spec()


@pytest.fixture(scope="module")
def server_models() -> ModuleType:
    return load_module(SERVER / "models.py")


@pytest.fixture(scope="module")
def client_models() -> ModuleType:
    return load_module(CLIENT / "models.py")


@pytest.fixture
def copied_tree(tmp_path: Path, spec: Spec) -> Path:
    """A tree with the specification and every generated file, up to date."""
    shutil.copytree(SPEC, tmp_path / "spec")
    for name, text in generate(spec).items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def test_the_tree_is_as_generated(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 0, capsys.readouterr().out


@pytest.mark.parametrize("name", ["server/src/themis_server/_generated/models.py", "docs/reference/errors.md"])
def test_a_changed_file_is_found_and_shown(name: str, copied_tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (copied_tree / name).open("a", encoding="utf-8") as file:
        file.write("# edited by hand\n")
    assert main(["--check"], copied_tree) == 1
    assert "-# edited by hand" in capsys.readouterr().out


@pytest.mark.parametrize(
    "name",
    [
        "clients/python/src/themis/_generated/errors.py",
        "clients/javascript/src/_generated/models.ts",
        "clients/java/src/main/java/dev/themisdb/client/generated/Operation.java",
    ],
)
def test_a_missing_and_a_surplus_file_are_found(name: str, copied_tree: Path) -> None:
    file = copied_tree / name
    file.unlink()
    assert main(["--check"], copied_tree) == 1
    assert main([], copied_tree) == 0
    surplus = file.with_stem("Old")
    surplus.write_text("", encoding="utf-8")
    assert main(["--check"], copied_tree) == 1
    assert main([], copied_tree) == 0
    assert not surplus.exists()
    assert main(["--check"], copied_tree) == 0


def test_a_changed_specification_is_found(copied_tree: Path) -> None:
    path = copied_tree / "spec" / "errors.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("title: Disk full", "title: No space"), encoding="utf-8")
    assert main(["--check"], copied_tree) == 1


def test_a_broken_specification_is_told(copied_tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = copied_tree / "spec" / "errors.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("code: disk_full", "code: disk_ful"), encoding="utf-8")
    assert main(["--check"], copied_tree) == 2
    assert "errors.yaml has no code disk_full" in capsys.readouterr().err


def test_it_writes_the_same_under_another_hash_seed(tmp_path: Path) -> None:
    program = (
        "import hashlib, json; from tools.codegen.targets import *;"
        "print(hashlib.sha256(json.dumps(generate(load_spec())).encode()).hexdigest())"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1


def test_the_python_is_as_ruff_formats_it() -> None:
    # Our ruff configuration leaves generated folders alone; asked by name it must have nothing to change either.
    files = [str(path) for folder in (SERVER, CLIENT) for path in sorted(folder.glob("*.py"))]
    command = [sys.executable, "-m", "ruff", "format", "--check", "--isolated", "--line-length=120", *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_request_example_decodes_into_the_servers_model(spec: Spec, server_models: ModuleType) -> None:
    decoded = 0
    for operation in spec.api.operations:
        if operation.body:
            for example in operation.body.examples:
                msgspec.json.decode(example.text, type=getattr(server_models, operation.body.model))
                decoded += 1
    assert decoded >= 9


def test_every_answer_example_decodes_into_the_sdks_model_and_back(spec: Spec, client_models: ModuleType) -> None:
    decoded = 0
    for operation in spec.api.operations:
        for response in operation.responses:
            if not response.model:
                continue
            for example in response.examples:
                value = msgspec.json.decode(example.text, type=getattr(client_models, response.model))
                # msgspec writes microseconds where the example has milliseconds.
                encoded = msgspec.json.encode(value).replace(b'000Z"', b'Z"')
                assert json.loads(encoded) == json.loads(example.text)
                decoded += 1
    assert decoded >= 100


def test_a_document_keeps_its_bytes_in_the_server(server_models: ModuleType) -> None:
    body = b'{"items":[{"urn":"x","doc":{"b" : 1.0,"a":"\\u0041"}}]}'
    request = msgspec.json.decode(body, type=server_models.BatchPutRequest)
    assert bytes(request.items[0].doc) == b'{"b" : 1.0,"a":"\\u0041"}'
    assert request.items[0].if_match is msgspec.UNSET


def test_an_absent_document_is_not_encoded(server_models: ModuleType) -> None:
    item = server_models.BatchItem(urn=EXAMPLE_URN, version=5)
    assert msgspec.json.encode(item) == b'{"urn":"%s","version":5}' % EXAMPLE_URN.encode()


def test_a_version_that_is_null_is_encoded_and_an_absent_one_is_not(server_models: ModuleType) -> None:
    error = {"code": "c", "status": 412, "title": "t", "detail": "d", "retryable": False}
    assert b'"version":null' in msgspec.json.encode(server_models.ItemError(**error, version=None))
    assert b"version" not in msgspec.json.encode(server_models.ItemError(**error))


@pytest.mark.parametrize(
    ("model", "body"),
    [
        ("BatchGetRequest", {"urns": ["a"], "extra": 1}),
        ("BatchGetRequest", {"urns": None}),
        ("BatchGetRequest", {"urns": [1]}),
        ("PutItem", {"urn": "a"}),
        ("PutItem", {"urn": "a", "doc": {}, "if_match": -1}),
        ("PutItem", {"urn": "a", "doc": {}, "if_match": 2**53}),
        ("PutItem", {"urn": "a", "doc": {}, "if_match": "5"}),
        ("PutItem", {"urn": "a", "doc": {}, "if_match": None}),
        ("NamespaceCreate", {"name": ""}),
        ("NamespaceCreate", {"name": "-a"}),
        ("NamespaceCreate", {"name": "a\n"}),
        ("NamespaceCreate", {"name": "a" * 64}),
        ("NamespaceCreate", {"name": "a", "options": None}),
        ("CollectionCreate", {"name": "a", "model": "documents"}),
        ("CollectionAlter", {"options": {"cache_max_age_s": 86401}}),
        ("CollectionAlter", {"options": {"description": "a" * 1001}}),
        ("CollectionAlter", {"options": {"model": "graph"}}),
    ],
)
def test_the_server_refuses_what_the_schema_refuses(
    model: str, body: dict[str, Any], server_models: ModuleType
) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(json.dumps(body), type=getattr(server_models, model))


def test_the_sdk_accepts_an_answer_of_a_newer_server(client_models: ModuleType) -> None:
    node = {"node_id": "n", "endpoint": "e", "datacenter": "d", "rack": "r", "state": "hibernating", "version": "9"}
    decoded = msgspec.json.decode(json.dumps({**node, "zone": "z"}), type=client_models.Node)
    assert decoded.state == "hibernating"


@pytest.mark.parametrize("folder", [SERVER, CLIENT])
def test_the_operation_table_has_every_operation(folder: Path, spec: Spec) -> None:
    table = load_module(folder / "operations.py")
    models, errors = load_module(folder / "models.py"), load_module(folder / "errors.py")
    assert [entry.operation_id for entry in table.OPERATIONS] == [entry.operation_id for entry in spec.api.operations]
    for entry in table.OPERATIONS:
        for model in (entry.request_model, entry.response_model):
            assert model is None or hasattr(models, model)
        assert {*entry.error_codes, *entry.item_codes} <= {code.value for code in errors.ErrorCode}


@pytest.mark.parametrize("folder", [SERVER, CLIENT])
def test_the_error_table_has_every_code(folder: Path) -> None:
    module = load_module(folder / "errors.py")
    known = load_errors(SPEC / "errors.yaml")
    entries = {code: entry for code, entry in known.items() if folder == SERVER or not entry.peer_only}
    assert [code.value for code in module.ErrorCode] == list(entries)
    for code, entry in entries.items():
        info = module.ERRORS[module.ErrorCode(code)]
        assert (info.status, info.title, info.retryable, info.item_only) == (
            entry.status,
            entry.title,
            entry.retryable,
            entry.item_only,
        )


def test_what_nodes_say_to_each_other_is_known_to_the_server_alone(spec: Spec) -> None:
    between_nodes = {entry.code for entry in spec.api.errors if entry.peer_only}
    assert between_nodes
    server, client = (
        {code.value for code in load_module(folder / "errors.py").ErrorCode} for folder in (SERVER, CLIENT)
    )
    assert server - client == between_nodes
    assert between_nodes.isdisjoint(spec.document["x-themis-error-codes"])


def test_a_code_between_nodes_that_an_operation_names_is_refused(spec: Spec) -> None:
    document = copy.deepcopy(spec.document)
    document["paths"]["/topology"]["get"]["responses"]["503"]["x-themis-codes"].append("duplicate_node")
    with pytest.raises(SpecError, match="duplicate_node is said between nodes only"):
        read_api(document, load_errors(SPEC / "errors.yaml"))


def test_the_served_document_is_the_bundle(spec: Spec) -> None:
    assert json.loads((SERVER / "openapi.json").read_text(encoding="utf-8")) == spec.document


def test_the_pages_show_every_operation_and_code(spec: Spec) -> None:
    api = (ROOT / "docs/reference/http-api.md").read_text(encoding="utf-8")
    errors = (ROOT / "docs/reference/errors.md").read_text(encoding="utf-8")
    for operation in spec.api.operations:
        assert f"\n### {operation.operation_id}\n" in api
    for struct in spec.api.structs:
        assert f"\n### {struct.name} (schema)\n" in api
    for entry in spec.api.errors:
        assert f"\n## {entry.code}\n" in errors


def anchors(page: str) -> list[str]:
    """The anchors of a page's headings, by GitHub's rule: lower case, punctuation dropped, blanks to hyphens."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", page, flags=re.DOTALL), re.MULTILINE)
    return [re.sub(r"[^a-z0-9_ -]", "", heading.lower()).replace(" ", "-") for heading in headings]


def test_every_link_between_the_pages_leads_somewhere() -> None:
    pages = {
        name: (ROOT / "docs/reference" / name).read_text(encoding="utf-8") for name in ("http-api.md", "errors.md")
    }
    for name, page in pages.items():
        assert len(anchors(page)) == len(set(anchors(page))), "two headings have one anchor"
        links = re.findall(r"\]\(([a-z-]*\.md)?#([^)]*)\)", page)
        assert len(links) > 100
        for target, anchor in links:
            assert anchor in anchors(pages[target or name]), (name, target, anchor)


# --- Rules of honesty: each with a planted fault ----------------------------------------------------------------------


def schema(document: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = document["components"]["schemas"][name]
    return found


def mixed_members(document: dict[str, Any]) -> None:
    schema(document, "WriteResult")["additionalProperties"] = {}


def narrow_free_map(document: dict[str, Any]) -> None:
    schema(document, "Document")["additionalProperties"] = True


def unsafe_integer(document: dict[str, Any]) -> None:
    schema(document, "Version")["maximum"] = 2**63 - 1


def unlimited_integer(document: dict[str, Any]) -> None:
    del schema(document, "Count")["maximum"]


def unsafe_parameter(document: dict[str, Any]) -> None:
    del document["components"]["parameters"]["Limit"]["schema"]["maximum"]


def integer_without_width(document: dict[str, Any]) -> None:
    del schema(document, "Epoch")["format"]


def default_in_request(document: dict[str, Any]) -> None:
    schema(document, "CollectionOptionsChange")["properties"]["cache_max_age_s"]["default"] = 0


def open_request(document: dict[str, Any]) -> None:
    del schema(document, "PutItem")["additionalProperties"]


def closed_answer(document: dict[str, Any]) -> None:
    schema(document, "WriteResult")["additionalProperties"] = False


def struct_on_both_sides(document: dict[str, Any]) -> None:
    schema(document, "NamespaceAlter")["properties"]["options"]["$ref"] = "#/components/schemas/NamespaceOptions"


def number_before_integer(document: dict[str, Any]) -> None:
    schema(document, "Point")["properties"]["value"]["type"] = ["number", "integer"]


def silent_member(document: dict[str, Any]) -> None:
    del schema(document, "Health")["properties"]["status"]["description"]


def untagged_union(document: dict[str, Any]) -> None:
    references = [{"$ref": "#/components/schemas/Health"}, {"$ref": "#/components/schemas/Dropped"}]
    document["components"]["schemas"]["Either"] = {"description": "One or the other.", "oneOf": references}


def union_without_const(document: dict[str, Any]) -> None:
    untagged_union(document)
    schema(document, "Either")["discriminator"] = {
        "propertyName": "status",
        "mapping": {"ok": "#/components/schemas/Health"},
    }


@pytest.mark.parametrize(
    "plant",
    [
        mixed_members,
        narrow_free_map,
        unsafe_integer,
        unlimited_integer,
        unsafe_parameter,
        integer_without_width,
        default_in_request,
        open_request,
        closed_answer,
        struct_on_both_sides,
        number_before_integer,
        silent_member,
        untagged_union,
        union_without_const,
    ],
)
def test_a_dishonest_specification_is_refused(plant: Callable[[dict[str, Any]], None], spec: Spec) -> None:
    document = copy.deepcopy(spec.document)
    assert list(faults(document)) == []
    plant(document)
    assert list(faults(document))


def unknown_routing(operation: dict[str, Any]) -> None:
    operation["x-themis-routing"] = "nearest"


def no_idempotency(operation: dict[str, Any]) -> None:
    del operation["x-themis-idempotent"]


def unknown_body_limit(operation: dict[str, Any]) -> None:
    operation["x-themis-body-limit"] = "huge"


def undeclared_path_parameter(operation: dict[str, Any]) -> None:
    operation["parameters"].append(
        {"name": "x", "in": "path", "required": True, "description": "x", "example": "x", "schema": {"type": "string"}}
    )


def parameter_without_example(operation: dict[str, Any]) -> None:
    operation["parameters"].append({"name": "x", "in": "query", "description": "x", "schema": {"type": "string"}})


def twice_used_id(operation: dict[str, Any]) -> None:
    operation["operationId"] = "putEntity"


def schema_without_name(operation: dict[str, Any]) -> None:
    operation["responses"]["200"]["content"]["application/json"]["schema"] = {"type": "object"}


@pytest.mark.parametrize(
    "plant",
    [
        unknown_routing,
        no_idempotency,
        unknown_body_limit,
        undeclared_path_parameter,
        parameter_without_example,
        twice_used_id,
        schema_without_name,
    ],
)
def test_an_operation_that_cannot_be_generated_is_refused(plant: Callable[[dict[str, Any]], None], spec: Spec) -> None:
    document = copy.deepcopy(spec.document)
    plant(document["paths"]["/entity/{urn}"]["get"])
    with pytest.raises(SpecError):
        read_api(document, load_errors(SPEC / "errors.yaml"))


def test_an_unused_error_code_is_refused(spec: Spec) -> None:
    document = copy.deepcopy(spec.document)
    for _, _, _, operation in operations_of(document):
        for response in operation["responses"].values():
            if "disk_full" in response.get("x-themis-codes", ()):
                response["x-themis-codes"].remove("disk_full")
        if "disk_full" in operation.get("x-themis-item-errors", ()):
            operation["x-themis-item-errors"].remove("disk_full")
    with pytest.raises(SpecError, match="no operation names disk_full"):
        read_api(document, load_errors(SPEC / "errors.yaml"))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "x-themis-errors: [$every, $path, $urn, $read, $replica_read, entity_not_found]",
            "x-themis-errors: [$evry]",
            "no error group",
        ),
        (
            "x-themis-errors: [$every, $path, $urn, $read, $replica_read, entity_not_found]",
            "x-themis-errors: [gone]",
            "no code gone",
        ),
        ("$replica_read, entity_not_found]", "$replica_read, batch_response_limit]", "only inside the items"),
        ("  $path: [route_not_found]", "  $path: [route_not_found]\n  $idle: [internal]", "is used nowhere"),
    ],
)
def test_the_bundle_refuses_a_wrong_list_of_errors(old: str, new: str, message: str) -> None:
    text = (SPEC / "openapi.yaml").read_text(encoding="utf-8")
    assert old in text
    with pytest.raises(SpecError, match=message):
        bundle(parse_yaml(text.replace(old, new), "openapi.yaml"), load_errors(SPEC / "errors.yaml"))


# --- The reader of YAML, and the errors -------------------------------------------------------------------------------


def test_yaml_is_read_as_version_1_2() -> None:
    text = "a: no\nb: yes\nc: 2026-01-01\nd: 010\ne: 1.5\nf: null\ng: true\nh:\ni: '1'\nj: 12:30\nk: off\nl: -3\nm: 1e3"
    assert parse_yaml(text, "text") == {
        "a": "no",
        "b": "yes",
        "c": "2026-01-01",
        "d": 10,
        "e": 1.5,
        "f": None,
        "g": True,
        "h": None,
        "i": "1",
        "j": "12:30",
        "k": "off",
        "l": -3,
        "m": 1000.0,
    }


@pytest.mark.parametrize("text", ["a: 1\na: 2", "a: {b: 1, b: 2}", "a: [", "a: !!python/object:os.system x"])
def test_yaml_that_is_not_plain_is_refused(text: str) -> None:
    with pytest.raises(SpecError):
        parse_yaml(text, "text")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("status: 507", "status: 200"),
        ("status: 507", "status: '507'"),
        ("title: Disk full", "title: ''"),
        ("title: Disk full", "titel: Disk full"),
        ("code: disk_full", "code: DiskFull"),
        ("code: disk_full", "code: no_leader"),
        ('retryable: "no"', "retryable: false"),
        ("scope: item", "scope: items"),
        ("detail: The node is shutting down.", "text: The node is shutting down."),
    ],
)
def test_a_faulty_error_entry_is_refused(old: str, new: str, tmp_path: Path) -> None:
    text = (SPEC / "errors.yaml").read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "errors.yaml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SpecError):
        load_errors(path)


def test_references() -> None:
    document = {"a": {"b~/c": {"type": "string", "description": "far"}}, "loop": {"$ref": "#/loop"}}
    near = {"$ref": "#/a/b~0~1c", "description": "near"}
    assert resolve(document, near) == {"type": "string", "description": "near"}
    for wrong in ("#/loop", "#/nowhere", "other.yaml#/a"):
        with pytest.raises(SpecError):
            resolve(document, {"$ref": wrong})


def test_patterns_become_python() -> None:
    assert python_pattern("^a+$") == r"^a+\Z"
    assert python_pattern(None) is None
    with pytest.raises(SpecError):
        python_pattern("a+")


@pytest.mark.parametrize("value", ["", "a", 'a"b', r"a\d", r"\"", "\\", r"'\"", "\n", 5, True, None])
def test_literals_are_python(value: str | int | bool | None) -> None:
    assert eval(literal(value)) == value


def test_the_source_is_not_changed_by_bundling() -> None:
    source = load_yaml(SPEC / "openapi.yaml")
    before = copy.deepcopy(source)
    bundle(source, load_errors(SPEC / "errors.yaml"))
    assert source == before


@pytest.mark.parametrize("models", ["themis._generated.models", "themis_server._generated.models"])
def test_a_secret_of_the_specification_is_not_in_the_text_of_its_object(models: str) -> None:
    made = msgspec.json.decode(
        b'{"token_id":"t1","token":"themis-join-s3cret","description":"rack 7",'
        b'"created_at":"2026-11-23T00:00:00Z","expires_at":"2026-11-24T00:00:00Z"}',
        type=importlib.import_module(models).JoinTokenCreated,
    )

    assert made.token == "themis-join-s3cret"
    assert b"s3cret" in msgspec.json.encode(made)
    for text in (repr(made), str([made]), f"{made}"):
        assert "s3cret" not in text
        assert "token_id='t1', token=..., description='rack 7'" in text
