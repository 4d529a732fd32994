from __future__ import annotations

import bisect
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from themis_server.observability.metrics import Distribution, Histogram, Kind, MetricSpec, Registry

REQUESTS = MetricSpec("requests_total", Kind.COUNTER, "Requests.", ("operation",))
DEPTH = MetricSpec("depth", Kind.GAUGE, "Depth.")
SECONDS = MetricSpec("seconds", Kind.HISTOGRAM, "Time.", (), (0.1, 0.5, 1.0, 5.0))

observations = st.lists(st.floats(0, 10, allow_nan=False), min_size=1, max_size=200)


def filled(values: list[float]) -> Histogram:
    histogram = Histogram(SECONDS)
    for value in values:
        histogram.observe(value)
    return histogram


def test_a_counter_counts_by_label_and_the_child_is_resolved_once() -> None:
    family = Registry().counter(REQUESTS)
    child = family.labels("getEntity")

    child.inc()
    child.inc(2)

    assert family.labels("getEntity") is child
    assert child.value == 3
    assert [values for values, _ in family.children()] == [("getEntity",)]


def test_a_gauge_goes_up_and_down_or_follows_a_function() -> None:
    gauge = Registry().gauge(DEPTH).labels()

    gauge.set(5)
    gauge.inc()
    gauge.dec(2)
    assert gauge.current() == 4

    gauge.follow(lambda: 7)
    assert gauge.current() == 7


def test_an_observation_on_a_bound_belongs_to_the_bucket_below_it() -> None:
    assert filled([0.1, 0.100001, 5.0, 5.1]).snapshot().counts == (1, 1, 0, 1, 1)


@given(observations)
def test_a_histogram_loses_nothing(values: list[float]) -> None:
    snapshot = filled(values).snapshot()

    assert snapshot.count == len(values)
    assert snapshot.sum == pytest.approx(math.fsum(values))


@given(observations, st.floats(0, 1))
def test_an_estimated_quantile_lies_in_the_bucket_of_the_true_one(values: list[float], q: float) -> None:
    estimate = filled(values).snapshot().quantile(q)

    true = sorted(values)[max(0, math.ceil(q * len(values)) - 1)]
    bucket = bisect.bisect_left(SECONDS.bounds, true)
    lower = SECONDS.bounds[bucket - 1] if bucket else 0.0
    upper = SECONDS.bounds[min(bucket, len(SECONDS.bounds) - 1)]
    assert estimate is not None
    assert lower - 1e-9 <= estimate <= upper + 1e-9


def test_a_quantile_is_linear_within_its_bucket() -> None:
    assert filled([0.6] * 10).snapshot().quantile(0.5) == pytest.approx(0.75)


def test_without_observations_there_is_no_quantile() -> None:
    assert Histogram(SECONDS).snapshot().quantile(0.5) is None


@pytest.mark.parametrize("q", [-0.1, 1.1, math.nan])
def test_a_quantile_outside_of_0_to_1_is_refused(q: float) -> None:
    with pytest.raises(ValueError, match=r"within 0\.\.1"):
        filled([1.0]).snapshot().quantile(q)


@given(observations, observations)
def test_what_came_since_a_snapshot_is_the_difference(before: list[float], after: list[float]) -> None:
    histogram = filled(before)
    earlier = histogram.snapshot()

    for value in after:
        histogram.observe(value)

    since = histogram.snapshot() - earlier
    assert since.counts == filled(after).snapshot().counts
    assert (earlier + since).counts == histogram.snapshot().counts


def test_distributions_of_other_buckets_do_not_mix() -> None:
    with pytest.raises(ValueError, match="different buckets"):
        filled([1.0]).snapshot() + Distribution((1.0,), (0, 0), 0.0)


def test_a_name_is_defined_once() -> None:
    registry = Registry()
    registry.counter(REQUESTS)

    with pytest.raises(ValueError, match="defined already"):
        registry.counter(REQUESTS)


@pytest.mark.parametrize("bounds", [(), (1.0, 0.5), (1.0, 1.0), (1.0, math.inf)])
def test_bounds_grow_and_are_finite(bounds: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match=r"bound"):
        Registry().histogram(MetricSpec("h", Kind.HISTOGRAM, "H.", (), bounds))


def test_a_metric_is_used_as_what_it_is_defined() -> None:
    with pytest.raises(ValueError, match="is a counter, not a gauge"):
        Registry().gauge(REQUESTS)


def test_a_child_has_a_value_for_every_label() -> None:
    with pytest.raises(ValueError, match="has the labels"):
        Registry().counter(REQUESTS).labels()


def test_label_values_cannot_grow_without_bound() -> None:
    family = Registry().counter(REQUESTS)

    for number in range(5_000):
        family.labels(str(number))

    assert family.labels("17").value == 0
    with pytest.raises(ValueError, match="more than 5000 combinations"):
        family.labels("one more")


def test_a_forgotten_child_is_gone() -> None:
    family = Registry().counter(REQUESTS)
    family.labels("a").inc()

    family.forget("a")
    family.forget("never there")

    assert list(family.children()) == []
