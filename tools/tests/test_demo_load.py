"""Loading writes what is missing, once; what it cannot write it explains. Against a node in memory."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from themis import AsyncThemisClient
from themis.errors import ThemisError
from themis.transport.message import Request, Response
from tools.demo import load
from tools.demo.entities import AIRLINES, AIRPORTS, NAMESPACE, PLANES, Ends

Work = Callable[[AsyncThemisClient], Awaitable[Any]]


class MemoryNode:
    """A transport that answers as a node would, from a dictionary."""

    def __init__(self) -> None:
        self.entities: dict[str, Any] = {}
        self.writes = 0
        self.refusal: dict[str, Any] | None = None

    async def asend(self, request: Request, timeout: float) -> Response:
        path = unquote(request.target.partition("?")[0])
        if path == "/batch/put":
            return self._json(200, {"items": [self._put(item) for item in json.loads(request.body)["items"]]})
        if path == "/batch/get":
            urns = json.loads(request.body)["urns"]
            return self._json(200, {"items": [self._get(urn) for urn in urns]})
        if path.endswith("/count"):
            held = sum(f":{path.split('/')[-2]}:" in urn for urn in self.entities)
            if not held:
                return self._problem(404, {"code": "collection_not_found", "retryable": False})
            return self._json(200, {"count": held, "shards": []})
        if path.startswith("/entity/"):
            return self._json(200, self.entities[path.removeprefix("/entity/")], {"etag": '"1"'})
        return self._problem(404, {"code": "route_not_found", "retryable": False})

    async def aclose(self) -> None:
        pass

    def _put(self, item: dict[str, Any]) -> dict[str, Any]:
        urn = item["urn"]
        if self.refusal is not None:
            return {"urn": urn, "error": self.refusal}
        if urn in self.entities and item.get("if_match") == load.MUST_NOT_EXIST:
            return {"urn": urn, "error": problem("precondition_failed", 412, version=1)}
        self.entities[urn] = item["doc"]
        self.writes += 1
        return {"urn": urn, "version": 1}

    def _get(self, urn: str) -> dict[str, Any]:
        if urn not in self.entities:
            return {"urn": urn, "error": problem("entity_not_found", 404)}
        return {"urn": urn, "version": 1, "doc": self.entities[urn]}

    @staticmethod
    def _json(status: int, body: Any, headers: dict[str, str] | None = None) -> Response:
        return Response(status, {"content-type": "application/json", **(headers or {})}, json.dumps(body).encode())

    @classmethod
    def _problem(cls, status: int, body: dict[str, Any]) -> Response:
        return cls._json(status, {"status": status, **body}, {"content-type": "application/problem+json"})


def problem(code: str, status: int, **fields: Any) -> dict[str, Any]:
    return {"code": code, "status": status, "title": code, "detail": code, "retryable": False, **fields}


def run(node: MemoryNode, work: Work) -> Any:
    async def main() -> Any:
        async with AsyncThemisClient(["http://127.0.0.1:1"], namespace=NAMESPACE, transport=node) as db:
            return await work(db)

    return asyncio.run(main())


@pytest.fixture
def node() -> MemoryNode:
    return MemoryNode()


def test_a_table_is_loaded_once(node: MemoryNode) -> None:
    first = run(node, lambda db: load.load(db, AIRPORTS, Ends(frozenset())))
    second = run(node, lambda db: load.load(db, AIRPORTS, Ends(frozenset())))

    assert (first.count, first.new, second.count, second.new) == (1458, 1458, 1458, 0)
    assert node.writes == 1458
    assert node.entities[AIRPORTS.urn("JFK")]["name"] == "John F Kennedy Intl"


def test_a_load_that_was_interrupted_is_completed_and_changes_nothing(node: MemoryNode) -> None:
    run(node, lambda db: load.load(db, AIRLINES, Ends(frozenset())))
    del node.entities[AIRLINES.urn("UA")]
    node.entities[AIRLINES.urn("AA")] = {"carrier": "AA", "name": "changed by somebody"}

    again = run(node, lambda db: load.load(db, AIRLINES, Ends(frozenset())))

    assert again.new == 1
    assert node.entities[AIRLINES.urn("UA")]["name"] == "United Air Lines Inc."
    assert node.entities[AIRLINES.urn("AA")]["name"] == "changed by somebody"


def test_somebody_elses_entities_are_noticed(node: MemoryNode) -> None:
    node.entities[AIRLINES.urn("no such airline")] = {}

    with pytest.raises(load.LoadError, match="holds 17 entities where the demo has 16"):
        run(node, lambda db: load.load(db, AIRLINES, Ends(frozenset())))


def test_a_full_disk_is_explained(node: MemoryNode) -> None:
    node.refusal = problem("disk_full", 507)

    with pytest.raises(ThemisError) as failure:
        run(node, lambda db: load.load(db, AIRLINES, Ends(frozenset())))

    assert "The disk that holds data is full" in load.explain(failure.value, Path("data"))


def test_what_is_read_back_is_compared_with_the_files(node: MemoryNode) -> None:
    run(node, lambda db: load.load(db, AIRPORTS, Ends(frozenset())))
    run(node, lambda db: load.load(db, PLANES, Ends(frozenset())))
    node.entities[PLANES.urn("N10156")] = {"tailnum": "N10156", "year": 1903}

    with pytest.raises(load.LoadError, match=r"read .*1903"):
        run(node, load.read_back)
