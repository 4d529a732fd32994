"""A small ThemisDB that fails on command: real sockets, entities in a dictionary, faults by script.

It speaks HTTP by hand, because what it must get wrong (half a body, a connection closed after the commit) no HTTP
server offers. One `ScriptedServer` has several nodes that share their data; its `log` tells which node was asked what.
"""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import unquote

from themis.placement import TokenTable, build_token_table

Action = Literal["status", "delay", "close_before", "close_after_commit", "truncate", "stall", "wrong_shard", "garbage"]


@dataclass
class Fault:
    """What goes wrong, for which requests, how often."""

    action: Action
    method: str | None = None
    path: str = "/entity/"
    node: int | None = None
    times: int = 1
    skip: int = 0
    status: int = 503
    code: str = "no_leader"
    retryable: bool = True
    headers: dict[str, str] = field(default_factory=dict)
    members: dict[str, Any] = field(default_factory=dict)
    delay_s: float = 0.0


@dataclass(frozen=True)
class Seen:
    """One request as it arrived."""

    node: int
    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class ScriptedServer:
    """Nodes on loopback, in a thread with its own event loop. A context manager."""

    def __init__(self, nodes: int = 1, *, shards: int = 4, tls: ssl.SSLContext | None = None) -> None:
        self.log: list[Seen] = []
        self.faults: list[Fault] = []
        self.store: dict[str, tuple[int, Any]] = {}
        self.replies: dict[str, tuple[bytes, int, dict[str, str], bytes]] = {}
        self.epoch = 1
        self.leaders: dict[str, int] = {f"shard_{i + 1:03}": i % nodes for i in range(shards)}
        self.batch_items_max = 10_000
        self.answer_items_max = 10_000
        self.item_errors: dict[str, list[dict[str, Any]]] = {}
        self.tokens_accepted: set[str] | None = None
        self.connections = 0
        self.ports: list[int] = []
        self._node_count = nodes
        self._tls = tls
        self._version = 1000
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._listening: list[socket.socket | None] = []
        self._tasks: set[asyncio.Task[None]] = set()

    # Life

    def __enter__(self) -> ScriptedServer:
        self._thread.start()
        for node in range(self._node_count):
            self._await(self._listen(node, 0))
        return self

    def __exit__(self, *_: object) -> None:
        for node in range(self._node_count):
            self.stop_node(node)
        self._await(self._settle())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def stop_node(self, node: int) -> None:
        """Close its port and its connections."""
        self._await(self._stop(node))

    def start_node(self, node: int) -> None:
        """Listen again, on the same port."""
        self._await(self._listen(node, self.ports[node]))

    def drop_connections(self) -> None:
        """Close what is open, and go on listening."""
        self._await(self._cancel_connections(None))

    def url(self, node: int = 0) -> str:
        """The endpoint of a node."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.ports[node]}"

    @property
    def urls(self) -> list[str]:
        """All endpoints."""
        return [self.url(node) for node in range(self._node_count)]

    # What was asked

    def entity_requests(self) -> list[Seen]:
        """Without those for the topology."""
        return [seen for seen in self.log if not seen.target.startswith("/topology")]

    def topology_fetches(self) -> int:
        """How often the topology was asked for."""
        return sum(seen.target.startswith("/topology") for seen in self.log)

    def _await(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    async def _listen(self, node: int, port: int) -> None:
        # Not asyncio.start_server: in Python 3.11, closing one while it accepts leaks the connection.
        listening = socket.create_server(("127.0.0.1", port), backlog=64)
        listening.setblocking(False)
        self._loop.add_reader(listening, self._accept, node, listening)
        if node == len(self._listening):
            self._listening.append(listening)
            self.ports.append(listening.getsockname()[1])
        else:
            self._listening[node] = listening

    def _accept(self, node: int, listening: socket.socket) -> None:
        try:
            connection, _ = listening.accept()
        except (BlockingIOError, ConnectionError):
            return
        self.connections += 1
        connection.setblocking(False)
        task = self._loop.create_task(self._serve(node, connection), name=str(node))
        self._tasks.add(task)
        task.add_done_callback(lambda _: connection.close())
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, node: int, connection: socket.socket) -> None:
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        try:
            transport, _ = await self._loop.connect_accepted_socket(lambda: protocol, connection, ssl=self._tls)
        except OSError:
            return
        writer = asyncio.StreamWriter(transport, protocol, reader, self._loop)
        try:
            while await self._exchange(node, reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            transport.abort()

    async def _stop(self, node: int) -> None:
        listening = self._listening[node]
        if listening is not None:
            self._loop.remove_reader(listening)
            listening.close()
            self._listening[node] = None
        await self._cancel_connections(node)

    async def _settle(self) -> None:
        """Turn the loop until connections accepted or aborted just now are gone, too."""
        for _ in range(10):
            await asyncio.sleep(0)
        await self._cancel_connections(None)
        for _ in range(10):
            await asyncio.sleep(0)

    async def _cancel_connections(self, node: int | None) -> None:
        tasks = [task for task in self._tasks if node is None or task.get_name() == str(node)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # One exchange

    async def _exchange(self, node: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii")
        request_line, *header_lines = head.strip().split("\r\n")
        method, target, _ = request_line.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in header_lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.log.append(Seen(node, method, target, headers, body))
        fault = self._fault(node, method, target)
        if fault is None:
            status, more, answer = self._answer(node, method, target, headers, body)
            await self._write(writer, method, status, more, answer)
            return True
        return await self._fail(fault, node, method, target, headers, body, writer)

    def _fault(self, node: int, method: str, target: str) -> Fault | None:
        for fault in self.faults:
            if fault.times > 0 and target.startswith(fault.path) and fault.method in (None, method):
                if fault.node not in (None, node):
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                return fault
        return None

    async def _fail(
        self,
        fault: Fault,
        node: int,
        method: str,
        target: str,
        headers: dict[str, str],
        body: bytes,
        writer: asyncio.StreamWriter,
    ) -> bool:
        if fault.action == "close_before":
            return False
        if fault.action in ("status", "wrong_shard"):
            problem = {"code": fault.code, "status": fault.status, "title": fault.code, "detail": "scripted"}
            problem |= {"retryable": fault.retryable, **fault.members}
            more = {"Content-Type": "application/problem+json", **fault.headers}
            await self._write(writer, method, fault.status, more, json.dumps(problem).encode())
            return True
        if fault.action == "garbage":
            writer.write(b"\x16\x03\x01 this is not HTTP\r\n\r\n")
            await writer.drain()
            return False
        if fault.action == "delay":
            await asyncio.sleep(fault.delay_s)
        status, more, answer = self._answer(node, method, target, headers, body)
        if fault.action == "close_after_commit":
            return False
        if fault.action in ("truncate", "stall"):
            length = len(answer) + 100
            writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n\r\n".encode() + answer)
            await writer.drain()
            if fault.action == "stall":
                await asyncio.sleep(60)
            return False
        await self._write(writer, method, status, more, answer)
        return True

    async def _write(
        self, writer: asyncio.StreamWriter, method: str, status: int, headers: dict[str, str], body: bytes
    ) -> None:
        headers = {"Content-Type": "application/json", "Themis-Topology-Epoch": str(self.epoch), **headers}
        bodiless = status in (204, 304)
        if not bodiless:
            headers["Content-Length"] = str(len(body))
        head = f"HTTP/1.1 {status} X\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n"
        writer.write(head.encode() + (b"" if bodiless or method == "HEAD" else body))
        await writer.drain()

    # The database

    def _answer(
        self, node: int, method: str, target: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        if self.tokens_accepted is not None:
            token = headers.get("authorization", "").removeprefix("Bearer ")
            if token not in self.tokens_accepted:
                return _problem(401, "unauthorized")
        path, _, query = target.partition("?")
        key = headers.get("idempotency-key")
        if key is not None and method != "GET":
            known = self.replies.get(key)
            if known is not None:
                if known[0] != body:
                    return _problem(422, "idempotency_key_reused")
                return known[1], {**known[2], "Idempotency-Replayed": "true"}, known[3]
        answer = self._route(node, method, path, query, headers, body)
        if key is not None and answer[0] < 300:
            self.replies[key] = (body, *answer)
        return answer

    def _route(
        self, node: int, method: str, path: str, query: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        if path == "/topology":
            if headers.get("if-none-match") == f'"{self.epoch}"':
                return 304, {}, b""
            return 200, {"ETag": f'"{self.epoch}"'}, json.dumps(self.topology()).encode()
        if path.startswith("/entity/"):
            return self._entity(method, unquote(path.removeprefix("/entity/")), headers, body)
        if path.startswith("/batch/"):
            return self._batch(path.removeprefix("/batch/"), json.loads(body))
        if path == "/version":
            return 200, {}, b'{"server":"0.1.0","api":"1.0","features":["batch","entity"]}'
        if path == "/health/ready":
            return 200, {}, b'{"status":"ok"}'
        if path.endswith("/entities"):
            return self._list(query)
        return _problem(404, "route_not_found")

    def topology(self) -> dict[str, Any]:
        """The document of GET /topology."""
        nodes = [
            {
                "node_id": f"node-{i}",
                "endpoint": url,
                "datacenter": "dc",
                "rack": "r",
                "state": "up",
                "version": "0.1.0",
            }
            for i, url in enumerate(self.urls)
        ]
        replicas = [{"node_id": node["node_id"], "role": "voter"} for node in nodes]
        shards = [
            {"shard_id": shard, "leader": f"node-{leader}", "replicas": replicas}
            for shard, leader in self.leaders.items()
        ]
        tokens = TokenTable(build_token_table(self.leaders, 16)).to_wire()
        return {"epoch": self.epoch, "nodes": nodes, "shards": shards, "tokens": tokens}

    def _entity(self, method: str, urn: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        known = self.store.get(urn)
        version = known[0] if known else None
        if method in ("GET", "HEAD"):
            if known is None:
                return _problem(404, "entity_not_found")
            more = {"ETag": f'"{version}"', "Themis-Role": "leader", "Themis-Lag-Ms": "0"}
            if f'"{version}"' in headers.get("if-none-match", "") or headers.get("if-none-match") == "*":
                return 304, more, b""
            return 200, more, json.dumps(known[1]).encode()
        wanted = headers.get("if-match")
        refused = wanted is not None and (version is None or (wanted != "*" and f'"{version}"' not in wanted))
        if refused or (headers.get("if-none-match") == "*" and known):
            return _problem(412, "precondition_failed", version=version)
        if method in ("PATCH", "DELETE") and known is None:
            return _problem(404, "entity_not_found")
        if method == "DELETE":
            del self.store[urn]
            return self._written(200, urn, self._next_version())
        document = json.loads(body)
        if method == "PATCH":
            assert known is not None
            merged = {**known[1], **document}
            document = {name: value for name, value in merged.items() if value is not None}
        written = self._next_version()
        self.store[urn] = (written, document)
        return self._written(200 if known else 201, urn, written)

    def _written(self, status: int, urn: str, version: int) -> tuple[int, dict[str, str], bytes]:
        return status, {"ETag": f'"{version}"'}, json.dumps({"urn": urn, "version": version}).encode()

    def _batch(self, what: str, request: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        asked = request.get("items") or [{"urn": urn} for urn in request.get("urns", [])]
        if len(asked) > self.batch_items_max:
            return _problem(413, "too_many_items", limit=self.batch_items_max)
        act: Callable[[dict[str, Any]], dict[str, Any]] = {
            "get": self._get_item,
            "put": self._put_item,
            "delete": self._delete_item,
        }[what]
        items: list[dict[str, Any]] = []
        for index, item in enumerate(asked):
            scripted = self.item_errors.get(item["urn"])
            if index >= self.answer_items_max:
                items.append(_item_error(item["urn"], 413, "batch_response_limit", retryable=True))
            elif scripted:
                items.append({"urn": item["urn"], "error": scripted.pop(0)})
            else:
                items.append(act(item))
        return 200, {}, json.dumps({"items": items}).encode()

    def _get_item(self, item: dict[str, Any]) -> dict[str, Any]:
        known = self.store.get(item["urn"])
        if known is None:
            return _item_error(item["urn"], 404, "entity_not_found")
        return {"urn": item["urn"], "version": known[0], "doc": known[1]}

    def _put_item(self, item: dict[str, Any]) -> dict[str, Any]:
        known = self.store.get(item["urn"])
        current = known[0] if known else 0
        if item.get("if_match") is not None and item["if_match"] != current:
            error = _item_error(item["urn"], 412, "precondition_failed")
            error["error"]["version"] = current or None
            return error
        version = self._next_version()
        self.store[item["urn"]] = (version, item["doc"])
        return {"urn": item["urn"], "version": version}

    def _delete_item(self, item: dict[str, Any]) -> dict[str, Any]:
        if self.store.pop(item["urn"], None) is None:
            return _item_error(item["urn"], 404, "entity_not_found")
        return {"urn": item["urn"], "version": self._next_version()}

    def _list(self, query: str) -> tuple[int, dict[str, str], bytes]:
        asked = dict(pair.split("=") for pair in query.split("&"))
        limit, after = int(asked["limit"]), asked.get("cursor", "")
        urns = sorted(urn for urn in self.store if urn[-36:] > after)
        items: list[dict[str, Any]] = []
        for urn in urns[:limit]:
            item: dict[str, Any] = {"urn": urn, "version": self.store[urn][0]}
            if asked.get("include") != "version":
                item["doc"] = self.store[urn][1]
            items.append(item)
        page: dict[str, Any] = {"items": items}
        if len(urns) > limit:
            page["cursor"] = urns[limit - 1][-36:]
        return 200, {}, json.dumps(page).encode()

    def _next_version(self) -> int:
        self._version += 1
        return self._version


def _problem(status: int, code: str, **members: Any) -> tuple[int, dict[str, str], bytes]:
    problem = {"code": code, "status": status, "title": code, "detail": "scripted", "retryable": False, **members}
    return status, {"Content-Type": "application/problem+json"}, json.dumps(problem).encode()


def item_error(status: int, code: str, *, retryable: bool = False) -> dict[str, Any]:
    """The error of one item of a batch."""
    return {"code": code, "status": status, "title": code, "detail": "scripted", "retryable": retryable}


def _item_error(urn: str, status: int, code: str, *, retryable: bool = False) -> dict[str, Any]:
    return {"urn": urn, "error": item_error(status, code, retryable=retryable)}
