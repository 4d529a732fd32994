"""One connection of a node: requests come in, answers go out, or what a fault makes of them."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from themis_conformance.plan import Action, Answer, Relayed
from themis_conformance.scripted.call import Reply
from themis_conformance.scripted.faults import Faults, item_faults
from themis_conformance.scripted.framing import Malformed, read_request
from themis_conformance.scripted.problems import error_table
from themis_conformance.scripted.service import Service, problem_reply, request_id_of
from themis_conformance.scripted.shape import Shape
from themis_conformance.scripted.wirelog import Seen, WireLog

__all__ = ["Backend", "Exchange"]

_GARBAGE: Final = b"\x16\x03\x01 this is not HTTP\r\n\r\n"


@dataclass
class Backend:
    """What all connections of a cluster share."""

    service: Service
    shape: Shape
    faults: Faults
    log: WireLog


class Exchange:
    """One connection.

    Args:
        node: Which node was connected to.
        number: Of the connection, over all nodes.
    """

    def __init__(
        self,
        backend: Backend,
        node: int,
        number: int,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._backend = backend
        self._node = node
        self._number = number
        self._reader = reader
        self._writer = writer

    async def serve(self) -> None:
        """Answer requests until the connection ends."""
        while await self._one():
            pass

    async def _one(self) -> bool:
        try:
            raw = await read_request(self._reader, self._writer)
        except Malformed as malformed:
            return await self._refuse(malformed)
        seen = Seen(self._node, self._number, raw.method, raw.target, raw.headers, raw.body)
        action = self._backend.faults.next_for(seen)
        self._backend.log.note(seen)
        request_id = request_id_of(seen)
        if action is None:
            return await self._write(seen, request_id, await self._backend.service.answer(seen, request_id))
        if action.delay_ms:
            await asyncio.sleep(action.delay_ms / 1000)
        return await self._fail(action, seen, request_id)

    async def _refuse(self, malformed: Malformed) -> bool:
        """Answer what is no request; it is in the log as one without a path, so that nobody can miss it."""
        seen = Seen(self._node, self._number, "?", "?", {}, b"")
        self._backend.log.note(seen)
        status = error_table()[malformed.code].status
        request_id = request_id_of(seen)
        reply = problem_reply(seen, request_id, status, malformed.code, str(malformed), malformed.members)
        reply.closes = True
        return await self._write(seen, request_id, reply)

    # Out

    def _encoded(self, seen: Seen, request_id: str, reply: Reply) -> tuple[bytes, bytes]:
        headers = {
            "Content-Type": "application/json",
            "X-Request-Id": request_id,
            "Themis-Topology-Epoch": str(self._backend.shape.told_epoch()),
            **reply.headers,
        }
        body = reply.body
        if reply.status in (204, 304):
            body = b""
            headers.pop("Content-Type")
        else:
            headers["Content-Length"] = str(len(body))
        if seen.method == "HEAD":
            body = b""
        if reply.closes:
            headers["Connection"] = "close"
        try:
            phrase = HTTPStatus(reply.status).phrase
        except ValueError:
            phrase = "Unknown"
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"HTTP/1.1 {reply.status} {phrase}\r\n{lines}\r\n".encode("latin-1"), body

    async def _write(self, seen: Seen, request_id: str, reply: Reply) -> bool:
        head, body = self._encoded(seen, request_id, reply)
        seen.outcome = str(reply.status)
        self._writer.write(head + body)
        await self._writer.drain()
        return not reply.closes and seen.headers.get("connection", "").lower() != "close"

    # Faults

    async def _fail(self, action: Action, seen: Seen, request_id: str) -> bool:
        backend = self._backend
        if action.close == "before":
            seen.outcome = "closed before it was carried out"
            return False
        if action.reset:
            seen.outcome = "reset"
            self._reset()
            return False
        if action.garbage:
            seen.outcome = "garbage"
            self._writer.write(_GARBAGE)
            await self._writer.drain()
            return False
        if action.answer is not None:
            return await self._write(seen, request_id, _scripted(action.answer, seen, request_id))
        if action.wrong_shard is not None:
            wrong = action.wrong_shard
            owner = None if wrong.owner is None else backend.shape.urls[wrong.owner]
            epoch = backend.shape.epoch if wrong.epoch is None else wrong.epoch
            members = {"owner": owner, "epoch": epoch}
            reply = problem_reply(seen, request_id, 421, "wrong_shard", "Not here.", members)
            return await self._write(seen, request_id, reply)
        with_key = "idempotency-key" in seen.headers
        planned = None if action.items is None else item_faults(action.items, with_key=with_key)
        reply = await backend.service.answer(seen, request_id, planned)
        return await self._break(action, seen, request_id, reply)

    async def _break(self, action: Action, seen: Seen, request_id: str, reply: Reply) -> bool:
        """Give an answer to what was carried out, or less than all of it."""
        if action.relayed is not None:
            return await self._relay(action.relayed, seen, request_id, reply)
        head, body = self._encoded(seen, request_id, reply)
        if action.close == "after_commit":
            seen.outcome = f"closed after {reply.status}"
            return False
        if action.truncate is not None:
            seen.outcome = f"{reply.status}, truncated"
            self._writer.write(head + body[: action.truncate] if body else head[: len(head) // 2])
            await self._writer.drain()
            return False
        if action.stall is not None:
            seen.outcome = f"{reply.status}, stalled"
            if action.stall == "in_body":
                self._writer.write(head + body[: len(body) // 2] if body else head[: len(head) // 2])
                await self._writer.drain()
            await self._until_closed()
            return False
        return await self._write(seen, request_id, reply)

    async def _relay(self, relayed: Relayed, seen: Seen, request_id: str, reply: Reply) -> bool:
        """Give the right answer as a proxy might: after interim ones, in chunks, or ended by the connection."""
        head, body = self._encoded(seen, request_id, reply)
        if relayed.framing != "length" and body:
            kept = [line for line in head.split(b"\r\n") if not line.startswith(b"Content-Length:")]
            if relayed.framing == "chunked":
                kept.insert(1, b"Transfer-Encoding: chunked")
                middle = len(body) // 2
                body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:middle], body[middle:]) if part)
                body += b"0\r\n\r\n"
            head = b"\r\n".join(kept)
        if relayed.cut:
            body = body[: len(body) // 2]
        seen.outcome = f"{reply.status}, relayed"
        for status in relayed.interim:
            self._writer.write(f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nLink: </x>\r\n\r\n".encode())
            await self._writer.drain()
        self._writer.write(head + body)
        await self._writer.drain()
        return relayed.framing != "until_close" and not relayed.cut

    async def _until_closed(self) -> None:
        """Say nothing more; the caller or the end of the case closes the connection."""
        while await self._reader.read(1 << 16):
            pass

    def _reset(self) -> None:
        """Close so that the other side gets a reset, not an end."""
        linger = struct.pack("ii", 1, 0)
        sock = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


def _scripted(answer: Answer, seen: Seen, request_id: str) -> Reply:
    """The answer that a case has written down."""
    info = error_table().get(answer.code or "")
    status = answer.status if answer.status is not None else info.status if info else 200
    # Written as the defaults are, so that a case's own takes their place instead of standing beside them.
    headers = {"-".join(word.capitalize() for word in name.split("-")): text for name, text in answer.headers.items()}
    if answer.has_json:
        return Reply(status, json.dumps(answer.json).encode(), headers)
    if answer.text is not None:
        return Reply(status, answer.text.encode(), {"Content-Type": "text/plain", **headers})
    if answer.code is None and answer.problem is None:
        return Reply(status, b"", headers)
    members = answer.problem or {}
    reply = problem_reply(seen, request_id, status, answer.code, "scripted", members)
    reply.headers |= headers
    return reply
