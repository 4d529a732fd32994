from __future__ import annotations

import base64
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from themis_server._generated.models import BatchDeleteRequest, BatchGetRequest, BatchPutRequest
from themis_server.api.codec import (
    DocumentRules,
    check_document,
    decode_body,
    decode_cursor,
    encode_cursor,
    etag,
    parse_if_match,
    parse_if_none_match,
)
from themis_server.errors import ErrorCode, ThemisServerError
from themis_server.statemachine.version import VERSION_MAX

RULES = DocumentRules(depth_max=5, strict=False)
STRICT = DocumentRules(depth_max=5, strict=True)

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
)
names = st.text(st.characters(exclude_categories=["Cs"]), max_size=5).filter(
    lambda name: name not in ("_key", "_id", "_rev")
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=10,
)
documents = st.dictionaries(names, values, max_size=4)


def refusal(raw: bytes, rules: DocumentRules = RULES, *, patch: bool = False) -> ThemisServerError:
    with pytest.raises(ThemisServerError) as raised:
        check_document(raw, rules, patch=patch)
    return raised.value


# Documents


@given(documents, st.booleans())
def test_every_json_object_within_the_limits_is_taken(document: dict[str, Any], strict: bool) -> None:
    check_document(json.dumps(document).encode(), DocumentRules(64, strict))
    check_document(json.dumps(document, ensure_ascii=False, indent=1).encode(), DocumentRules(64, strict))


@given(st.binary(max_size=40) | st.text('{}[]",:0129eE+-.tfn\\u ', max_size=40).map(str.encode))
def test_whatever_the_bytes_are_the_answer_is_one_of_the_api(raw: bytes) -> None:
    try:
        check_document(raw, STRICT)
    except ThemisServerError as error:
        assert error.status == 400  # noqa: PT017
    else:
        assert isinstance(json.loads(raw), dict)


@pytest.mark.parametrize(
    ("raw", "position"),
    [
        (b"", 0),
        (b"{", 1),
        (b"{'a':1}", 1),
        (b'{"a":1,}', 7),
        (b'{"a":NaN}', 5),
        (b'{"a":1} x', 8),
        (b'{"a":"\\ud800"}', 6),
    ],
)
def test_what_is_no_json_is_refused_with_the_place(raw: bytes, position: int) -> None:
    error = refusal(raw)

    assert error.code == ErrorCode.INVALID_JSON
    assert error.fields["position"] == pytest.approx(position, abs=1)


@pytest.mark.parametrize("raw", [b'{"a":"\xff"}', b'{"a":"\xc0\xaf"}', b'\xef\xbb\xbf{"a":1}', b'{"a":Infinity}'])
def test_what_only_looks_like_json_is_refused(raw: bytes) -> None:
    assert refusal(raw).code == ErrorCode.INVALID_JSON


@pytest.mark.parametrize(
    ("raw", "what"),
    [(b"[]", "an array"), (b'"a"', "a string"), (b"1", "a number"), (b"true", "a boolean"), (b"null", "null")],
)
def test_what_is_no_object_is_called_by_its_name(raw: bytes, what: str) -> None:
    error = refusal(raw)

    assert (error.code, error.detail) == (
        ErrorCode.DOCUMENT_NOT_OBJECT,
        f"a document is a JSON object, this is {what}",
    )
    assert refusal(raw, patch=True).detail.startswith("a merge patch")


@pytest.mark.parametrize("name", ["_key", "_id", "_rev"])
def test_the_databases_own_attributes_are_refused_at_the_top_only(name: str) -> None:
    error = refusal(b'{"%b":1}' % name.encode())
    check_document(b'{"a":{"%b":1}}' % name.encode(), RULES)

    assert (error.code, error.fields) == (ErrorCode.RESERVED_ATTRIBUTE, {"pointer": f"/{name}"})
    assert refusal(b'{"%b":null}' % name.encode(), patch=True).code == ErrorCode.RESERVED_ATTRIBUTE
    assert refusal(b'{"\\u005f%b":1}' % name[1:].encode()).code == ErrorCode.RESERVED_ATTRIBUTE


