"""Options of a client, as PROTOCOL.md lists them."""

from __future__ import annotations

from typing import Any, Final

from themis_conformance.format.fields import Fields
from themis_conformance.mistake import Mistake

__all__ = ["features_of_options", "read_options"]

_OPTIONS: Final[dict[str, tuple[str, ...]]] = {
    "endpoints": (),
    "namespace": (),
    "user_agent": (),
    "timeout_ms": (),
    "connect_timeout_ms": (),
    "refresh_interval_ms": (),
    "max_retries": (),
    "retry": ("retries_max", "backoff_base_ms", "backoff_max_ms", "attempt_timeout_ms"),
    "retry_budget": ("ratio", "reserve"),
    "idempotency_keys": (),
    "parallel": (),
    "consistency": (),
    "max_lag_ms": (),
    "datacenter": (),
    "rack": (),
    "sessions": (),
    "pool_size": (),
    "token": (),
    "token_sequence": (),
    "tls": ("ca_file", "cert_file", "key_file"),
    "exact_integers": (),
    "record_hooks": (),
    "failing_hooks": (),
}

_FEATURES: Final = {
    "consistency": "replicas",
    "max_lag_ms": "replicas",
    "datacenter": "replicas",
    "rack": "replicas",
    "sessions": "sessions",
    "token": "tokens",
    "token_sequence": "tokens",
    "tls": "tls",
    "record_hooks": "hooks",
    "failing_hooks": "hooks",
}


def read_options(raw: Any, path: str) -> dict[str, Any]:
    """Check the names of options; their values may be wrong on purpose. Returns them."""
    if isinstance(raw, str) and "${" in raw:
        return {}
    fields = Fields(raw, path)
    found: dict[str, Any] = {}
    for name, members in _OPTIONS.items():
        if name not in fields:
            continue
        value = found[name] = fields.take(name)
        if members and isinstance(value, dict):
            inner = Fields(value, fields.at(name))
            for member in members:
                inner.take(member)
            inner.end()
        elif members and value is not None and not isinstance(value, str):
            raise Mistake(f"expected an object, not {value!r}", fields.at(name))
    fields.end()
    return found


def features_of_options(options: dict[str, Any]) -> set[str]:
    """The features that an adapter needs for these options."""
    return {_FEATURES[name] for name in options if name in _FEATURES}
