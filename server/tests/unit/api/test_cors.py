from __future__ import annotations

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from themis_server.api.cors import Cors

ORIGIN = "https://console.example"
CORS = Cors([ORIGIN])


def request(method: str = "GET", **headers: str) -> web.BaseRequest:
    return make_mocked_request(method, "/", headers={name.replace("_", "-"): value for name, value in headers.items()})


def preflight_request(origin: str) -> web.BaseRequest:
    return request("OPTIONS", Origin=origin, Access_Control_Request_Method="PUT")


def test_without_origins_it_is_off() -> None:
    assert not Cors([]).enabled
    assert not Cors([]).is_preflight(preflight_request(ORIGIN))


def test_a_preflight_is_an_options_request_that_names_a_method() -> None:
    assert CORS.is_preflight(preflight_request(ORIGIN))
    assert not CORS.is_preflight(request("OPTIONS", Origin=ORIGIN))
    assert not CORS.is_preflight(request("GET", Origin=ORIGIN, Access_Control_Request_Method="PUT"))


def test_a_page_of_an_allowed_origin_is_told_what_it_may_do() -> None:
    answer = CORS.preflight(preflight_request(ORIGIN), ["GET", "PUT"])

    assert answer.status == 204
    assert "Access-Control-Allow-Methods: GET, PUT\r\n" in answer.head
    assert "Idempotency-Key" in answer.head
    assert "If-Match" in answer.head
    assert f"Access-Control-Allow-Origin: {ORIGIN}\r\n" in CORS.head(preflight_request(ORIGIN))


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", ORIGIN + ".evil.example", ORIGIN.upper(), "http://console.example", "*"]
)
def test_a_page_of_another_origin_is_told_nothing(origin: str) -> None:
    assert CORS.preflight(preflight_request(origin), ["GET"]).head == ""
    assert CORS.head(request(Origin=origin)) == "Vary: Origin\r\n"


def test_answers_to_an_allowed_origin_show_it_the_headers_that_clients_need() -> None:
    head = CORS.head(request(Origin=ORIGIN))

    for name in ("ETag", "Themis-Topology-Epoch", "Retry-After", "X-Request-Id", "Idempotency-Replayed"):
        assert name in head
    assert "Vary: Origin\r\n" in head
    assert "Credentials" not in head


def test_caches_keep_answers_to_different_origins_apart() -> None:
    assert CORS.head(request()) == "Vary: Origin\r\n"
