from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any
from unittest import mock
from urllib.parse import quote

import pytest
from aiohttp import StreamReader, web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from server.tests.unit.inprocess import prefix, urn, uuid
from themis_server._generated.operations import OPERATIONS, Operation, Param
from themis_server.api.call import BodyBudget, Call, decode_percent
from themis_server.config import Limits
from themis_server.errors import ErrorCode, ThemisServerError

BY_ID = {operation.operation_id: operation for operation in OPERATIONS}
JSON = {"Content-Type": "application/json"}


def call(
    operation: Operation | str,
    *parameters: str,
    query: str = "",
    headers: dict[str, str] | list[tuple[str, str]] | None = None,
    content: StreamReader | None = None,
    limits: Limits | None = None,
    budget: BodyBudget | None = None,
) -> Call:
    """Return a call of an operation as the edge would make it."""
    if isinstance(operation, str):
        operation = BY_ID[operation]
    request = make_mocked_request(
        operation.method, "/", headers=CIMultiDict(headers or {}), payload=content or mock.Mock()
    )
    defaults = {param.name: param.default for param in operation.query_params if param.default is not None}
    return Call(
        request,
        request.headers,
        operation,
        defaults,
        list(parameters),
        "/",
        query,
        limits or Limits(),
        budget or BodyBudget(1 << 20),
    )


def code(raised: pytest.ExceptionInfo[ThemisServerError]) -> ErrorCode:
    return raised.value.code


# The path


@pytest.mark.parametrize(
    "text", [urn(1), urn(1).replace(":", "%3A"), urn(1).replace(":", "%3a"), urn(1).replace("u", "%75")]
)
def test_a_urn_is_read_however_its_colons_are_written(text: str) -> None:
    assert call("getEntity", text).urn() == (prefix().text, uuid(1))


def test_a_urn_is_normalised() -> None:
    upper = urn(0xABC).replace("00000abc", "00000ABC").replace("urn:themis:", "URN:Themis:")

    assert call("getEntity", upper).urn() == (prefix().text, uuid(0xABC))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", ErrorCode.INVALID_URN),
        ("urn:themis:document:app:users:", ErrorCode.INVALID_URN),
        (urn(1) + "%00", ErrorCode.INVALID_URN),
        (urn(1).replace("users", "us%2Fers"), ErrorCode.INVALID_URN),
        (urn(1).replace("users", "us%253Aers"), ErrorCode.INVALID_URN),
        (urn(1).replace("users", "%C0%AF"), ErrorCode.BAD_REQUEST),
        (urn(1).replace("users", "users%"), ErrorCode.BAD_REQUEST),
        (urn(1).replace("users", "users%3"), ErrorCode.BAD_REQUEST),
    ],
)
def test_what_is_no_urn_is_refused(text: str, wanted: ErrorCode) -> None:
    with pytest.raises(ThemisServerError) as raised:
        call("getEntity", text).urn()

    assert code(raised) == wanted


@given(st.text(max_size=60))
def test_whatever_stands_for_a_urn_the_answer_is_one_of_the_api(text: str) -> None:
    with pytest.raises(ThemisServerError) as raised:
        call("getEntity", text).urn()

    assert raised.value.status == 400


def test_names_in_the_path_are_decoded_then_checked() -> None:
    assert call("getCollection", "a%2Db", "c.d").path_values() == ["a-b", "c.d"]


@pytest.mark.parametrize("name", ["", "-a", "a%2Fb", "a%20b", "a%0A", "a%00", "x" * 64, "..", "%E2%80%8B"])
def test_names_that_no_collection_can_have_are_refused_by_parameter(name: str) -> None:
    with pytest.raises(ThemisServerError) as raised:
        call("getCollection", "app", name).path_values()

    assert (code(raised), raised.value.fields) == (ErrorCode.INVALID_PARAMETER, {"parameter": "collection"})


# The query


def test_without_a_query_there_are_the_defaults() -> None:
    assert call("listEntities").query() == {"limit": 100, "include": "doc", "consistency": "strong"}


def test_values_have_the_types_of_the_spec() -> None:
    query = call("listEntities", query="limit=7&include=version&cursor=a%5Fb").query()

    assert query == {"limit": 7, "include": "version", "consistency": "strong", "cursor": "a_b"}
    assert call("dropNamespace", query="force=true").query()["force"] is True


