"""Requests that no well-behaved client sends, byte by byte.

Each gets a problem document, never a 5xx, and the node lives on.
"""

from __future__ import annotations

import gzip
import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from server.tests.conformance import check_problem
from server.tests.process import Fleet, Node, wait_for
from server.tests.rawhttp import Closed, RawConnection, Reply, exchange, request

URN = "urn:themis:document:hostile:things:00000000-0000-4000-8000-000000000001"
ENTITY = f"/entity/{URN}"
RSS_MIB_MAX = 400.0
MIB = 1 << 20
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """One node for all of it, with short time-outs: what one test leaves behind must not hurt the next."""
    with Fleet(tmp_path_factory.mktemp("hostile")) as fleet:
        settings = {
            "limits.header_timeout_s": 1,
            "limits.body_timeout_s": 1,
            "limits.idle_timeout_s": 2,
            "http.cors_origins": "https://console.example.org",
        }
        started = fleet.start(settings=settings)
        assert exchange(started.port, request("PUT", ENTITY, b'{"a":1}')).status == 201
        yield started
        assert started.running, "the node has ended"
        assert started.rss_mib() < RSS_MIB_MAX
        fleet.check_logs()


@pytest.fixture(autouse=True)
def _still_well(node: Node) -> Iterator[None]:
    yield
    reply = exchange(node.port, request("GET", ENTITY))
    assert reply.status == 200, reply
    assert node.rss_mib() < RSS_MIB_MAX


def refused(node: Node, data: bytes, code: str) -> Reply:
    """Send `data`, demand a problem of `code`, return it."""
    reply = exchange(node.port, data)
    check_problem(reply, code)
    return reply


class TestTimes:
    def test_a_head_that_trickles_in_is_cut_off_and_told_why(self, node: Node) -> None:
        started_s = time.monotonic()
        with RawConnection(node.port) as connection:
            for byte in b"GET /version HTTP/1.1\r\nHost: localhost\r\nX-Slow: 1\r\n" * 20:
                try:
                    connection.send(bytes([byte]))
                except OSError:
                    break
                connection.socket.settimeout(0.05)
                try:
                    if connection.socket.recv(1, socket.MSG_PEEK):
                        break
                except TimeoutError:
                    continue
            connection.socket.settimeout(5)
            check_problem(connection.reply(), "request_timeout")
        assert time.monotonic() - started_s < 4

    def test_the_second_head_of_a_connection_has_the_same_limit(self, node: Node) -> None:
        with RawConnection(node.port) as connection:
            connection.send(request("GET", "/version"))
            assert connection.reply().status == 200
            connection.send(b"GET /ver")
            started_s = time.monotonic()
            check_problem(connection.reply(), "request_timeout")
        assert time.monotonic() - started_s < 4

    def test_half_a_head_behind_a_whole_request_has_the_same_limit(self, node: Node) -> None:
        with RawConnection(node.port) as connection:
            connection.send(request("GET", "/version") + b"GET /ver")
            assert connection.reply().status == 200
            started_s = time.monotonic()
            with suppress(Closed):
                check_problem(connection.reply(), "request_timeout")
        assert time.monotonic() - started_s < 4

    @pytest.mark.parametrize("framing", ["Content-Length: 100", "Transfer-Encoding: chunked"])
    def test_a_body_that_does_not_come_is_a_time_out(self, node: Node, framing: str) -> None:
        with RawConnection(node.port) as connection:
            head = f"PUT {ENTITY} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{framing}\r\n\r\n"
            connection.send(head.encode())
            started_s = time.monotonic()
            check_problem(connection.reply(), "request_timeout")
            assert time.monotonic() - started_s < 4
            connection.closed_within(5)

    def test_a_trickling_body_is_a_time_out_in_all(self, node: Node) -> None:
        with RawConnection(node.port) as connection:
            connection.send(request("PUT", ENTITY, headers={**JSON, "Content-Length": "1000"}))
            connection.socket.settimeout(0.1)
            started_s = time.monotonic()
            while time.monotonic() - started_s < 4:
                connection.send_tolerantly(b" ")
                try:
                    connection.socket.recv(1, socket.MSG_PEEK)
                    break
                except TimeoutError:
                    continue
            connection.socket.settimeout(5)
            check_problem(connection.reply(), "request_timeout")

    def test_a_body_that_nobody_asked_for_does_not_hold_the_connection(self, node: Node) -> None:
        with RawConnection(node.port) as connection:
            connection.send(request("GET", "/version", headers={"Content-Length": "1000"}))
            assert connection.reply().status == 200
            connection.closed_within(6)

    def test_an_idle_connection_is_closed(self, node: Node) -> None:
        with RawConnection(node.port) as connection:
            connection.send(request("GET", "/version"))
            assert connection.reply().status == 200
            assert connection.closed_within(6) > 1

    def test_a_connection_that_says_nothing_is_closed(self, node: Node) -> None:
        with RawConnection(node.port) as connection:
            check_problem(connection.reply(), "request_timeout")
            connection.closed_within(5)

    def test_a_client_that_does_not_read_holds_up_nobody(self, node: Node) -> None:
        with RawConnection(node.port) as connection:
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.socket.settimeout(0.5)
            pipelined = request("GET", "/openapi.json") * 50
            try:
                for _ in range(20):
                    connection.send(pipelined)
            except OSError:
                pass
            assert exchange(node.port, request("GET", ENTITY)).status == 200


