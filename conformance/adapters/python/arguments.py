"""What a command asks for, as arguments of themis-python: options of its clients, arguments of their methods."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from themis import Hooks, RetryBudget, RetryPolicy, TlsOptions

JSON = dict[str, Any]
_READ = {"namespace", "consistency", "max_lag_ms", "timeout"}
_WRITE = {"namespace", "idempotency_key", "timeout"}
_ASK = {"namespace", "timeout"}
_CHANGE = {"options", "idempotency_key", "timeout"}
# For each op: its positional arguments after the entity's or batch's name, and those given by name.
_ENTITY_OPS: dict[str, tuple[tuple[str, ...], set[str]]] = {
    "get": ((), _READ),
    "get_entity": ((), _READ | {"if_none_match"}),
    "exists": ((), _READ),
    "put": (("data",), _WRITE | {"if_match", "if_none_match"}),
    "patch": (("changes",), _WRITE | {"if_match"}),
    "delete": ((), _WRITE | {"if_match"}),
}
_BATCH_OPS: dict[str, set[str]] = {"batch_get": _READ, "batch_put": _WRITE, "batch_delete": _WRITE}
_OTHER_OPS: dict[str, tuple[tuple[str, ...], set[str]]] = {
    "create_namespace": (("name",), _CHANGE),
    "alter_namespace": (("name",), _CHANGE),
    "get_namespace": (("name",), {"timeout"}),
    "list_namespaces": ((), {"timeout"}),
    "drop_namespace": (("name",), {"force", "idempotency_key", "timeout"}),
    "create_collection": (("name", "model"), _CHANGE | _ASK),
    "get_collection": (("name",), _ASK),
    "alter_collection": (("name",), _CHANGE | _ASK),
    "list_collections": ((), _ASK),
    "drop_collection": (("name",), _WRITE),
    "count_collection": (("name",), _READ),
    "topology": ((), {"timeout"}),
    "health": ((), {"endpoint", "timeout"}),
    "version": ((), {"timeout"}),
    "metrics": ((), {"timeout"}),
    "admin_topology": ((), {"timeout"}),
    "admin_metrics": ((), {"node_id", "timeout"}),
    "admin_status": ((), {"timeout"}),
    "admin_nodes": ((), {"timeout"}),
    "admin_node": (("node_id",), {"timeout"}),
    "admin_remove_node": (("node_id",), {"force", "timeout"}),
    "admin_drain_node": (("node_id",), {"timeout"}),
    "admin_undrain_node": (("node_id",), {"timeout"}),
    "admin_shards": ((), {"timeout"}),
    "admin_shard": (("shard_id",), {"timeout"}),
    "admin_transfer_leader": (("shard_id",), {"target", "timeout"}),
    "admin_replace_replica": (("shard_id", "source"), {"target", "timeout"}),
    "admin_set_replicas": (("replicas",), {"timeout"}),
    "admin_join_tokens": ((), {"timeout"}),
    "admin_create_join_token": ((), {"ttl_s", "description", "timeout"}),
    "admin_revoke_join_token": (("token_id",), {"timeout"}),
    "merge_session": (("token",), set()),
    "forget_session": ((), set()),
}
_ITERATE = {"page_size", "include_docs", "cursor"} | _READ
_AS_THEY_ARE = {
    *("endpoints", "namespace", "user_agent", "max_retries", "idempotency_keys", "parallel", "pool_size"),
    *("consistency", "max_lag_ms", "datacenter", "rack", "sessions"),
}
_OPTIONS = {"auto_create_collections", "description", "cache_max_age_s", "change_feed"}


class Unsupported(Exception):
    """The adapter does not understand a command or one of its members."""


def _token_callback(tokens: list[str], mode: str) -> Callable[[], Any]:
    left = list(tokens)

    def sync_token() -> str:
        return left.pop(0) if len(left) > 1 else left[0]

    async def async_token() -> str:
        return sync_token()

    return sync_token if mode == "sync" else async_token


def client_options(options: JSON, mode: str, hooks: list[Hooks]) -> JSON:
    """The keyword arguments of both clients for the options of `createClient`."""
    found: JSON = {"hooks": hooks}
    for name, value in options.items():
        if name in _AS_THEY_ARE:
            found[name] = value
        elif name == "token":
            found["token"] = value
        elif name == "token_sequence":
            found["token"] = _token_callback(value, mode)
        elif name in ("timeout_ms", "connect_timeout_ms", "refresh_interval_ms"):
            found[name.removesuffix("_ms")] = value / 1000
        elif name == "retry":
            members: JSON = dict(_in_seconds(*member) for member in value.items())
            found["retry"] = RetryPolicy(**members)
        elif name == "retry_budget":
            found["retry_budget"] = RetryBudget(**value)
        elif name == "tls":
            found["tls"] = TlsOptions(**value)
        elif name not in ("exact_integers", "record_hooks", "failing_hooks"):
            raise Unsupported(f"the option {name}")
    return found


def _in_seconds(name: str, value: float) -> tuple[str, float]:
    """An argument in milliseconds as the SDK has it; others as they are."""
    return (name.removesuffix("_ms") + "_s", value / 1000) if name.endswith("_ms") else (name, value)


def bind(op: str, args: JSON) -> tuple[str, list[Any], JSON]:
    """The method of the clients that an op is, with its arguments."""
    given = _with_timeout(args)
    if op in _ENTITY_OPS:
        names, allowed = _ENTITY_OPS[op]
        by_urn = "urn" in given
        place = ("urn",) if by_urn else ("model", "collection", "uuid")
        method = f"{op}_by_urn" if by_urn else op
        names = (*place, *names)
    elif op in _BATCH_OPS:
        allowed = _BATCH_OPS[op]
        method = op if "model" in given else f"{op}_by_urn"
        what = "items" if op != "batch_get" else "uuids" if "model" in given else "urns"
        if op == "batch_delete":
            given["items"] = [item[0] if len(item) == 1 else tuple(item) for item in given["items"]]
        elif op == "batch_put":
            given["items"] = [tuple(item) for item in given["items"]]
        names = ("model", "collection", what) if "model" in given else (what,)
    elif op in _OTHER_OPS:
        names, allowed = _OTHER_OPS[op]
        method = op
    else:
        raise Unsupported(f"the op {op}")
    missing = [name for name in names if name not in given]
    strange = [name for name in given if name not in names and name not in allowed]
    if missing or strange:
        raise Unsupported(f"{op} with the arguments {sorted(args)}")
    positional = [given.pop(name) for name in names]
    if "options" in allowed:
        options = given.pop("options", None) or {}
        if unknown := set(options) - _OPTIONS:
            raise Unsupported(f"the options {sorted(unknown)}")
        given.update(options)
    return method, positional, given


def bind_iterate(args: JSON) -> tuple[str, JSON]:
    """The arguments of the clients' `iterate`: the collection, and those given by name."""
    given = _with_timeout(args)
    collection: str = given.pop("collection")
    if strange := set(given) - _ITERATE - {"timeout"}:
        raise Unsupported(f"iterate with {sorted(strange)}")
    if "include_docs" in given:
        given["include"] = "doc" if given.pop("include_docs") else "version"
    return collection, given


def _with_timeout(args: JSON) -> JSON:
    given = dict(args)
    if "timeout_ms" in given:
        given["timeout"] = given.pop("timeout_ms") / 1000
    return given
