"""Writers that write as fast as they can until the server is gone, and remember what they were told."""

from __future__ import annotations

import json
import random
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from server.tests.crash.ledger import ABSENT, Doubt, Ledger, State
from server.tests.process import Node
from server.tests.rawhttp import Closed, RawConnection, Reply, exchange, request
from themis.placement import TokenTable

PREFIX = "urn:themis:document:crash:things:"
_COLLECTION = "/namespaces/crash/collections/things"
_REWRITTEN_KEYS = 30
_BATCH = 25


class Gone(Exception):
    """The server is gone; whether the last request was carried out is not known."""


@dataclass(frozen=True)
class Repeat:
    """A request that must be sent again as it was."""

    data: bytes
    urns: tuple[str, ...]


class Writer:
    """One connection's worth of load: puts, conditional puts, patches, deletes, batches; on keys of its own."""

    def __init__(self, number: int, seed: int) -> None:
        self.ledger = Ledger()
        self.repeats: list[Repeat] = []
        self._number = number
        self._random = random.Random(f"{seed}-{number}")
        self._keys = [self._new_urn() for _ in range(_REWRITTEN_KEYS)]
        self._sequence = 0
        self._table: TokenTable | None = None
        self._connection: RawConnection | None = None

    def _new_urn(self) -> str:
        return PREFIX + str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def run(self, port: int, table: TokenTable, stop: threading.Event) -> None:
        """Write until told to stop, or until the server is gone."""
        self._table = table
        try:
            with RawConnection(port) as connection:
                self._connection = connection
                while not stop.is_set():
                    self._step()
        except (Gone, OSError):
            return

    def _step(self) -> None:
        actions: list[tuple[float, Callable[[], None]]] = [
            (0.30, self._insert),
            (0.25, self._replace),
            (0.20, self._patch),
            (0.10, self._delete),
            (0.15, self._batch),
        ]
        weights, functions = zip(*actions, strict=True)
        self._random.choices(functions, weights)[0]()

    def _document(self) -> dict[str, Any]:
        self._sequence += 1
        size = self._random.choice((0, 50, 400, 3000))
        return {"writer": self._number, "sequence": self._sequence, "pad": "x" * size}

    def _insert(self) -> None:
        self._write("PUT", self._new_urn(), self._document(), {"If-None-Match": "*"})

    def _replace(self) -> None:
        urn = self._random.choice(self._keys)
        state = self.ledger.state(urn)
        conditional = state.document is not None and self._random.random() < 0.5
        self._write("PUT", urn, self._document(), {"If-Match": f'"{state.version}"'} if conditional else {})

    def _patch(self) -> None:
        urn = self._random.choice(self._keys)
        state = self.ledger.state(urn)
        if state.document is None:
            return
        self._sequence += 1
        change = {"sequence": self._sequence, "patched": True, "pad": None}
        merged = {name: value for name, value in {**state.document, **change}.items() if value is not None}
        self._write("PATCH", urn, merged, {}, change)

    def _delete(self) -> None:
        urn = self._random.choice(self._keys)
        if self.ledger.state(urn).document is not None:
            self._write("DELETE", urn, None, {})

    def _write(
        self,
        method: str,
        urn: str,
        result: dict[str, Any] | None,
        headers: dict[str, str],
        body: dict[str, Any] | None = None,
    ) -> None:
        """Send a write that leaves `result` behind."""
        key = f"w{self._number}-{self._random.getrandbits(64):x}"
        sent = None if method == "DELETE" else json.dumps(body or result).encode()
        data = request(method, f"/entity/{urn}", sent, {"Idempotency-Key": key, **headers})
        reply = self._send(data, {urn: Doubt(result, key)})
        if reply.status in (200, 201):
            self.ledger.written(urn, self._shard(urn), int(reply.json()["version"]), result)
        elif reply.status not in (429, 503, 507):
            self.ledger.problems.append(f"{method} {urn}: {reply.status} {reply.body!r}")

    def _batch(self) -> None:
        fresh = [self._new_urn() for _ in range(_BATCH)]
        urns = [*fresh, *self._random.sample(self._keys, 5)]
        documents = {urn: self._document() for urn in urns}
        key = f"w{self._number}-{self._random.getrandbits(64):x}"
        body = json.dumps({"items": [{"urn": urn, "doc": document} for urn, document in documents.items()]}).encode()
        data = request("POST", "/batch/put", body, {"Idempotency-Key": key})
        reply = self._send(data, {urn: Doubt(document, key) for urn, document in documents.items()})
        if reply.status != 200:
            if reply.status not in (429, 503, 507):
                self.ledger.problems.append(f"batch: {reply.status} {reply.body!r}")
            return
        by_shard: dict[str, list[tuple[int, str]]] = {}
        for item in reply.json()["items"]:
            if "version" in item:
                by_shard.setdefault(self._shard(item["urn"]), []).append((item["version"], item["urn"]))
            elif item["error"]["code"] not in ("disk_full", "outcome_unknown", "too_many_requests"):
                self.ledger.problems.append(f"batch item: {item}")
            elif item["error"]["code"] == "outcome_unknown":
                self.ledger.doubts[item["urn"]] = Doubt(documents[item["urn"]], key)
        for shard, written in by_shard.items():
            for version, urn in written:  # in the order asked, which is the order within a shard
                self.ledger.written(urn, shard, version, documents[urn])

    def _shard(self, urn: str) -> str:
        assert self._table is not None
        return self._table.shard_for_uuid(urn[len(PREFIX) :])

    def _send(self, data: bytes, doubts: dict[str, Doubt]) -> Reply:
        """Send a request; if the server is gone before the answer, note the doubts and how to end them."""
        assert self._connection is not None
        try:
            self._connection.send(data)
            reply = self._connection.reply()
        except (Closed, OSError) as error:
            self.ledger.doubts.update(doubts)
            self.repeats.append(Repeat(data, tuple(doubts)))
            raise Gone from error
        if reply.status == 504:
            self.ledger.doubts.update(doubts)
            self.repeats.append(Repeat(data, tuple(doubts)))
            raise Gone
        return reply


