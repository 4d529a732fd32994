from __future__ import annotations

import random

import pytest

from themis_server.gateway.hedge import Hedge


def test_the_delay_is_about_the_ninety_fifth_percentile() -> None:
    chance = random.Random(5)
    hedge = Hedge(shortest_s=0.0, longest_s=10.0)

    for _ in range(20_000):
        hedge.observe(chance.uniform(0.010, 0.030))

    assert hedge.delay_s == pytest.approx(0.029, rel=0.1)


@pytest.mark.parametrize(("duration_s", "delay_s"), [(1e-6, 0.005), (100.0, 0.25)])
def test_the_delay_stays_within_its_bounds(duration_s: float, delay_s: float) -> None:
    hedge = Hedge()

    for _ in range(5000):
        hedge.observe(duration_s)

    assert hedge.delay_s == delay_s