class TestSizes:
    def test_a_header_of_9_kib(self, node: Node) -> None:
        problem = check_problem(
            exchange(node.port, request("GET", "/version", headers={"X-Big": "x" * 9216})), "headers_too_large"
        )
        assert problem["limit"] == 8192

    def test_a_header_name_of_9_kib(self, node: Node) -> None:
        refused(node, request("GET", "/version", headers={"X" * 9216: "1"}), "headers_too_large")

    def test_a_header_without_end(self, node: Node) -> None:
        with RawConnection(node.port) as connection:
            connection.send_tolerantly(b"GET /version HTTP/1.1\r\nHost: localhost\r\nX-Big: " + b"x" * (4 * MIB))
            check_problem(connection.reply(), "headers_too_large")

    def test_64_headers_are_taken_and_65_not(self, node: Node) -> None:
        def lines(count: int) -> dict[str, str]:
            return {f"X-{number}": "1" for number in range(count - 1)}  # and Host

        assert exchange(node.port, request("GET", "/version", headers=lines(64))).status == 200
        problem = check_problem(exchange(node.port, request("GET", "/version", headers=lines(65))), "headers_too_large")
        assert problem["limit"] == 64

    def test_headers_without_end(self, node: Node) -> None:
        with RawConnection(node.port) as connection:
            connection.send_tolerantly(b"GET /version HTTP/1.1\r\nHost: localhost\r\n" + b"X-A: 1\r\n" * 200_000)
            check_problem(connection.reply(), "headers_too_large")

    def test_a_target_of_9_kib(self, node: Node) -> None:
        problem = check_problem(exchange(node.port, request("GET", "/" + "x" * 9216)), "uri_too_long")
        assert problem["limit"] == 8192

    def test_a_target_without_end(self, node: Node) -> None:
        with RawConnection(node.port) as connection:
            connection.send_tolerantly(b"GET /" + b"x" * (4 * MIB))
            check_problem(connection.reply(), "uri_too_long")

    def test_a_method_without_end(self, node: Node) -> None:
        with RawConnection(node.port) as connection:
            connection.send_tolerantly(b"G" * (1 * MIB))
            check_problem(connection.reply())

    def test_a_query_of_thousands_of_parameters(self, node: Node) -> None:
        refused(node, request("GET", "/namespaces?" + "a=1&" * 2000), "invalid_parameter")

    @pytest.mark.parametrize("length", ["1048577", "99999999999999"])
    def test_a_body_said_to_be_too_large_is_refused_before_it_is_sent(self, node: Node, length: str) -> None:
        reply = refused(node, request("PUT", ENTITY, headers={**JSON, "Content-Length": length}), "body_too_large")
        assert reply.json()["limit"] == MIB
        assert reply.header("connection") == "close"

    def test_a_body_that_is_too_large_is_refused_while_it_is_sent(self, node: Node) -> None:
        refused(node, request("PUT", ENTITY, b'{"a":"' + b"x" * (3 * MIB) + b'"}'), "body_too_large")

    def test_chunks_beyond_the_limit(self, node: Node) -> None:
        with RawConnection(node.port) as connection:
            connection.send(request("PUT", ENTITY, headers={**JSON, "Transfer-Encoding": "chunked"}))
            for _ in range(64):
                if not connection.send_tolerantly(b"10000\r\n" + b"x" * 65536 + b"\r\n"):
                    break
            check_problem(connection.reply(), "body_too_large")

    def test_a_body_of_exactly_the_limit_is_taken(self, node: Node) -> None:
        body = b'{"a":"' + b"x" * (MIB - 8) + b'"}'
        assert len(body) == MIB
        assert exchange(node.port, request("PUT", ENTITY, body)).status == 200
        assert exchange(node.port, request("GET", ENTITY)).body == body

    def test_catalogue_bodies_are_small(self, node: Node) -> None:
        body = json.dumps({"name": "n", "options": {"x": "y" * 70_000}}).encode()
        refused(node, request("POST", "/namespaces", body), "body_too_large")

    def test_many_chunks_of_one_byte(self, node: Node) -> None:
        with RawConnection(node.port) as connection:
            connection.send(
                request("PUT", ENTITY, headers={"Transfer-Encoding": "chunked", "Content-Type": "application/json"})
            )
            document = b'{"a":"' + b"x" * 20_000 + b'"}'
            connection.send(b"".join(b"1\r\n%c\r\n" % byte for byte in document) + b"0\r\n\r\n")
            assert connection.reply().status == 200

    def test_201_connections_from_one_address(self, node: Node) -> None:
        with ExitStack() as stack:
            idle = [stack.enter_context(RawConnection(node.port)) for _ in range(200)]
            for connection in idle:
                connection.send(request("GET", "/health/live"))
                assert connection.reply().status == 200
            with RawConnection(node.port) as one_more:
                reply = one_more.reply()
                check_problem(reply, "too_many_connections")
                assert reply.header("retry-after") == "1"
                one_more.closed_within(5)
            idle[0].send(request("GET", "/health/live"))
            assert idle[0].reply().status == 200
        wait_for(lambda: _answers(node), "connections to be taken again")


def _answers(node: Node) -> bool:
    try:
        return exchange(node.port, request("GET", "/health/live")).status == 200
    except Closed:
        return False