@pytest.mark.parametrize("number", [2**63 - 1, -(2**63), 2**64 - 1, 0])
def test_integers_of_64_bits_are_taken(number: int) -> None:
    check_document(b'{"a":%d}' % number, RULES)


@pytest.mark.parametrize("number", [2**64, -(2**63) - 1, 10**30, 10**400, -(10**400)])
def test_integers_beyond_64_bits_are_refused_rather_than_rounded(number: int) -> None:
    # (Python prints no more than 4,300 digits; a client may send as many as a body holds.)
    assert refusal(b'{"a":[%d]}' % number).code == ErrorCode.INTEGER_OUT_OF_RANGE


def test_an_integer_of_a_hundred_thousand_digits_is_refused_in_time() -> None:
    error = refusal(b'{"a":%b}' % (b"9" * 100_000))

    assert error.code == ErrorCode.INTEGER_OUT_OF_RANGE
    assert len(error.detail) < 200


@pytest.mark.parametrize("raw", [b'{"a":0.12345678901234567890}', b'{"a":1e30}', b'{"a":"99999999999999999999999"}'])
def test_long_numbers_that_are_no_integers_are_taken(raw: bytes) -> None:
    check_document(raw, RULES)


def nested(depth: int) -> bytes:
    return b'{"a":' * depth + b"1" + b"}" * depth


@pytest.mark.parametrize(("depth", "refused"), [(5, False), (6, True), (1000, True), (100_000, True)])
def test_documents_nest_to_the_limit_and_no_deeper(depth: int, refused: bool) -> None:
    if not refused:
        check_document(nested(depth), RULES)
        return
    error = refusal(nested(depth))
    assert (error.code, error.fields) == (ErrorCode.JSON_TOO_DEEP, {"limit": 5})


def test_arrays_count_as_levels_and_braces_in_strings_do_not() -> None:
    check_document(b'{"a":[[[[1]]]]}', RULES)
    check_document(b'{"a":"%b"}' % (b"{[" * 50), RULES)
    check_document(b'{"a":[%b]}' % b",".join([b"{}"] * 50), RULES)

    assert refusal(b'{"a":[[[[[1]]]]]}').code == ErrorCode.JSON_TOO_DEEP


@pytest.mark.parametrize("raw", [b'{"a":1,"a":1}', b'{"b":{"a":1,"c":2,"a":3}}', b'{"b":[{"a":1,"\\u0061":2}]}'])
def test_a_member_that_occurs_twice_is_refused_where_that_is_wanted(raw: bytes) -> None:
    check_document(raw, RULES)

    error = refusal(raw, STRICT)

    assert error.code == ErrorCode.DUPLICATE_KEY
    assert "'a'" in error.detail


def test_a_duplicate_among_many_members_is_found_in_time() -> None:
    members = b",".join(b'"member %d":1' % number for number in range(50_000))

    assert refusal(b'{%b,"member 49999":2}' % members, STRICT).code == ErrorCode.DUPLICATE_KEY


# Typed bodies


@pytest.mark.parametrize(
    ("kind", "raw", "pointer"),
    [
        (BatchGetRequest, b"{}", ""),
        (BatchGetRequest, b'{"urns":["a",1]}', "/urns/1"),
        (BatchGetRequest, b'{"urns":[],"more":1}', ""),
        (BatchPutRequest, b'{"items":[{"urn":"a","doc":{}},{"doc":{}}]}', "/items/1"),
        (BatchPutRequest, b'{"items":[{"urn":"a","doc":{},"if_match":"1"}]}', "/items/0/if_match"),
        (BatchDeleteRequest, b'{"items":{}}', "/items"),
    ],
)
def test_a_body_of_another_shape_is_refused_with_a_pointer_to_the_place(
    kind: type[msgspec.Struct], raw: bytes, pointer: str
) -> None:
    with pytest.raises(ThemisServerError) as raised:
        decode_body(msgspec.json.Decoder(kind), raw, strict=False)

    assert (raised.value.code, raised.value.fields) == (ErrorCode.INVALID_BODY, {"pointer": pointer})


