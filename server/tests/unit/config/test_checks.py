from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from themis_server.config import Config, Http, Limits, Raft, Storage, check, is_loopback, warnings


def tls(directory: Path) -> Http:
    for name in ("cert.pem", "key.pem"):
        (directory / name).write_text("-")
    (directory / "key.pem").chmod(0o600)
    return Http(tls_cert=str(directory / "cert.pem"), tls_key=str(directory / "key.pem"))


def test_the_defaults_contradict_nothing() -> None:
    assert check(Config()) == []


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "::1", "localhost"])
def test_loopback_addresses_are_accepted(host: str) -> None:
    assert is_loopback(host)
    assert check(Config(http=Http(host=host))) == []


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "10.0.0.1", "db1.example.org", "127.0.0.1.example.org", "[::1]", "0"]
)
def test_any_other_bind_is_refused_with_what_it_waits_for(host: str) -> None:
    (problem,) = check(Config(http=Http(host=host)))

    assert problem.startswith(f"http.host: {host} is not a loopback address")
    assert "set http.tls_cert, http.tls_key and http.tls_client_ca" in problem


def test_tls_alone_does_not_open_another_bind(tmp_path: Path) -> None:
    assert len(check(Config(http=replace(tls(tmp_path), host="0.0.0.0", allow_insecure=True)))) == 1


def test_client_certificates_are_a_login_and_open_any_bind(tmp_path: Path) -> None:
    http = tls(tmp_path)

    assert check(Config(http=replace(http, host="0.0.0.0", tls_client_ca=http.tls_cert))) == []
    assert len(check(Config(http=Http(host="0.0.0.0", tls_client_ca=http.tls_cert)))) == 2


def test_tls_on_loopback_is_accepted(tmp_path: Path) -> None:
    http = tls(tmp_path)

    assert check(Config(http=http)) == []
    assert http.endpoint() == "https://127.0.0.1:8080"


@pytest.mark.parametrize(
    ("http", "named"),
    [
        (Http(tls_cert=__file__), "http.tls_key"),
        (Http(tls_key=__file__), "http.tls_cert"),
        (Http(tls_client_ca=__file__), "http.tls_client_ca"),
        (Http(tls_cert=__file__, tls_key="/absent.pem"), "http.tls_key: there is no file /absent.pem"),
    ],
)
def test_half_a_tls_setup_is_refused(http: Http, named: str) -> None:
    (problem,) = check(Config(http=http))

    assert problem.startswith(named)


@pytest.mark.parametrize(
    "origin", ["https://console.example.org", "http://localhost:3000", "http://[::1]:3000", "HTTPS://A.example"]
)
def test_origins_are_accepted(origin: str) -> None:
    assert check(Config(http=Http(cors_origins=(origin,), advertise=origin + "/"))) == []


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "null",
        "example.org",
        "ftp://a",
        "http://",
        "http://a/b",
        "http://u:p@a",
        "http://a:0",
        "http://a:x",
        "http://[",
    ],
)
def test_what_is_no_origin_is_refused(origin: str) -> None:
    (problem,) = check(Config(http=Http(cors_origins=(origin,))))

    assert problem.startswith("http.cors_origins")


def test_an_advertised_url_has_nothing_but_scheme_host_and_port() -> None:
    (problem,) = check(Config(http=Http(advertise="http://user:pass@db1:8080/x")))

    assert problem.startswith("http.advertise")


@pytest.mark.parametrize(
    ("limits", "named"),
    [
        (Limits(batch_bytes_max=2048, body_bytes_max=4096), "limits.batch_bytes_max"),
        (Limits(batch_response_bytes_max=2048, body_bytes_max=4096), "limits.batch_response_bytes_max"),
        (Limits(proposal_bytes_max=1 << 20), "limits.proposal_bytes_max"),
    ],
)
def test_limits_that_exclude_each_other_are_refused(limits: Limits, named: str) -> None:
    (problem,) = check(Config(limits=limits))

    assert problem.startswith(named)


@pytest.mark.parametrize(
    ("heartbeat", "election", "fine"), [(2, 10, True), (9, 10, True), (10, 10, False), (11, 10, False)]
)
def test_heartbeats_come_more_often_than_elections(heartbeat: int, election: int, fine: bool) -> None:
    found = check(Config(raft=Raft(heartbeat_ticks=heartbeat, election_ticks=election)))

    assert (found == []) is fine


def test_endpoints_are_urls() -> None:
    assert Http().endpoint() == "http://127.0.0.1:8080"
    assert Http(port=0).endpoint(4711) == "http://127.0.0.1:4711"
    assert Http(host="::1").endpoint() == "http://[::1]:8080"
    assert Http(advertise="https://db1.example.org:8080/").endpoint(1) == "https://db1.example.org:8080"


def test_what_may_be_meant_is_warned_about(tmp_path: Path) -> None:
    risky = Config(raft=Raft(fsync=False), storage=Storage(disk_reserve_bytes=0))

    assert [warning.split(":")[0] for warning in warnings(risky)] == [
        "http.host",
        "raft.fsync",
        "storage.disk_reserve_bytes",
    ]
    assert warnings(Config(http=Http(allow_insecure=True))) == []


def test_a_key_that_others_can_read_is_warned_about(tmp_path: Path) -> None:
    http = tls(tmp_path)

    assert warnings(Config(http=http)) == []

    Path(http.tls_key).chmod(0o644)
    assert [warning.split(":")[0] for warning in warnings(Config(http=http))] == ["http.tls_key"]
