from __future__ import annotations

import pytest

from themis_server.config.addresses import format_host_port, parse_host_port


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("db1.example.org:9080", "db1.example.org", 9080),
        ("10.0.0.1:1", "10.0.0.1", 1),
        ("[::1]:65535", "::1", 65535),
        ("[fe80::1%eth0]:9080", "fe80::1%eth0", 9080),
    ],
)
def test_an_address_is_a_host_and_a_port(text: str, host: str, port: int) -> None:
    assert parse_host_port(text) == (host, port)
    assert format_host_port(host, port) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        "db1",
        "db1:",
        ":9080",
        "db1:0",
        "db1:65536",
        "db1:٣",
        "db1:+1",
        "db1: 1",
        "::1:9080",
        "[db1]:9080",
        "[::1]",
        "http://db1:9080",
        "db1:9080/x",
        "a b:1",
        "u@db1:1",
        "db1:9080\n",
    ],
)
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not HOST:PORT"):
        parse_host_port(text)