@given(st.binary(max_size=40), st.booleans())
def test_whatever_a_body_is_the_answer_is_one_of_the_api(raw: bytes, strict: bool) -> None:
    with pytest.raises(ThemisServerError) as raised:
        decode_body(msgspec.json.Decoder(BatchPutRequest), raw, strict=strict)

    assert raised.value.status == 400


@pytest.mark.parametrize("strict", [True, False])
def test_a_body_that_nests_without_end_is_too_deep(strict: bool) -> None:
    raw = b'{"items":[{"urn":"a","doc":' + b"[" * 100_000 + b"]" * 100_000 + b"}]}"

    with pytest.raises(ThemisServerError) as raised:
        decode_body(msgspec.json.Decoder(BatchPutRequest), raw, strict=strict)

    assert raised.value.code == ErrorCode.JSON_TOO_DEEP


def test_a_member_that_occurs_twice_in_a_body_is_refused_where_that_is_wanted() -> None:
    decoder, raw = msgspec.json.Decoder(BatchGetRequest), b'{"urns":[],"urns":["a"]}'
    assert decode_body(decoder, raw, strict=False).urns == ["a"]

    with pytest.raises(ThemisServerError) as raised:
        decode_body(decoder, raw, strict=True)

    assert raised.value.code == ErrorCode.DUPLICATE_KEY


# ETags


@given(st.lists(st.integers(1, VERSION_MAX), min_size=1, max_size=5))
def test_etags_that_were_given_are_taken_back(versions: list[int]) -> None:
    text = " , ".join(map(etag, versions))

    assert parse_if_match(text) == parse_if_none_match(text) == tuple(versions)


def test_a_star_stands_for_any_version() -> None:
    assert parse_if_match(" * ") is None
    assert parse_if_none_match("*") is None


def test_a_weak_tag_compares_on_reads_and_never_on_writes() -> None:
    assert parse_if_none_match('W/"5", "6"') == (5, 6)

    with pytest.raises(ThemisServerError) as raised:
        parse_if_match('W/"5"')
    assert "not a strong ETag" in raised.value.detail


@pytest.mark.parametrize(
    "text", ["", ",", "5", '"5', '"0"', '"05"', '"-1"', '"a"', '"5" "6"', f'"{2**53}"', '"٥"', '"5",*', '"\udcff"']
)
def test_tags_that_nobody_was_given_are_refused_by_the_name_of_the_header(text: str) -> None:
    for parse, header in ((parse_if_match, "If-Match"), (parse_if_none_match, "If-None-Match")):
        with pytest.raises(ThemisServerError) as raised:
            parse(text)
        assert (raised.value.code, raised.value.fields) == (ErrorCode.INVALID_HEADER, {"parameter": header})
        raised.value.detail.encode()  # an answer can be made of it


# Cursors


@given(st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"])))
def test_a_cursor_goes_on_where_it_was_made_and_fits_into_a_query(scope: str, position: str) -> None:
    cursor = encode_cursor(scope, position)

    assert decode_cursor(cursor, scope) == position
    assert cursor.replace("-", "").replace("_", "").isalnum()


def test_a_cursor_of_another_listing_is_refused() -> None:
    with pytest.raises(ThemisServerError, match="made for another listing"):
        decode_cursor(encode_cursor("namespaces", "a"), "collections/a")


@given(st.text())
def test_a_text_that_is_no_cursor_is_refused_and_nothing_else_happens(text: str) -> None:
    with pytest.raises(ThemisServerError) as raised:
        decode_cursor(text, "namespaces")

    assert (raised.value.code, raised.value.fields) == (ErrorCode.INVALID_CURSOR, {"parameter": "cursor"})


@pytest.mark.parametrize("inside", [b"null", b"1", b'"ab"', b'["namespaces"]', b'["namespaces",1]', b'{"a":1,"b":2}'])
def test_a_forged_cursor_is_refused(inside: bytes) -> None:
    with pytest.raises(ThemisServerError) as raised:
        decode_cursor(base64.urlsafe_b64encode(inside).rstrip(b"=").decode(), "namespaces")

    assert raised.value.code == ErrorCode.INVALID_CURSOR
