"""The greeting: each side says who it is, and one may be refused by name. Pure.

    dialler  -> Hello
    acceptor -> Hello, or Refusal and the end

The first byte of a frame tells which: `H` and `R`, and MessagePack follows. The versions of the protocol that a node
speaks are a range; both take the highest that they share, and nothing of a higher one is said on that connection
(docs/internals/versions.md has the rules). What a greeting says counts only as far as the certificate of the connection
says it too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, NamedTuple, TypeAlias, get_args

import msgspec
from msgspec import Struct

from themis_server.peer.frames import MalformedFrame
from themis_server.peer.identity import Identity
from themis_server.security.names import CertificateName

__all__ = [
    "REFUSAL_CODES",
    "SPOKEN",
    "VERSION_MAX",
    "VERSION_MIN",
    "Admit",
    "Greeted",
    "Greeting",
    "Hello",
    "Refusal",
    "RefusalCode",
    "Refused",
    "Versions",
    "decode_greeting",
    "encode_hello",
    "encode_refusal",
]

VERSION_MIN: Final = 1
VERSION_MAX: Final = 1
"""The versions of the protocol between nodes that this release speaks.

1: the first. Raised by one, with a line here, for whatever an older peer would misread or not answer.
"""


class Versions(NamedTuple):
    """A range of versions of the protocol, both ends included."""

    lowest: int
    highest: int

    def shared(self, other: Versions) -> int | None:
        """Return the highest version that both ranges have, None if there is none."""
        highest = min(self.highest, other.highest)
        return highest if highest >= max(self.lowest, other.lowest) else None


SPOKEN: Final = Versions(VERSION_MIN, VERSION_MAX)

RefusalCode: TypeAlias = Literal[
    "wrong_cluster",
    "unknown_node",
    "duplicate_node",
    "stale_epoch",
    "removed_node",
    "version_unsupported",
    "certificate_mismatch",
]
REFUSAL_CODES: Final[tuple[RefusalCode, ...]] = get_args(RefusalCode)

_HELLO: Final = b"H"
_REFUSAL: Final = b"R"
_DETAIL_MAX: Final = 500


class Hello(Struct, frozen=True, array_like=True):
    """Who I am and which versions I speak. Fields may be added at the end, with defaults."""

    version_min: int
    version_max: int
    identity: Identity


class Refusal(Struct, frozen=True, array_like=True):
    """Why a connection is not taken: a name that programs go by, and a sentence for a person."""

    code: RefusalCode
    detail: str


Admit: TypeAlias = Callable[[Identity], Refusal | None]
"""Looks a node up in the topology: None, or why it is not spoken to. Called by several threads: must only read."""

_hello_decoder: Final = msgspec.msgpack.Decoder(Hello)
_refusal_decoder: Final = msgspec.msgpack.Decoder(Refusal)
_encoder: Final = msgspec.msgpack.Encoder()


def encode_hello(identity: Identity, versions: Versions = SPOKEN) -> bytes:
    """Return the payload of a greeting."""
    return _HELLO + _encoder.encode(Hello(versions.lowest, versions.highest, identity))


def encode_refusal(refusal: Refusal) -> bytes:
    """Return the payload of a refusal."""
    return _REFUSAL + _encoder.encode(refusal)


def decode_greeting(payload: bytes) -> Hello | Refusal:
    """Read the first payload of a connection; raises MalformedFrame if it is neither."""
    kind = payload[:1]
    try:
        if kind == _HELLO:
            hello = _hello_decoder.decode(payload[1:])
            if not 0 < hello.version_min <= hello.version_max or not hello.identity.sound():
                raise MalformedFrame("a greeting with impossible values")
            return hello
        if kind == _REFUSAL:
            refusal = _refusal_decoder.decode(payload[1:])
            return Refusal(refusal.code, refusal.detail[:_DETAIL_MAX])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedFrame("a greeting that cannot be read") from error
    raise MalformedFrame("the first frame is no greeting")


class Greeted(NamedTuple):
    """The other side is who it says, and may be spoken to."""

    identity: Identity
    version: int
    """Of the protocol: the highest that both sides speak."""
    stranger: Refusal | None
    """Why it is not a member (`unknown_node`), where the connection takes nodes that want to become one."""


class Refused(NamedTuple):
    """The connection comes to nothing."""

    refusal: Refusal
    by_peer: bool
    """Whether the other side said so, and not this one."""


class Greeting:
    """Judges the other side's greeting, once per connection."""

    __slots__ = ("_admit", "_certificate", "_expected", "_own", "_secured", "_strangers", "_versions")

    def __init__(
        self,
        own: Identity,
        *,
        certificate: CertificateName | None,
        secured: bool,
        expected: str | None,
        admit: Admit | None,
        strangers: bool = False,
        versions: Versions = SPOKEN,
    ) -> None:
        """Prepare for a greeting.

        Args:
            own: this node.
            certificate: whose certificate the other side showed; None if it names nobody, or there is no TLS.
            secured: whether the connection has TLS: then a certificate must be there.
            expected: the node id that was dialled; None when the other side dialled, or anybody will do.
            admit: looks up the other side; None skips that (the address of a seed was dialled).
            strangers: take a node that is unknown so far.
            versions: of the protocol that this node speaks.
        """
        self._own = own
        self._certificate = certificate
        self._secured = secured
        self._expected = expected
        self._admit = admit
        self._strangers = strangers
        self._versions = versions

    def judge(self, payload: bytes) -> Greeted | Refused:
        """Read the other side's greeting, and say who it is or why the connection comes to nothing.

        Raises MalformedFrame if it is no greeting.
        """
        hello = decode_greeting(payload)
        if isinstance(hello, Refusal):
            return Refused(hello, by_peer=True)
        theirs = Versions(hello.version_min, hello.version_max)
        version = self._versions.shared(theirs)
        if version is None:
            return Refused(self._unsupported(hello.identity, theirs), by_peer=False)
        refusal = self._refusal(hello.identity)
        stranger = None
        if refusal is None and self._admit is not None:
            refusal = self._admit(hello.identity)
            if refusal is not None and refusal.code == "unknown_node" and self._strangers:
                stranger, refusal = refusal, None
        if refusal is not None:
            return Refused(refusal, by_peer=False)
        return Greeted(hello.identity, version, stranger)

    def _unsupported(self, other: Identity, theirs: Versions) -> Refusal:
        ours = self._versions
        return Refusal(
            "version_unsupported",
            f"{self._own.node_id} ({self._own.release}) speaks versions {ours.lowest} to {ours.highest} of the "
            f"protocol between nodes, {other.node_id} ({other.release}) {theirs.lowest} to {theirs.highest}",
        )

    def _refusal(self, other: Identity) -> Refusal | None:
        own = self._own
        if other.cluster != own.cluster:
            return Refusal("wrong_cluster", f"{own.node_id} is of cluster {own.cluster}, not of {other.cluster}")
        if self._secured:
            mismatch = self._mismatch(other)
            if mismatch:
                return Refusal("certificate_mismatch", mismatch)
        if other.cluster_id and own.cluster_id and other.cluster_id != own.cluster_id:
            return Refusal("wrong_cluster", f"{own.node_id} is of another cluster that is called {own.cluster} too")
        if other.node_id == own.node_id:
            if other.instance == own.instance:
                return Refusal("duplicate_node", f"{own.node_id} was connected to itself")
            return Refusal("duplicate_node", f"there are two nodes that are called {own.node_id}")
        if self._expected is not None and other.node_id != self._expected:
            return Refusal("unknown_node", f"{self._expected} was dialled, and {other.node_id} answered")
        return None

    def _mismatch(self, other: Identity) -> str:
        shown = self._certificate
        if shown is None:
            return "the certificate does not say of which node it is"
        if shown.kind != "node":
            return f"the certificate is of a {shown.kind}, {shown.name}, not of a node"
        if shown.cluster != other.cluster:
            return f"the certificate is of cluster {shown.cluster}"
        if shown.name != other.node_id:
            return f"the certificate is of {shown.name}, and {other.node_id} greets with it"
        return ""
