from __future__ import annotations

from unittest import mock

import pytest
from aiohttp import web
from aiohttp.http import HttpVersion10, HttpVersion11
from aiohttp.test_utils import make_mocked_request

from themis_server.api.answer import PROBLEM_JSON, Answer


async def written(
    answer: Answer, method: str = "GET", *, version: object = HttpVersion11, closing: bool = False
) -> bytes:
    """Return what an answer puts on the wire."""
    transport = mock.Mock()
    transport.is_closing.return_value = closing
    request = make_mocked_request(method, "/", version=version, transport=transport)  # type: ignore[arg-type]
    await answer.prepare(request)
    await answer.write_eof()
    return b"".join(call.args[0] for call in transport.write.call_args_list)


def parts(raw: bytes) -> tuple[str, dict[str, str], bytes]:
    head, _, body = raw.partition(b"\r\n\r\n")
    line, *headers = head.decode("latin-1").split("\r\n")
    return line, dict(header.split(": ", 1) for header in headers), body


async def test_an_answer_is_a_status_line_headers_and_a_body() -> None:
    line, headers, body = parts(await written(Answer(200, b'{"a":1}', 'ETag: "5"\r\n')))

    assert line == "HTTP/1.1 200 OK"
    assert headers.pop("Date").endswith(" GMT")
    assert headers == {
        "ETag": '"5"',
        "Server": "themis",
        "Content-Type": "application/json",
        "Content-Length": "7",
    }
    assert body == b'{"a":1}'


async def test_a_head_has_the_headers_of_the_get_and_no_body() -> None:
    line, headers, body = parts(await written(Answer(200, b'{"a":1}'), "HEAD"))

    assert (line, headers["Content-Length"], body) == ("HTTP/1.1 200 OK", "7", b"")


@pytest.mark.parametrize("status", [204, 304])
async def test_an_answer_without_content_says_nothing_of_content(status: int) -> None:
    _, headers, body = parts(await written(Answer(status)))

    assert "Content-Length" not in headers
    assert "Content-Type" not in headers
    assert body == b""


async def test_a_problem_has_its_own_media_type() -> None:
    _, headers, _ = parts(await written(Answer(404, b"{}", media_type=PROBLEM_JSON)))

    assert headers["Content-Type"] == "application/problem+json"


async def test_a_connection_is_kept_unless_somebody_wants_it_closed() -> None:
    closing = Answer(400)
    closing.force_close()

    assert "Connection" not in parts(await written(Answer(200)))[1]
    assert parts(await written(closing))[1]["Connection"] == "close"
    assert not closing.keep_alive
    assert parts(await written(Answer(200), version=HttpVersion10))[1]["Connection"] == "close"


async def test_to_a_client_that_has_gone_nothing_is_written() -> None:
    assert await written(Answer(200, b"{}"), closing=True) == b""


def test_an_answer_without_a_request_closes_its_connection() -> None:
    line, headers, body = parts(Answer(429, b"{}").alone())

    assert (line, headers["Connection"], body) == ("HTTP/1.1 429 Too Many Requests", "close", b"{}")


def test_an_answer_is_one_that_aiohttp_knows_how_to_send() -> None:
    assert isinstance(Answer(200), web.StreamResponse)
