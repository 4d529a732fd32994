"""Calls to an etcd cluster: blocking stubs in worker threads, one member at a time, the next one when it fails.

etcd3 0.12.0 was generated for protobuf 3.x. Newer versions of protobuf still load it with their implementation in pure
Python, which is chosen here before anything of protobuf is imported; no other part of a node uses protobuf. The
package's own client knows one endpoint and its watch dies with it, so only its stubs are used.
"""

from __future__ import annotations

import asyncio
import os
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Final, TypeVar

import msgspec

from themis_server.errors import ErrorCode, ThemisServerError

os.environ.setdefault("PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION", "python")
os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # a member that is away is reported by the store, once
with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # of protobuf, about how etcd3's messages were generated
    import etcd3  # type: ignore[import-not-found, import-untyped, unused-ignore]
    import grpc  # type: ignore[import-not-found, import-untyped, unused-ignore]

rpc: Final[Any] = etcd3.etcdrpc
"""etcd's messages and stubs, as etcd3 generated them."""

T = TypeVar("T")

_THREADS: Final = 8
_PAUSE_S: Final = 0.1
_MESSAGE_BYTES_MAX: Final = 64 << 20
_CHANNEL_OPTIONS: Final = [
    ("grpc.max_receive_message_length", _MESSAGE_BYTES_MAX),
    ("grpc.max_send_message_length", _MESSAGE_BYTES_MAX),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    # A member that is gone without a word is noticed by its watches within 15 s.
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.max_pings_without_data", 0),
]
_NEEDS_LEADER: Final = (("hasleader", "true"),)
"""Asked of a watch, so that a member that is cut off from the others ends it."""

_NOT_SENT: Final = ("failed to connect", "connection refused", "no route to host", "name resolution", "dns resolution")
_NOT_DONE: Final = (
    "etcdserver: no leader",
    "etcdserver: too many requests",
    "etcdserver: mvcc: database space exceeded",
)


class EtcdSettings(msgspec.Struct, frozen=True):
    """Where etcd is and how it is spoken to.

    Args:
        endpoints: HOST:PORT of its members, at least one.
        ca: PEM file with the CA of its servers; empty: plain text.
        cert: PEM file with the certificate to show, empty for none.
        key: PEM file with its private key.
        timeout_s: How long a call may take, all attempts together.
    """

    endpoints: tuple[str, ...]
    ca: str = ""
    cert: str = ""
    key: str = ""
    timeout_s: float = 3.0


class Failed(Exception):
    """A call that etcd did not carry out as asked.

    `sure` tells that nothing was done; `code` is gRPC's, by name.
    """

    def __init__(self, code: str, detail: str, *, sure: bool) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.sure = sure


class Member:
    """The stubs of one member of the etcd cluster; the channel connects at the first use, and again after a break."""

    def __init__(self, endpoint: str, credentials: Any) -> None:
        self.endpoint = endpoint
        self.channel = (
            grpc.insecure_channel(endpoint, options=_CHANNEL_OPTIONS)
            if credentials is None
            else grpc.secure_channel(endpoint, credentials, options=_CHANNEL_OPTIONS)
        )
        self.kv = rpc.KVStub(self.channel)
        self.lease = rpc.LeaseStub(self.channel)
        self.watch = rpc.WatchStub(self.channel)


