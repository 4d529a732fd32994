"""HOST:PORT, as settings and the topology write an address."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["format_host_port", "parse_host_port"]

_PORT_MAX: Final = 65_535
_HOST: Final = re.compile(r"[A-Za-z0-9_.-]{1,253}", re.ASCII)
_HOST_V6: Final = re.compile(r"[0-9A-Fa-f:.]{2,45}(%[A-Za-z0-9_.-]{1,32})?", re.ASCII)
_PORT: Final = re.compile(r"[0-9]{1,5}", re.ASCII)


def parse_host_port(text: str) -> tuple[str, int]:
    """Read `db1.example.org:9080`, `10.0.0.1:9080` or `[::1]:9080`.

    Returns the host without brackets, and the port (1 to 65535). Raises ValueError for anything else.
    """
    host, colon, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
        named = _HOST_V6.fullmatch(host) is not None and ":" in host
    else:
        named = _HOST.fullmatch(host) is not None
    if not colon or not named or not _PORT.fullmatch(port) or not 0 < int(port) <= _PORT_MAX:
        raise ValueError(f"{text!r} is not HOST:PORT, like db1.example.org:9080 or [::1]:9080")
    return host, int(port)


def format_host_port(host: str, port: int) -> str:
    """Write an address so that `parse_host_port` reads it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
