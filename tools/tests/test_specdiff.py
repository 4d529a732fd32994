"""The refusal of breaking changes: each kind is made and refused, additions are made and allowed."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tools.codegen.source import SpecError
from tools.codegen.targets import SPEC
from tools.specdiff.__main__ import main
from tools.specdiff.compare import breaking_changes
from tools.specdiff.snapshots import freeze, load_document, newest_snapshot

Document = dict[str, Any]
Change = Callable[[Document], None]

BREAKING: dict[str, tuple[Change, str]] = {}
ADDITIVE: dict[str, Change] = {}


def breaking(message: str) -> Callable[[Change], Change]:
    """Register a change that has to be refused with a message that contains `message`."""

    def register(change: Change) -> Change:
        BREAKING[change.__name__] = (change, message)
        return change

    return register


def additive(change: Change) -> Change:
    """Register a change that has to be allowed."""
    ADDITIVE[change.__name__] = change
    return change


@pytest.fixture(scope="module")
def published() -> Document:
    return load_document(SPEC / "openapi.yaml")


def entity(document: Document, method: str) -> Document:
    found: Document = document["paths"]["/entity/{urn}"][method]
    return found


def schema(document: Document, name: str) -> Document:
    found: Document = document["components"]["schemas"][name]
    return found


def parameter(document: Document, name: str) -> Document:
    found: Document = document["components"]["parameters"][name]
    return found


@breaking("the path /version is gone")
def removed_path(document: Document) -> None:
    del document["paths"]["/version"]


@breaking("the operation PATCH /entity/{urn} is gone")
def removed_operation(document: Document) -> None:
    del document["paths"]["/entity/{urn}"]["patch"]


@breaking("the path /entity/{urn} is gone")
def renamed_path_parameter(document: Document) -> None:
    document["paths"]["/entity/{name}"] = document["paths"].pop("/entity/{urn}")


@breaking("operationId changed")
def changed_operation_id(document: Document) -> None:
    entity(document, "get")["operationId"] = "readEntity"


@breaking("x-themis-routing changed from urn to any")
def changed_routing(document: Document) -> None:
    entity(document, "get")["x-themis-routing"] = "any"


@breaking("x-themis-idempotent changed")
def changed_idempotency(document: Document) -> None:
    entity(document, "get")["x-themis-idempotent"] = False


@breaking("x-themis-body-limit changed")
def changed_body_limit(document: Document) -> None:
    entity(document, "put")["x-themis-body-limit"] = "small"


@breaking("the answer 304 is gone")
def removed_response(document: Document) -> None:
    del entity(document, "get")["responses"]["304"]


@breaking("the answer 202 is new")
def new_success(document: Document) -> None:
    entity(document, "put")["responses"]["202"] = {"description": "Accepted."}


@breaking("the header ETag is gone")
def removed_header(document: Document) -> None:
    del entity(document, "get")["responses"]["200"]["headers"]["ETag"]


@breaking("the header ETag may be missing now")
def optional_header(document: Document) -> None:
    document["components"]["headers"]["ETag"]["required"] = False


@breaking("is not application/json any more")
def changed_answer_type(document: Document) -> None:
    content = entity(document, "get")["responses"]["200"]["content"]
    content["application/cbor"] = content.pop("application/json")


@breaking("application/json is not accepted any more")
def removed_request_type(document: Document) -> None:
    del entity(document, "patch")["requestBody"]["content"]["application/json"]


@breaking("the member version is gone")
def removed_answer_member(document: Document) -> None:
    result = schema(document, "WriteResult")
    del result["properties"]["version"]
    result["required"] = ["urn"]


@breaking("the member version may be missing now")
def optional_answer_member(document: Document) -> None:
    schema(document, "WriteResult")["required"] = ["urn"]


@breaking("the type may be null now")
def answer_may_be_null(document: Document) -> None:
    schema(document, "Node")["properties"]["rack"]["type"] = ["string", "null"]


@breaking("the type may be string now")
def answer_of_another_type(document: Document) -> None:
    schema(document, "Point")["properties"]["value"]["type"] = "string"


@breaking("any value may come now")
def answer_out_of_its_enumeration(document: Document) -> None:
    del schema(document, "Replica")["properties"]["role"]["enum"]


@breaking("maximum is widened")
def wider_answer(document: Document) -> None:
    schema(document, "Epoch")["maximum"] = 2**60


@breaking("the constant 'ok' changed")
def changed_constant(document: Document) -> None:
    schema(document, "Health")["properties"]["status"]["const"] = "fine"


@breaking("[0]: pattern changed")
def changed_token(document: Document) -> None:
    schema(document, "Token")["pattern"] = "^[0-9A-F]{16}$"


@breaking("the member ttl_s is required now")
def new_required_request_member(document: Document) -> None:
    item = schema(document, "PutItem")
    item["properties"]["ttl_s"] = {"type": "integer"}
    item["required"].append("ttl_s")


@breaking("the member options is required now")
def newly_required_request_member(document: Document) -> None:
    schema(document, "CollectionCreate")["required"].append("options")


@breaking("the member if_match is gone")
def removed_request_member(document: Document) -> None:
    del schema(document, "PutItem")["properties"]["if_match"]


@breaking("the value 'timeseries' is not accepted any more")
def narrower_enumeration(document: Document) -> None:
    schema(document, "Model")["enum"].remove("timeseries")


@breaking("maxLength is narrowed from 1000 to 500")
def narrower_text(document: Document) -> None:
    schema(document, "CollectionOptionsChange")["properties"]["description"]["maxLength"] = 500


@breaking("maximum is narrowed from 86400 to 3600")
def narrower_number(document: Document) -> None:
    schema(document, "CollectionOptionsChange")["properties"]["cache_max_age_s"]["maximum"] = 3600


@breaking("minimum is narrowed from 0 to 1")
def higher_minimum(document: Document) -> None:
    schema(document, "ExpectedVersion")["minimum"] = 1


@breaking("maxItems is narrowed from 10000 to 1000")
def fewer_items(document: Document) -> None:
    schema(document, "BatchGetRequest")["properties"]["urns"]["maxItems"] = 1000


@breaking("minItems is narrowed from None to 1")
def limit_where_there_was_none(document: Document) -> None:
    schema(document, "BatchGetRequest")["properties"]["urns"]["minItems"] = 1


@breaking("pattern changed")
def narrower_pattern(document: Document) -> None:
    schema(document, "Name")["pattern"] = "^[a-z]{1,63}$"


@breaking("pattern changed from None")
def pattern_where_there_was_none(document: Document) -> None:
    schema(document, "UrnText")["pattern"] = "^urn:"


@breaking("the type boolean is not accepted any more")
def request_of_another_type(document: Document) -> None:
    schema(document, "NamespaceOptionsChange")["properties"]["auto_create_collections"]["type"] = "string"


@breaking("only a, b is accepted now")
def enumeration_where_there_was_none(document: Document) -> None:
    schema(document, "CollectionOptionsChange")["properties"]["description"]["enum"] = ["a", "b"]


@breaking("oneOf changed")
def another_either_or(document: Document) -> None:
    schema(document, "BatchDeleteRequest")["oneOf"].pop()


@breaking("unknown members are refused now")
def closed_document(document: Document) -> None:
    schema(document, "Document")["additionalProperties"] = False


@breaking("the query parameter consistency is gone")
def removed_parameter(document: Document) -> None:
    entity(document, "get")["parameters"] = [
        raw for raw in entity(document, "get")["parameters"] if "Consistency" not in raw.get("$ref", "")
    ]


@breaking("the query parameter tenant is new and required")
def new_required_parameter(document: Document) -> None:
    new = {"name": "tenant", "in": "query", "required": True, "schema": {"type": "string"}}
    entity(document, "get")["parameters"].append(new)


@breaking("the header parameter Idempotency-Key is required now")
def newly_required_parameter(document: Document) -> None:
    parameter(document, "IdempotencyKey")["required"] = True


@breaking("the default changed from strong to eventual")
def changed_default(document: Document) -> None:
    parameter(document, "Consistency")["schema"]["default"] = "eventual"


@breaking("maximum is narrowed from 1000 to 500")
def narrower_parameter(document: Document) -> None:
    parameter(document, "Limit")["schema"]["maximum"] = 500


@breaking("the value 'bounded' is not accepted any more")
def narrower_parameter_values(document: Document) -> None:
    parameter(document, "Consistency")["schema"]["enum"].remove("bounded")


@breaking("no body is taken any more")
def removed_body(document: Document) -> None:
    del entity(document, "put")["requestBody"]


@breaking("a body is required now")
def new_required_body(document: Document) -> None:
    entity(document, "delete")["requestBody"] = {"required": True, "content": {}}


@breaking("the error code disk_full is gone")
def removed_error_code(document: Document) -> None:
    del document["x-themis-error-codes"]["disk_full"]


@breaking("the error code disk_full: status changed from 507 to 503")
def changed_error_status(document: Document) -> None:
    document["x-themis-error-codes"]["disk_full"]["status"] = 503


@breaking("the error code disk_full: retryable changed")
def changed_retryability(document: Document) -> None:
    document["x-themis-error-codes"]["disk_full"]["retryable"] = "no"


@breaking("does not stand for entity_not_found any more")
def error_not_answered_any_more(document: Document) -> None:
    entity(document, "get")["responses"]["404"]["x-themis-codes"].remove("entity_not_found")


@breaking("items do not answer precondition_failed any more")
def item_error_not_answered_any_more(document: Document) -> None:
    document["paths"]["/batch/put"]["post"]["x-themis-item-errors"].remove("precondition_failed")


@breaking("the schema MergePatch is gone")
def renamed_schema(document: Document) -> None:
    schemas = document["components"]["schemas"]
    schemas["Patch"] = schemas.pop("MergePatch")
    for media in entity(document, "patch")["requestBody"]["content"].values():
        media["schema"]["$ref"] = "#/components/schemas/Patch"


@additive
def nothing(document: Document) -> None:
    pass


@additive
def new_operation(document: Document) -> None:
    new = copy.deepcopy(document["paths"]["/version"]["get"])
    new["operationId"] = "getLicence"
    document["paths"]["/licence"] = {"get": new}


@additive
def new_optional_parameter(document: Document) -> None:
    entity(document, "get")["parameters"].append({"name": "fields", "in": "query", "schema": {"type": "string"}})


@additive
def new_answer_member(document: Document) -> None:
    result = schema(document, "WriteResult")
    result["properties"]["created"] = {"type": "boolean"}
    result["required"].append("created")


@additive
def new_optional_request_member(document: Document) -> None:
    schema(document, "PutItem")["properties"]["ttl_s"] = {"type": "integer"}


@additive
def newly_required_answer_member(document: Document) -> None:
    schema(document, "EntityList")["required"].append("cursor")


@additive
def new_value_in_an_answer(document: Document) -> None:
    schema(document, "Node")["properties"]["state"]["enum"].append("draining")


@additive
def new_value_in_a_request(document: Document) -> None:
    parameter(document, "Consistency")["schema"]["enum"].append("session")


@additive
def new_error_code(document: Document) -> None:
    document["x-themis-error-codes"]["quota_exceeded"] = {"status": 429, "retryable": "yes", "scope": "request"}
    entity(document, "put")["responses"]["429"]["x-themis-codes"].append("quota_exceeded")


@additive
def new_error_status(document: Document) -> None:
    entity(document, "get")["responses"]["451"] = {"description": "Unavailable for legal reasons."}


@additive
def new_header(document: Document) -> None:
    entity(document, "get")["responses"]["200"]["headers"]["Age"] = {"schema": {"type": "integer"}}


@additive
def new_request_type(document: Document) -> None:
    content = entity(document, "put")["requestBody"]["content"]
    content["application/cbor"] = content["application/json"]


@additive
def wider_request(document: Document) -> None:
    schema(document, "BatchGetRequest")["properties"]["urns"]["maxItems"] = 20000
    parameter(document, "Limit")["schema"]["maximum"] = 5000
    del schema(document, "CollectionOptionsChange")["properties"]["description"]["maxLength"]


@additive
def narrower_answer(document: Document) -> None:
    schema(document, "Count")["maximum"] = 2**40
    schema(document, "Shard")["properties"]["leader"]["type"] = "string"


@additive
def integer_becomes_number_in_a_request(document: Document) -> None:
    schema(document, "CollectionOptionsChange")["properties"]["cache_max_age_s"]["type"] = "number"


@additive
def parameter_not_required_any_more(document: Document) -> None:
    schema(document, "NamespaceAlter")["required"] = []


@additive
def other_words(document: Document) -> None:
    entity(document, "get")["description"] = "Reads."
    entity(document, "get")["summary"] = "Read."
    schema(document, "WriteResult")["description"] = "Done."


@pytest.mark.parametrize("name", BREAKING)
def test_a_breaking_change_is_refused(name: str, published: Document) -> None:
    change, message = BREAKING[name]
    changed = copy.deepcopy(published)
    change(changed)
    found = breaking_changes(published, changed)
    assert any(message in line for line in found), found


@pytest.mark.parametrize("name", ADDITIVE)
def test_an_addition_is_allowed(name: str, published: Document) -> None:
    changed = copy.deepcopy(published)
    ADDITIVE[name](changed)
    assert breaking_changes(published, changed) == []


def test_the_present_specification_is_compatible_with_what_was_published(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0, capsys.readouterr().out


def test_a_breaking_change_of_the_files_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The whole way: files, command, exit status, as a developer would meet it."""
    shutil.copytree(SPEC, tmp_path / "spec")
    path = tmp_path / "spec" / "openapi.yaml"
    text = path.read_text(encoding="utf-8")
    assert "required: [urn, doc]" in text
    path.write_text(text.replace("enum: [doc, version], default: doc", "enum: [doc], default: doc"), encoding="utf-8")
    assert main([], tmp_path / "spec") == 1
    assert (
        "listEntities: the query parameter include: the value 'version' is not accepted any more"
        in capsys.readouterr().out
    )


