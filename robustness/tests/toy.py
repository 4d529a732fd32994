"""A toy of a node: the entity API in memory, right by default, or wrong in one way that is asked for.

`python -m robustness.tests.toy PORT PLANT`. It stands in for a cluster that breaks a promise, to see that the whole
chain (workloads, history, checkers) notices, and not a checker on a history that was written by hand. It answers the
requests of the workloads and no others.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import sys
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

HOST = "127.77.3.1"
PLANTS = (
    "none",
    "stale read",
    "lost write",
    "written twice",
    "refused and written",
    "cas ignores its version",
    "insert over a key",
    "session ignored",
    "lag is a lie",
    "replicas differ",
    "listing lacks one",
)
_ODDS = 0.03

Answer = tuple[int, dict[str, str], Any]
_TOKENS = [["0000000000000000", "shard_001"], ["8000000000000000", "shard_002"]]


class Store:
    """All entities, the answers given to idempotency keys, and the plant."""

    def __init__(self, plant: str) -> None:
        self._plant = plant
        self._chance = random.Random(1)
        self._version = 1000
        self.entities: dict[str, list[tuple[int, Any]]] = {}
        """By URN: all states that it had, the newest last."""
        self._answers: dict[str, Answer] = {}

    def _strikes(self, plant: str) -> bool:
        return self._plant == plant and self._chance.random() < _ODDS

    def get(self, urn: str, consistency: str) -> Answer:
        """Answer a read."""
        states = self.entities.get(urn, [])
        old = consistency != "strong" and self._plant == "session ignored" and self._chance.random() < 0.2
        late = consistency == "bounded" and self._plant == "lag is a lie" and self._chance.random() < 0.2
        if len(states) > 1 and (self._strikes("stale read") or old or late):
            states = states[:1]
        more = {"Themis-Node": "toy", "Themis-Role": "leader", "Themis-Lag-Ms": "0"}
        if old and not late:
            more["Themis-Lag-Ms"] = "900"
        if not states:
            return 404, more, {"code": "entity_not_found"}
        version, document = states[-1]
        return 200, {**more, "ETag": f'"{version}"'}, document

    def put(self, urn: str, document: Any, headers: dict[str, str]) -> Answer | None:
        """Answer a write; None: the connection breaks before the answer."""
        key = headers["idempotency-key"]
        if key in self._answers and self._plant != "written twice":
            return self._answers[key]
        states = self.entities.setdefault(urn, [])
        current = states[-1][0] if states else None
        failed = self._failed_condition(headers, current)
        if failed is not None:
            self._answers[key] = failed
            return failed
        self._version += 1
        answer = (200 if states else 201, {"ETag": f'"{self._version}"'}, {"urn": urn, "version": self._version})
        if not self._strikes("lost write"):
            states.append((self._version, document))
        self._answers[key] = answer
        if self._strikes("refused and written"):
            return 409, {}, {"code": "metadata_conflict"}
        # Answers get lost on the way now and then, whatever is planted: retries are part of the game.
        return None if self._chance.random() < _ODDS else answer

    def _failed_condition(self, headers: dict[str, str], current: int | None) -> Answer | None:
        wanted = headers.get("if-match", "").strip('"')
        holds = not wanted or (current is not None and str(current) == wanted)
        if "if-none-match" in headers:
            holds = current is None
        if wanted and self._plant == "cas ignores its version" and self._chance.random() < 0.3:
            holds = True
        if "if-none-match" in headers and current is not None and self._plant == "insert over a key":
            holds = True
        return None if holds else (412, {}, {"code": "precondition_failed", "version": current})

    def listing(self, collection: str, consistency: str) -> Answer:
        """Answer a listing, all on one page."""
        items = [
            {"urn": urn, "version": states[-1][0], "doc": states[-1][1]}
            for urn, states in sorted(self.entities.items())
            if states and urn.split(":")[4] == collection
        ]
        if self._plant == "listing lacks one" and consistency == "strong":
            items = items[1:]
        if self._plant == "replicas differ" and consistency == "eventual" and items:
            items[0]["version"] += self._chance.randrange(1, 100)
        return 200, {}, {"items": items}


class Toy:
    """The server."""

    def __init__(self, port: int, plant: str) -> None:
        self._store = Store(plant)
        self._port = port

    async def serve(self) -> None:
        """Answer until ended."""
        server = await asyncio.start_server(self._connection, HOST, self._port)
        async with server:
            await server.serve_forever()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
                headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                method, target, _ = head[0].split(" ")
                answer = self._answer(method, target, headers, body)
                if answer is None:
                    break
                status, more, document = answer
                data = json.dumps(document).encode()
                kind = "application/json" if status < 400 else "application/problem+json"
                fields = {"Content-Length": str(len(data)), "Content-Type": kind, **more}
                lines = [f"HTTP/1.1 {status} -", *(f"{name}: {value}" for name, value in fields.items())]
                writer.write(("\r\n".join(lines) + "\r\n\r\n").encode() + data)
                await writer.drain()
        writer.close()

    def _answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer | None:
        parts = urlsplit(target)
        consistency = parse_qs(parts.query).get("consistency", ["strong"])[0]
        if parts.path == "/topology":
            return 200, {"ETag": '"1"'}, self._topology()
        if parts.path.startswith("/health"):
            return 200, {}, {}
        if parts.path.startswith("/entity/"):
            urn = unquote(parts.path.removeprefix("/entity/"))
            if method == "PUT":
                return self._store.put(urn, json.loads(body), headers)
            return self._store.get(urn, consistency)
        if parts.path.endswith("/entities"):
            return self._store.listing(parts.path.split("/")[4], consistency)
        return 404, {}, {"code": "route_not_found"}

    def _topology(self) -> dict[str, Any]:
        replicas = [{"node_id": "toy", "role": "voter", "healthy": True}]
        node = {
            "node_id": "toy",
            "endpoint": f"http://{HOST}:{self._port}",
            "datacenter": "dc1",
            "rack": "rack1",
            "state": "up",
            "health": "healthy",
            "version": "0",
        }
        shards = [{"shard_id": shard, "leader": "toy", "replicas": replicas} for _, shard in _TOKENS]
        return {"epoch": 1, "nodes": [node], "shards": shards, "tokens": _TOKENS}


if __name__ == "__main__":
    asyncio.run(Toy(int(sys.argv[1]), sys.argv[2]).serve())
