from __future__ import annotations

import pytest

from themis_server.clock import ManualClock
from themis_server.replication.snapshot.throttle import Throttle


def test_the_rate_is_kept_over_any_time() -> None:
    clock = ManualClock()
    throttle = Throttle(1000, clock)

    for _ in range(100):
        clock.advance(throttle.take(250))

    assert clock.monotonic_s() == pytest.approx(25, abs=0.1)


def test_what_one_takes_the_next_waits_behind() -> None:
    throttle = Throttle(1000, ManualClock(), burst_s=0)

    assert [throttle.take(500), throttle.take(500), throttle.take(1)] == [0.5, 1.0, 1.001]


def test_time_in_which_nobody_sent_is_saved_up_for_a_moment_only() -> None:
    clock = ManualClock()
    throttle = Throttle(1000, clock, burst_s=0.5)
    clock.advance(1000)

    assert [throttle.take(500), throttle.take(500)] == [0, 0.5]