def test_two_documents_can_be_named(tmp_path: Path, published: Document) -> None:
    old = freeze(published, tmp_path, "1.0.0")
    assert main([str(old), str(SPEC / "openapi.yaml")]) == 0


def test_a_document_that_cannot_be_read_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("a: 1\n", encoding="utf-8")
    assert main([str(path), str(path)]) == 2
    assert "no OpenAPI document" in capsys.readouterr().err
    assert main([str(path), str(tmp_path / "none.yaml")]) == 2


def test_a_snapshot_is_written_once(tmp_path: Path, published: Document) -> None:
    freeze(published, tmp_path, "1.0.0")
    with pytest.raises(SpecError, match="never changed"):
        freeze(published, tmp_path, "1.0.0")
    with pytest.raises(SpecError, match="no version"):
        freeze(published, tmp_path, "latest")


def test_the_newest_snapshot_is_that_of_the_highest_version(tmp_path: Path, published: Document) -> None:
    with pytest.raises(SpecError, match="no snapshot"):
        newest_snapshot(tmp_path)
    order = ("1.0.0-rc.1", "1.0.0-rc.2", "1.0.0-rc.10", "1.0.0", "1.1.0", "1.10.0-rc.1", "1.10.0", "2.0.0-rc.1")
    for name in order:
        (tmp_path / f"{name}.yaml").write_text("", encoding="utf-8")
        assert newest_snapshot(tmp_path).stem == name
    (tmp_path / "draft.yaml").write_text("", encoding="utf-8")
    with pytest.raises(SpecError, match="no version"):
        newest_snapshot(tmp_path)


def test_a_snapshot_says_what_the_specification_says(tmp_path: Path, published: Document) -> None:
    """In both directions: the snapshot, read back, neither says less nor more."""
    snapshot = load_document(freeze(published, tmp_path, "1.0.0"))
    assert breaking_changes(published, snapshot) == []
    assert breaking_changes(snapshot, published) == []
