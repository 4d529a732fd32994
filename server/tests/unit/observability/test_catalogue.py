from __future__ import annotations

import re

import pytest

from themis_server.observability.catalogue import CATALOGUE, render_reference
from themis_server.observability.metrics import Kind, MetricSpec

NAMES_OF_THE_ISSUE = {
    "themis_http_requests_total",
    "themis_http_request_duration_seconds",
    "themis_http_requests_in_flight",
    "themis_http_connections",
    "themis_log_fsync_seconds",
    "themis_log_batch_entries",
    "themis_log_batch_bytes",
    "themis_apply_lag_entries",
    "themis_apply_seconds",
    "themis_proposals_in_flight",
    "themis_event_loop_lag_seconds",
    "process_resident_memory_bytes",
    "process_open_fds",
    "process_cpu_seconds_total",
}


def test_the_promised_metrics_exist_once_each() -> None:
    names = [spec.name for spec in CATALOGUE]

    assert set(names) >= NAMES_OF_THE_ISSUE
    assert len(names) == len(set(names))


@pytest.mark.parametrize("spec", CATALOGUE, ids=lambda spec: spec.name)
def test_names_follow_the_rules(spec: MetricSpec) -> None:
    assert re.fullmatch(r"(themis|process|python)(_[a-z0-9]+)+", spec.name)
    assert spec.name.endswith("_total") == (spec.kind is Kind.COUNTER)
    assert not re.search(r"_(ms|milliseconds|kb|mb|percent)(_|$)", spec.name)
    assert spec.help.endswith(".")
    assert all(re.fullmatch(r"[a-z]+", label) and label != "le" for label in spec.labels)
    assert bool(spec.bounds) == (spec.kind is Kind.HISTOGRAM)


def test_the_reference_explains_every_metric() -> None:
    page = render_reference()

    for spec in CATALOGUE:
        assert f"| `{spec.name}` | {spec.kind} |" in page
        assert spec.help in page
