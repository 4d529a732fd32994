from __future__ import annotations

import pytest

from themis_server.clock import ManualClock
from themis_server.observability.metrics import Histogram, Kind, MetricSpec
from themis_server.observability.series import Sample, SeriesRing, SeriesSampler

SECONDS = MetricSpec("seconds", Kind.HISTOGRAM, "Time.", (), (0.1, 0.2, 0.4))


def test_a_full_ring_drops_its_oldest_sample() -> None:
    ring = SeriesRing(capacity=2)

    for number in range(4):
        ring.push(Sample(number, 0.0, None))

    assert [sample.unix_ms for sample in ring.samples()] == [2, 3]


def test_the_ring_spans_fifteen_minutes_of_five_seconds() -> None:
    ring = SeriesRing()

    for number in range(1_000):
        ring.push(Sample(number, 0.0, None))

    assert len(ring.samples()) * 5 == 15 * 60


def test_a_sample_tells_what_happened_since_the_one_before() -> None:
    clock, ring, histogram = ManualClock(unix_ms=0), SeriesRing(), Histogram(SECONDS)
    histogram.observe(0.3)  # before the sampler began: not ours
    sampler = SeriesSampler(histogram.snapshot, clock, ring)

    for _ in range(100):
        histogram.observe(0.05)
    clock.advance(5)
    sampler.sample()
    clock.advance(10)
    sampler.sample()
    for _ in range(20):
        histogram.observe(0.15)
    clock.advance(4)
    sampler.sample()

    first, idle, late = ring.samples()
    assert (first.unix_ms, first.requests_per_s) == (5_000, 20.0)
    assert first.p95_s == pytest.approx(0.095)
    assert (idle.unix_ms, idle.requests_per_s, idle.p95_s) == (15_000, 0.0, None)
    assert late.requests_per_s == 5.0
    assert late.p95_s == pytest.approx(0.195)


def test_two_looks_at_the_same_moment_are_one() -> None:
    clock, ring, histogram = ManualClock(), SeriesRing(), Histogram(SECONDS)
    sampler = SeriesSampler(histogram.snapshot, clock, ring)

    sampler.sample()

    assert ring.samples() == ()