def test_what_one_call_is_given_is_not_seen_by_the_next() -> None:
    defaults: dict[str, Any] = {"limit": 100}
    first = call("listEntities", query="limit=1")
    first._defaults = defaults

    first.query()

    assert defaults == {"limit": 100}


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("limt=1", "limt"),
        ("limit=1&limit=2", "limit"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=1.0", "limit"),
        ("limit=", "limit"),
        ("limit", "limit"),
        ("limit=%D9%A1", "limit"),
        ("limit=99999999999999999999", "limit"),
        ("=1", ""),
    ],
)
def test_a_parameter_that_cannot_be_is_refused_by_name(query: str, parameter: str) -> None:
    with pytest.raises(ThemisServerError) as raised:
        call("listEntities", query=query).query()

    assert (code(raised), raised.value.fields) == (ErrorCode.INVALID_PARAMETER, {"parameter": parameter})


def test_a_value_outside_a_closed_set_is_told_the_set() -> None:
    with pytest.raises(ThemisServerError) as raised:
        call("listEntities", query="include=all").query()

    assert raised.value.fields == {"parameter": "include", "allowed": ["doc", "version"]}


@pytest.mark.parametrize("value", ["1", "TRUE", "", "yes"])
def test_a_boolean_is_true_or_false(value: str) -> None:
    with pytest.raises(ThemisServerError, match="true or false"):
        call("dropNamespace", query=f"force={value}").query()


def test_empty_pairs_are_passed_over() -> None:
    assert call("listEntities", query="&&limit=7&").query()["limit"] == 7


@given(st.text(max_size=30) | st.text("limit=&%+1f", max_size=20))
def test_whatever_the_query_is_the_answer_is_one_of_the_api(query: str) -> None:
    try:
        call("listEntities", query=query).query()
    except ThemisServerError as error:
        assert error.status == 400  # noqa: PT017
        error.detail.encode()


def test_lengths_are_those_of_the_spec() -> None:
    param = Param("name", "string", min_length=2, max_length=3)
    operation = replace(BY_ID["getVersion"], query_params=(param,))

    assert call(operation, query="name=ab").query() == {"name": "ab"}
    for text in ("a", "abcd"):
        with pytest.raises(ThemisServerError, match="characters long"):
            call(operation, query=f"name={text}").query()


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_percent_escapes_give_back_what_was_escaped(text: str) -> None:
    assert decode_percent(quote(text, safe="")) == text


# Headers


@pytest.mark.parametrize("key", ["a", "!~", "x" * 255])
def test_an_idempotency_key_is_visible_ascii(key: str) -> None:
    assert call("putEntity", headers={"Idempotency-Key": key}).idempotency_key() == key
    assert call("putEntity").idempotency_key() is None


@pytest.mark.parametrize("keys", [[""], ["a b"], ["é"], ["x" * 256], ["a\x00"], ["a", "b"]])
def test_an_idempotency_key_of_another_form_is_refused(keys: list[str]) -> None:
    with pytest.raises(ThemisServerError) as raised:
        call("putEntity", headers=[("Idempotency-Key", key) for key in keys]).idempotency_key()

    assert (code(raised), raised.value.fields) == (ErrorCode.INVALID_HEADER, {"parameter": "Idempotency-Key"})


def test_the_lines_of_a_list_are_one_list() -> None:
    made = call("getEntity", headers=[("If-None-Match", '"1"'), ("If-None-Match", '"2"')])

    assert made.header_list("If-None-Match") == '"1", "2"'
    assert made.header_list("If-Match") is None


# The body


def arriving(*chunks: bytes, complete: bool = True) -> StreamReader:
    """Return a body of which `chunks` have arrived."""
    loop = asyncio.get_running_loop()
    protocol = BaseProtocol(loop)
    protocol.connection_made(mock.Mock(spec=asyncio.Transport))
    content = StreamReader(protocol, 1 << 16, loop=loop)
    for chunk in chunks:
        content.feed_data(chunk)
    if complete:
        content.feed_eof()
    return content


async def test_a_body_that_is_here_is_returned() -> None:
    assert await call("putEntity", headers=JSON, content=arriving(b"{", b"}")).body() == b"{}"


