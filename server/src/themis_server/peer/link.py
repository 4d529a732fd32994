"""One connection between two nodes: TLS, the greeting, frames both ways, signs of life.

    handshake -> greeting -> open -> closed
                    `-> refused (lingers until the other side has read why)

A link reads and writes its socket itself. `send` has tried to write before it returns; what the socket does not take
waits in the outbox, whose size the owner bounds by looking at it. All methods belong to the thread of the loop.
"""

from __future__ import annotations

import asyncio
import fcntl
import socket
import ssl
import termios
from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from typing import Final, NamedTuple, Protocol

from themis_server.observability import log
from themis_server.peer.counters import Counters
from themis_server.peer.frames import FrameReader, MalformedFrame
from themis_server.peer.gate import Permit
from themis_server.peer.hello import (
    SPOKEN,
    Admit,
    Greeted,
    Greeting,
    Refusal,
    Refused,
    Versions,
    encode_hello,
    encode_refusal,
)
from themis_server.peer.identity import Identity
from themis_server.peer.limits import PeerLimits
from themis_server.peer.outbox import Outbox
from themis_server.peer.roster import Roster
from themis_server.security.names import InvalidName, certificate_name
from themis_server.security.tls import PeerTls

__all__ = ["Closed", "Link", "LinkOwner", "Peering"]

_log = log.get_logger(__name__).limited()

_TLS_RECORD_BYTES: Final = 16 << 10
_READ_BYTES: Final = 64 << 10
_READ_TURN_BYTES: Final = 1 << 20
"""After so much the loop's other callbacks have their turn."""
_WRITE_TURN_BYTES: Final = 4 << 20
_LINGER_S: Final = 1.0
_NO_BYTES: Final = bytes(4)


class Peering(NamedTuple):
    """What all connections of a node share; made once, used by both loops."""

    identity: Callable[[], Identity]
    """Who this node is now. Called by both loops: must only read."""
    admit: Admit
    tls: PeerTls | None
    """None only with `peer.allow_insecure`."""
    limits: PeerLimits
    roster: Roster
    versions: Versions = SPOKEN
    """Of the protocol between nodes, which this one speaks."""


class Closed(NamedTuple):
    """Why a link ended."""

    detail: str
    refusal: Refusal | None = None
    """Set if one side refused the other's greeting."""


class LinkOwner(Protocol):
    """Whom a link tells what happens. It may close the link in any of these."""

    def greeted(self, link: Link, greeted: Greeted) -> Refusal | None:
        """Take the link, or refuse it; on the accepting side the own greeting has not been sent yet."""
        ...

    def opened(self, link: Link) -> None:
        """The link is open both ways."""
        ...

    def received(self, link: Link, payload: bytes) -> None:
        """A frame, never an empty one. Raises MalformedFrame if it breaks the protocol, which closes the link."""
        ...

    def closed(self, link: Link, why: Closed) -> None:
        """The link is gone; called once, whatever state it was in."""
        ...


class _State(Enum):
    HANDSHAKE = "handshake"
    GREETING = "greeting"
    OPEN = "open"
    REFUSED = "refused"
    CLOSED = "closed"


