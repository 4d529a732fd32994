"""httpx's transports in the place of ours: proxies, HTTP/2, recorders, `httpx.MockTransport` in tests.

Slower than the default (httpx spends several times the CPU on a request), but whatever is written against httpx's
transport API works.
"""

from __future__ import annotations

import httpx

from themis.transport.message import FailureKind, Request, Response, TransportFailure

__all__ = ["AsyncHttpxTransport", "HttpxTransport"]


class HttpxTransport:
    """A sync httpx transport as a `themis.transport.Transport`."""

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self._inner = inner

    def send(self, request: Request, timeout: float) -> Response:
        """Carry out one exchange; `timeout` bounds each step of it, as httpx does."""
        try:
            answer = self._inner.handle_request(_build(request, timeout))
            try:
                body = answer.read()
            finally:
                answer.close()
        except httpx.TransportError as error:
            raise _translate(error) from error
        return _read(answer, body)

    def close(self) -> None:
        """Close the inner transport."""
        self._inner.close()


class AsyncHttpxTransport:
    """An async httpx transport as a `themis.transport.AsyncTransport`."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def asend(self, request: Request, timeout: float) -> Response:
        """Carry out one exchange; `timeout` bounds each step of it, as httpx does."""
        try:
            answer = await self._inner.handle_async_request(_build(request, timeout))
            try:
                body = await answer.aread()
            finally:
                await answer.aclose()
        except httpx.TransportError as error:
            raise _translate(error) from error
        return _read(answer, body)

    async def aclose(self) -> None:
        """Close the inner transport."""
        await self._inner.aclose()


def _build(request: Request, timeout: float) -> httpx.Request:
    endpoint = request.endpoint
    # Built from parts: httpx would normalise percent-encoding in a URL it is given as text.
    url = httpx.URL(
        scheme=endpoint.scheme,
        host=endpoint.host,
        port=endpoint.port,
        raw_path=f"{endpoint.base_path}{request.target}".encode("ascii"),
    )
    return httpx.Request(
        request.method,
        url,
        headers=request.headers,
        content=request.body or None,
        extensions={"timeout": httpx.Timeout(timeout).as_dict()},
    )


def _read(answer: httpx.Response, body: bytes) -> Response:
    # httpx has undone any content encoding; the headers that described it no longer apply.
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return Response(answer.status_code, headers, body)


def _translate(error: httpx.TransportError) -> TransportFailure:
    text = str(error) or type(error).__name__
    if isinstance(error, httpx.ConnectTimeout | httpx.ConnectError | httpx.UnsupportedProtocol | httpx.ProxyError):
        return TransportFailure(FailureKind.CONNECT, text, sent=False)
    if isinstance(error, httpx.PoolTimeout):
        return TransportFailure(FailureKind.TIMEOUT, text, sent=False)
    if isinstance(error, httpx.TimeoutException):
        return TransportFailure(FailureKind.TIMEOUT, text, sent=True)
    if isinstance(error, httpx.ProtocolError) and not isinstance(error, httpx.RemoteProtocolError):
        return TransportFailure(FailureKind.PROTOCOL, text, sent=False)
    return TransportFailure(FailureKind.LOST, text, sent=True)
