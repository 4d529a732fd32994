"""What the nodes were asked, in the order it arrived."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

from themis_conformance.matching import HeaderText
from themis_conformance.names import NotAName, parse_urn
from themis_conformance.operations import Route, find_route

__all__ = ["Seen", "WireLog"]


@dataclass
class Seen:
    """One request as it arrived, and what became of it."""

    node: int
    connection: int
    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    outcome: str = ""
    path: str = field(init=False)
    query: str = field(init=False)
    route: Route | None = field(init=False)

    def __post_init__(self) -> None:
        self.path, _, self.query = self.target.partition("?")
        self.route = find_route(self.method, self.path)

    @property
    def operation(self) -> str:
        """The operationId, "" when no operation has this method and path."""
        return self.route.operation.operation_id if self.route else ""

    @property
    def urn(self) -> str | None:
        """The URN in the path, normalised; None if there is none."""
        text = self.route.parameters.get("urn") if self.route else None
        if text is None:
            return None
        text = unquote(text)
        try:
            return str(parse_urn(text))
        except NotAName:
            return text

    def content(self) -> Any:
        """The body: a JSON value if it is one, otherwise the text, null if it is empty."""
        if not self.body:
            return None
        try:
            return json.loads(self.body)
        except ValueError:
            return self.body.decode("utf-8", "replace")

    def to_wire(self) -> dict[str, Any]:
        """As expectations see it."""
        return {
            "node": self.node,
            "connection": self.connection,
            "operation": self.operation,
            "method": self.method,
            "target": self.target,
            "path": self.path,
            "query": dict(parse_qsl(self.query, keep_blank_values=True)),
            "urn": self.urn,
            "headers": {name: HeaderText(value) for name, value in self.headers.items()},
            "body": self.content(),
        }

    def __str__(self) -> str:
        return f"node {self.node}: {self.method} {self.target} -> {self.outcome or 'not answered'}"


class WireLog:
    """All requests so far, and how many connections there were."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.connections = 0
        self._news = asyncio.Event()

    def note(self, seen: Seen) -> None:
        """A request has arrived."""
        self.seen.append(seen)
        self._news.set()

    async def wait_for_news(self, timeout_s: float) -> None:
        """Wait until something more happens, or the time has passed."""
        self._news.clear()
        try:
            await asyncio.wait_for(self._news.wait(), timeout_s)
        except TimeoutError:
            return

    def requests(self) -> list[Seen]:
        """What was asked, the topology aside: that is the SDK's own business."""
        return [seen for seen in self.seen if seen.operation != "getTopology"]

    def topology_fetches(self) -> int:
        """How often the topology was asked for."""
        return len(self.seen) - len(self.requests())
