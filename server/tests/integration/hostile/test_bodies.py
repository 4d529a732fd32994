"""Bodies that are no JSON, or JSON of the wrong kind."""

from __future__ import annotations

import gzip
import json
import time

import pytest

from server.tests.conformance import check_problem
from server.tests.integration.hostile.wire import ENTITY, JSON, MIB, URN, refused
from server.tests.process import Fleet, Node
from server.tests.rawhttp import exchange, request


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
