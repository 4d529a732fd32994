from __future__ import annotations

import io

from prometheus_client.parser import text_string_to_metric_families

from themis_server.observability.catalogue import CATALOGUE
from themis_server.observability.instruments import Instruments
from themis_server.observability.log import configure


def scraped(instruments: Instruments) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    families = text_string_to_metric_families(instruments.render().decode())
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def test_a_request_is_in_flight_until_it_is_answered() -> None:
    instruments = Instruments("0.1.0")
    operation = instruments.operation("getEntity")

    operation.begin()
    operation.begin()
    operation.end(200, 0.003)

    figures = scraped(instruments)
    assert figures["themis_http_requests_in_flight", frozenset()] == 1
    assert figures["themis_http_requests_total", frozenset({("operation", "getEntity"), ("status", "200")})] == 1
    assert figures["themis_http_request_duration_seconds_count", frozenset({("operation", "getEntity")})] == 1
    bucket = frozenset({("operation", "getEntity"), ("le", "0.005")})
    assert figures["themis_http_request_duration_seconds_bucket", bucket] == 1


def test_an_operation_is_resolved_once_and_sums_its_statuses() -> None:
    instruments = Instruments("0.1.0")
    operation = instruments.operation("putEntity")

    for status in (200, 201, 201, 412, 503):
        operation.begin()
        operation.end(status, 0.01)

    assert instruments.operation("putEntity") is operation
    assert (operation.requests, operation.errors) == (5, 1)
    assert instruments.operations() == (operation,)


def test_all_operations_together_have_one_distribution() -> None:
    instruments = Instruments("0.1.0")
    for name, seconds in (("getEntity", 0.001), ("putEntity", 0.1)):
        operation = instruments.operation(name)
        operation.begin()
        operation.end(200, seconds)

    assert instruments.all_durations().count == 2
    assert Instruments("0.1.0").all_durations().count == 0


def test_every_metric_of_the_catalogue_is_an_instrument() -> None:
    defined = {family.spec.name for family in Instruments("0.1.0").registry.families()}

    assert defined == {spec.name for spec in CATALOGUE}


def test_lost_log_lines_are_shown(stream: io.StringIO) -> None:
    instruments = Instruments("0.1.0")
    handler = configure(stream=stream)
    instruments.watch_log(handler)

    handler.dropped = 4

    assert scraped(instruments)["themis_log_records_dropped_total", frozenset()] == 4


def test_a_figure_that_cannot_be_read_is_counted_and_logged(stream: io.StringIO) -> None:
    configure(format="json", stream=stream)
    instruments = Instruments("0.1.0")
    instruments.ready.follow(lambda: 1 // 0)

    figures = scraped(instruments)

    assert ("themis_ready", frozenset()) not in figures
    assert instruments.metric_failures.value == 1
    assert '"event":"metric.failed"' in stream.getvalue()
    assert "ZeroDivisionError" in stream.getvalue()
