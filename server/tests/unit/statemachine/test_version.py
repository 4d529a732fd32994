from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from themis_server.statemachine import version

times = st.integers(version.EPOCH_UNIX_MS, version.to_unix_ms(version.VERSION_MAX))


@given(times, times)
def test_versions_are_in_the_order_of_the_times_they_come_from(one: int, other: int) -> None:
    assert (version.from_unix_ms(one) < version.from_unix_ms(other)) == (one < other)


@given(times)
def test_a_version_tells_its_millisecond(unix_ms: int) -> None:
    first = version.from_unix_ms(unix_ms)

    assert version.to_unix_ms(first) == version.to_unix_ms(first + 4095) == unix_ms
    assert version.to_unix_ms(first + 4096) == unix_ms + 1


@given(st.integers(-(2**63), 2**63))
def test_every_time_gives_a_number_that_every_language_holds_exactly(unix_ms: int) -> None:
    assert 0 <= version.from_unix_ms(unix_ms) <= version.VERSION_MAX == 2**53 - 1


def test_the_epoch_is_the_beginning_of_2024() -> None:
    # Written into every entity: a change would make all versions jump.
    assert version.from_unix_ms(1_704_067_200_001) == 1 << 12
    assert version.from_unix_ms(1_704_067_199_999) == 0
