"""A process that speaks the adapter protocol: commands go in, replies come out in any order.

Whatever it does against the protocol (a line that is no JSON, an answer to nothing, two answers to one command, an end
before its time) breaks the adapter: all that waits for it fails, and the process is of no use any more.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import signal
from collections import deque
from dataclasses import dataclass
from typing import Any, Final

from themis_conformance import PROTOCOL_VERSION
from themis_conformance.jsonlines import decode_line, encode_line

__all__ = ["FEATURES", "MODES", "Adapter", "AdapterBroken", "Hello"]

FEATURES: Final = (
    "vectors",
    "entities",
    "batches",
    "iterate",
    "catalogue",
    "cluster",
    "cancel",
    "hooks",
    "tokens",
    "tls",
    "administration",
    "replicas",
    "sessions",
)
MODES: Final = ("sync", "async")

_HELLO_S: Final = 60.0
_EXIT_S: Final = 5.0
# A reply may hold a batch of 32 MiB.
_LINE_BYTES_MAX: Final = 128 << 20
_STDERR_LINES_KEPT: Final = 4000
_RESULTS: Final = ("value", "error", "unsupported")


class AdapterBroken(Exception):
    """The adapter ended, or did not keep to the protocol."""


@dataclass(frozen=True)
class Hello:
    """What an adapter says of itself."""

    sdk: str
    version: str
    language: str
    modes: tuple[str, ...]
    features: frozenset[str]

    @classmethod
    def read(cls, value: Any) -> Hello:
        """Read the value of the reply to hello; raises AdapterBroken when it is not of its form."""
        if not isinstance(value, dict):
            raise AdapterBroken(f"the value of hello is no object: {value!r}")
        if value.get("protocol") != PROTOCOL_VERSION:
            raise AdapterBroken(f"the adapter speaks protocol {value.get('protocol')!r}, not {PROTOCOL_VERSION}")
        unknown = sorted(set(value) - {"protocol", "sdk", "version", "language", "modes", "features"})
        if unknown:
            raise AdapterBroken(f"hello has unknown members: {', '.join(unknown)}")
        texts = [value.get(name) for name in ("sdk", "version", "language")]
        if not all(isinstance(text, str) and text for text in texts):
            raise AdapterBroken("hello needs the texts sdk, version and language")
        modes = _known(value.get("modes"), MODES, "modes")
        features = _known(value.get("features"), FEATURES, "features")
        if not modes:
            raise AdapterBroken("hello names no mode")
        return cls(str(texts[0]), str(texts[1]), str(texts[2]), tuple(modes), frozenset(features))


def _known(names: Any, allowed: tuple[str, ...], what: str) -> list[str]:
    if not isinstance(names, list) or any(name not in allowed for name in names):
        raise AdapterBroken(f"hello's {what} are a list of some of {', '.join(allowed)}, not {names!r}")
    return names


class Adapter:
    """One process. Make it by `start`, end it by `close` (politely) or `kill`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._next_id = 1
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._abandoned: set[int] = set()
        self._stderr: deque[str] = deque(maxlen=_STDERR_LINES_KEPT)
        self._stderr_lines = 0
        self._closing = False
        self.broken: AdapterBroken | None = None
        self.hello: Hello
        self._readers = (
            asyncio.create_task(self._read_replies()),
            asyncio.create_task(self._read_stderr()),
        )

    @classmethod
    async def start(cls, command: str) -> Adapter:
        """Start a process and greet it; raises AdapterBroken."""
        try:
            process = await asyncio.create_subprocess_exec(
                *shlex.split(command),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                limit=_LINE_BYTES_MAX,
                # A group of its own: a command that is a script may have children, and they must not outlive it.
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise AdapterBroken(f"cannot start {command!r}: {error}") from error
        adapter = cls(process)
        try:
            async with asyncio.timeout(_HELLO_S):
                reply = await adapter.ask("hello", protocol=PROTOCOL_VERSION)
            if "value" not in reply:
                raise AdapterBroken(f"hello was answered with {reply}")
            adapter.hello = Hello.read(reply["value"])
        except TimeoutError:
            await adapter.kill()
            raise AdapterBroken(f"{command!r} did not answer hello within {_HELLO_S:.0f} s") from None
        except AdapterBroken as broken:
            await adapter.kill()
            stderr = "\n".join(adapter.stderr_since(0)[-20:])
            raise AdapterBroken(f"{command!r}: {broken}" + (f"\n{stderr}" if stderr else "")) from None
        return adapter

    # Asking

    def send(self, do: str, **members: Any) -> tuple[int, asyncio.Future[dict[str, Any]]]:
        """Send a command; returns its id and the future of its reply, which raises AdapterBroken."""
        if self.broken is not None:
            raise self.broken
        command_id = self._next_id
        self._next_id += 1
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[command_id] = future
        assert self._process.stdin is not None
        self._process.stdin.write(encode_line({"id": command_id, "do": do, **members}))
        return command_id, future

    async def ask(self, do: str, **members: Any) -> dict[str, Any]:
        """Send a command and wait for its reply: {"value"}, {"error"} or {"unsupported"}."""
        _, future = self.send(do, **members)
        return await future

    # Listening

    async def _read_replies(self) -> None:
        assert self._process.stdout is not None
        try:
            while line := await self._process.stdout.readline():
                self._take(line)
        except AdapterBroken as broken:
            self._break(broken)
        except ValueError:
            self._break(AdapterBroken(f"a line on stdout is longer than {_LINE_BYTES_MAX} bytes"))
        else:
            if not self._closing:
                status = await self._process.wait()
                self._break(AdapterBroken(f"the adapter ended (status {status}) without being asked to"))

    def _take(self, line: bytes) -> None:
        shown = line[:200].decode("utf-8", "replace").rstrip()
        try:
            reply = decode_line(line)
        except (ValueError, RecursionError) as error:
            raise AdapterBroken(f"a line on stdout is no reply ({error}): {shown}") from None
        reply_id = reply.pop("id", None)
        if isinstance(reply_id, bool) or not isinstance(reply_id, int) or not 0 < reply_id < self._next_id:
            raise AdapterBroken(f"a reply to a command that was never sent (id {reply_id!r}): {shown}")
        if set(reply) not in ({name} for name in _RESULTS):
            raise AdapterBroken(f"a reply has exactly one of {', '.join(_RESULTS)}: {shown}")
        future = self._waiting.pop(reply_id, None)
        if future is None:
            raise AdapterBroken(f"a second reply to the command {reply_id}: {shown}")
        if not future.done():
            future.set_result(reply)

    def _break(self, broken: AdapterBroken) -> None:
        self.broken = broken
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(broken)
                # Nobody may be waiting for it any more; its exception is told to whoever still asks.
                future.exception()
        self._waiting.clear()

    async def _read_stderr(self) -> None:
        assert self._process.stderr is not None
        rest = b""
        while chunk := await self._process.stderr.read(1 << 16):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._note(line)
        if rest:
            self._note(rest)

    def _note(self, line: bytes) -> None:
        self._stderr.append(line.decode("utf-8", "replace").rstrip("\r"))
        self._stderr_lines += 1

    @property
    def stderr_position(self) -> int:
        """How many lines stderr has had so far."""
        return self._stderr_lines

    def stderr_since(self, position: int) -> list[str]:
        """The lines of stderr since a position, as far as they are kept."""
        new = min(self._stderr_lines - position, len(self._stderr))
        return list(self._stderr)[len(self._stderr) - new :] if new > 0 else []

    # Ending

    async def close(self) -> str | None:
        """End stdin and wait; returns what was wrong with how it ended, None if nothing was."""
        self._closing = True
        assert self._process.stdin is not None
        with contextlib.suppress(ConnectionError):
            self._process.stdin.close()
            await self._process.stdin.wait_closed()
        try:
            async with asyncio.timeout(_EXIT_S):
                status = await self._process.wait()
                await asyncio.gather(*self._readers)
        except TimeoutError:
            await self.kill()
            return f"it did not end within {_EXIT_S:.0f} s of the end of its stdin"
        if self.broken is not None:
            return str(self.broken)
        return None if status == 0 else f"it ended with status {status} at the end of its stdin"

    async def kill(self) -> None:
        """End the process and whatever it has started, at once."""
        self._closing = True
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()
        for reader in self._readers:
            reader.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)
        self._break(self.broken or AdapterBroken("the adapter was killed"))
