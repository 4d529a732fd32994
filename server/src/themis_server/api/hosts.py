"""The Host of a plain request: it must be this machine's own.

A node without TLS listens on loopback and asks nobody for a login. A web page could reach it all the same by DNS
rebinding: its own name is made to resolve to 127.0.0.1, and the browser takes the node for the page's own server.
What gives it away is the Host field.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from themis_server._generated.errors import ErrorCode
from themis_server.config import Http, is_loopback
from themis_server.errors import ThemisServerError

_KNOWN_MAX = 64


class LocalHosts:
    """Accepts loopback names and addresses, with any port (tunnels change it), and the advertised host."""

    def __init__(self, http: Http) -> None:
        advertised = urlsplit(http.advertise).hostname if http.advertise else None
        self._allowed = {name for name in (http.host, advertised) if name}
        self._known: set[str] = set()

    def check(self, headers: Mapping[str, str]) -> None:
        """Refuse a request for another host. HTTP/1.0 has no Host, and no browser sends it."""
        given = headers.get("Host")
        if given is None or given in self._known:
            return
        try:
            name = urlsplit(f"//{given}").hostname
        except ValueError:
            name = None
        if name is None or not (is_loopback(name) or name in self._allowed):
            raise ThemisServerError(
                ErrorCode.INVALID_HEADER,
                "the Host is not this node's; a node without TLS answers to loopback names only",
                parameter="Host",
            )
        if len(self._known) < _KNOWN_MAX:
            self._known.add(given)
