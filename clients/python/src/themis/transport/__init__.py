"""How requests reach a node: one exchange at a time, bounded by a timeout.

Its one job is to carry a `Request` to an endpoint and bring back the `Response`, or to say in a `TransportFailure`
whether the request can have reached the server. It knows neither retries nor routing nor documents: those are decided
above, in one place for sync and async.

The default transports (`SocketTransport`, `StreamTransport`) speak HTTP/1.1 over pooled connections. Anything with the
methods of `Transport` or `AsyncTransport` can take their place, and so can httpx's transports (`HttpxTransport`).
"""

from themis.transport.message import (
    AsyncTransport,
    Endpoint,
    FailureKind,
    Request,
    Response,
    Transport,
    TransportFailure,
)
from themis.transport.tls import TlsOptions

__all__ = [
    "AsyncTransport",
    "Endpoint",
    "FailureKind",
    "Request",
    "Response",
    "TlsOptions",
    "Transport",
    "TransportFailure",
]