async def test_a_body_that_trickles_in_is_put_together() -> None:
    content = arriving(b'{"a"', complete=False)
    budget = BodyBudget(1 << 20)
    reading = asyncio.ensure_future(call("putEntity", headers=JSON, content=content, budget=budget).body())
    await asyncio.sleep(0)

    content.feed_data(b":1}")
    content.feed_eof()

    assert await reading == b'{"a":1}'
    budget.take(1 << 20)  # everything that was reserved is free again


async def test_a_body_that_does_not_come_is_timed_out_and_gives_its_room_back() -> None:
    budget = BodyBudget(10)
    limits = Limits(body_timeout_s=0.001, body_bytes_max=10)

    with pytest.raises(ThemisServerError) as raised:
        await call(
            "putEntity", headers=JSON, content=arriving(b"{", complete=False), limits=limits, budget=budget
        ).body()

    assert code(raised) == ErrorCode.REQUEST_TIMEOUT
    budget.take(10)


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize("complete", [True, False])
async def test_a_body_that_is_too_large_is_refused_as_early_as_it_can_be_told(announced: bool, complete: bool) -> None:
    headers = {**JSON, "Content-Length": "11"} if announced else JSON
    content = arriving(*[] if announced else [b"x" * 11], complete=complete)

    with pytest.raises(ThemisServerError) as raised:
        await call("putEntity", headers=headers, content=content, limits=Limits(body_bytes_max=10)).body()

    assert (code(raised), raised.value.fields) == (ErrorCode.BODY_TOO_LARGE, {"limit": 10})


async def test_each_kind_of_operation_has_its_own_limit() -> None:
    limits = Limits(body_bytes_max=10, batch_bytes_max=20)

    for operation, limit in (("putEntity", 10), ("batchPut", 20), ("createNamespace", 64 << 10)):
        with pytest.raises(ThemisServerError) as raised:
            await call(operation, headers=JSON, content=arriving(b"x" * (limit + 1)), limits=limits).body()
        assert raised.value.fields == {"limit": limit}


async def test_bodies_on_their_way_share_a_budget() -> None:
    budget = BodyBudget(1 << 20)
    reading = asyncio.ensure_future(
        call("putEntity", headers=JSON, content=arriving(b"{", complete=False), budget=budget).body()
    )
    await asyncio.sleep(0)

    with pytest.raises(ThemisServerError) as raised:
        await call("putEntity", headers=JSON, content=arriving(b"{", complete=False), budget=budget).body()

    assert code(raised) == ErrorCode.TOO_MANY_REQUESTS
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    budget.take(1 << 20)


async def test_a_broken_body_is_a_bad_request() -> None:
    content = arriving(b"{", complete=False)
    content.set_exception(web.RequestPayloadError("cut"))

    with pytest.raises(ThemisServerError) as raised:
        await call("putEntity", headers=JSON, content=content).body()

    assert code(raised) == ErrorCode.BAD_REQUEST


async def test_an_encoded_body_is_refused_unread() -> None:
    with pytest.raises(ThemisServerError) as raised:
        await call("putEntity", headers={**JSON, "Content-Encoding": "gzip"}).body()

    assert code(raised) == ErrorCode.CONTENT_ENCODING_UNSUPPORTED


@pytest.mark.parametrize(
    ("operation", "media_type", "taken"),
    [
        ("putEntity", "application/json", True),
        ("putEntity", "Application/JSON; charset=UTF-8", True),
        ("putEntity", 'application/json;charset="utf-8"', True),
        ("putEntity", "application/json; charset=latin-1", False),
        ("putEntity", "application/json; x=y; charset=utf-16", False),
        ("putEntity", "application/merge-patch+json", False),
        ("patchEntity", "application/merge-patch+json", True),
        ("patchEntity", "application/json", True),
        ("putEntity", "text/plain", False),
        ("putEntity", "", False),
        ("putEntity", None, False),
    ],
)
async def test_a_body_is_of_a_type_that_the_operation_takes(
    operation: str, media_type: str | None, taken: bool
) -> None:
    headers = {} if media_type is None else {"Content-Type": media_type}
    made = call(operation, headers=headers, content=arriving(b"{}"))

    if taken:
        assert await made.body() == b"{}"
        return
    with pytest.raises(ThemisServerError) as raised:
        await made.body()
    assert code(raised) == ErrorCode.UNSUPPORTED_MEDIA_TYPE
    assert raised.value.fields["allowed"]
