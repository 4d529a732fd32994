"""Batches beyond their limits, and with hostile items."""

from __future__ import annotations

import json

from server.tests.conformance import check_problem
from server.tests.integration.hostile.wire import ENTITY, MIB, URN, refused
from server.tests.process import Node
from server.tests.rawhttp import exchange, request


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
