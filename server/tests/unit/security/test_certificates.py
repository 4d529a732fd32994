from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from themis_server.security.certificates import CertificateError, issue_client, issue_node, load_ca, make_ca
from themis_server.security.names import InvalidName
from themis_server.security.tls import PeerTls, TlsFilesError, expiry_warning

NOW = datetime.now(UTC)
DAY_MS = 86_400_000


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def test_a_node_s_certificate_names_it_and_its_hosts(tmp_path: Path) -> None:
    authority = make_ca(tmp_path / "ca", "prod", now=NOW)
    issued = issue_node(authority, "node-1", ["db1.example.org", "10.0.0.1", "::1"], tmp_path / "node", now=NOW)

    certificate = x509.load_pem_x509_certificate(issued.certificate.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == ["themis://prod/node/node-1"]
    assert names.get_values_for_type(x509.DNSName) == ["db1.example.org"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["10.0.0.1", "::1"]
    own = PeerTls(*issued).own
    assert own.name.uri == "themis://prod/node/node-1"
    assert own.expires_ms == round(certificate.not_valid_after_utc.timestamp() * 1000)


def test_private_keys_are_for_their_owner_alone(tmp_path: Path) -> None:
    issued = issue_node(make_ca(tmp_path / "ca", "prod", now=NOW), "node-1", [], tmp_path / "node", now=NOW)

    assert mode(tmp_path / "ca" / "ca-key.pem") == 0o600
    assert mode(issued.key) == 0o600
    assert b"PRIVATE KEY" not in issued.certificate.read_bytes() + issued.ca.read_bytes()


def test_an_authority_is_never_overwritten(tmp_path: Path) -> None:
    make_ca(tmp_path, "prod", now=NOW)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}

    with pytest.raises(CertificateError, match="not overwritten"):
        make_ca(tmp_path, "prod", now=NOW)
    (tmp_path / "ca.pem").unlink()
    with pytest.raises(CertificateError, match="not overwritten"):
        make_ca(tmp_path, "prod", now=NOW)

    assert (tmp_path / "ca-key.pem").read_bytes() == before["ca-key.pem"]


def test_nor_is_a_node_s_key(tmp_path: Path) -> None:
    authority = make_ca(tmp_path / "ca", "prod", now=NOW)
    issued = issue_node(authority, "node-1", [], tmp_path / "node", now=NOW)
    key = issued.key.read_bytes()

    with pytest.raises(CertificateError, match="not overwritten"):
        issue_node(authority, "node-1", [], tmp_path / "node", now=NOW)
    with pytest.raises(CertificateError, match="another certificate authority"):
        issue_node(make_ca(tmp_path / "ca2", "prod", now=NOW), "node-2", [], tmp_path / "node", now=NOW)
    with pytest.raises(CertificateError, match="not overwritten"):
        issue_node(authority, "ca", [], tmp_path / "ca", now=NOW)

    assert issued.key.read_bytes() == key


def test_an_authority_is_read_again(tmp_path: Path) -> None:
    made = make_ca(tmp_path, "prod", now=NOW)
    loaded = load_ca(tmp_path)

    assert loaded.cluster == made.cluster == "prod"
    assert PeerTls(*issue_node(loaded, "node-1", [], tmp_path / "node", now=NOW)).own.name.name == "node-1"


def test_an_authority_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CertificateError, match="no certificate authority"):
        load_ca(tmp_path)
    make_ca(tmp_path / "a", "prod", now=NOW)
    make_ca(tmp_path / "b", "prod", now=NOW)
    (tmp_path / "a" / "ca-key.pem").chmod(0o644)
    with pytest.raises(CertificateError, match="chmod 600"):
        load_ca(tmp_path / "a")
    (tmp_path / "a" / "ca-key.pem").chmod(0o600)
    (tmp_path / "a" / "ca.pem").write_bytes((tmp_path / "b" / "ca.pem").read_bytes())
    with pytest.raises(CertificateError, match="not the key"):
        load_ca(tmp_path / "a")
    (tmp_path / "a" / "ca.pem").write_text("-")
    with pytest.raises(CertificateError, match="cannot be read"):
        load_ca(tmp_path / "a")


