"""Transports: TLS, httpx's in the place of ours, forks, and arguments that cannot work."""

from __future__ import annotations

import os
import ssl
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from clients.python.tests.conftest import Connect
from clients.python.tests.scripted_server import Fault, ScriptedServer
from themis import ConfigurationError, RetryPolicy, ThemisClient, TlsOptions, TransportError

QUICK = RetryPolicy(backoff_base_s=0.001, backoff_max_s=0.002)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that is its own authority, with its key, in one file."""
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "themis test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path_factory.mktemp("tls") / "node.pem"
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def tls_server(certificate: Path) -> Iterator[ScriptedServer]:
    """It demands a client certificate."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(certificate))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(certificate)
    with ScriptedServer(tls=context) as server:
        yield server


def test_mutual_tls(tls_server: ScriptedServer, connect: Connect, certificate: Path) -> None:
    client, uuid = connect(tls_server.urls, tls=TlsOptions(ca_file=certificate, cert_file=certificate)), str(uuid4())
    client.put("document", "users", uuid, {"a": 1})
    assert client.get("document", "users", uuid) == {"a": 1}
    assert tls_server.connections == 1


def test_an_unknown_authority_is_refused(tls_server: ScriptedServer, connect: Connect) -> None:
    with pytest.raises(TransportError, match=r"(?i)certificate") as caught:
        connect(tls_server.urls, max_retries=0).get("document", "users", str(uuid4()))
    assert caught.value.kind == "connect"


@pytest.mark.parametrize("member", ["ca_file", "cert_file"])
@pytest.mark.parametrize("content", [None, "no certificate"])
def test_certificates_that_cannot_be_read_are_refused_at_once(
    connect: Connect, tmp_path: Path, member: str, content: str | None
) -> None:
    path = tmp_path / "file.pem"
    if content is not None:
        path.write_text(content)
    options: dict[str, Any] = {member: path}
    with pytest.raises(ConfigurationError):
        connect(["https://h"], tls=TlsOptions(**options))


def httpx_transport(kind: str) -> Any:
    return httpx.HTTPTransport() if kind == "sync" else httpx.AsyncHTTPTransport()


def test_httpx_transports_carry_requests(server: ScriptedServer, connect: Connect, kind: str) -> None:
    client, uuid = connect(server.urls, transport=httpx_transport(kind), retry=QUICK), str(uuid4())
    assert client.put("document", "users", uuid, {"a": 1}).created
    assert client.get("document", "users", uuid) == {"a": 1}
    assert client.exists("document", "users", uuid)
    assert "/entity/urn%3Athemis%3Adocument" in server.entity_requests()[0].target
    server.faults = [Fault("close_after_commit", times=1)]
    assert client.put("document", "users", uuid, {"a": 2}).replayed
    server.stop_node(0)
    with pytest.raises(TransportError) as caught:
        client.put("document", "users", uuid, {"a": 3})
    assert caught.value.kind == "connect"


def test_httpx_mock_transport(connect: Connect) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/topology":
            return httpx.Response(404)
        return httpx.Response(200, json={"path": request.url.raw_path.decode()}, headers={"ETag": '"1"'})

    client = connect(["http://fake"], transport=httpx.MockTransport(answer))
    uuid = str(uuid4())
    assert client.get("document", "users", uuid) == {
        "path": f"/entity/urn%3Athemis%3Adocument%3Adefault%3Ausers%3A{uuid}"
    }


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
def test_a_forked_child_makes_connections_of_its_own(server: ScriptedServer, tmp_path: Path) -> None:
    with ThemisClient(server.urls) as client:
        client.put("document", "users", str(uuid4()), {})
        opened = server.connections
        child = os.fork()
        if child == 0:
            try:
                client.put("document", "users", str(uuid4()), {"child": True})
                (tmp_path / "done").touch()
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        assert (tmp_path / "done").exists()
        assert server.connections == opened + 1
        client.put("document", "users", str(uuid4()), {})
        assert server.connections == opened + 1


@pytest.mark.parametrize(
    "options",
    [
        {"endpoints": []},
        {"endpoints": "http://h:1"},
        {"endpoints": ["h:1"]},
        {"endpoints": ["http://user:pw@h"]},
        {"namespace": "a:b"},
        {"namespace": ".."},
        {"timeout": 0},
        {"timeout": float("nan")},
        {"max_retries": -1},
        {"parallel": 0},
        {"refresh_interval": 0},
        {"user_agent": "a\nb"},
        {"pool_size": 0},
        {"connect_timeout": 0},
        {"connect_timeout": float("nan")},
    ],
)
def test_options_that_cannot_work_are_refused_at_once(options: dict[str, Any], connect: Connect) -> None:
    with pytest.raises(ConfigurationError):
        connect(**{"endpoints": ["http://h"], **options})


@pytest.mark.parametrize(
    ("method", "arguments", "options"),
    [
        ("get", ("document", "users", "x"), {"consistency": "sometimes"}),
        ("get", ("document", "users", "x"), {"max_lag_ms": 5}),
        ("put", ("document", "users", "x", {}), {"if_match": 0}),
        ("put", ("document", "users", "x", {}), {"if_match": []}),
        ("put", ("document", "users", "x", {}), {"if_none_match": "1"}),
        ("put", ("document", "users", "x", {}), {"idempotency_key": "a b"}),
        ("put", ("document", "users", "x", {}), {"idempotency_key": "k" * 256}),
        ("put", ("document", "users", "x", [1]), {}),
        ("put", ("document", "users", "x", {"a": object()}), {}),
        ("put", ("document", "users", "x", {"a": "\ud800"}), {}),
        ("get_collection", ("..",), {}),
        ("create_collection", ("c", "tables"), {}),
        ("iterate", ("c",), {"page_size": 0}),
    ],
)
def test_arguments_that_cannot_work_are_refused_before_anything_is_sent(
    server: ScriptedServer, connect: Connect, method: str, arguments: tuple[Any, ...], options: dict[str, Any]
) -> None:
    client, uuid = connect(server.urls), str(uuid4())
    arguments = tuple(uuid if argument == "x" else argument for argument in arguments)
    with pytest.raises(ValueError, match=r".+"):
        list(getattr(client, method)(*arguments, **options))
    assert server.log == []


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_closed_clients_leave_nothing_open(server: ScriptedServer, connect: Connect) -> None:
    def descriptors() -> int:
        return len(os.listdir("/proc/self/fd"))

    connect(server.urls).get("document", "users", str(uuid4()))
    server.drop_connections()
    before = descriptors()
    for _ in range(20):
        client = connect(server.urls)
        client.get("document", "users", str(uuid4()))
        client.close()
    server.drop_connections()
    assert descriptors() <= before + 2
