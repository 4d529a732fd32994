"""Cross-origin requests (the Fetch standard): which pages of other origins may call this server from a browser."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aiohttp import web

from themis_server.api.answer import Answer

# Those of spec/openapi.yaml, and those by which a page carries a trace along (W3C Trace Context and Baggage).
_ALLOWED_HEADERS: Final = (
    "Authorization, Baggage, Content-Type, Idempotency-Key, If-Match, If-None-Match, Themis-Session, Traceparent, "
    "Tracestate, X-Request-Id"
)
# Content-Encoding is for pages behind a proxy that compresses: it tells that Content-Length is not the body's.
_EXPOSED_HEADERS: Final = (
    "Content-Encoding, ETag, Idempotency-Replayed, Retry-After, Themis-Error, Themis-Lag-Ms, Themis-Node, Themis-Role, "
    "Themis-Session, Themis-Topology-Epoch, X-Request-Id"
)
_PREFLIGHT_AGE_S: Final = 600


class Cors:
    """Answers preflights and marks answers, for the configured origins only.

    No credentials: tokens travel in a header.
    """

    def __init__(self, origins: Sequence[str]) -> None:
        self._origins = frozenset(origins)
        self.enabled = bool(origins)

    def is_preflight(self, request: web.BaseRequest) -> bool:
        """Whether a request asks, by OPTIONS, what a page of another origin may do."""
        return self.enabled and request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers

    def preflight(self, request: web.BaseRequest, methods: list[str]) -> Answer:
        """Answer a preflight; `head` adds the origin."""
        if not self._allows(request):
            return Answer(204)
        return Answer(
            204,
            head=f"Access-Control-Allow-Methods: {', '.join(methods)}\r\n"
            f"Access-Control-Allow-Headers: {_ALLOWED_HEADERS}\r\n"
            f"Access-Control-Max-Age: {_PREFLIGHT_AGE_S}\r\n",
        )

    def head(self, request: web.BaseRequest) -> str:
        """Return the header lines that let a page of an allowed origin read an answer."""
        if not self._allows(request):
            return "Vary: Origin\r\n"
        origin = request.headers["Origin"]
        return (
            f"Access-Control-Allow-Origin: {origin}\r\n"
            f"Access-Control-Expose-Headers: {_EXPOSED_HEADERS}\r\n"
            "Vary: Origin\r\n"
        )

    def _allows(self, request: web.BaseRequest) -> bool:
        return request.headers.get("Origin") in self._origins
