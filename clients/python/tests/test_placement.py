"""The token table, beyond the vectors: it covers the circle, and its three views of ownership agree."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from themis.placement import HASH_MAX, TokenTable, build_token_table

TABLES = st.lists(st.tuples(st.integers(0, HASH_MAX), st.sampled_from("abcd")), min_size=1, max_size=30)


@given(TABLES, st.integers(0, HASH_MAX))
def test_each_hash_has_one_owner_and_ranges_agree(tokens: list[tuple[int, str]], value: int) -> None:
    table = TokenTable(tokens)
    owner = table.shard_for_hash(value)
    owning = [shard for shard in "abcd" if any(start <= value <= end for start, end in table.ranges(shard))]
    assert owning == [owner]
    assert sum(end - start + 1 for shard in "abcd" for start, end in table.ranges(shard)) == HASH_MAX + 1
    assert TokenTable.from_wire(table.to_wire()) == table


def test_shares_are_even_enough() -> None:
    table = TokenTable(build_token_table([f"shard_{i:03}" for i in range(1, 9)]))
    shares = [sum(end - start + 1 for start, end in table.ranges(shard)) / 2**64 for shard in table.shard_ids()]
    assert len(shares) == 8
    assert min(shares) > 0.08
    assert max(shares) < 0.18


def test_tokens_beyond_64_bits_are_refused() -> None:
    with pytest.raises(ValueError, match="64-bit"):
        TokenTable([(HASH_MAX + 1, "a")])
