"""TLS between nodes: 1.3 only, a certificate of the cluster's CA on both sides, host names not looked at.

What a certificate's holder is called is checked by whoever gets the connection (`names.certificate_name`), against what
the holder says of itself.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Final, NamedTuple

from themis_server.security.names import CertificateName, InvalidName, certificate_name

__all__ = ["OwnCertificate", "PeerTls", "TlsFilesError", "expires_ms", "expiry_warning"]

_WARN_BEFORE_MS: Final = 30 * 86_400_000
_DAY_MS: Final = 86_400_000
_TURNS_MAX: Final = 16


class TlsFilesError(Exception):
    """The TLS files of the peer port cannot be used; the message says which and why, in one line for an operator."""


class OwnCertificate(NamedTuple):
    """What this node's own certificate says."""

    name: CertificateName
    expires_ms: int
    """When it ends, milliseconds since 1970."""


class PeerTls:
    """The TLS contexts of a node, for connections that it makes (`client`) and accepts (`server`).

    Shared by all loops of the node. New files are taken by `reload`, without closing what is open.
    """

    __slots__ = ("_ca", "_certificate", "_key", "client", "own", "server")

    def __init__(self, certificate: str | Path, key: str | Path, ca: str | Path) -> None:
        """Load PEM files, and try them on each other.

        Args:
            certificate: this node's certificate, with intermediate ones behind it if there are any.
            key: its private key, without a passphrase.
            ca: the cluster's CA; several in one file while they are being exchanged.

        Raises TlsFilesError if they cannot be read, do not fit, or the certificate is not one of a node.
        """
        self._certificate, self._key, self._ca = str(certificate), str(key), str(ca)
        self.server, self.client, self.own = self._load()

    def must_be_of(self, cluster: str, node_id: str) -> None:
        """Raise TlsFilesError unless the certificate is that of a node `node_id` of `cluster`."""
        wanted = CertificateName(cluster, "node", node_id)
        if self.own.name != wanted:
            raise TlsFilesError(
                f"peer.tls_cert: {self._certificate} is the certificate of {self.own.name.uri}, and this node is "
                f"{wanted.uri} (node.cluster, node.id)"
            )

    def reload(self) -> None:
        """Take the files as they are now for connections from now on; raises TlsFilesError and keeps the old ones."""
        self.server, self.client, self.own = self._load()

    def _load(self) -> tuple[ssl.SSLContext, ssl.SSLContext, OwnCertificate]:
        server = self._context(ssl.PROTOCOL_TLS_SERVER)
        # Without tickets nobody resumes: each connection shows its certificate anew.
        server.num_tickets = 0
        client = self._context(ssl.PROTOCOL_TLS_CLIENT)
        return server, client, _try_out(server, client, self._certificate)

    def _context(self, protocol: int) -> ssl.SSLContext:
        context = ssl.SSLContext(protocol)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.check_hostname = False
        context.verify_mode = ssl.CERT_REQUIRED
        context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_STRICT
        try:
            context.load_verify_locations(self._ca)
        except (OSError, ValueError) as error:
            raise TlsFilesError(f"peer.tls_ca: {self._ca} has no certificates that can be read") from error
        try:
            context.load_cert_chain(self._certificate, self._key, password=_no_passphrase)
        except (OSError, ValueError) as error:
            raise TlsFilesError(
                f"peer.tls_cert, peer.tls_key: {self._certificate} and {self._key} are not a certificate and its key"
            ) from error
        return context


def _no_passphrase() -> str:
    raise ValueError("keys with a passphrase are not taken: nobody is there to type it when a node restarts")


def _try_out(server: ssl.SSLContext, client: ssl.SSLContext, file: str) -> OwnCertificate:
    """Let the certificate shake hands with itself in memory: what peers would refuse is found at the start."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (
        client.wrap_bio(to_client, to_server, server_side=False),
        server.wrap_bio(to_server, to_client, server_side=True),
    )
    done: set[ssl.SSLObject] = set()
    for turn in range(_TURNS_MAX):
        end = ends[turn % 2]
        if end in done:
            continue
        try:
            end.do_handshake()
            done.add(end)
        except ssl.SSLWantReadError:
            continue
        except ssl.SSLError as error:
            raise TlsFilesError(f"peer.tls_cert: {file} is refused by peer.tls_ca: {_reason(error)}") from error
    if len(done) < len(ends):
        raise TlsFilesError(f"peer.tls_cert: {file} cannot be used for TLS 1.3")
    shown = ends[1].getpeercert()
    assert shown is not None, "the context requires a certificate"
    try:
        name = certificate_name(shown)
    except InvalidName as error:
        raise TlsFilesError(f"peer.tls_cert: {file}: {error}") from error
    if name.kind != "node":
        raise TlsFilesError(f"peer.tls_cert: {file} is the certificate of a client, not of a node")
    return OwnCertificate(name, expires_ms(shown))


def _reason(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    return error.reason or "the handshake failed"


def expires_ms(certificate: object) -> int:
    """Return when a certificate, as `getpeercert()` gives it, ends: milliseconds since 1970."""
    assert isinstance(certificate, dict)
    return ssl.cert_time_to_seconds(certificate["notAfter"]) * 1000


def expiry_warning(holder: str, ends_ms: int, now_ms: int) -> str | None:
    """Return a line for the log if a certificate ends within 30 days or has ended; otherwise None.

    Args:
        holder: whose certificate it is.
        ends_ms: when it ends, milliseconds since 1970.
        now_ms: the wall clock, milliseconds since 1970.
    """
    left_ms = ends_ms - now_ms
    if left_ms > _WARN_BEFORE_MS:
        return None
    if left_ms <= 0:
        return f"the certificate of {holder} has expired: its new connections are refused"
    return (
        f"the certificate of {holder} expires in {left_ms // _DAY_MS} days; issue a new one (`themis-admin certs node`)"
    )
