"""The state a case begins with, made on a real server through its API, and cleaned up behind it."""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any, Final
from urllib.parse import quote

from themis_conformance.live.http import Address, NoAnswer, Response, exchange, request_bytes
from themis_conformance.outcome import CaseFailed
from themis_conformance.plan import ServerPlan
from themis_conformance.ring import Ring

__all__ = ["LiveServer"]


_TRIES: Final = 12
_FIRST_WAIT_S: Final = 0.01
_LONGEST_WAIT_S: Final = 0.5


def _is_to_come_again(answer: Response) -> bool:
    content = answer.content() if answer.status >= 400 else None
    return isinstance(content, dict) and content.get("retryable") is True


class LiveServer:
    """A server that is judged, or that SDKs are judged on."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._ring: Ring | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        return self.address.url

    async def call(self, method: str, target: str, value: Any = None) -> Response:
        """Send a request with a JSON body, or none, until it is not told to come again; raises NoAnswer."""
        body = b"" if value is None else json.dumps(value).encode()
        headers = {} if value is None else {"Content-Type": "application/json"}
        return await self.send(request_bytes(self.address, method, target, headers, body))

    async def send(self, data: bytes, *, head: bool = False, expected: int = 200) -> Response:
        """Send a request as it is; raises NoAnswer.

        Cases run side by side, and a server may have to tell one of them to come again (another one changed the
        catalogue, say). That is no answer yet, unless its status is the one expected.
        """
        wait_s = _FIRST_WAIT_S
        for _ in range(_TRIES - 1):
            answer = await exchange(self.address, data, head=head)
            if answer.status == expected or not _is_to_come_again(answer):
                return answer
            await asyncio.sleep(wait_s * random.random())
            wait_s = min(wait_s * 2, _LONGEST_WAIT_S)
        return await exchange(self.address, data, head=head)

    async def ring(self) -> Ring:
        """Who owns which uuid, as the server itself says; raises NoAnswer."""
        if self._ring is None:
            answer = await self.call("GET", "/topology")
            content = answer.content()
            if answer.status != 200 or not isinstance(content, dict):
                raise NoAnswer(f"{self.url}: /topology answered {answer.status}")
            self._ring = Ring.from_wire(content["tokens"])
        return self._ring

    async def make(self, plan: ServerPlan) -> dict[str, int]:
        """Make what a plan holds; returns the versions of its entities by URN. Raises CaseFailed."""
        for namespace in plan.namespaces:
            await self._made("POST", "/namespaces", {"name": namespace.name, "options": namespace.options})
        for collection in plan.collections:
            await self._namespace(collection.namespace)
            body = {"name": collection.name, "model": collection.model, "options": collection.options}
            await self._made("POST", f"/namespaces/{collection.namespace}/collections", body)
        versions: dict[str, int] = {}
        for entity in plan.entities:
            answer = await self._made("PUT", f"/entity/{quote(entity.urn, safe='')}", entity.doc)
            versions[entity.urn] = answer.content()["version"]
        return versions

    async def _namespace(self, name: str) -> None:
        if (await self.call("GET", f"/namespaces/{name}")).status == 404:
            await self._made("POST", "/namespaces", {"name": name})

    async def _made(self, method: str, target: str, value: Any) -> Response:
        answer = await self.call(method, target, value)
        if answer.status not in (200, 201):
            raise CaseFailed(
                f"the state cannot be made: {method} {target} answered {answer.status} {answer.body[:300]!r}"
            )
        return answer

    async def clean_up(self, prefix: str) -> None:
        """Drop the namespaces whose names begin so, with all that is in them."""
        target = "/namespaces?limit=1000"
        found: list[str] = []
        while target:
            page = (await self.call("GET", target)).content()
            if not isinstance(page, dict) or not isinstance(page.get("items"), list):
                return  # a server that cannot list is judged by a case, not here
            found += [item["name"] for item in page["items"] if item["name"].startswith(prefix)]
            cursor = page.get("cursor")
            target = f"/namespaces?limit=1000&cursor={cursor}" if cursor else ""
        for namespace in found:
            await self.call("DELETE", f"/namespaces/{namespace}?force=true")
