from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from themis_server.clock import Clock, ManualClock, SystemClock


def test_the_system_clock_reads_the_machine() -> None:
    clock: Clock = SystemClock()

    first = clock.monotonic_s()

    assert clock.monotonic_s() >= first
    assert abs(clock.unix_ms() - time.time() * 1000) < 5_000


def test_time_passes_while_the_machine_is_suspended(monkeypatch: pytest.MonkeyPatch) -> None:
    slept_s = {time.CLOCK_MONOTONIC: 0.0, time.CLOCK_BOOTTIME: 3600.0}
    real = time.clock_gettime
    clock = SystemClock()
    before_s = clock.monotonic_s()

    monkeypatch.setattr(time, "clock_gettime", lambda which: real(which) + slept_s.get(which, 0.0))

    assert clock.monotonic_s() - before_s >= 3600


def test_a_manual_clock_stands_still_until_told() -> None:
    clock: Clock = ManualClock(unix_ms=1_000, monotonic_s=5.0)

    assert (clock.unix_ms(), clock.monotonic_s()) == (1_000, 5.0)
    assert (clock.unix_ms(), clock.monotonic_s()) == (1_000, 5.0)


@given(st.lists(st.integers(0, 10_000_000), max_size=30))
def test_many_small_advances_add_up_exactly(steps_ms: list[int]) -> None:
    clock = ManualClock(unix_ms=0)

    for step in steps_ms:
        clock.advance(step / 1000)

    assert clock.unix_ms() == sum(steps_ms)
    assert clock.monotonic_s() == pytest.approx(sum(steps_ms) / 1000)


def test_setting_the_wall_clock_leaves_the_monotonic_one_alone() -> None:
    clock = ManualClock(unix_ms=10_000, monotonic_s=3.0)

    clock.set_unix_ms(2_000)

    assert clock.unix_ms() == 2_000
    assert clock.monotonic_s() == 3.0


def test_time_does_not_pass_backwards() -> None:
    with pytest.raises(ValueError, match="backwards"):
        ManualClock().advance(-0.001)
