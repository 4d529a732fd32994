"""A certificate authority that exists for one run: for scripted clusters that speak TLS, and for their clients."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import tempfile
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

__all__ = ["Authority"]

_DAY = datetime.timedelta(days=1)


class Authority:
    """Makes its files in a directory of its own, which `close` removes.

    `files` are what ${tls....} stands for: the authority's certificate, and certificate and key of a client.
    """

    def __init__(self) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="themis-conformance-")
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "themis-conformance")])
        ca_file = self._root / "ca.pem"
        certificate = self._signed(self._name, self._key, authority=True)
        ca_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        self._server = self._issue("server")
        client_certificate, client_key = self._issue("client")
        self.files = {"ca_file": str(ca_file), "cert_file": str(client_certificate), "key_file": str(client_key)}

    @property
    def _root(self) -> Path:
        return Path(self._directory.name)

    def close(self) -> None:
        """Remove the files."""
        self._directory.cleanup()

    def server_context(self, *, client_certificates: bool) -> ssl.SSLContext:
        """What a scripted node serves https with."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self._server)
        context.set_alpn_protocols(["http/1.1"])
        if client_certificates:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.files["ca_file"])
        return context

    def _issue(self, name: str) -> tuple[Path, Path]:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._signed(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), key, authority=False)
        certificate_file, key_file = self._root / f"{name}.pem", self._root / f"{name}.key"
        certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        pem, pkcs8, plain = (
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        key_file.touch(mode=0o600)
        key_file.write_bytes(key.private_bytes(pem, pkcs8, plain))
        return certificate_file, key_file

    def _signed(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, *, authority: bool) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        loopback = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        built = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _DAY)
            .not_valid_after(now + _DAY)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), False)
            .add_extension(x509.BasicConstraints(ca=authority, path_length=0 if authority else None), True)
            .add_extension(_usage(authority=authority), True)
        )
        if not authority:
            built = built.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost"), loopback]), False)
        return built.sign(self._key, hashes.SHA256())


def _usage(*, authority: bool) -> x509.KeyUsage:
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