@pytest.mark.parametrize("name", ["", "a/b", "../a", "x" * 64])
def test_names_that_are_no_names_get_no_certificate(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidName):
        make_ca(tmp_path, name, now=NOW)
    authority = make_ca(tmp_path, "prod", now=NOW)
    with pytest.raises(InvalidName):
        issue_node(authority, name, [], tmp_path, now=NOW)


@pytest.mark.parametrize("host", ["", "a b", "x" * 64 + ".org"])
def test_hosts_that_are_no_hosts_are_refused(tmp_path: Path, host: str) -> None:
    authority = make_ca(tmp_path, "prod", now=NOW)

    with pytest.raises(CertificateError, match="neither an address nor a host name"):
        issue_node(authority, "node-1", [host], tmp_path / "node", now=NOW)


def test_no_certificate_outlives_its_authority(tmp_path: Path) -> None:
    authority = make_ca(tmp_path, "prod", now=NOW, valid_days=10)
    issued = issue_node(authority, "node-1", [], tmp_path / "node", now=NOW)

    certificate = x509.load_pem_x509_certificate(issued.certificate.read_bytes())
    assert certificate.not_valid_after_utc == authority.certificate.not_valid_after_utc
    with pytest.raises(CertificateError, match="has expired"):
        issue_node(authority, "node-2", [], tmp_path / "node", now=NOW + timedelta(days=11))


def test_a_client_s_certificate_opens_no_peer_port(tmp_path: Path) -> None:
    issued = issue_client(make_ca(tmp_path / "ca", "prod", now=NOW), "ann", tmp_path / "client", now=NOW)

    with pytest.raises(TlsFilesError, match=r"refused by|of a client"):
        PeerTls(*issued)


def test_a_certificate_that_peers_would_refuse_is_found_at_the_start(tmp_path: Path) -> None:
    authority = make_ca(tmp_path / "ca", "prod", now=NOW)
    good = issue_node(authority, "node-1", [], tmp_path / "node", now=NOW)
    past = issue_node(authority, "old", [], tmp_path / "node", now=NOW - timedelta(days=100), valid_days=50)
    other = make_ca(tmp_path / "other", "prod", now=NOW)

    with pytest.raises(TlsFilesError, match=r"old\.pem is refused by peer\.tls_ca: certificate has expired"):
        PeerTls(*past)
    with pytest.raises(TlsFilesError, match=r"is refused by peer\.tls_ca"):
        PeerTls(good.certificate, good.key, other.file)
    with pytest.raises(TlsFilesError, match="not a certificate and its key"):
        PeerTls(good.certificate, past.key, good.ca)
    with pytest.raises(TlsFilesError, match="no certificates that can be read"):
        PeerTls(good.certificate, good.key, good.key)
    with pytest.raises(TlsFilesError, match=r"peer\.tls_ca"):
        PeerTls(good.certificate, good.key, tmp_path / "absent.pem")


def test_new_files_are_taken_while_running_and_bad_ones_are_not(tmp_path: Path) -> None:
    authority = make_ca(tmp_path / "ca", "prod", now=NOW)
    first = issue_node(authority, "node-1", [], tmp_path / "1", now=NOW, valid_days=10)
    second = issue_node(authority, "node-1", [], tmp_path / "2", now=NOW, valid_days=20)
    tls = PeerTls(*first)
    before = tls.own.expires_ms

    first.certificate.write_bytes(second.certificate.read_bytes())
    with pytest.raises(TlsFilesError):
        tls.reload()
    assert tls.own.expires_ms == before
    first.key.write_bytes(second.key.read_bytes())
    tls.reload()

    assert tls.own.expires_ms == before + 10 * DAY_MS


def test_a_node_has_its_own_certificate(tmp_path: Path) -> None:
    tls = PeerTls(*issue_node(make_ca(tmp_path / "ca", "prod", now=NOW), "node-1", [], tmp_path / "node", now=NOW))

    tls.must_be_of("prod", "node-1")
    for cluster, node_id in (("prod", "node-2"), ("test", "node-1")):
        with pytest.raises(TlsFilesError, match="is the certificate of themis://prod/node/node-1, and this node is"):
            tls.must_be_of(cluster, node_id)


def test_expiry_is_announced_a_month_before() -> None:
    assert expiry_warning("node-1", 31 * DAY_MS, 0) is None
    assert "node-1 expires in 29 days" in str(expiry_warning("node-1", 30 * DAY_MS - 1, 0))
    assert "node-1 has expired" in str(expiry_warning("node-1", 5, 5))
