"""Makes the cluster's certificate authority, and certificates of it for nodes and clients.

Certificates are X.509 with ECDSA on P-256, which every TLS library speaks. The authority is a directory with `ca.pem`
and `ca-key.pem`; whoever holds the key decides who is a node, so it belongs on no node. A private key is written with
mode 0600 and never over an existing file.

Only operators' commands import this module: `cryptography` costs a node 16 MiB that it has no use for.
"""

from __future__ import annotations

import ipaddress
import os
import stat
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from themis_server.security.names import CertificateName

__all__ = [
    "Authority",
    "CertificateError",
    "Issued",
    "issue_client",
    "issue_node",
    "load_ca",
    "make_ca",
]

CA_DAYS: Final = 3650
NODE_DAYS: Final = 825
"""The longest that common TLS clients accept of a server."""

_BACKDATED: Final = timedelta(days=1)
"""Certificates are good from a day ago: machines' clocks differ."""

_CA_FILE: Final = "ca.pem"
_CA_KEY_FILE: Final = "ca-key.pem"


class CertificateError(Exception):
    """A certificate cannot be made or read; the message says why and names the file."""


class Authority(NamedTuple):
    """A cluster's certificate authority with its key."""

    cluster: str
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    file: Path


class Issued(NamedTuple):
    """The files that a node or a client is configured with."""

    certificate: Path
    key: Path
    ca: Path


def make_ca(directory: Path, cluster: str, *, now: datetime, valid_days: int = CA_DAYS) -> Authority:
    """Make a certificate authority in `directory`, which is made when missing.

    Args:
        directory: where `ca.pem` and `ca-key.pem` go.
        cluster: `node.cluster` of the nodes that will get certificates.
        now: the time, with a time zone.
        valid_days: how long the authority is good.

    Raises CertificateError if there is one already: a new one would lock out every node that has a certificate of it.
    Raises InvalidName if `cluster` cannot be the name of a cluster.
    """
    CertificateName(cluster, "node", "any").checked()
    if (directory / _CA_FILE).exists() or (directory / _CA_KEY_FILE).exists():
        raise CertificateError(f"{directory} has a certificate authority already; it is not overwritten")
    directory.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, cluster),
            x509.NameAttribute(NameOID.COMMON_NAME, f"ThemisDB cluster {cluster}"[:64]),
        ]
    )
    certificate = (
        _builder(name, name, key, now, valid_days)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(authority=True), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    # The key first: an authority without its key cannot be used and would only stand in the way of the next try.
    _write(directory / _CA_KEY_FILE, _key_pem(key), private=True)
    _write(directory / _CA_FILE, _certificate_pem(certificate))
    return Authority(cluster, certificate, key, directory / _CA_FILE)


def load_ca(directory: Path) -> Authority:
    """Read the certificate authority that `make_ca` wrote into `directory`.

    Raises CertificateError if there is none, or its key is readable for other users, or the two do not fit.
    """
    file, key_file = directory / _CA_FILE, directory / _CA_KEY_FILE
    try:
        if key_file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise CertificateError(f"{key_file} can be read by other users; make it `chmod 600` (or a new authority)")
        certificate = x509.load_pem_x509_certificate(file.read_bytes())
        key = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
    except OSError as error:
        raise CertificateError(
            f"no certificate authority in {directory}: {error.strerror}: {error.filename}"
        ) from error
    except (ValueError, TypeError) as error:
        raise CertificateError(f"{directory} has a certificate authority that cannot be read") from error
    organizations = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        raise CertificateError(f"{key_file} is not the key of {file}")
    if len(organizations) != 1:
        raise CertificateError(f"{file} does not say of which cluster it is")
    return Authority(str(organizations[0].value), certificate, key, file)


def issue_node(
    authority: Authority,
    node_id: str,
    hosts: Sequence[str],
    directory: Path,
    *,
    now: datetime,
    valid_days: int = NODE_DAYS,
) -> Issued:
    """Make a node's key and certificate, and put them with a copy of the CA into `directory`.

    Args:
        authority: of the node's cluster.
        node_id: `node.id`.
        hosts: names and addresses of the node; for clients of its HTTPS port only, nodes look at the URI.
        directory: gets `NODE_ID.pem`, `NODE_ID-key.pem` and `ca.pem`; made when missing.
        now: the time, with a time zone.
        valid_days: how long the certificate is good; never longer than the authority.

    Raises CertificateError if one of the files of the node is there already, or a host is no name.
    """
    return _issue(authority, CertificateName(authority.cluster, "node", node_id), hosts, directory, now, valid_days)


def issue_client(
    authority: Authority, name: str, directory: Path, *, now: datetime, valid_days: int = NODE_DAYS
) -> Issued:
    """Make a client's key and certificate (`http.tls_client_ca`); the peer port does not accept it.

    Arguments and errors are those of `issue_node`.
    """
    return _issue(authority, CertificateName(authority.cluster, "client", name), (), directory, now, valid_days)


def _issue(
    authority: Authority, holder: CertificateName, hosts: Sequence[str], directory: Path, now: datetime, valid_days: int
) -> Issued:
    holder.checked()
    issued = Issued(directory / f"{holder.name}.pem", directory / f"{holder.name}-key.pem", directory / _CA_FILE)
    for file in issued[:2]:
        if file.exists() or file.name in (_CA_FILE, _CA_KEY_FILE):
            raise CertificateError(f"{file} is there already; it is not overwritten")
    ca_pem = _certificate_pem(authority.certificate)
    if issued.ca.exists() and issued.ca.read_bytes() != ca_pem:
        raise CertificateError(f"{issued.ca} is another certificate authority; it is not overwritten")
    key = ec.generate_private_key(ec.SECP256R1())
    names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(holder.uri), *map(_host, hosts)]
    purposes = [ExtendedKeyUsageOID.CLIENT_AUTH]
    if holder.kind == "node":
        purposes.append(ExtendedKeyUsageOID.SERVER_AUTH)
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, holder.cluster),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, holder.kind),
            x509.NameAttribute(NameOID.COMMON_NAME, holder.name),
        ]
    )
    days_left = (authority.certificate.not_valid_after_utc - now) / timedelta(days=1)
    if days_left <= 0:
        raise CertificateError(f"the certificate authority {authority.file} has expired")
    certificate = (
        _builder(subject, authority.certificate.subject, key, now, min(valid_days, days_left))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    directory.mkdir(parents=True, exist_ok=True)
    _write(issued.key, _key_pem(key), private=True)
    _write(issued.certificate, _certificate_pem(certificate))
    if not issued.ca.exists():
        _write(issued.ca, ca_pem)
    return issued


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, valid_days: float
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + timedelta(days=valid_days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        pass
    try:
        if not host or any(character.isspace() for character in host):
            raise ValueError(host)
        return x509.DNSName(host.encode("idna").decode())
    except ValueError as error:
        raise CertificateError(f"{host!r} is neither an address nor a host name") from error


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _certificate_pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _write(file: Path, content: bytes, *, private: bool = False) -> None:
    """Write a new file; a private one is never open to others, not even for a moment."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if private else 0o644)
    except FileExistsError as error:
        raise CertificateError(f"{file} is there already; it is not overwritten") from error
    with open(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
