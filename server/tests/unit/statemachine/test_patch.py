from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from themis_server.statemachine.patch import merge

# The table of RFC 7396, appendix A, whole. Ours takes an object for the patch only; rows that are not reach the same
# rule one level down, so each row is tried as the value of a member.
RFC_7396 = [
    ('{"a":"b"}', '{"a":"c"}', '{"a":"c"}'),
    ('{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'),
    ('{"a":"b"}', '{"a":null}', "{}"),
    ('{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'),
    ('{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'),
    ('{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'),
    ('{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'),
    ('{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'),
    ('["a","b"]', '["c","d"]', '["c","d"]'),
    ('{"a":"b"}', '["c"]', '["c"]'),
    ('{"a":"foo"}', '"bar"', '"bar"'),
    ('{"e":null}', '{"a":1}', '{"e":null,"a":1}'),
    ("[1,2]", '{"a":"b","c":null}', '{"a":"b"}'),
    ("{}", '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'),
]

scalars = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
)
values = st.recursive(
    scalars | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
documents = st.dictionaries(st.sampled_from("abcd"), values, max_size=4)


def merged(document: Any, patch: Any) -> Any:
    return orjson.loads(merge(orjson.dumps(document), orjson.dumps(patch)))


@pytest.mark.parametrize(("target", "patch", "result"), RFC_7396)
def test_the_examples_of_the_standard(target: str, patch: str, result: str) -> None:
    assert merge(f'{{"m":{target}}}'.encode(), f'{{"m":{patch}}}'.encode()).decode() == f'{{"m":{result}}}'


def test_a_null_member_of_the_target_is_removed_like_any_other() -> None:
    # The row of the table that has no value to stand in a member: null removes.
    assert merge(b'{"m":{"a":"foo"}}', b'{"m":null}') == b"{}"


def test_members_keep_their_order_and_new_ones_follow_in_that_of_the_patch() -> None:
    assert merge(b'{"b":1,"a":2}', b'{"d":1,"a":3,"c":2}') == b'{"b":1,"a":3,"d":1,"c":2}'


@given(documents)
def test_an_empty_patch_changes_nothing(document: dict[str, Any]) -> None:
    assert merged(document, {}) == document


@given(documents, documents)
def test_a_patch_made_twice_is_made_once(document: dict[str, Any], patch: dict[str, Any]) -> None:
    once = merged(document, patch)

    assert merged(once, patch) == once


@given(documents, documents)
def test_what_a_patch_does_not_name_stays(document: dict[str, Any], patch: dict[str, Any]) -> None:
    result = merged(document, patch)

    assert {name: value for name, value in result.items() if name not in patch} == {
        name: value for name, value in document.items() if name not in patch
    }
    assert all(name not in result for name, value in patch.items() if value is None)


@pytest.mark.parametrize("number", [2**64 - 1, -(2**63), 2**53 + 1])
def test_integers_of_64_bits_survive_a_patch_beside_them(number: int) -> None:
    assert merge(b'{"n":%d}' % number, b'{"a":1}') == b'{"n":%d,"a":1}' % number
