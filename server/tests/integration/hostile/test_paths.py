"""Tricks with the request target."""

from __future__ import annotations

import pytest

from server.tests.conformance import check_problem
from server.tests.integration.hostile.wire import ENTITY, URN, refused
from server.tests.process import Node
from server.tests.rawhttp import RawConnection, exchange, request


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