class TestFraming:
    @pytest.mark.parametrize(
        "lines",
        [
            "Content-Length: 7\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: chunked\r\nContent-Length: 7",
            "Content-Length: 7\r\nContent-Length: 8",
            "Content-Length: 7\r\nContent-Length: 7",
            "Content-Length: 7, 7",
            "Content-Length: -7",
            "Content-Length: +7",
            "Content-Length: 0x7",
            "Content-Length: 7 7",
            "Content-Length:",
            "Content-Length: " + "9" * 30,
            "Content-Length: " + "9" * 5000,
            "Content-Length: \xb2",
            "Transfer-Encoding: gzip",
            "Transfer-Encoding: chunked, chunked",
            "Transfer-Encoding: gzip, chunked",
            "Transfer-Encoding: xchunked",
            "Transfer-Encoding: identity",
            "Transfer-Encoding : chunked",
            "Content-Length : 7",
            "Bad Header: 1\r\nContent-Length: 7",
            "Folded: 1\r\n 2\r\nContent-Length: 7",
            "X: a\x00b\r\nContent-Length: 7",
            "X: a\rb\r\nContent-Length: 7",
            ": no name\r\nContent-Length: 7",
            "no colon\r\nContent-Length: 7",
        ],
    )
    def test_a_request_whose_end_is_in_doubt_is_refused_and_the_connection_closed(self, node: Node, lines: str) -> None:
        before = exchange(node.port, request("GET", ENTITY)).body
        smuggled = request("DELETE", ENTITY)
        with RawConnection(node.port) as connection:
            head = f"PUT {ENTITY} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{lines}\r\n\r\n"
            connection.send_tolerantly(head.encode("latin-1") + b'{"b":2}' + smuggled)
            reply = connection.reply()
            assert 400 <= reply.status < 500, reply
            check_problem(reply)
            connection.closed_within(5)
        assert exchange(node.port, request("GET", ENTITY)).body == before

    @pytest.mark.parametrize(
        "chunks",
        [
            b"zz\r\n{}\r\n0\r\n\r\n",
            b"-2\r\n{}\r\n0\r\n\r\n",
            b"2\r\n{}x\r\n0\r\n\r\n",
            b"2\r\n{}0\r\n\r\n",
            b"fffffffffffffffff\r\n{}\r\n0\r\n\r\n",
            b"\r\n\r\n",
        ],
    )
    def test_bad_chunks(self, node: Node, chunks: bytes) -> None:
        with RawConnection(node.port) as connection:
            head = request("PUT", ENTITY, headers={"Transfer-Encoding": "chunked", "Content-Type": "application/json"})
            connection.send_tolerantly(head + chunks)
            reply = connection.reply()
            assert 400 <= reply.status < 500, reply
            check_problem(reply)
            connection.closed_within(5)

    def test_a_chunk_extension_without_end_ends_with_a_time_out_and_costs_no_memory(self, node: Node) -> None:
        before = node.rss_mib()
        with RawConnection(node.port) as connection:
            connection.send(request("PUT", ENTITY, headers={**JSON, "Transfer-Encoding": "chunked"}) + b"2")
            while connection.send_tolerantly(b";x" * 100_000):
                connection.socket.settimeout(0.01)
                try:
                    if connection.socket.recv(1, socket.MSG_PEEK):
                        break
                except TimeoutError:
                    continue
            connection.socket.settimeout(5)
            check_problem(connection.reply())
        assert node.rss_mib() < before + 32

    def test_trailers_of_a_chunked_body_are_bounded(self, node: Node) -> None:
        with RawConnection(node.port) as connection:
            head = request("PUT", ENTITY, headers={"Transfer-Encoding": "chunked", "Content-Type": "application/json"})
            connection.send_tolerantly(head + b"2\r\n{}\r\n0\r\n" + b"X-T: 1\r\n" * 100_000)
            reply = connection.reply()
            assert reply.status < 500
            connection.closed_within(5)

    @pytest.mark.parametrize(
        "data",
        [
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(40),
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"GET / HTTP/2.0\r\n\r\n",
            b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
            b"GET /ver sion HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"get /version HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"G\x00T /version HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"\x00\x00\x00\x00\r\n\r\n",
            b"{}\r\n\r\n",
            b"\xff\xfe\r\n\r\n",
            b"GET /\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"GET /\xef\xbc\x91 HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"GET /\x7f HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"GET version HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"GET /version HTTP/1.1 \r\nHost: localhost\r\n\r\n",
            b"GET /version HTTP/1\r\nHost: localhost\r\n\r\n",
            b"GET http://[::1 HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"GET http://x:99999999/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"GET // HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"GET //[ HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"GET ftp://x/version HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"CONNECT /version HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"TRACE /version HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"BREW /version HTTP/1.1\r\nHost: localhost\r\n\r\n",
        ],
    )
    def test_what_is_not_a_request_is_a_problem_and_not_a_failure(self, node: Node, data: bytes) -> None:
        reply = exchange(node.port, data)
        assert 400 <= reply.status < 500, reply
        check_problem(reply)

    @pytest.mark.parametrize(
        "line", [b"GET /version\r\n\r\n", b"GET  /version HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"]
    )
    def test_spellings_that_the_parser_forgives_are_answered_and_the_connection_closed(
        self, node: Node, line: bytes
    ) -> None:
        with RawConnection(node.port) as connection:
            connection.send(line)
            assert connection.reply().status in (200, 400)
            connection.closed_within(5)

    def test_an_upgrade_is_not_offered(self, node: Node) -> None:
        headers = {"Connection": "Upgrade", "Upgrade": "h2c", "HTTP2-Settings": "AAMAAABkAARAAAAAAAIAAAAA"}
        assert exchange(node.port, request("GET", "/version", headers=headers)).status == 200

    def test_pipelined_requests_are_answered_in_order(self, node: Node) -> None:
        with RawConnection(node.port) as connection:
            targets = ["/version", "/nowhere", ENTITY, "/health/live"] * 25
            connection.send(
                b"".join(request("GET", target, headers={"X-Request-Id": f"r{n}"}) for n, target in enumerate(targets))
            )
            for number, target in enumerate(targets):
                reply = connection.reply()
                assert reply.header("x-request-id") == f"r{number}"
                assert reply.status == (404 if target == "/nowhere" else 200)

    def test_pipelined_writes_are_all_made(self, node: Node) -> None:
        with RawConnection(node.port) as connection:
            connection.send(b"".join(request("PUT", ENTITY, b'{"n":%d}' % number) for number in range(50)))
            versions = [int(connection.reply().json()["version"]) for _ in range(50)]
        assert versions == sorted(set(versions))
        assert exchange(node.port, request("GET", ENTITY)).json() == {"n": 49}

    def test_expect_100_continue(self, node: Node) -> None:
        with RawConnection(node.port) as connection:
            headers = {"Expect": "100-continue", "Content-Length": "7", "Content-Type": "application/json"}
            connection.send(request("PUT", ENTITY, headers=headers))
            connection.socket.settimeout(5)
            assert connection.socket.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
            connection.send(b'{"c":3}')
            assert connection.reply().status == 200

    def test_expect_100_continue_is_not_answered_to_a_refused_body(self, node: Node) -> None:
        headers = {"Expect": "100-continue", "Content-Length": "99999999", "Content-Type": "application/json"}
        with RawConnection(node.port) as connection:
            connection.send(request("PUT", ENTITY, headers=headers))
            connection.socket.settimeout(5)
            assert connection.socket.recv(12, socket.MSG_PEEK) == b"HTTP/1.1 413"
            check_problem(connection.reply(), "body_too_large")

    def test_another_expectation_is_no_failure(self, node: Node) -> None:
        headers = {"Expect": "miracles", "Content-Type": "application/json"}
        reply = exchange(node.port, request("PUT", ENTITY, b"{}", headers))
        assert reply.status < 500

    def test_http_1_0(self, node: Node) -> None:
        with RawConnection(node.port) as connection:
            connection.send(b"GET /version HTTP/1.0\r\n\r\n")
            assert connection.reply().status == 200
            connection.closed_within(5)

    def test_http_1_0_with_keep_alive(self, node: Node) -> None:
        with RawConnection(node.port) as connection:
            for _ in range(2):
                connection.send(b"GET /version HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
                reply = connection.reply()
                assert (reply.status, reply.header("connection")) == (200, "keep-alive")

    def test_connection_close_is_honoured(self, node: Node) -> None:
        with RawConnection(node.port) as connection:
            connection.send(request("GET", "/version", close=True))
            reply = connection.reply()
            assert (reply.status, reply.header("connection")) == (200, "close")
            connection.closed_within(5)

    def test_absolute_form(self, node: Node) -> None:
        assert exchange(node.port, request("GET", f"http://localhost:81{ENTITY}")).status == 200
        assert exchange(node.port, request("GET", "HTTP://x/namespaces?limit=1")).status == 200
        refused(node, request("GET", "http://x"), "route_not_found")

    def test_a_half_closed_socket_still_gets_its_answer(self, node: Node) -> None:
        with RawConnection(node.port) as connection:
            connection.send(request("PUT", ENTITY, b'{"half":"closed"}'))
            connection.socket.shutdown(socket.SHUT_WR)
            with suppress(Closed):  # allowed by RFC 9112; what matters is that the write is whole or absent
                assert connection.reply().status == 200
        stored = exchange(node.port, request("GET", ENTITY)).json()
        assert stored == {"half": "closed"} or "half" not in stored

    def test_a_client_that_leaves_in_the_middle_of_a_body_writes_nothing(self, node: Node) -> None:
        before = exchange(node.port, request("GET", ENTITY)).body
        whole = request("PUT", ENTITY, b'{"left":"' + b"x" * 50_000 + b'"}')
        for cut in (len(whole) - 1, len(whole) - 2, len(whole) // 2, len(whole) - 50_010):
            with RawConnection(node.port) as connection:
                connection.send(whole[:cut])
        assert exchange(node.port, request("GET", ENTITY)).body == before

    def test_a_client_that_leaves_after_its_request_leaves_a_whole_write_or_none(self, node: Node) -> None:
        text = "x" * 20_000
        for number in range(50):
            connection = RawConnection(node.port)
            connection.send(request("PUT", ENTITY, json.dumps({"n": number, "text": text}).encode()))
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
            connection.close()  # with a reset, not with a goodbye
            stored = exchange(node.port, request("GET", ENTITY)).json()
            assert "text" not in stored or stored["text"] == text


class TestBodies:
    def test_gzip_is_refused_and_a_bomb_is_not_inflated(self, node: Node) -> None:
        before = node.rss_mib()
        bomb = gzip.compress(b"[" + b" " * (256 * MIB) + b"]")
        for encoding in ("gzip", "deflate", "br", "zstd", "identity"):
            headers = {"Content-Encoding": encoding, "Content-Type": "application/json"}
            refused(node, request("PUT", ENTITY, bomb[: MIB // 2], headers), "content_encoding_unsupported")
        assert node.rss_mib() < before + 64

    @pytest.mark.parametrize(
        "media_type",
        [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/xml",
            "application/jsonp",
            "application/merge-patch+json",
            "",
            ";",
            "application/json; charset=latin-1",
            "application/json; charset=utf-16",
            'application/json; charset="utf-16"',
            "application/json; x=y; charset=utf-16",
        ],
    )
    def test_other_media_types(self, node: Node, media_type: str) -> None:
        refused(node, request("PUT", ENTITY, b"{}", {"Content-Type": media_type}), "unsupported_media_type")

    @pytest.mark.parametrize(
        "media_type",
        [
            "application/json",
            "Application/JSON",
            "application/json; charset=utf-8",
            'application/json;charset="UTF-8"',
            "application/json ; x=y",
        ],
    )
    def test_spellings_of_json(self, node: Node, media_type: str) -> None:
        assert exchange(node.port, request("PUT", ENTITY, b"{}", {"Content-Type": media_type})).status == 200

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            (b"", "invalid_json"),
            (b" ", "invalid_json"),
            (b"{", "invalid_json"),
            (b'{"a":1}}', "invalid_json"),
            (b'{"a":1,}', "invalid_json"),
            (b"{'a':1}", "invalid_json"),
            (b'{"a":NaN}', "invalid_json"),
            (b'{"a":Infinity}', "invalid_json"),
            (b'{"a":-Infinity}', "invalid_json"),
            (b'{"a":1e999}', "invalid_json"),
            (b'{"a":01}', "invalid_json"),
            (b'{"a":+1}', "invalid_json"),
            (b'{"a":.5}', "invalid_json"),
            (b'{"a":"\n"}', "invalid_json"),
            (b'{"a":"\x00"}', "invalid_json"),
            (b'{"a":"\\ud800"}', "invalid_json"),
            (b'{"a":"\\udc00\\ud800"}', "invalid_json"),
            (b'{"\\ud800":1}', "invalid_json"),
            (b'{"a":"\xed\xa0\x80"}', "invalid_json"),
            (b'{"a":"\xc0\xaf"}', "invalid_json"),
            (b'{"a":"\xff"}', "invalid_json"),
            (b'\xef\xbb\xbf{"a":1}', "invalid_json"),
            ('{"a":1}'.encode("utf-16"), "invalid_json"),
            ('{"a":1}'.encode("utf-16-le"), "invalid_json"),
            ('{"a":1}'.encode("utf-32"), "invalid_json"),
            (b'{"a":1}\x00', "invalid_json"),
            (b'// a comment\n{"a":1}', "invalid_json"),
            (b"[]", "document_not_object"),
            (b'"text"', "document_not_object"),
            (b"1", "document_not_object"),
            (b"null", "document_not_object"),
            (b"true", "document_not_object"),
            (b'{"_key":1}', "reserved_attribute"),
            (b'{"_id":1}', "reserved_attribute"),
            (b'{"\\u005frev":1}', "reserved_attribute"),
            (b'{"a":' * 64 + b"1" + b"}" * 64 + b"", None),
            (b'{"a":' * 65 + b"1" + b"}" * 65, "json_too_deep"),
            (b'{"a":' + b"[" * 64 + b"]" * 64 + b"}", "json_too_deep"),
            (b'{"a":' + b"[" * 63 + b"]" * 63 + b"}", None),
            (b'{"a":' + b"[" * 2000 + b"]" * 2000 + b"}", "json_too_deep"),
            (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "json_too_deep"),
            (b"[" * 100_000, "json_too_deep"),
            (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "json_too_deep"),
            (b'{"a":9223372036854775807,"b":-9223372036854775808,"c":18446744073709551615}', None),
            (b'{"a":18446744073709551616}', "integer_out_of_range"),
            (b'{"a":-9223372036854775809}', "integer_out_of_range"),
            (b'{"a":[{"b":100000000000000000000000000000}]}', "integer_out_of_range"),
            (b'{"a":' + b"9" * 10_000 + b"}", "integer_out_of_range"),
            (b'{"a":-' + b"9" * 10_000 + b"}", "integer_out_of_range"),
            (b'{"a":"100000000000000000000000000000"}', None),
            (b'{"a":1.00000000000000000000000000001}', None),
            (b'{"a":10000000000000000000000.0}', None),
            (b'{"a":-0,"b":-0.0,"c":1e-400,"d":0E0}', None),
            (b'{"__proto__":{"admin":true},"constructor":{"prototype":1}}', None),
            (b'{"a":1,"a":2}', None),
            (b'{"":{"":""}}', None),
            (b'{"a":"\\u0000\\uffff\\ud83d\\ude00"}', None),
            (b'\t\r\n {"a":1}\n', None),
            (b'{"' + b"k" * 500_000 + b'":1}', None),
            (b'{"a":"${jndi:ldap://x}","b":"\'; DROP TABLE x; --","c":"=cmd()"}', None),
        ],
    )
    def test_documents(self, node: Node, body: bytes, code: str | None) -> None:
        reply = exchange(node.port, request("PUT", ENTITY, body))
        if code is None:
            assert reply.status == 200, reply
            assert exchange(node.port, request("GET", ENTITY)).body == body
            patched = exchange(node.port, request("PATCH", ENTITY, b'{"patched":true}'))
            assert patched.status == 200, patched
            expected = {**json.loads(body), "patched": True}
            assert exchange(node.port, request("GET", ENTITY)).json() == expected
        else:
            check_problem(reply, code)
        exchange(node.port, request("PUT", ENTITY, b"{}"))

    def test_an_absent_body_is_no_document(self, node: Node) -> None:
        refused(node, request("PUT", ENTITY), "unsupported_media_type")
        refused(node, request("PUT", ENTITY, headers=JSON), "invalid_json")

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b"1", b"[" * 100_000, b'{"urns":' + b"[" * 100_000, b"\xff"])
    @pytest.mark.parametrize("path", ["/batch/get", "/batch/put", "/batch/delete", "/namespaces"])
    def test_other_bodies(self, node: Node, path: str, body: bytes) -> None:
        reply = exchange(node.port, request("POST", path, body))
        assert reply.status == (413 if path == "/namespaces" and len(body) > 65536 else 400), reply
        check_problem(reply)

    @pytest.mark.parametrize("document", [b"[" * 100_000 + b"]" * 100_000, b'{"a":"\\ud800"}', b'{"a":1e999}'])
    def test_a_bad_document_in_a_batch(self, node: Node, document: bytes) -> None:
        body = b'{"items":[{"urn":"%b","doc":{}},{"urn":"%b","doc":%b}]}' % (URN.encode(), URN.encode(), document)
        reply = exchange(node.port, request("POST", "/batch/put", body))
        if reply.status == 200:
            first, second = reply.json()["items"]
            assert "version" in first
            assert second["error"]["status"] == 400
        else:
            check_problem(reply)
            assert reply.status == 400

    def test_duplicate_keys_are_refused_in_strict_mode_and_at_no_great_cost(self, fleet: Fleet) -> None:
        strict = fleet.start(settings={"limits.strict_json": True})
        check_problem(exchange(strict.port, request("PUT", ENTITY, b'{"a":1,"a":2}')), "duplicate_key")
        check_problem(exchange(strict.port, request("PUT", ENTITY, b'{"a":{"b":1,"b":1}}')), "duplicate_key")
        assert exchange(strict.port, request("PUT", ENTITY, b'{"a":{"b":1},"b":{"b":1}}')).status == 201
        members = b",".join(b'"k%d":1' % number for number in range(80_000))
        started_s = time.monotonic()
        check_problem(
            exchange(strict.port, request("PUT", ENTITY, b"{%b,%b}" % (members, b'"k79999":1'))), "duplicate_key"
        )
        assert time.monotonic() - started_s < 2

    def test_a_wide_document_is_no_burden(self, node: Node) -> None:
        body = b'{"a":[' + b"{}," * 300_000 + b"{}]}"
        started_s = time.monotonic()
        assert exchange(node.port, request("PUT", ENTITY, body)).status == 200
        assert time.monotonic() - started_s < 3
        exchange(node.port, request("PUT", ENTITY, b"{}"))


class TestPaths:
    @pytest.mark.parametrize(
        ("target", "code"),
        [
            ("/", "route_not_found"),
            ("/entity", "route_not_found"),
            ("/entity/", "invalid_urn"),
            (ENTITY + "/", "route_not_found"),
            (ENTITY + "/x", "route_not_found"),
            ("/entity//" + URN, "route_not_found"),
            ("//entity/" + URN, "route_not_found"),
            ("/entity/..%2f" + URN, "invalid_urn"),
            ("/entity/%2e%2e/version", "route_not_found"),
            ("/entity/../version", "route_not_found"),
            ("/../../etc/passwd", "route_not_found"),
            ("/version/..", "route_not_found"),
            ("/VERSION", "route_not_found"),
            ("/version/", "route_not_found"),
            ("/version;x=1", "route_not_found"),
            ("/%76ersion", "route_not_found"),
            (ENTITY.replace(":", "%2f"), "invalid_urn"),
            (ENTITY + "%00", "invalid_urn"),
            (ENTITY + "%0a", "invalid_urn"),
            (ENTITY + "%0d%0aSet-Cookie:x", "invalid_urn"),
            (ENTITY + "%", "bad_request"),
            (ENTITY + "%zz", "bad_request"),
            (ENTITY + "%4", "bad_request"),
            (ENTITY + "%ff", "bad_request"),
            (ENTITY + "%c0%af", "bad_request"),
            (ENTITY + "%ed%a0%80", "bad_request"),
            (ENTITY + "%e2%80%ae", "invalid_urn"),
            (ENTITY.replace("1", "%EF%BC%91"), "invalid_urn"),
            (ENTITY.replace("hostile", "x" * 64), "invalid_urn"),
            (ENTITY.replace("hostile", ".."), "invalid_urn"),
            (ENTITY.replace("hostile", "a%2fb"), "invalid_urn"),
            ("/namespaces/..", "invalid_parameter"),
            ("/namespaces/a%00", "invalid_parameter"),
            ("/namespaces/a%0a", "invalid_parameter"),
            ("/namespaces/a%2fb", "invalid_parameter"),
            ("/namespaces/%ff", "bad_request"),
            ("/namespaces/", "invalid_parameter"),
            ("/namespaces/" + "x" * 64, "invalid_parameter"),
            ("/namespaces/hostile/collections/%0a", "invalid_parameter"),
            ("/namespaces/hostile/collections/..%2f../count", "invalid_parameter"),
            ("/namespaces?limit=0", "invalid_parameter"),
            ("/namespaces?limit=1001", "invalid_parameter"),
            ("/namespaces?limit=1%0a", "invalid_parameter"),
            ("/namespaces?limit=%D9%A1", "invalid_parameter"),
            ("/namespaces?limit=1e2", "invalid_parameter"),
            ("/namespaces?limit=" + "9" * 5000, "invalid_parameter"),
            ("/namespaces?limit=", "invalid_parameter"),
            ("/namespaces?limit=1&limit=2", "invalid_parameter"),
            ("/namespaces?limit=%", "bad_request"),
            ("/namespaces?%ff=1", "bad_request"),
            ("/namespaces?nonsense", "invalid_parameter"),
            ("/namespaces?cursor=AAAA", "invalid_cursor"),
            ("/namespaces?cursor=%00", "invalid_parameter"),
            ("/namespaces?cursor=" + "W" * 1024, "invalid_cursor"),
            ("/version?x=1", "invalid_parameter"),
            ("/topology?wait_ms=60001", "invalid_parameter"),
            ("/topology?after_epoch=-1", "invalid_parameter"),
            (ENTITY + "?consistency=maybe", "invalid_parameter"),
            (ENTITY + "?max_lag_ms=-1", "invalid_parameter"),
        ],
    )
    def test_targets(self, node: Node, target: str, code: str) -> None:
        data = f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode("latin-1")
        problem = check_problem(exchange(node.port, data), code)
        assert problem["instance"] == target.partition("?")[0][:1024]

    @pytest.mark.parametrize(
        "target",
        [
            ENTITY.replace(":", "%3A"),
            ENTITY.replace(":", "%3a"),
            ENTITY.replace("urn:themis", "URN:Themis"),
            ENTITY.replace("hostile", "%68ostile"),
            ENTITY + "?",
            ENTITY + "?&",
            ENTITY + "?consistency=strong",
            ENTITY + "?consistency=%73trong",
        ],
    )
    def test_spellings_of_the_same_entity(self, node: Node, target: str) -> None:
        assert exchange(node.port, request("GET", target)).status == 200

    @pytest.mark.parametrize(
        "path",
        [
            "/version",
            "/health/live",
            "/namespaces",
            "/metrics",
            "/openapi.json",
            "/topology",
            "/batch/get",
            "/nowhere",
            "/",
        ],
    )
    def test_head_has_no_body_and_the_same_status_as_get_or_a_405(self, node: Node, path: str) -> None:
        with RawConnection(node.port) as connection:
            connection.send(request("HEAD", path) + request("GET", "/health/live"))
            reply = connection.reply(head=True)
            assert reply.status in (404, 405)
            assert connection.reply().json() == {"status": "ok"}

    @pytest.mark.parametrize("path", ["/version", ENTITY, "/namespaces", "/nowhere", "/batch/put"])
    def test_options_without_an_origin_is_not_a_method(self, node: Node, path: str) -> None:
        code = "route_not_found" if path == "/nowhere" else "method_not_allowed"
        refused(node, request("OPTIONS", path), code)

    def test_cors(self, node: Node) -> None:
        asked = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "if-match"}
        allowed = exchange(
            node.port, request("OPTIONS", ENTITY, headers={"Origin": "https://console.example.org", **asked})
        )
        assert allowed.status == 204
        assert allowed.header("access-control-allow-origin") == "https://console.example.org"
        assert "PUT" in (allowed.header("access-control-allow-methods") or "")
        assert allowed.header("access-control-allow-credentials") is None
        for origin in ("https://evil.example", "null", "https://console.example.org.evil.example", "*"):
            denied = exchange(node.port, request("OPTIONS", ENTITY, headers={"Origin": origin, **asked}))
            assert denied.header("access-control-allow-origin") is None
            read = exchange(node.port, request("GET", ENTITY, headers={"Origin": origin}))
            assert read.header("access-control-allow-origin") is None
            assert read.header("vary") == "Origin"


