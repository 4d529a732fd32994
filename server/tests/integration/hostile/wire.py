"""What these tests send to, and how they demand a refusal."""

from __future__ import annotations

from server.tests.conformance import check_problem
from server.tests.process import Node
from server.tests.rawhttp import Reply, exchange


def entity_urn(number: int) -> str:
    """An entity of the collection that these tests use."""
    return f"urn:themis:document:hostile:things:00000000-0000-4000-8000-{number:012d}"


URN = entity_urn(1)
ENTITY = f"/entity/{URN}"
RSS_MIB_MAX = 400.0
MIB = 1 << 20
JSON = {"Content-Type": "application/json"}


def refused(node: Node, data: bytes, code: str) -> Reply:
    """Send `data`, demand a problem of `code`, return it."""
    reply = exchange(node.port, data)
    check_problem(reply, code)
    return reply