class Load:
    """Several writers at once."""

    def __init__(self, writers: int, seed: int) -> None:
        self.writers = [Writer(number, seed) for number in range(writers)]
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    @property
    def ledgers(self) -> list[Ledger]:
        """What the writers were told."""
        return [writer.ledger for writer in self.writers]

    @property
    def acknowledged(self) -> int:
        """How many writes were acknowledged, all writers together."""
        return sum(ledger.acknowledged for ledger in self.ledgers)

    def start(self, node: Node) -> None:
        """Begin to write."""
        self._stop.clear()
        table = TokenTable.from_wire(exchange(node.port, request("GET", "/topology")).json()["tokens"])
        self._threads = [
            threading.Thread(target=writer.run, args=(node.port, table, self._stop)) for writer in self.writers
        ]
        for thread in self._threads:
            thread.start()

    def finish(self) -> None:
        """Tell the writers to stop, and wait for them."""
        self._stop.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive()

    def drop_all(self, node: Node) -> None:
        """Drop the collection with all its entities."""
        reply = exchange(node.port, request("DELETE", _COLLECTION))
        assert reply.status == 200, reply
        for writer in self.writers:
            writer.ledger.states.clear()

    def repeat_doubtful(self, node: Node, stored: dict[str, State]) -> list[str]:
        """Send every request in doubt again, twice, under its idempotency key; return what is wrong with the answers.

        What had been carried out must be answered as replayed and keep its version; what had not is carried out now.
        """
        wrong: list[str] = []
        for writer in self.writers:
            for repeat in writer.repeats:
                first, second = (exchange(node.port, repeat.data) for _ in range(2))
                wrong += _compare_answers(first, second)
                wrong += _settle(writer.ledger, repeat, first, stored)
            writer.repeats.clear()
            writer.ledger.doubts.clear()
        return wrong


def _versions(reply: Reply) -> dict[str, int]:
    body = reply.json()
    items = body.get("items", [body])
    return {item["urn"]: item["version"] for item in items if "version" in item}


def _compare_answers(first: Reply, second: Reply) -> list[str]:
    wrong = []
    if first.status not in (200, 201) or (second.status, second.body) != (first.status, first.body):
        wrong.append(f"a repeated write was answered {first}, then {second}")
    elif second.header("idempotency-replayed") != "true":
        wrong.append(f"the second repetition was carried out again: {second}")
    return wrong


def _settle(ledger: Ledger, repeat: Repeat, reply: Reply, stored: dict[str, State]) -> list[str]:
    if reply.status not in (200, 201):
        return []
    wrong = []
    replayed = reply.header("idempotency-replayed") == "true"
    versions = _versions(reply)
    for urn in repeat.urns:
        if urn not in versions:
            wrong.append(f"{urn}: the repeated write did not succeed: {reply.body!r}")
            continue
        document, version = ledger.doubts[urn].document, versions[urn]
        found, last = stored.get(urn, ABSENT), ledger.state(urn)
        was_there = found.document == document and (document is None or found.version > last.version)
        if was_there and document is not None and found.version != version:
            wrong.append(f"{urn}: carried out at {found.version}, and again at {version}")
        if len(repeat.urns) == 1 and document is not None and was_there != replayed:
            wrong.append(f"{urn}: was there before: {was_there}, answered as replayed: {replayed}")
        ledger.adopt(urn, State(version, document))
        ledger.acknowledged += 1
    return wrong


def read_all(node: Node) -> tuple[dict[str, State], int]:
    """List the collection: return every entity, and how many the server counts; compares the shards' counts."""
    counted = exchange(node.port, request("GET", f"{_COLLECTION}/count"))
    if counted.status == 404:
        return {}, 0
    stored: dict[str, State] = {}
    cursor = ""
    previous = ""
    while True:
        page = exchange(node.port, request("GET", f"{_COLLECTION}/entities?limit=1000{cursor}")).json()
        for item in page["items"]:
            assert item["urn"] > previous, "a listing is in key order"
            previous = item["urn"]
            stored[item["urn"]] = State(item["version"], item["doc"])
        if "cursor" not in page:
            break
        cursor = f"&cursor={page['cursor']}"
    table = TokenTable.from_wire(exchange(node.port, request("GET", "/topology")).json()["tokens"])
    by_shard: dict[str, int] = {}
    for urn in stored:
        shard = table.shard_for_uuid(urn[len(PREFIX) :])
        by_shard[shard] = by_shard.get(shard, 0) + 1
    for shard in counted.json()["shards"]:
        assert shard["count"] == by_shard.get(shard["shard_id"], 0), f"{shard}: listed {by_shard}"
    return stored, int(counted.json()["count"])
