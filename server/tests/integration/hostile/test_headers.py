"""Headers with a meaning, misused; and pages of other origins."""

from __future__ import annotations

import pytest

from server.tests.integration.hostile.wire import ENTITY, refused
from server.tests.process import Node
from server.tests.rawhttp import exchange, request


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