class TestHeaders:
    @pytest.mark.parametrize("given", ["x" * 129, "a b", "a/b", "", "\xe9", "a,b"])
    def test_a_bad_request_id_is_replaced(self, node: Node, given: str) -> None:
        reply = exchange(node.port, request("GET", "/version", headers={"X-Request-Id": given}))
        assert reply.status == 200
        assert reply.header("x-request-id") not in (None, given)

    @pytest.mark.parametrize("key", ["", "x" * 256, "a b", "\xe9", "a\tb"])
    def test_a_bad_idempotency_key(self, node: Node, key: str) -> None:
        refused(node, request("PUT", ENTITY, b"{}", {"Idempotency-Key": key}), "invalid_header")
        refused(node, request("POST", "/namespaces", b'{"name":"x"}', {"Idempotency-Key": key}), "invalid_header")

    @pytest.mark.parametrize("name", ["Idempotency-Key", "If-Match", "Content-Type"])
    def test_a_header_that_says_two_things_does_neither(self, node: Node, name: str) -> None:
        values = {
            "Idempotency-Key": ("k1", "k2"),
            "If-Match": ('"1"', '"2"'),
            "Content-Type": ("application/json", "text/plain"),
        }
        first, second = values[name]
        before = exchange(node.port, request("GET", ENTITY)).body
        data = request("PUT", ENTITY, b'{"two":1}', {name: first, name.lower(): second})
        reply = exchange(node.port, data)
        assert 400 <= reply.status < 500, reply
        assert exchange(node.port, request("GET", ENTITY)).body == before

    def test_if_match_on_several_lines_is_one_list(self, node: Node) -> None:
        version = exchange(node.port, request("GET", ENTITY)).header("etag")
        assert version is not None
        data = request("PUT", ENTITY, b"{}", {"If-Match": '"1"', "if-match": version})
        assert exchange(node.port, data).status == 200
        read = request("GET", ENTITY, headers={"If-None-Match": '"1"', "if-none-match": "*"})
        assert exchange(node.port, read).status < 500

    @pytest.mark.parametrize(
        "value",
        [
            '"',
            '""',
            "1",
            '"1',
            '"01"',
            '"0"',
            '"-1"',
            '"a"',
            'W/"1"',
            '"9007199254740992"',
            '"1" "2"',
            "*, *",
            '"' + "9" * 5000 + '"',
            ",",
            " ",
        ],
    )
    def test_a_bad_if_match(self, node: Node, value: str) -> None:
        refused(node, request("PUT", ENTITY, b"{}", {"If-Match": value}), "invalid_header")

    @pytest.mark.parametrize("value", ['"1"', "x", "**", ""])
    def test_a_bad_if_none_match_on_a_write(self, node: Node, value: str) -> None:
        refused(node, request("PUT", ENTITY, b"{}", {"If-None-Match": value}), "invalid_header")

    def test_both_conditions(self, node: Node) -> None:
        headers = {"If-None-Match": "*", "If-Match": '"1"'}
        refused(node, request("PUT", ENTITY, b"{}", headers), "invalid_header")


