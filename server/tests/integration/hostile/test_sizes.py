"""Too much of everything: each limit is named in the answer."""

from __future__ import annotations

import json
from contextlib import ExitStack

import pytest

from server.tests.conformance import check_problem
from server.tests.integration.hostile.wire import ENTITY, JSON, MIB, refused
from server.tests.process import Node, wait_for
from server.tests.rawhttp import Closed, RawConnection, exchange, request


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
