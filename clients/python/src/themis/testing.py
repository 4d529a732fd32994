"""For your tests: a transport that answers from a function instead of a server.

    from themis import ThemisClient
    from themis.testing import FakeTransport, json_response

    def answer(request):
        return json_response(200, {"name": "Alice"}, etag='"1"')

    transport = FakeTransport(answer)
    client = ThemisClient(["http://fake:8080"], transport=transport)
    assert client.get("document", "users", uuid) == {"name": "Alice"}
    assert transport.requests[-1].method == "GET"

One class serves both clients. Raise `TransportFailure` from the function to play a network that fails. The topology is
asked for like anything else (GET /topology): `FakeTransport` answers it with 404 before your function sees it, and the
client then sends everything to the endpoints it was given; `topology=True` lets your function answer that, too.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import msgspec

from themis.transport.message import FailureKind, Request, Response, TransportFailure

__all__ = [
    "FailureKind",
    "FakeTransport",
    "Request",
    "Response",
    "TransportFailure",
    "json_response",
    "problem_response",
]


class FakeTransport:
    """Answers requests from `answer(request)`, and remembers them.

    Attributes:
        requests: What was asked, in order (without those for the topology).
        closed: Whether the client has been closed.
    """

    def __init__(self, answer: Callable[[Request], Response], *, topology: bool = False) -> None:
        self.requests: list[Request] = []
        self.closed = False
        self._answer = answer
        self._topology = topology
        self._lock = threading.Lock()

    def send(self, request: Request, timeout: float) -> Response:
        """For ThemisClient."""
        if not self._topology and request.target.split("?")[0] == "/topology":
            return Response(404)
        with self._lock:
            # The header dictionary is the call's own and changes with its next attempt.
            self.requests.append(msgspec.structs.replace(request, headers=dict(request.headers)))
        return self._answer(request)

    async def asend(self, request: Request, timeout: float) -> Response:
        """For AsyncThemisClient."""
        return self.send(request, timeout)

    def close(self) -> None:
        """For ThemisClient."""
        self.closed = True

    async def aclose(self) -> None:
        """For AsyncThemisClient."""
        self.closed = True


def json_response(status: int, body: Any, **headers: str) -> Response:
    """A JSON answer; header names are written with underscores: `themis_topology_epoch="4"`."""
    return Response(
        status,
        {
            "content-type": "application/json",
            **{name.replace("_", "-").lower(): value for name, value in headers.items()},
        },
        msgspec.json.encode(body),
    )


def problem_response(
    status: int, code: str, *, retryable: bool = False, retry_after: int | None = None, **members: Any
) -> Response:
    """An error answer of ThemisDB (RFC 9457)."""
    headers = {"content-type": "application/problem+json"}
    if retry_after is not None:
        headers["retry-after"] = str(retry_after)
        members.setdefault("retry_after_s", retry_after)
    problem = {
        "type": f"https://themisdb.dev/errors/{code}",
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "detail": "",
        "code": code,
        "retryable": retryable,
        **members,
    }
    return Response(status, headers, msgspec.json.encode(problem))