class TestBatches:
    def test_10_001_items(self, node: Node) -> None:
        urns = [f"{URN[:-12]}{number:012x}" for number in range(10_001)]
        for path, body in (
            ("/batch/get", {"urns": urns}),
            ("/batch/delete", {"urns": urns}),
            ("/batch/delete", {"items": [{"urn": urn} for urn in urns]}),
            ("/batch/put", {"items": [{"urn": urn, "doc": {}} for urn in urns]}),
        ):
            problem = check_problem(
                exchange(node.port, request("POST", path, json.dumps(body).encode())), "too_many_items"
            )
            assert problem["limit"] == 10_000
        answered = exchange(node.port, request("POST", "/batch/get", json.dumps({"urns": urns[:10_000]}).encode()))
        assert len(answered.json()["items"]) == 10_000

    def test_a_batch_of_8_mib_and_one_byte(self, node: Node) -> None:
        body = json.dumps({"items": [{"urn": URN, "doc": {"a": "x"}}]}).encode()
        exact = body + b" " * (8 * MIB - len(body))
        assert exchange(node.port, request("POST", "/batch/put", exact)).status == 200
        refused(node, request("POST", "/batch/put", exact + b" "), "body_too_large")

    def test_a_batch_with_a_document_of_more_than_1_mib(self, node: Node) -> None:
        items = [{"urn": URN, "doc": {"a": "x" * MIB}}, {"urn": URN, "doc": {}}]
        large, small = exchange(node.port, request("POST", "/batch/put", json.dumps({"items": items}).encode())).json()[
            "items"
        ]
        assert large["error"]["code"] == "document_too_large"
        assert "version" in small

    def test_an_answer_has_at_most_32_mib_and_says_what_is_missing(self, node: Node) -> None:
        document = {"a": "x" * (MIB - 10)}
        urns = [f"{URN[:-12]}{0xABC000 + number:012x}" for number in range(40)]
        for start in range(0, 40, 5):
            items = [{"urn": urn, "doc": document} for urn in urns[start : start + 5]]
            reply = exchange(node.port, request("POST", "/batch/put", json.dumps({"items": items}).encode()))
            assert all("version" in item for item in reply.json()["items"])
        reply = exchange(node.port, request("POST", "/batch/get", json.dumps({"urns": urns * 50}).encode()))
        items = reply.json()["items"]
        assert len(reply.body) <= 32 * MIB
        assert [item["urn"] for item in items] == urns * 50
        whole = [item for item in items if "doc" in item]
        missing = {item["error"]["code"] for item in items if "error" in item}
        assert len(whole) >= 30
        assert missing == {"batch_response_limit"}
        assert all(item["error"]["retryable"] for item in items if "error" in item)

        listing = "/namespaces/hostile/collections/things/entities?limit=1000"
        found: list[str] = []
        cursor = ""
        for _ in range(100):
            page = exchange(node.port, request("GET", listing + cursor))
            assert page.status == 200
            assert len(page.body) <= 33 * MIB
            found += [item["urn"] for item in page.json()["items"]]
            if "cursor" not in page.json():
                break
            cursor = f"&cursor={page.json()['cursor']}"
        assert set(urns) <= set(found)
        assert len(found) == len(set(found))
        exchange(node.port, request("DELETE", "/namespaces/hostile/collections/things"))
        assert exchange(node.port, request("PUT", ENTITY, b"{}")).status == 201

    def test_urns_of_a_batch_are_quoted_as_they_were_sent(self, node: Node) -> None:
        odd = ['"', "\\", "\x00", "\u202e", "urn:themis:document:a:b:c", "x" * 5000, "", "\U0001f600", "</script>"]
        items = exchange(node.port, request("POST", "/batch/get", json.dumps({"urns": odd}).encode())).json()["items"]
        assert [item["urn"] for item in items] == odd
        assert {item["error"]["code"] for item in items} == {"invalid_urn"}

    def test_a_refused_document_makes_no_collection(self, node: Node) -> None:
        urn = URN.replace("things", "never")
        body = json.dumps({"items": [{"urn": urn, "doc": {"_key": 1}}]}).encode()
        (item,) = exchange(node.port, request("POST", "/batch/put", body)).json()["items"]
        assert item["error"]["code"] == "reserved_attribute"
        reply = exchange(node.port, request("GET", "/namespaces/hostile/collections/never"))
        check_problem(reply, "collection_not_found")
