from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from themis_server.observability.exposition import render
from themis_server.observability.metrics import Kind, MetricSpec, Registry

OPERATION = MetricSpec("requests_total", Kind.COUNTER, "Requests.", ("operation", "status"))
DEPTH = MetricSpec("depth", Kind.GAUGE, 'Depth \\ of\n"it".')
SECONDS = MetricSpec("took_seconds", Kind.HISTOGRAM, "Time.", ("operation",), (0.1, 1.0))


def parsed(registry: Registry) -> dict[str, Metric]:
    """Read what we write with Prometheus' own parser; a figure that fails fails the test."""

    def fail(name: str, failed: Exception) -> None:
        raise AssertionError(name) from failed

    text = render(registry, fail).decode()
    return {family.name: family for family in text_string_to_metric_families(text)}


def test_the_text_is_what_the_format_asks_for() -> None:
    registry = Registry()
    registry.counter(OPERATION).labels("getEntity", "200").inc(3)
    registry.gauge(DEPTH).labels().set(0.5)
    histogram = registry.histogram(SECONDS).labels("getEntity")
    for value in (0.05, 0.5, 0.5, 7.0):
        histogram.observe(value)

    assert render(registry, lambda name, failed: None).decode() == (
        "# HELP requests_total Requests.\n"
        "# TYPE requests_total counter\n"
        'requests_total{operation="getEntity",status="200"} 3\n'
        '# HELP depth Depth \\\\ of\\n"it".\n'
        "# TYPE depth gauge\n"
        "depth 0.5\n"
        "# HELP took_seconds Time.\n"
        "# TYPE took_seconds histogram\n"
        'took_seconds_bucket{operation="getEntity",le="0.1"} 1\n'
        'took_seconds_bucket{operation="getEntity",le="1.0"} 3\n'
        'took_seconds_bucket{operation="getEntity",le="+Inf"} 4\n'
        'took_seconds_sum{operation="getEntity"} 8.05\n'
        'took_seconds_count{operation="getEntity"} 4\n'
    )


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), st.integers(0, 2**53))
def test_any_label_value_survives(value: str, count: int) -> None:
    registry = Registry()
    registry.counter(OPERATION).labels(value, "200").inc(count)

    (sample,) = parsed(registry)["requests"].samples

    assert sample.labels == {"operation": value, "status": "200"}
    assert sample.value == count


@given(st.floats())
def test_any_number_survives(value: float) -> None:
    registry = Registry()
    registry.gauge(DEPTH).labels().set(value)

    (sample,) = parsed(registry)["depth"].samples

    assert sample.value == value or (math.isnan(value) and math.isnan(sample.value))


@given(st.lists(st.floats(0, 5), max_size=50))
def test_buckets_are_cumulative_and_end_in_the_count(values: list[float]) -> None:
    registry = Registry()
    histogram = registry.histogram(SECONDS).labels("x")
    for value in values:
        histogram.observe(value)

    samples = parsed(registry)["took_seconds"].samples

    buckets = [sample.value for sample in samples if sample.name.endswith("_bucket")]
    assert buckets == [sum(value <= bound for value in values) for bound in (0.1, 1.0, math.inf)]
    assert [sample.value for sample in samples if sample.name.endswith("_count")] == [len(values)]


def test_a_metric_without_children_is_absent() -> None:
    registry = Registry()
    registry.counter(OPERATION)

    assert parsed(registry) == {}


def test_hooks_run_before_every_scrape() -> None:
    registry = Registry()
    gauge = registry.gauge(DEPTH).labels()
    registry.before_scrape(gauge.inc)

    assert [parsed(registry)["depth"].samples[0].value for _ in range(3)] == [1, 2, 3]


def test_a_figure_that_fails_is_left_out_and_told_and_the_others_are_shown() -> None:
    registry = Registry()
    registry.counter(OPERATION).labels("a", "200").inc()
    registry.gauge(DEPTH).labels().follow(lambda: 1 // 0)

    def broken() -> None:
        raise OSError("gone")

    registry.before_scrape(broken)
    failures: dict[str, Exception] = {}

    text = render(registry, failures.__setitem__).decode()

    assert "depth" not in text
    assert 'requests_total{operation="a",status="200"} 1' in text
    assert [type(failed) for failed in failures.values()] == [OSError, ZeroDivisionError]
    assert any("broken" in name for name in failures)


def test_an_empty_registry_is_a_valid_answer() -> None:
    assert parsed(Registry()) == {}


def test_a_flag_is_a_number() -> None:
    registry = Registry()
    registry.gauge(DEPTH).labels().set(True)

    assert b"\ndepth 1\n" in render(registry, lambda name, failed: None)