class Link:
    """A connection that was made or accepted."""

    __slots__ = (
        "_blocked",
        "_counters",
        "_deadline",
        "_descriptor",
        "_dialled",
        "_expected",
        "_flushing",
        "_heard",
        "_heard_s",
        "_limits",
        "_loop",
        "_owner",
        "_peering",
        "_permit",
        "_read_blocked",
        "_read_bytes",
        "_reader",
        "_secured",
        "_sent",
        "_sent_s",
        "_sock",
        "_state",
        "_strangers",
        "identity",
        "outbox",
        "stranger",
        "version",
        "where",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        sock: socket.socket,
        owner: LinkOwner,
        peering: Peering,
        counters: Counters,
        *,
        where: str,
        dialled: str | None = None,
        permit: Permit | None = None,
        strangers: bool = False,
    ) -> None:
        """Take over a connected, non-blocking socket whose preamble is through; call `start` next.

        Args:
            loop: the loop of this thread.
            sock: the socket; closed by the link.
            owner: is told what happens.
            peering: what this node's connections share.
            counters: of this loop.
            where: the other side's address, for logs.
            dialled: the node id that was dialled, "" for anybody; None if the other side dialled.
            permit: the connection's place among those not greeted yet.
            strangers: take a node that is not known yet.
        """
        self._loop = loop
        self._sock = sock
        self._descriptor = sock.fileno()
        self._owner = owner
        self._peering = peering
        self._counters = counters
        self._limits = peering.limits
        self._dialled = dialled is not None
        self._expected = dialled or None
        self._permit = permit
        self._strangers = strangers
        self._secured = peering.tls is not None
        self._read_bytes = _TLS_RECORD_BYTES if self._secured else _READ_BYTES
        self._reader = FrameReader(self._limits.greeting_bytes_max)
        self._state = _State.HANDSHAKE
        self._blocked = False
        """Whether the loop tells when the socket takes more."""
        self._read_blocked = False
        """Whether TLS has to write before it can read on."""
        self._flushing = False
        self._deadline: asyncio.TimerHandle | None = None
        self._heard = self._sent = True
        self._heard_s = self._sent_s = loop.time()
        self.where = where
        self.identity: Identity | None = None
        """Who the other side is, once it is greeted."""
        self.stranger: Refusal | None = None
        """Why the other side is no member of the cluster, if it is none."""
        self.version = 0
        """Of the protocol: the highest that both sides speak, 0 before the greeting."""
        self.outbox = Outbox()
        """What waits for the socket; for its owner to look at, not to fill."""

    def start(self) -> None:
        """Begin the handshake. The owner may be told of the end before this returns."""
        self._deadline = self._loop.call_later(self._limits.connect_timeout_s, self._late)
        self._loop.add_reader(self._descriptor, self._readable)
        tls = self._peering.tls
        if tls is None:
            self._greet()
            return
        context = tls.client if self._dialled else tls.server
        plain = self._sock
        try:
            self._sock = context.wrap_socket(plain, server_side=not self._dialled, do_handshake_on_connect=False)
        except (OSError, ValueError) as error:
            self._tls_failed(error)
            return
        self._handshake()

    @property
    def open(self) -> bool:
        """Whether frames can be sent."""
        return self._state is _State.OPEN

    def send(self, payload: bytes) -> None:
        """Send a frame: what the socket takes now is sent when this returns. Dropped if the link is not open."""
        if self._state is _State.OPEN:
            self._enqueue(payload)
            if not self._blocked:
                self._flush()

    def send_soon(self, payload: bytes) -> None:
        """Send a frame together with others of this iteration of the loop."""
        if self._state is _State.OPEN:
            self._enqueue(payload)
            if not self._blocked and not self._flushing:
                self._flushing = True
                self._loop.call_soon(self._flush)

    def close(self, detail: str, refusal: Refusal | None = None) -> None:
        """End the link now; what is queued is lost."""
        if self._state is _State.CLOSED:
            return
        was_open = self._state is _State.OPEN
        self._state = _State.CLOSED
        self._loop.remove_reader(self._descriptor)
        self._unblock()
        if self._deadline is not None:
            self._deadline.cancel()
        with suppress(OSError):
            self._sock.close()
        self.outbox.clear()
        self._leave()
        if was_open:
            self._counters.connections -= 1
        self._owner.closed(self, Closed(detail, refusal))

    def malformed(self, detail: str) -> None:
        """End the link because what arrived breaks the protocol, and count it."""
        if self._state is not _State.CLOSED:
            self._counters.bad_frames += 1
            _log.warning("peer.malformed", peer=self._name(), address=self.where, reason=detail)
            self.close(f"malformed: {detail}")

    def watch(self, now_s: float, *, late: bool) -> None:
        """Look for signs of life; called every now and then.

        Args:
            now_s: the loop's time.
            late: this loop was blocked itself, so that silence says nothing.
        """
        if self._state is not _State.OPEN:
            return
        if self._heard or late:
            self._heard = False
            self._heard_s = now_s
        elif now_s - self._heard_s >= self._limits.silence_s:
            self._counters.silent += 1
            self.close(f"nothing was heard for {self._limits.silence_s:g} s")
            return
        if self._sent:
            self._sent = False
            self._sent_s = now_s
        elif now_s - self._sent_s >= self._limits.ping_s and not self._blocked:
            self._enqueue(b"")
            self._flush()

    # --- reading

    def _readable(self) -> None:
        if self._state is _State.HANDSHAKE:
            self._handshake()
            return
        taken = 0
        wanted = self._read_bytes
        while self._state is not _State.CLOSED:
            try:
                data = self._sock.recv(wanted)
            except (ssl.SSLWantReadError, BlockingIOError, InterruptedError):
                return
            except ssl.SSLWantWriteError:
                self._read_blocked = True
                self._block()
                return
            except (OSError, ValueError) as error:
                self._lost(error)
                return
            if not data:
                self._lost(None)
                return
            self._heard = True
            self._take(data)
            taken += len(data)
            if len(data) < wanted and not self._pending() and not self._waiting():
                return
            if taken >= _READ_TURN_BYTES:
                if self._pending():
                    self._loop.call_soon(self._read_on)
                return

    def _read_on(self) -> None:
        if self._state is not _State.CLOSED:
            self._readable()

    def _pending(self) -> bool:
        """Whether TLS holds decrypted bytes, of which the loop cannot know."""
        sock = self._sock
        return isinstance(sock, ssl.SSLSocket) and self._state is not _State.CLOSED and sock.pending() > 0

    def _waiting(self) -> bool:
        """Whether the socket has more, after less was read than was wanted.

        TLS gives out one record at a time, which is about one frame. The loop would call the reader again for the next
        one, but what is taken in the same turn shares a sync: on a slow disk a node would fall ever further behind.
        """
        if not self._secured or self._state is _State.CLOSED:
            return False
        return fcntl.ioctl(self._descriptor, termios.FIONREAD, _NO_BYTES) != _NO_BYTES

    def _take(self, data: bytes) -> None:
        counters = self._counters
        counters.bytes_in += len(data)
        if self._state is _State.REFUSED:
            return
        try:
            for payload in self._reader.feed(data):
                if self._state is _State.OPEN:
                    if payload:
                        counters.frames_in += 1
                        self._owner.received(self, payload)
                elif self._state is _State.GREETING:
                    self._judge(payload)
                else:
                    return
        except MalformedFrame as error:
            self.malformed(str(error))
        except BaseException:
            # A fault of this node: frames behind this one would be out of order, so none of them is taken.
            self.close("a frame could not be processed")
            raise

    # --- handshake and greeting

    def _handshake(self) -> None:
        assert isinstance(self._sock, ssl.SSLSocket)
        try:
            self._sock.do_handshake()
        except ssl.SSLWantReadError:
            self._unblock()
        except ssl.SSLWantWriteError:
            self._block()
        except (OSError, ValueError) as error:
            self._tls_failed(error)
        else:
            self._unblock()
            self._greet()

    def _greet(self) -> None:
        self._state = _State.GREETING
        if self._dialled:
            self._enqueue(encode_hello(self._peering.identity(), self._peering.versions))
            self._flush()

    def _judge(self, payload: bytes) -> None:
        own = self._peering.identity()
        certificate = None
        if isinstance(self._sock, ssl.SSLSocket):
            with suppress(InvalidName):
                certificate = certificate_name(self._sock.getpeercert() or {})
        verdict = Greeting(
            own,
            certificate=certificate,
            secured=self._secured,
            expected=self._expected,
            admit=None if self._dialled and self._expected is None else self._peering.admit,
            strangers=self._strangers,
            versions=self._peering.versions,
        ).judge(payload)
        if isinstance(verdict, Greeted):
            refusal = self._peering.roster.enter(verdict.identity, self)
            if refusal is None:
                self.identity, self.version, self.stranger = verdict
                refusal = self._owner.greeted(self, verdict)
                if self._state is _State.CLOSED:
                    return
                if refusal is None:
                    self._open(own)
                    return
                self._peering.roster.leave(verdict.identity, self)
                self.identity = None
            verdict = Refused(refusal, by_peer=False)
        self._refused(verdict)

    def _open(self, own: Identity) -> None:
        if not self._dialled:
            self._enqueue(encode_hello(own, self._peering.versions))
            self._flush()
            if self._state is _State.CLOSED:
                return
        self._state = _State.OPEN
        self._reader.limit_bytes = self._limits.frame_bytes_max
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        if self._permit is not None:
            self._permit.greeted()
        self._heard_s = self._sent_s = self._loop.time()
        self._counters.connections += 1
        self._counters.connected += 1
        self._owner.opened(self)

    def _refused(self, verdict: Refused) -> None:
        refusal, by_peer = verdict
        if by_peer:
            if not self._dialled:
                raise MalformedFrame("a refusal instead of a greeting")
            self._counters.refused_by_peer(refusal.code)
        else:
            self._counters.refuse(refusal.code)
        _log.warning(
            "peer.refused",
            address=self.where,
            code=refusal.code,
            detail=refusal.detail,
            by="peer" if by_peer else "this node",
        )
        if self._dialled:
            self.close(refusal.detail, refusal)
            return
        self._enqueue(encode_refusal(refusal))
        self._flush()
        if self._state is _State.CLOSED:
            return
        # To close now, with bytes unread, would reset the connection and take the refusal with it. So only the sending
        # half is closed, past TLS, which could not read afterwards.
        self._state = _State.REFUSED
        with suppress(OSError):
            socket.socket.shutdown(self._sock, socket.SHUT_WR)
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = self._loop.call_later(_LINGER_S, self.close, refusal.detail, refusal)

    def _late(self) -> None:
        self._counters.greeting_late += 1
        self.close(f"no greeting in {self._limits.connect_timeout_s:g} s")

    def _tls_failed(self, error: Exception) -> None:
        self._counters.tls_failed += 1
        reason = getattr(error, "verify_message", "") or getattr(error, "reason", "") or str(error)
        _log.warning("peer.tls_failed", address=self.where, reason=reason)
        self.close(f"TLS: {reason}")

    def _lost(self, error: Exception | None) -> None:
        self.close("closed by the other side" if error is None else f"connection lost: {error}")

    def _leave(self) -> None:
        if self._permit is not None:
            self._permit.leave()
        if self.identity is not None:
            self._peering.roster.leave(self.identity, self)

    def _name(self) -> str:
        return "" if self.identity is None else self.identity.node_id

    # --- writing

    def _enqueue(self, payload: bytes) -> None:
        self._counters.frames_out += 1
        self._sent = True
        self.outbox.put(payload)

    def _flush(self) -> None:
        """Write until nothing is left or the socket is full."""
        self._flushing = False
        if self._state is _State.CLOSED:
            return
        outbox = self.outbox
        written = 0
        while written < _WRITE_TURN_BYTES:
            chunk = outbox.chunk()
            if chunk is None:
                self._unblock()
                return
            try:
                sent = self._sock.send(chunk)
            except (ssl.SSLWantWriteError, ssl.SSLWantReadError, BlockingIOError, InterruptedError):
                self._block()
                return
            except (OSError, ValueError) as error:
                self._lost(error)
                return
            outbox.took(sent)
            written += sent
            self._counters.bytes_out += sent
        self._block()  # goes on in the next iteration

    def _block(self) -> None:
        if not self._blocked:
            self._blocked = True
            self._loop.add_writer(self._descriptor, self._writable)

    def _unblock(self) -> None:
        if self._blocked:
            self._blocked = False
            self._loop.remove_writer(self._descriptor)

    def _writable(self) -> None:
        if self._state is _State.HANDSHAKE:
            self._handshake()
            return
        self._flush()
        if self._read_blocked:
            self._read_blocked = False
            self._read_on()
