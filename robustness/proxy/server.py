"""The process that forwards: `python -m robustness.proxy --listen HOST:PORT --target HOST:PORT --control PATH`."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import socket
import struct
from collections import deque
from pathlib import Path
from typing import Any, Final

import msgspec

from robustness.proxy.rules import Rule, Rules

_PIECE: Final = 1 << 16
_HELD_MAX: Final = 4 << 20
"""Bytes under way in one direction; beyond it the sender waits, as it would for a full window."""
_STALL_POLL_S: Final = 0.02


class _Direction:
    """One direction of one connection: pieces that arrived, each with the time from which it may be passed on."""

    def __init__(self, rules: Rules, source: str, chance: random.Random) -> None:
        self._rules = rules
        self._source = source
        self._chance = chance
        self._held: deque[tuple[float, bytes]] = deque()
        self._bytes = 0
        self._changed = asyncio.Event()
        self._ended = False

    async def take(self, reader: asyncio.StreamReader) -> None:
        """Receive until the end."""
        loop = asyncio.get_running_loop()
        due = 0.0
        try:
            while piece := await reader.read(_PIECE):
                due = max(due, loop.time() + self._rules.of(self._source).wait_s(self._chance))
                self._held.append((due, piece))
                self._bytes += len(piece)
                self._changed.set()
                while self._bytes > _HELD_MAX:
                    await asyncio.sleep(_STALL_POLL_S)
        finally:
            self._ended = True
            self._changed.set()

    async def pass_on(self, writer: asyncio.StreamWriter) -> None:
        """Send what is due, in order, until the other side has ended and all is sent."""
        loop = asyncio.get_running_loop()
        while True:
            while not self._held:
                if self._ended:
                    if writer.can_write_eof():
                        writer.write_eof()
                    return
                self._changed.clear()
                await self._changed.wait()
            due, piece = self._held[0]
            rule = self._rules.of(self._source)
            wait_s = due - loop.time()
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            if rule.stalled:
                if writer.is_closing():
                    raise ConnectionResetError
                await asyncio.sleep(_STALL_POLL_S)
                continue
            if rule.bytes_per_s:
                await asyncio.sleep(len(piece) / rule.bytes_per_s)
            self._held.popleft()
            self._bytes -= len(piece)
            writer.write(piece)
            await writer.drain()


class Proxy:
    """All connections to one target."""

    def __init__(self, target: tuple[str, int], seed: int = 0) -> None:
        self._target = target
        self._chance = random.Random(seed)
        self._rules = Rules()
        self._open: dict[asyncio.Task[None], tuple[str, list[asyncio.StreamWriter]]] = {}
        self._accepted = 0

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward one connection to its end."""
        source = str(writer.get_extra_info("peername")[0])
        task = asyncio.current_task()
        assert task is not None
        writers = [writer]
        self._open[task] = (source, writers)
        self._accepted += 1
        try:
            if self._rules.of(source).refused:
                _reset(writer)
                return
            while self._rules.of(source).stalled and not writer.is_closing():
                await asyncio.sleep(_STALL_POLL_S)
            there_reader, there_writer = await asyncio.open_connection(*self._target)
            writers.append(there_writer)
            await self._forward(source, (reader, writer), (there_reader, there_writer))
        except (OSError, asyncio.IncompleteReadError):
            _reset(writer)
        finally:
            self._open.pop(task, None)
            for each in writers:
                each.close()

    async def _forward(
        self,
        source: str,
        here: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        there: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        up, down = (_Direction(self._rules, source, self._chance) for _ in range(2))
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(_quietly(up.take(here[0]))),
                group.create_task(_quietly(down.take(there[0]))),
                group.create_task(_quietly(up.pass_on(there[1]))),
                group.create_task(_quietly(down.pass_on(here[1]))),
            ]
            left = set(tasks)
            while left:
                done, left = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
                if any(task.result() for task in done):
                    break  # One side is gone: what is still under way the other way is lost, as on a real wire.
            broken = bool(left)
            for task in left:
                task.cancel()
        if broken:
            for writer in (here[1], there[1]):
                _reset(writer)

    def reset(self, source: str) -> int:
        """Reset the open connections of a source (or of everybody, "*"); returns how many."""
        count = 0
        for whose, writers in list(self._open.values()):
            if source in ("*", whose):
                for writer in writers:
                    _reset(writer)  # Both halves find out by themselves, as they would on a real reset.
                count += 1
        return count

    async def obey(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry out commands, a JSON object a line, each answered by one."""
        with contextlib.suppress(OSError):
            while line := await reader.readline():
                writer.write(json.dumps(self._carry_out(json.loads(line))).encode() + b"\n")
                await writer.drain()
        writer.close()

    def _carry_out(self, command: dict[str, Any]) -> dict[str, Any]:
        if "set" in command:
            self._rules.set(command["set"], msgspec.convert(command["rule"], Rule))
        elif "clear" in command:
            self._rules.clear()
        elif "reset" in command:
            return {"reset": self.reset(command["reset"])}
        return {"open": len(self._open), "accepted": self._accepted}


async def _quietly(work: Any) -> bool:
    """Carry out one half; returns True if the connection broke in it."""
    try:
        await work
    except (OSError, asyncio.IncompleteReadError):
        return True
    return False


def _reset(writer: asyncio.StreamWriter) -> None:
    """End a connection with RST, as a machine that knows nothing of it would."""
    with contextlib.suppress(OSError):
        plug = writer.get_extra_info("socket")
        if plug is not None:
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def serve(listen: tuple[str, int], target: tuple[str, int], control: Path) -> None:
    """Forward until cancelled; the control socket appears when connections are accepted."""
    proxy = Proxy(target)
    server = await asyncio.start_server(proxy.accept, *listen)
    commands = await asyncio.start_unix_server(proxy.obey, control)
    async with server, commands:
        await server.serve_forever()
