from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from themis_server.observability.log import LogFormat, Logger, configure, get_logger, write_suppressed

LOG = get_logger("themis_server.test")


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Broken(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")


def test_a_json_line_has_the_event_and_its_fields(stream: io.StringIO) -> None:
    configure(format="json", stream=stream)

    LOG.info("shard.opened", shard="shard_001", entries=12, took_s=0.25, ready=True, leader=None)

    (line,) = lines(stream)
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "info",
        "logger": "themis_server.test",
        "event": "shard.opened",
        "shard": "shard_001",
        "entries": 12,
        "took_s": 0.25,
        "ready": True,
        "leader": None,
    }


def test_a_console_line_is_for_reading(stream: io.StringIO) -> None:
    configure(format="console", stream=stream)

    LOG.warning("disk.low", free_bytes=12, path="/var lib", ready=False, leader=None, share=0.123456789, empty="")

    assert stream.getvalue().split(" ", 1)[1] == (
        'WARNING disk.low free_bytes=12 path="/var lib" ready=false leader=null share=0.123457 empty="" (test)\n'
    )


def test_auto_is_console_on_a_terminal_and_json_elsewhere(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    terminal = Terminal()
    configure(format="auto", stream=terminal)
    LOG.info("a")
    configure(format="auto", stream=stream)
    LOG.info("b")

    assert "\x1b[32mINFO   \x1b[0m a (test)" in terminal.getvalue()
    assert lines(stream)[0]["event"] == "b"


@pytest.mark.parametrize(
    ("level", "written"),
    [("debug", "debug info warning error"), ("info", "info warning error"), ("error", "error")],
)
def test_what_is_below_the_level_is_not_written(stream: io.StringIO, level: Any, written: str) -> None:
    configure(format="json", level=level, stream=stream)

    for say in (LOG.debug, LOG.info, LOG.warning, LOG.error):
        say(say.__name__)

    assert " ".join(line["event"] for line in lines(stream)) == written


def test_an_exception_is_told_with_its_traceback(stream: io.StringIO) -> None:
    configure(format="json", stream=stream)

    try:
        raise OSError("password=hunter2 is wrong")
    except OSError as failed:
        LOG.error("login.failed", exc=failed)

    (line,) = lines(stream)
    assert line["exception"].startswith("Traceback")
    assert "OSError: password=(redacted) is wrong" in line["exception"]


def test_bound_fields_are_in_every_record(stream: io.StringIO) -> None:
    configure(format="json", stream=stream)
    log = LOG.bind(shard="shard_001").bind(node="node-1")

    log.info("a", entries=1)
    log.info("b", shard="shard_002")

    first, second = lines(stream)
    assert (first["shard"], first["node"], first["entries"]) == ("shard_001", "node-1", 1)
    assert second["shard"] == "shard_002"


def test_a_field_cannot_replace_a_part_of_the_record(stream: io.StringIO) -> None:
    configure(format="json", stream=stream)

    LOG.info("a", event="b", level="c")

    (line,) = lines(stream)
    assert (line["event"], line["event_"], line["level"], line["level_"]) == ("a", "b", "info", "c")


def test_foreign_libraries_end_in_the_same_stream_without_their_secrets(stream: io.StringIO) -> None:
    configure(format="json", level="debug", stream=stream)

    logging.getLogger("aiohttp.server").error("cannot reach %s", "http://a:hunter2@b/")
    logging.getLogger("aiohttp.server").debug("chatter")

    (line,) = lines(stream)
    assert line["event"] == "cannot reach http://a:(redacted)@b/"


def test_a_foreign_record_that_cannot_be_formatted_is_told_and_stops_nobody(stream: io.StringIO) -> None:
    handler = configure(format="json", stream=stream)

    handler.handle(logging.LogRecord("aiohttp", logging.ERROR, "", 0, "two %s %s", ("arguments missing one",), None))

    (line,) = lines(stream)
    assert (line["event"], line["logger"], line["message"]) == ("log.unformattable", "aiohttp", "two %s %s")
    assert "TypeError" in line["reason"]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize("format", ["json", "console"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    fields=st.dictionaries(
        st.from_regex(r"[a-z_]{1,10}", fullmatch=True).filter(lambda n: n not in ("exc", "self")), values
    )
)
def test_whatever_the_fields_hold_it_is_one_line(
    format: LogFormat, fields: dict[str, Any], stream: io.StringIO
) -> None:
    stream.seek(0)
    stream.truncate()
    configure(format=format, stream=stream)

    LOG.info("a", **fields)

    line = stream.getvalue()
    assert line.endswith("\n")
    assert line.count("\n") == 1
    assert line[:-1].isprintable() or format == "json"
    if format == "json":
        assert json.loads(line)["event"] == "a"


@given(secret=st.from_regex(r"[A-Za-z0-9]{8,20}", fullmatch=True))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@pytest.mark.parametrize("format", ["json", "console"])
def test_no_secret_reaches_a_line(format: LogFormat, secret: str, stream: io.StringIO) -> None:
    configure(format=format, stream=stream)
    secret = f"s3cr3t{secret}"

    LOG.info("a", authorization=secret, headers={"Cookie": secret}, url=f"https://u:{secret}@h/?token={secret}")
    logging.getLogger("foreign").warning("Bearer %s", secret)

    assert secret not in stream.getvalue()


def test_a_line_that_cannot_be_written_is_counted_and_stops_nobody(stream: io.StringIO) -> None:
    handler = configure(stream=Broken())
    LOG.info("a")
    closed = io.StringIO()
    also = configure(stream=closed)
    closed.close()
    LOG.info("b")

    assert (handler.dropped, also.dropped) == (1, 1)


class Seconds:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def limited(monotonic_s: Callable[[], float]) -> Logger:
    return LOG.limited(burst=2, interval_s=10, monotonic_s=monotonic_s)


def test_a_noisy_event_is_written_in_bursts_and_the_rest_is_counted(stream: io.StringIO) -> None:
    configure(format="json", stream=stream)
    clock = Seconds()
    log = limited(clock)

    for _ in range(5):
        log.info("noise")
    log.info("other")
    clock.now_s = 10.0
    log.info("noise")

    events = [(line["event"], line.get("suppressed")) for line in lines(stream)]
    assert events == [("noise", None), ("noise", None), ("other", None), ("noise", 3)]


def test_what_a_limit_still_holds_back_is_told_at_the_end(stream: io.StringIO) -> None:
    configure(format="json", stream=stream)
    log = limited(Seconds())
    for _ in range(5):
        log.info("noise")

    write_suppressed()
    write_suppressed()

    told = [
        (line["suppressed_event"], line["suppressed"])
        for line in lines(stream)
        if line.get("suppressed_event") == "noise"
    ]
    assert told == [("noise", 3)]


@pytest.mark.parametrize(("burst", "interval_s"), [(0, 1.0), (1, 0.0)])
def test_a_limit_lets_something_through(burst: int, interval_s: float) -> None:
    with pytest.raises(ValueError, match="lets something through"):
        LOG.limited(burst=burst, interval_s=interval_s)
