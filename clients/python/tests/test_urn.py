"""URNs beyond the vectors: the object, the fast ways, and that all ways agree."""

from __future__ import annotations

import contextlib
import pickle
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from themis.surface import urn_maker
from themis.urn import (
    MODELS,
    NIL_UUID,
    InvalidUrn,
    Urn,
    normalize_uuid,
    parse_prefix,
    split_urn,
    uuid_from_bytes,
    uuid_to_bytes,
)

TEXT = "urn:themis:document:default:users:550e8400-e29b-41d4-a716-446655440000"
NAMES = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}", fullmatch=True)
UUIDS = st.uuids().filter(lambda value: value.int != 0).map(str)


@given(st.sampled_from(MODELS), NAMES, NAMES, UUIDS)
def test_all_ways_agree(model: str, namespace: str, collection: str, uuid: str) -> None:
    urn = Urn(model, namespace, collection, uuid.upper())
    assert Urn.parse(str(urn)) == urn
    assert hash(Urn.parse(str(urn))) == hash(urn)
    prefix, found = split_urn(str(urn))
    assert (prefix + found, found) == (str(urn), uuid)
    assert parse_prefix(prefix) == urn.prefix
    assert urn.prefix.text == prefix
    assert uuid_from_bytes(uuid_to_bytes(uuid)) == uuid == str(UUID(bytes=uuid_to_bytes(uuid)))


@given(st.text(max_size=120))
def test_any_other_text_is_refused_alike(text: str) -> None:
    with pytest.raises(InvalidUrn) as one:
        Urn.parse(text)
    with pytest.raises(InvalidUrn) as other:
        split_urn(text)
    assert (one.value.reason, one.value.position) == (other.value.reason, other.value.position)
    assert 0 <= one.value.position <= len(text)


@given(st.integers(0, len(TEXT) - 1), st.characters())
def test_one_changed_character_is_refused_or_stays_itself(position: int, char: str) -> None:
    changed = TEXT[:position] + char + TEXT[position + 1 :]
    with contextlib.suppress(InvalidUrn):
        assert str(Urn.parse(changed)).lower() == changed.lower()


def test_it_is_frozen_ordered_hashable_and_pickles() -> None:
    urn = Urn.parse(TEXT)
    with pytest.raises(AttributeError):
        urn.uuid = NIL_UUID  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(urn)) == urn
    assert {urn: 1}[Urn.parse(TEXT.upper().replace("DOCUMENT:DEFAULT:USERS", "document:default:users"))] == 1
    assert sorted([urn, Urn("document", "a", "b", urn.uuid)])[0].namespace == "a"
    assert repr(urn) == f"Urn('{TEXT}')"


def test_the_prefix_cache_stays_small() -> None:
    from themis import urn as module

    for i in range(10_000):
        split_urn(f"urn:themis:graph:ns{i}:c:550e8400-e29b-41d4-a716-446655440000")
    assert len(module._prefixes) <= 4096


@pytest.mark.parametrize("text", ["", NIL_UUID, "550e8400e29b41d4a716446655440000", "é" * 36])
def test_normalize_uuid_refuses(text: str) -> None:
    with pytest.raises(InvalidUrn):
        normalize_uuid(text)


@pytest.mark.parametrize(
    ("parts", "reason", "position"),
    [
        ((None, "app", "users"), "model", 11),
        (("document", None, "users"), "namespace", 20),
        (("document", "app", None), "collection", 24),
    ],
)
def test_a_forgotten_name_does_not_become_the_text_none(
    parts: tuple[Any, Any, Any], reason: str, position: int
) -> None:
    for make in (lambda: Urn(*parts, uuid="550e8400-e29b-41d4-a716-446655440000"), lambda: urn_maker(*parts)):
        with pytest.raises(InvalidUrn) as caught:
            make()
        assert (caught.value.reason, caught.value.position) == (reason, position)


def test_a_uuid_object_is_as_good_as_its_text() -> None:
    text = "550e8400-e29b-41d4-a716-446655440000"
    assert Urn("document", "app", "users", UUID(text)) == Urn("document", "app", "users", text)  # type: ignore[arg-type]
    assert urn_maker("document", "app", "users")(UUID(text)).uuid == text  # type: ignore[arg-type]
