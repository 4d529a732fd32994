"""Requests whose bytes contradict themselves or the protocol, and clients that leave."""

from __future__ import annotations

import json
import socket
from contextlib import suppress

import pytest

from server.tests.conformance import check_problem
from server.tests.integration.hostile.wire import ENTITY, JSON, entity_urn, refused
from server.tests.process import Node
from server.tests.rawhttp import Closed, RawConnection, exchange, request


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
        # entities of their own, here and below: a write whose client has gone may be under way when the next test reads
        entity = f"/entity/{entity_urn(2)}"
        with RawConnection(node.port) as connection:
            connection.send(request("PUT", entity, b'{"half":"closed"}'))
            connection.socket.shutdown(socket.SHUT_WR)
            with suppress(Closed):  # allowed by RFC 9112; what matters is that the write is whole or absent
                assert connection.reply().status == 201
        stored = exchange(node.port, request("GET", entity))
        assert stored.status == 404 or stored.json() == {"half": "closed"}

    def test_a_client_that_leaves_in_the_middle_of_a_body_writes_nothing(self, node: Node) -> None:
        before = exchange(node.port, request("GET", ENTITY)).body
        whole = request("PUT", ENTITY, b'{"left":"' + b"x" * 50_000 + b'"}')
        for cut in (len(whole) - 1, len(whole) - 2, len(whole) // 2, len(whole) - 50_010):
            with RawConnection(node.port) as connection:
                connection.send(whole[:cut])
        assert exchange(node.port, request("GET", ENTITY)).body == before

    def test_a_client_that_leaves_after_its_request_leaves_a_whole_write_or_none(self, node: Node) -> None:
        entity = f"/entity/{entity_urn(3)}"
        text = "x" * 20_000
        for number in range(50):
            connection = RawConnection(node.port)
            connection.send(request("PUT", entity, json.dumps({"n": number, "text": text}).encode()))
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
            connection.close()  # with a reset, not with a goodbye
            stored = exchange(node.port, request("GET", entity)).json()
            assert "text" not in stored or stored["text"] == text