class EtcdConnection:
    """Carries calls out in worker threads. Belongs to the event loop; `close` it at the end."""

    def __init__(self, settings: EtcdSettings) -> None:
        if not settings.endpoints:
            raise ValueError("an etcd cluster has at least one endpoint")
        self._settings = settings
        credentials = _credentials(settings)
        self._members = [Member(endpoint, credentials) for endpoint in settings.endpoints]
        self._at = 0
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="etcd")

    async def call(self, what: Callable[[Member, float], T], *, again: bool) -> T:
        """Carry out a call, at the next member when one fails.

        Args:
            what: Makes the call in a worker thread; given the member and the seconds that it may take.
            again: Whether the call may be made twice, as a read may. One that may not is repeated only while it is
                sure that nothing was done.

        Raises:
            ThemisServerError: metadata_unavailable, if nothing was done; outcome_unknown, if it may have been.
            Failed: etcd understood and refused (its code is neither UNAVAILABLE nor DEADLINE_EXCEEDED).
        """
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + self._settings.timeout_s
        while True:
            at = self._at
            member = self._members[at % len(self._members)]
            left_s = deadline_s - loop.time()
            # A read leaves time to ask another member. A write that is given up is one whose end nobody knows.
            allowed_s = max(0.05, min(left_s, self._settings.timeout_s / 2) if again and self._several else left_s)
            try:
                return await loop.run_in_executor(self._threads, _made, what, member, allowed_s)
            except Failed as failed:
                if failed.code not in ("UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED", "UNKNOWN"):
                    raise
                self.turn_away(at)
                if not failed.sure and not again:
                    raise ThemisServerError(
                        ErrorCode.OUTCOME_UNKNOWN,
                        f"etcd at {member.endpoint} did not confirm a change: {failed.detail}",
                    ) from failed
                if loop.time() + _PAUSE_S >= deadline_s:
                    raise ThemisServerError(
                        ErrorCode.METADATA_UNAVAILABLE,
                        f"etcd does not answer, last {member.endpoint}: {failed.detail}",
                        retry_after_s=1,
                    ) from failed
                await asyncio.sleep(_PAUSE_S)

    @property
    def _several(self) -> bool:
        return len(self._members) > 1

    @property
    def at(self) -> int:
        """Which attempt at a member is the current one; what `turn_away` is told."""
        return self._at

    def turn_away(self, at: int) -> None:
        """Ask the next member from now on, unless somebody has turned away from this one already."""
        if at == self._at:
            self._at += 1

    def stream(self, request: Any) -> WatchStream:
        """Open a watch at the current member; raises `Failed`."""
        return WatchStream(self._members[self._at % len(self._members)], request, asyncio.get_running_loop())

    async def close(self) -> None:
        """Close the channels; watches end."""
        for member in self._members:
            await asyncio.to_thread(member.channel.close)
        self._threads.shutdown(wait=False, cancel_futures=True)


class WatchStream:
    """One watch at one member, read by a thread of its own and handed to the event loop in order."""

    def __init__(self, member: Member, request: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._arrived: asyncio.Queue[Any] = asyncio.Queue()
        self._done = threading.Event()
        try:
            self._call = member.watch.Watch(self._requests(request), metadata=_NEEDS_LEADER)
        except ValueError as error:  # the channel is closed
            raise Failed("UNAVAILABLE", str(error), sure=True) from error
        self._thread = threading.Thread(target=self._read, name=f"etcd-watch-{member.endpoint}", daemon=True)
        self._thread.start()

    async def next(self) -> Any:
        """Return the next `WatchResponse`; raises `Failed` when the stream has ended, for whatever reason."""
        arrived = await self._arrived.get()
        if isinstance(arrived, Failed):
            raise arrived
        return arrived

    def cancel(self) -> None:
        """End the stream."""
        self._done.set()
        self._call.cancel()

    def _requests(self, request: Any) -> Iterator[Any]:
        yield request
        self._done.wait()  # the stream lasts as long as its requests do

    def _read(self) -> None:
        try:
            for response in self._call:
                self._hand(response)
            self._hand(Failed("UNAVAILABLE", "the watch ended", sure=True))
        except grpc.RpcError as error:
            self._hand(_failed(error))
        finally:
            self._done.set()

    def _hand(self, arrived: object) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._arrived.put_nowait, arrived)


def _made(what: Callable[[Member, float], T], member: Member, allowed_s: float) -> T:
    try:
        return what(member, allowed_s)
    except grpc.RpcError as error:
        raise _failed(error) from error
    except ValueError as error:  # the channel is closed
        raise Failed("UNAVAILABLE", str(error), sure=True) from error


def _failed(error: Any) -> Failed:
    code, detail = error.code().name, error.details() or "no details"
    lower = detail.lower()
    sure = code == "UNAVAILABLE" and any(sign in lower for sign in _NOT_SENT + _NOT_DONE)
    return Failed(code, detail, sure=sure or code == "RESOURCE_EXHAUSTED")


def _credentials(settings: EtcdSettings) -> Any:
    if not settings.ca:
        return None

    def read(path: str) -> bytes | None:
        if not path:
            return None
        with open(path, "rb") as file:
            return file.read()

    return grpc.ssl_channel_credentials(read(settings.ca), read(settings.key), read(settings.cert))
