"""What both clients are built from: how options become a core, and how arguments become flows' arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

from themis import __version__
from themis.core import Core
from themis.errors import ConfigurationError
from themis.hooks import Hooks
from themis.json_codec import Document
from themis.options import Consistency, Options, ReadOptions, Token, check_name, parse_endpoints
from themis.retry import RetryBudget, RetryPolicy
from themis.urn import Urn, UrnPrefix, check_texts, parse_prefix

__all__: list[str] = []


def build_core(
    endpoints: Sequence[str],
    namespace: str,
    timeout: float,
    max_retries: int,
    *,
    token: Token | None,
    hooks: Sequence[Hooks],
    retry: RetryPolicy | None,
    retry_budget: RetryBudget | None,
    idempotency_keys: bool,
    refresh_interval: float,
    user_agent: str | None,
    parallel: int,
    consistency: Consistency | None = None,
    max_lag_ms: int | None = None,
    datacenter: str | None = None,
    rack: str | None = None,
    sessions: bool = True,
) -> Core:
    """The core of a client; raises ConfigurationError."""
    return Core(
        Options(
            endpoints=parse_endpoints(endpoints),
            namespace=namespace,
            timeout_s=timeout,
            retry=retry if retry is not None else RetryPolicy(retries_max=max_retries),
            budget=retry_budget if retry_budget is not None else RetryBudget(),
            hooks=tuple(hooks),
            token=token,
            idempotency_keys=idempotency_keys,
            refresh_interval_s=refresh_interval,
            user_agent=f"themis-python/{__version__}" + (f" {user_agent}" if user_agent else ""),
            parallel=parallel,
            read=ReadOptions(consistency, max_lag_ms),
            datacenter=datacenter,
            rack=rack,
            sessions=sessions,
        )
    )


def read_options(core: Core, consistency: Consistency | None, max_lag_ms: int | None) -> ReadOptions:
    """How fresh a call's read must be: what it says itself, else what the client says; raises ConfigurationError."""
    if consistency is None and max_lag_ms is None:
        return core.options.read
    return core.options.read.over(consistency, max_lag_ms)


def session_token(core: Core) -> str:
    """The session as text; empty where none is kept."""
    return "" if core.session is None else core.session.token()


def merge_session(core: Core, token: str) -> None:
    """Merge a session that was exported; raises ConfigurationError."""
    if core.session is None:
        raise ConfigurationError("this client keeps no session (sessions=False)")
    core.session.merge(token)


def forget_session(core: Core) -> None:
    """Begin a new session."""
    if core.session is not None:
        core.session.forget()


def as_urn(urn: Urn | str) -> Urn:
    """A URN from either form; raises InvalidUrn."""
    return urn if isinstance(urn, Urn) else Urn.parse(urn)


def urn_maker(model: str, namespace: str, collection: str) -> Callable[[str], Urn]:
    """Uuids of one collection to URNs; raises InvalidUrn at once when it is no collection."""
    check_texts(model, namespace, collection)
    prefix = parse_prefix(UrnPrefix(model, namespace, collection).text).text

    def make(uuid: str) -> Urn:
        return Urn.parse(f"{prefix}{uuid}")

    return make


def put_entries(items: Mapping[Any, Document] | Iterable[tuple[Any, ...]]) -> list[tuple[Any, Document, int | None]]:
    """The items of a batch_put in whichever form they came, as (name, document, if_match)."""
    if isinstance(items, Mapping):
        return [(name, document, None) for name, document in cast("Mapping[Any, Document]", items).items()]
    entries: list[tuple[Any, Document, int | None]] = []
    for item in items:
        if len(item) not in (2, 3):
            raise ConfigurationError("an item to put is (uuid, document) or (uuid, document, if_match)")
        entries.append((item[0], item[1], item[2] if len(item) == 3 else None))
    return entries


def delete_entries(items: Iterable[str | Urn | tuple[Any, int | None]]) -> list[tuple[Any, int | None]]:
    """The items of a batch_delete in whichever form they came, as (name, if_match)."""
    _refuse_single(items)
    return [item if isinstance(item, tuple) else (item, None) for item in items]


def names_of(items: Iterable[Any]) -> list[Any]:
    """The uuids or URNs to read."""
    _refuse_single(items)
    return list(items)


def namespace_of(core: Core, namespace: str | None) -> str:
    """The namespace of a call: its own, or the client's."""
    return core.options.namespace if namespace is None else check_name(namespace, "namespace")


def _refuse_single(items: Iterable[Any]) -> None:
    # A string is an iterable of strings: 36 one-letter uuids are never what was meant.
    if isinstance(items, str | Urn):
        raise ConfigurationError("a batch takes a list, not a single name")
