from __future__ import annotations

import re
import uuid

import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from themis_server.ids import RequestIds, named_uuid, new_uuid, raft_id

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


def test_request_ids_count_behind_the_prefix_of_their_start() -> None:
    ids = RequestIds(boot=b"\x01\xab")

    assert [ids.next() for _ in range(17)][::8] == ["01ab-1", "01ab-9", "01ab-11"]


def test_two_starts_have_different_prefixes() -> None:
    assert RequestIds().next() != RequestIds().next()


@given(st.binary(min_size=1, max_size=32))
def test_a_request_id_is_one_a_caller_could_have_sent(boot: bytes) -> None:
    assert REQUEST_ID.fullmatch(RequestIds(boot).next())


@pytest.mark.parametrize("boot", [b"", b"x" * 33])
def test_a_prefix_of_another_length_is_refused(boot: bytes) -> None:
    with pytest.raises(ValueError, match="1 to 32 bytes"):
        RequestIds(boot)


def test_the_raft_id_of_a_name_never_changes() -> None:
    # Written into data directories: a change of this figure would orphan them.
    assert raft_id("node-1") == 1613676655550338725


@given(st.text(max_size=63))
def test_a_raft_id_is_the_hash_cut_to_63_bits_and_never_zero(name: str) -> None:
    found = raft_id(name)

    assert 1 <= found < 2**63
    assert found == (xxhash.xxh64(name.encode(), seed=0).intdigest() % 2**63 or 1)


def test_uuids_are_lower_case_text() -> None:
    made = new_uuid()

    assert made == str(uuid.UUID(made)) == made.lower()
    assert uuid.UUID(made).version == 4


@given(st.text())
def test_a_natural_key_has_one_uuid(name: str) -> None:
    made = named_uuid(uuid.NAMESPACE_URL, name)

    assert made == named_uuid(uuid.NAMESPACE_URL, name)
    assert uuid.UUID(made).version == 5
