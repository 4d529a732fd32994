"""The adapter of themis-python for `themis-conformance`: conformance/PROTOCOL.md over stdin and stdout.

Sync calls run in a thread each, async ones as tasks of one event loop in a thread of its own; the main thread reads
commands and never waits for an SDK call, so that a `cancel` gets through.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any

import vectors
import wire
from arguments import Unsupported, bind, bind_iterate, client_options
from recorder import FailingHooks, Recorder

import themis
from themis import AsyncThemisClient, Hooks, ThemisClient

JSON = dict[str, Any]
_Shape = Callable[[Any], Any]
_FEATURES = (
    *("vectors", "entities", "batches", "iterate", "catalogue", "cluster", "cancel", "hooks", "tokens", "tls"),
    *("administration", "replicas", "sessions"),
)


class Adapter:
    """The clients and iterators that the runner made, and what it has running."""

    def __init__(self) -> None:
        self._clients: dict[str, tuple[str, Any, Recorder | None]] = {}
        self._iterators: dict[str, tuple[str, Any]] = {}
        self._running: dict[int, asyncio.Task[Any]] = {}
        self._write_lock = threading.Lock()
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    def serve(self) -> None:
        """Obey the lines of stdin until it ends."""
        for line in sys.stdin.buffer:
            command = json.loads(line)
            try:
                self._obey(command["id"], wire.decode(command))
            except Unsupported as error:
                self._reply(command["id"], {"unsupported": str(error)})
            except Exception as error:
                self._fail(command["id"], error)
        for mode, client, _ in self._clients.values():
            if mode == "sync":
                client.close()
            else:
                asyncio.run_coroutine_threadsafe(client.aclose(), self._loop).result(3)

    def _obey(self, ident: int, command: JSON) -> None:
        match command["do"]:
            case "hello":
                self._answer(ident, {"protocol": 1, "sdk": "themis-python", "version": themis.__version__,
                                     "language": f"Python {platform.python_version()}", "modes": ["sync", "async"],
                                     "features": list(_FEATURES)})  # fmt: skip
            case "vector":
                self._answer(ident, vectors.apply(command["rule"], command["op"], command["input"]))
            case "createClient":
                self._create_client(ident, command)
            case "call":
                mode, client, _ = self._clients[command["client"]]
                op = command["op"]
                if op == "session_token":
                    self._answer(ident, {"token": client.session_token})
                    return
                method, positional, named = bind(op, command.get("args", {}))
                if op in ("merge_session", "forget_session"):
                    self._answer(ident, getattr(client, method)(*positional))
                    return
                self._start(ident, mode, getattr(client, method), positional, named, lambda v: wire.shape(op, v))
            case "iterate":
                mode, client, _ = self._clients[command["client"]]
                self._iterate(ident, mode, client, command)
            case "next":
                mode, iterator = self._iterators[command["iterator"]]
                step = iterator.__next__ if mode == "sync" else iterator.__anext__
                self._start(ident, mode, step, [], {}, lambda item: {"item": wire.entity(item)})
            case "closeIterator":
                mode, iterator = self._iterators.pop(command["iterator"])
                close = iterator.close if mode == "sync" else iterator.aclose
                self._start(ident, mode, close, [], {}, lambda _: {"cursor": iterator.cursor})
            case "cancel":
                self._loop.call_soon_threadsafe(self._cancel, command["call"])
                self._answer(ident, {})
            case "events":
                recorder = self._clients[command["client"]][2]
                self._answer(ident, {"events": recorder.take() if recorder is not None else []})
            case "closeClient":
                # The name stays: a call on a closed client is a case of its own.
                mode, client, _ = self._clients[command["client"]]
                self._start(ident, mode, client.close if mode == "sync" else client.aclose, [], {}, lambda _: {})
            case other:
                raise Unsupported(f"the command {other}")

    def _create_client(self, ident: int, command: JSON) -> None:
        options, mode = command["options"], command.get("mode", "sync")
        recorder = Recorder() if options.get("record_hooks") else None
        hooks: list[Hooks] = [recorder] if recorder is not None else []
        if options.get("failing_hooks"):
            hooks.append(FailingHooks())
        kind = {"sync": ThemisClient, "async": AsyncThemisClient}[mode]
        self._clients[command["client"]] = (mode, kind(**client_options(options, mode, hooks)), recorder)
        self._answer(ident, {})

    def _iterate(self, ident: int, mode: str, client: Any, command: JSON) -> None:
        collection, named = bind_iterate(command["args"])
        iterator = client.iterate(collection, **named)
        self._iterators[command["iterator"]] = (mode, iterator)
        self._answer(ident, {"cursor": iterator.cursor})

    def _start(
        self, ident: int, mode: str, function: Callable[..., Any], args: list[Any], named: JSON, shape: _Shape
    ) -> None:
        """Run an SDK function beside the main thread and answer with what it gives."""
        if mode == "sync":

            def work() -> None:
                try:
                    value = shape(function(*args, **named))
                except Exception as error:
                    self._fail(ident, error)
                else:
                    self._answer(ident, value)

            threading.Thread(target=work, daemon=True).start()
            return

        def begin() -> None:
            task = self._running[ident] = self._loop.create_task(function(*args, **named))
            task.add_done_callback(lambda done: self._finish(ident, done, shape))

        self._loop.call_soon_threadsafe(begin)

    def _finish(self, ident: int, done: asyncio.Task[Any], shape: _Shape) -> None:
        del self._running[ident]
        try:
            value = shape(done.result())
        except (Exception, asyncio.CancelledError) as error:
            self._fail(ident, error)
        else:
            self._answer(ident, value)

    def _cancel(self, ident: int) -> None:
        task = self._running.get(ident)
        if task is not None:
            task.cancel()

    def _answer(self, ident: int, value: Any) -> None:
        self._reply(ident, {"value": value})

    def _fail(self, ident: int, error: BaseException) -> None:
        if isinstance(error, StopIteration | StopAsyncIteration):
            self._answer(ident, {"end": True})
            return
        described = wire.describe(error)
        if described["kind"] == "crash":
            traceback.print_exception(error)
        self._reply(ident, {"error": described})

    def _reply(self, ident: int, reply: JSON) -> None:
        line = json.dumps({"id": ident, **wire.encode(reply)}, separators=(",", ":")).encode() + b"\n"
        with self._write_lock:
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()


def main() -> None:
    """Serve, and be gone: calls that still run must not keep the process, for the runner has hung up."""
    status = 0
    try:
        Adapter().serve()
    except Exception:
        traceback.print_exc()
        status = 1
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    main()
