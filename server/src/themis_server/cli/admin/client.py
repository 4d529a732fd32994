"""Requests to the HTTP API of a cluster: to the first of its nodes that answers."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

__all__ = ["AdminError", "Client", "NotFound", "Refused", "TlsFiles", "Unreachable"]

_OK: Final = range(200, 300)


class AdminError(Exception):
    """The command failed; the message says why, in a line for an operator."""


class Unreachable(AdminError):
    """No node answered."""


class Refused(AdminError):
    """A node answered with an error: `code` is its stable name (docs/reference/errors.md)."""

    def __init__(self, code: str, detail: str, status: int) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.status = status


class NotFound(Refused):
    """What was asked for does not exist."""


@dataclass(frozen=True)
class TlsFiles:
    """PEM files for endpoints that speak HTTPS; all may be missing, the machine's own authorities are trusted then."""

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


class Client:
    """Sends requests to a cluster."""

    def __init__(self, endpoints: Sequence[str], tls: TlsFiles, timeout_s: float) -> None:
        """Prepare; raises `AdminError` for an endpoint that is none, or TLS files that cannot be used.

        Args:
            endpoints: URLs of nodes, asked in this order.
            tls: for those that begin with https.
            timeout_s: how long one request may take.
        """
        self._endpoints = [_parsed(endpoint) for endpoint in endpoints]
        self._timeout_s = timeout_s
        self._context: ssl.SSLContext | None = None
        if any(endpoint.scheme == "https" for endpoint in self._endpoints):
            try:
                self._context = ssl.create_default_context(cafile=tls.ca)
                if tls.certificate is not None:
                    self._context.load_cert_chain(tls.certificate, tls.key)
            except (OSError, ssl.SSLError) as error:
                raise AdminError(f"the TLS files cannot be used: {error}") from error

    def get(self, path: str) -> Any:
        """Return the JSON answer to a GET."""
        return self.ask("GET", path)

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Return the JSON answer to a request.

        Another node is asked only if a connection could not be made, so nothing is ever asked for twice.

        Raises:
            Unreachable: no node could be connected to, or the one that was did not answer.
            Refused: a node answered with an error.
        """
        failures = []
        for endpoint in self._endpoints:
            connection = self._connection(endpoint)
            try:
                try:
                    connection.connect()
                except (OSError, ssl.SSLError) as error:
                    failures.append(f"{endpoint.geturl()}: {error}")
                    continue
                return self._exchange(connection, endpoint, method, path, body)
            finally:
                connection.close()
        raise Unreachable("no node could be reached:\n  " + "\n  ".join(failures))

    def _connection(self, endpoint: SplitResult) -> http.client.HTTPConnection:
        host = endpoint.hostname or ""
        if endpoint.scheme == "https":
            return http.client.HTTPSConnection(host, endpoint.port, timeout=self._timeout_s, context=self._context)
        return http.client.HTTPConnection(host, endpoint.port, timeout=self._timeout_s)

    @staticmethod
    def _exchange(
        connection: http.client.HTTPConnection, endpoint: SplitResult, method: str, path: str, body: object
    ) -> Any:
        try:
            if body is None:
                connection.request(method, path)
            else:
                connection.request(method, path, json.dumps(body), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(
                f"{endpoint.geturl()} did not answer {method} {path}: {str(error) or type(error).__name__}"
                + ("" if method == "GET" else "; whether it was done is not known")
            ) from error
        try:
            document = json.loads(content) if content else None
        except ValueError as error:
            raise AdminError(f"{endpoint.geturl()} answered {answer.status} with something that is no JSON") from error
        if answer.status in _OK:
            return document
        problem = document if isinstance(document, dict) else {}
        kind = NotFound if answer.status == http.client.NOT_FOUND else Refused
        raise kind(str(problem.get("code", answer.status)), str(problem.get("detail", answer.reason)), answer.status)


def _parsed(endpoint: str) -> SplitResult:
    text = endpoint if "://" in endpoint else f"http://{endpoint}"
    try:
        parts = urlsplit(text)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound:
        raise AdminError(f"{endpoint!r} is not the URL of a node, like http://127.0.0.1:8080")
    return parts
