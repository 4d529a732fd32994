"""One short question to a node, from outside of the load: is it ready, what does it see. Never raises for no answer."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

_TIMEOUT_S = 1.0


def ask(endpoint: str, path: str, timeout_s: float = _TIMEOUT_S) -> tuple[int, bytes]:
    """GET a path; returns status and body, (0, b"") when there is no answer in time."""
    parts = urlsplit(endpoint)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=timeout_s)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()


def ask_json(endpoint: str, path: str, timeout_s: float = _TIMEOUT_S) -> Any:
    """GET a path; returns the JSON of a 200, else None."""
    status, body = ask(endpoint, path, timeout_s)
    if status != http.client.OK:
        return None
    try:
        return json.loads(body)
    except ValueError:
        return None
