"""HTTP/1.1 without sockets: what the parser takes, refuses, and says about the connection."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from themis.errors import ConfigurationError
from themis.transport.http1 import HEADER_BYTES_MAX, ResponseParser, request_head
from themis.transport.message import Endpoint, Request, TransportFailure

PLAIN = b'HTTP/1.1 200 OK\r\nETag: "1"\r\nContent-Length: 5\r\n\r\nhello'
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"


def parse(data: bytes, method: str = "GET") -> ResponseParser:
    parser = ResponseParser(method)
    parser.feed(data)
    return parser


@given(st.sampled_from([PLAIN, CHUNKED]), st.lists(st.integers(1, 20), min_size=1))
def test_however_the_bytes_are_cut(data: bytes, cuts: list[int]) -> None:
    parser = ResponseParser("GET")
    position = step = 0
    while position < len(data):
        size = cuts[step % len(cuts)]
        done = parser.feed(data[position : position + size])
        position, step = position + size, step + 1
        assert done is (position >= len(data))
    assert parser.response().body == b"hello"
    assert parser.reusable


@given(st.binary(max_size=200))
def test_rubbish_is_a_failure_or_waits_for_more(data: bytes) -> None:
    parser = ResponseParser("GET")
    with contextlib.suppress(TransportFailure):
        assert parser.feed(data) is False


@pytest.mark.parametrize(
    ("data", "method"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", "HEAD"),
        (b'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\n\r\n', "GET"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", "DELETE"),
    ],
)
def test_answers_without_a_body(data: bytes, method: str) -> None:
    parser = parse(data, method)
    assert parser.complete
    assert parser.reusable
    assert parser.response().body == b""


def test_interim_answers_are_skipped() -> None:
    parser = parse(b"HTTP/1.1 100 Continue\r\nX: 1\r\n\r\n" + PLAIN)
    assert parser.response().status == 200
    assert "x" not in parser.response().headers


def test_an_answer_without_length_ends_with_the_connection() -> None:
    parser = parse(b"HTTP/1.1 200 OK\r\n\r\nhel")
    assert not parser.complete
    parser.feed(b"lo")
    assert parser.eof()
    assert parser.response().body == b"hello"
    assert not parser.reusable


def test_a_truncated_answer_is_not_complete_at_the_end() -> None:
    assert not parse(PLAIN[:-1]).eof()
    assert not parse(CHUNKED[:-2]).eof()


@pytest.mark.parametrize("data", [PLAIN + b"x", PLAIN + PLAIN, PLAIN.replace(b"ETag", b"Connection: close\r\nETag")])
def test_a_connection_with_surplus_bytes_or_closing_is_not_reused(data: bytes) -> None:
    parser = parse(data)
    assert parser.complete
    assert not parser.reusable


def test_repeated_headers_are_joined() -> None:
    headers = parse(b"HTTP/1.1 200 OK\r\nA: 1\r\na: 2\r\nContent-Length: 0\r\n\r\n").response().headers
    assert headers["a"] == "1, 2"


def test_headers_have_a_limit() -> None:
    with pytest.raises(TransportFailure, match="headers beyond"):
        parse(b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * HEADER_BYTES_MAX)


def request(headers: dict[str, str], endpoint: str = "http://[::1]:8080/base/") -> Request:
    return Request("PUT", Endpoint.parse(endpoint), "/entity/urn%3Ax", headers, b"{}")


def test_a_request_head() -> None:
    head = request_head(request({"A": "b"}))
    assert head == b"PUT /base/entity/urn%3Ax HTTP/1.1\r\nHost: [::1]:8080\r\nA: b\r\nContent-Length: 2\r\n\r\n"
    assert b"Host: h\r\n" in request_head(request({}, "https://h:443"))


@pytest.mark.parametrize("value", ["a\r\nB: c", "a\nb", "a\rb", "ä"])
def test_no_header_can_hold_another(value: str) -> None:
    with pytest.raises(ConfigurationError):
        request_head(request({"A": value}))


@pytest.mark.parametrize("text", ["", "h:80", "ftp://h", "http://", "http://u:s3cret@h", "http://h?x", "http://h/ x"])
def test_endpoints_that_cannot_work(text: str) -> None:
    with pytest.raises(ValueError, match=r".+") as caught:
        Endpoint.parse(text)
    assert "s3cret" not in str(caught.value)
