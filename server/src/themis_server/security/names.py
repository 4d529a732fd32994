"""What a certificate says about its holder: one URI among its subject alternative names.

    themis://CLUSTER/node/NODE_ID      a node; opens the peer port
    themis://CLUSTER/client/NAME       a client of the HTTP port; opens no peer port

Nodes are known by these names and not by host names: an address may change or be shared, and who resolves a name is not
who may be a member of the cluster.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Literal, NamedTuple, TypeAlias

__all__ = ["CertificateName", "InvalidName", "Kind", "certificate_name", "parse_uri"]

Kind: TypeAlias = Literal["node", "client"]

_PART: Final = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}"
_URI: Final = re.compile(rf"themis://({_PART})/(node|client)/({_PART})", re.ASCII)
_PART_ONLY: Final = re.compile(_PART, re.ASCII)
_SCHEME: Final = "themis:"


class InvalidName(ValueError):
    """A certificate does not name one holder, or a name cannot stand in a certificate."""


class CertificateName(NamedTuple):
    """Who holds a certificate: `name` is a node id or a client's name."""

    cluster: str
    kind: Kind
    name: str

    @property
    def uri(self) -> str:
        """The subject alternative name."""
        return f"themis://{self.cluster}/{self.kind}/{self.name}"

    def checked(self) -> CertificateName:
        """Return this name; raises InvalidName if its parts are not what `node.cluster` and `node.id` may be."""
        for part in (self.cluster, self.name):
            if not _PART_ONLY.fullmatch(part):
                raise InvalidName(
                    f"{part!r} cannot be named in a certificate: letters, digits, '_', '.', '-', 63 at most"
                )
        return self


def parse_uri(uri: str) -> CertificateName:
    """Read a subject alternative name. Raises InvalidName for anything else than the two forms above."""
    match = _URI.fullmatch(uri)
    if match is None:
        raise InvalidName(f"{uri[:200]!r} does not name a node or a client of a cluster")
    return CertificateName(match[1], "node" if match[2] == "node" else "client", match[3])


def certificate_name(certificate: Mapping[str, object]) -> CertificateName:
    """Return who holds a certificate.

    Args:
        certificate: as `ssl.SSLSocket.getpeercert()` gives it after the chain was verified.

    Raises InvalidName unless the certificate has exactly one name of the scheme `themis`.
    """
    names = certificate.get("subjectAltName", ())
    assert isinstance(names, tuple)
    uris = [value for kind, value in names if kind == "URI" and value.lower().startswith(_SCHEME)]
    if len(uris) != 1:
        raise InvalidName(f"the certificate has {len(uris)} names of the form themis://CLUSTER/node/NODE, not one")
    return parse_uri(uris[0])
