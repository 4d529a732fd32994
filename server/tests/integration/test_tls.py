"""TLS and client certificates on loopback, and the binds that are refused."""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from pathlib import Path

import pytest

from server.tests.integration.certificates import Authority
from server.tests.process import Fleet, Node, StartFailed, wait_for
from server.tests.rawhttp import Closed, RawConnection, exchange, request


def _client(authority: Authority, pair: tuple[Path, Path] | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(authority.certificate))
    if pair is not None:
        context.load_cert_chain(*pair)
    return context


def _version(node: Node, context: ssl.SSLContext) -> int:
    with RawConnection(node.port, 5, context) as connection:
        connection.send(request("GET", "/version"))
        return connection.reply().status


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "authority")


def test_tls(fleet: Fleet, authority: Authority) -> None:
    certificate, key = authority.issue("server")
    node = fleet.start(settings={"http.tls_cert": certificate, "http.tls_key": key, "limits.header_timeout_s": 1})
    assert [event["endpoint"] for event in node.events() if event["event"] == "node.ready"] == [
        f"https://127.0.0.1:{node.port}"
    ]
    assert _version(node, _client(authority)) == 200
    with pytest.raises((Closed, OSError)):  # plain HTTP is not answered
        exchange(node.port, request("GET", "/version"))
    with pytest.raises(ssl.SSLError):
        _version(node, ssl.create_default_context())
    old = _client(authority)
    old.minimum_version = ssl.TLSVersion.TLSv1_2
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    assert _version(node, old) == 200
    assert node.stop() == 0


def test_a_tls_handshake_that_does_not_come_is_cut_off(fleet: Fleet, authority: Authority) -> None:
    certificate, key = authority.issue("server")
    node = fleet.start(settings={"http.tls_cert": certificate, "http.tls_key": key, "limits.header_timeout_s": 1})
    with socket.create_connection(("127.0.0.1", node.port), 10) as connection:
        connection.sendall(b"\x16\x03\x01")
        connection.settimeout(8)
        with suppress(ConnectionResetError):
            assert connection.recv(100) == b""
    assert _version(node, _client(authority)) == 200


def test_client_certificates(fleet: Fleet, authority: Authority, tmp_path: Path) -> None:
    certificate, key = authority.issue("server")
    clients = Authority(tmp_path, "clients")
    settings = {"http.tls_cert": certificate, "http.tls_key": key, "http.tls_client_ca": clients.certificate}
    node = fleet.start(settings=settings)
    assert _version(node, _client(authority, clients.issue("good"))) == 200
    for refused in (None, authority.issue("wrong-authority")):
        with pytest.raises((ssl.SSLError, Closed, OSError)):
            _version(node, _client(authority, refused))
    assert _version(node, _client(authority, clients.issue("good-again"))) == 200


def test_tls_files_that_do_not_fit_are_refused(fleet: Fleet, authority: Authority, tmp_path: Path) -> None:
    certificate, key = authority.issue("server")
    _, other_key = authority.issue("other")
    nonsense = tmp_path / "nonsense"
    nonsense.write_text("nonsense")
    for settings in (
        {"http.tls_cert": certificate, "http.tls_key": other_key},
        {"http.tls_cert": nonsense, "http.tls_key": key},
        {"http.tls_cert": certificate, "http.tls_key": nonsense},
        {"http.tls_cert": certificate, "http.tls_key": key, "http.tls_client_ca": nonsense},
        {"http.tls_cert": certificate},
        {"http.tls_cert": certificate, "http.tls_key": tmp_path / "absent"},
    ):
        with pytest.raises(StartFailed) as refused:
            fleet.start(settings=settings)
        assert refused.value.code == 1, refused.value
        assert "Traceback" not in refused.value.output
        assert "tls" in refused.value.output.lower()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org", ""])
@pytest.mark.parametrize("tls", [False, True])
def test_other_binds_than_loopback_are_refused(fleet: Fleet, authority: Authority, host: str, tls: bool) -> None:
    settings: dict[str, object] = {"http.host": host, "http.allow_insecure": True}
    if tls:
        settings["http.tls_cert"], settings["http.tls_key"] = authority.issue("server")
    with pytest.raises(StartFailed) as refused:
        fleet.start(settings=settings)
    assert refused.value.code == 1
    assert "http.host" in refused.value.output


@pytest.mark.parametrize("host", ["localhost", "::1", "127.0.0.2"])
def test_loopback_by_other_names(fleet: Fleet, host: str) -> None:
    node = fleet.node(settings={"http.host": host})
    refused = node.start_or_refusal()
    if refused is not None:
        assert "cannot listen" in refused.output  # a machine without IPv6
        return
    address = {"localhost": "localhost"}.get(host, host)

    def answered() -> bool:
        with socket.create_connection((address, node.port), 5) as connection:
            connection.sendall(request("GET", "/version"))
            return connection.recv(12) == b"HTTP/1.1 200"

    wait_for(answered, "an answer")
