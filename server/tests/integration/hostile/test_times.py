"""Heads, bodies and connections that come slowly, or not at all."""

from __future__ import annotations

import socket
import time
from contextlib import suppress

import pytest

from server.tests.conformance import check_problem
from server.tests.integration.hostile.wire import ENTITY, JSON
from server.tests.process import Node
from server.tests.rawhttp import Closed, RawConnection, exchange, request


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
