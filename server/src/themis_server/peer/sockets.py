"""TCP sockets of the peer port: their options, and how one is connected without a loop's own transports.

Nodes read and write sockets themselves (`link`): what is sent must be on the wire before the caller goes on to wait for
a disk, and uvloop's transports only write at the end of a loop's iteration.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import os
import socket
from typing import Any, Final

from themis_server.peer.identity import PeerAddress

__all__ = ["KIND_BULK", "KIND_CALLS", "KIND_RAFT", "PREAMBLE_BYTES", "connect", "kind_of", "preamble", "tune"]

KIND_RAFT: Final = b"R"
"""A stream of Raft envelopes, from the one who dials."""
KIND_CALLS: Final = b"C"
"""Calls of the one who dials."""
KIND_BULK: Final = b"B"
"""Calls that carry much: they do not hold up the others."""

_MAGIC: Final = b"THEMIS"
_WIRE_VERSION: Final = b"\x01"
PREAMBLE_BYTES: Final = len(_MAGIC) + 2

_USER_TIMEOUT_MS: Final = 5_000
_KEEPALIVE_IDLE_S: Final = 5
_KEEPALIVE_EVERY_S: Final = 1
_KEEPALIVE_PROBES: Final = 3


def preamble(kind: bytes) -> bytes:
    """Return what the one who dials sends before TLS."""
    return _MAGIC + _WIRE_VERSION + kind


def kind_of(data: bytes) -> bytes | None:
    """Return the kind of connection that a preamble of 8 bytes asks for; None if it is none."""
    if len(data) != PREAMBLE_BYTES or not data.startswith(_MAGIC + _WIRE_VERSION):
        return None
    kind = data[-1:]
    return kind if kind in (KIND_RAFT, KIND_CALLS, KIND_BULK) else None


def tune(sock: socket.socket) -> None:
    """Set what all connections between nodes have: no delay of small writes, and a dead peer is noticed.

    The kernel gives up after 5 seconds without an acknowledgement of what was sent; on connections where nothing is
    sent, which pings make rare, keep-alive probes do the same after 8.
    """
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_USER_TIMEOUT", _USER_TIMEOUT_MS),
        ("TCP_KEEPIDLE", _KEEPALIVE_IDLE_S),
        ("TCP_KEEPINTVL", _KEEPALIVE_EVERY_S),
        ("TCP_KEEPCNT", _KEEPALIVE_PROBES),
    ):
        option = getattr(socket, name, None)  # Linux has all of them, other systems some
        if option is not None:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)


async def connect(loop: asyncio.AbstractEventLoop, address: PeerAddress, kind: bytes) -> socket.socket:
    """Connect to a peer port and send the preamble; the caller sets the time it may take.

    Raises OSError if no address of the host accepts.
    """
    failed: OSError | None = None
    for family, sockaddr in await _resolve(loop, address):
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            tune(sock)
            await _connected(loop, sock, sockaddr)
            # 8 bytes always fit into the buffer of a new connection.
            sock.send(preamble(kind))
            return sock
        except OSError as error:
            sock.close()
            failed = error
        except BaseException:
            sock.close()
            raise
    raise failed if failed is not None else OSError(errno.EHOSTUNREACH, f"{address.host} has no address")


async def _resolve(loop: asyncio.AbstractEventLoop, address: PeerAddress) -> list[tuple[int, Any]]:
    try:
        literal = ipaddress.ip_address(address.host)
    except ValueError:
        found = await loop.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
        return [(family, sockaddr) for family, _, _, _, sockaddr in found]
    family = socket.AF_INET if literal.version == 4 else socket.AF_INET6
    return [(family, (address.host, address.port))]


async def _connected(loop: asyncio.AbstractEventLoop, sock: socket.socket, sockaddr: Any) -> None:
    code = sock.connect_ex(sockaddr)
    if code == errno.EINPROGRESS:
        writable = loop.create_future()
        descriptor = sock.fileno()
        loop.add_writer(descriptor, _set, writable)
        try:
            await writable
        finally:
            loop.remove_writer(descriptor)
        code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:
        raise OSError(code, os.strerror(code))


def _set(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
