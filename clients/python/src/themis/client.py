"""The sync client. Its async twin is `themis.async_client`; a test keeps their surfaces equal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, overload

from themis import batch, entities
from themis._generated.models import Model
from themis.admin_methods import AdminMethods
from themis.batch import PutItems
from themis.batch_result import BatchGetResult, BatchResult
from themis.catalogue import CatalogueMethods
from themis.entities import Entity, IfMatch, NotModified, VersionMatch, WriteResult
from themis.flow import Flow
from themis.hooks import Hooks
from themis.json_codec import Document
from themis.options import Consistency, IdempotencyKey, Token
from themis.retry import RetryBudget, RetryPolicy
from themis.surface import (
    as_urn,
    build_core,
    delete_entries,
    forget_session,
    merge_session,
    names_of,
    namespace_of,
    put_entries,
    read_options,
    session_token,
    urn_maker,
)
from themis.sync_driver import SyncDriver
from themis.transport.message import Transport
from themis.transport.sockets import SocketTransport
from themis.transport.tls import TlsOptions
from themis.urn import Urn

if TYPE_CHECKING:
    import httpx

__all__ = ["ThemisClient"]

_T = TypeVar("_T")


class ThemisClient(CatalogueMethods, AdminMethods):
    """A ThemisDB cluster, for threads.

    One client serves all threads of a process; it keeps connections, the topology and the retry budget. Close it, or
    use it as a context manager. Every call takes `timeout` (seconds, the client's by default) as a limit that retries
    never exceed, and raises the errors of `themis.errors`.

    Args:
        endpoints: URLs of one or more nodes; the others are found through the topology.
        namespace: Where collections are looked for, unless a call says otherwise.
        timeout: Seconds per call, retries and waits included.
        max_retries: Retries per call after its first attempt.
        token: A bearer token, or a callback that returns one (asked again once when the server answers 401).
        tls: How to verify https endpoints, and the client's own certificate.
        hooks: Who is told about requests, retries and ends.
        transport: Carries the requests instead of pooled sockets: a `Transport`, or an httpx transport.
        pool_size: Connections per node at most.
        connect_timeout: Seconds per attempt to connect.
        retry: The whole retry policy, instead of `max_retries`.
        retry_budget: Limits the retries of all calls together; share one between clients if you like.
        idempotency_keys: Whether writes get a key of their own, which makes them safe to retry. Without one, a write
            that may have reached a server is never sent again.
        refresh_interval: Seconds between refreshes of the topology in the background.
        user_agent: Added to the SDK's own.
        parallel: Requests of one batch in flight at once.
        consistency: How fresh reads must be that do not say it themselves: strong, bounded or eventual.
        max_lag_ms: With bounded consistency: how far behind the leader a replica may be, in milliseconds.
        datacenter: Where this client runs, as the nodes call it: reads that may lag go to the nearest replica.
        rack: Its rack there.
        sessions: Whether reads that may lag see what this client has written and read before.
    """

    def __init__(
        self,
        endpoints: Sequence[str],
        namespace: str = "default",
        timeout: float = 30,
        max_retries: int = 3,
        *,
        token: Token | None = None,
        tls: TlsOptions | None = None,
        hooks: Sequence[Hooks] = (),
        transport: Transport | httpx.BaseTransport | None = None,
        pool_size: int = 32,
        connect_timeout: float = 5.0,
        retry: RetryPolicy | None = None,
        retry_budget: RetryBudget | None = None,
        idempotency_keys: bool = True,
        refresh_interval: float = 30.0,
        user_agent: str | None = None,
        parallel: int = 4,
        consistency: Consistency | None = None,
        max_lag_ms: int | None = None,
        datacenter: str | None = None,
        rack: str | None = None,
        sessions: bool = True,
    ) -> None:
        self._core = build_core(
            endpoints,
            namespace,
            timeout,
            max_retries,
            token=token,
            hooks=hooks,
            retry=retry,
            retry_budget=retry_budget,
            idempotency_keys=idempotency_keys,
            refresh_interval=refresh_interval,
            user_agent=user_agent,
            parallel=parallel,
            consistency=consistency,
            max_lag_ms=max_lag_ms,
            datacenter=datacenter,
            rack=rack,
            sessions=sessions,
        )
        if transport is None:
            transport = SocketTransport(tls=tls, pool_size=pool_size, connect_timeout_s=connect_timeout)
        self._driver = SyncDriver(self._core, _adapted(transport))

    @property
    def endpoints(self) -> list[str]:
        """The endpoints that the client was made with."""
        return [endpoint.url for endpoint in self._core.options.endpoints]

    @property
    def namespace(self) -> str:
        """The namespace of calls that name none."""
        return self._core.options.namespace

    # The session

    @property
    def session_token(self) -> str:
        """What this client has seen, as a text for `merge_session` of another one; empty if it has seen nothing."""
        return session_token(self._core)

    def merge_session(self, token: str) -> None:
        """Let reads see what another client has seen, too; raises ConfigurationError for what is no token."""
        merge_session(self._core, token)

    def forget_session(self) -> None:
        """Begin anew, as if nothing had been seen: for a cluster that was restored from a backup."""
        forget_session(self._core)

    # Entities

    def get(
        self,
        model: Model,
        collection: str,
        uuid: str,
        *,
        namespace: str | None = None,
        consistency: Consistency | None = None,
        max_lag_ms: int | None = None,
        timeout: float | None = None,
    ) -> dict[str, Any] | None:
        """Read a document; None when there is no such entity."""
        urn = Urn(model, namespace_of(self._core, namespace), collection, uuid)
        return self._run(entities.get(self._core, urn, read_options(self._core, consistency, max_lag_ms), timeout))

    def get_by_urn(
        self,
        urn: Urn | str,
        *,
        consistency: Consistency | None = None,
        max_lag_ms: int | None = None,
        timeout: float | None = None,
    ) -> dict[str, Any] | None:
        """`get`, by URN."""
        return self._run(
            entities.get(self._core, as_urn(urn), read_options(self._core, consistency, max_lag_ms), timeout)
        )

    @overload
    def get_entity(
        self,
        model: Model,
        collection: str,
        uuid: str,
        *,
        if_none_match: None = None,
        namespace: str | None = None,
        consistency: Consistency | None = None,
        max_lag_ms: int | None = None,
        timeout: float | None = None,
    ) -> Entity | None: ...

    @overload
    def get_entity(
        self,
        model: Model,
        collection: str,
        uuid: str,
        *,
        if_none_match: VersionMatch,
        namespace: str | None = None,
        consistency: Consistency | None = None,
        max_lag_ms: int | None = None,
        timeout: float | None = None,
    ) -> Entity | NotModified | None: ...

    def get_entity(
        self,
        model: Model,
        collection: str,
        uuid: str,
        *,
        if_none_match: VersionMatch | None = None,
        namespace: str | None = None,
        consistency: Consistency | None = None,
        max_lag_ms: int | None = None,
        timeout: float | None = None,
    ) -> Entity | NotModified | None:
        """Read a document with its version; None when there is no such entity.

        With `if_none_match` (a version you have, or several), NOT_MODIFIED when the entity still has it.
        """
        urn = Urn(model, namespace_of(self._core, namespace), collection, uuid)
        read = read_options(self._core, consistency, max_lag_ms)
        return self._run(entities.get_entity(self._core, urn, read, if_none_match, timeout))

    @overload
    def get_entity_by_urn(
        self,
        urn: Urn | str,
        *,
        if_none_match: None = None,
        consistency: Consistency | None = None,
        max_lag_ms: int | None = None,
        timeout: float | None = None,
    ) -> Entity | None: ...

    @overload
    def get_entity_by_urn(
        self,
        urn: Urn | str,
        *,
        if_none_match: VersionMatch,
        consistency: Consistency | None = None,
        max_lag_ms: int | None = None,
        timeout: float | None = None,
    ) -> Entity | NotModified | None: ...

    def get_entity_by_urn(
        self,
        urn: Urn | str,
        *,
        if_none_match: VersionMatch | None = None,
        consistency: Consistency | None = None,
        max_lag_ms: int | None = None,
        timeout: float | None = None,
    ) -> Entity | NotModified | None:
        """`get_entity`, by URN."""
        read = read_options(self._core, consistency, max_lag_ms)
        return self._run(entities.get_entity(self._core, as_urn(urn), read, if_none_match, timeout))

    def exists(
        self,
        model: Model,
        collection: str,
        uuid: str,
        *,
        namespace: str | None = None,
        consistency: Consistency | None = None,
        max_lag_ms: int | None = None,
        timeout: float | None = None,
    ) -> bool:
        """Whether there is such an entity."""
        urn = Urn(model, namespace_of(self._core, namespace), collection, uuid)
        return self._run(entities.exists(self._core, urn, read_options(self._core, consistency, max_lag_ms), timeout))

    def exists_by_urn(
        self,
        urn: Urn | str,
        *,
        consistency: Consistency | None = None,
        max_lag_ms: int | None = None,
        timeout: float | None = None,
    ) -> bool:
        """`exists`, by URN."""
        return self._run(
            entities.exists(self._core, as_urn(urn), read_options(self._core, consistency, max_lag_ms), timeout)
        )

    def put(
        self,
        model: Model,
        collection: str,
        uuid: str,
        data: Document,
        *,
        if_match: IfMatch | None = None,
        if_none_match: Literal["*"] | None = None,
        idempotency_key: IdempotencyKey = None,
        namespace: str | None = None,
        timeout: float | None = None,
    ) -> WriteResult:
        """Create or replace an entity. The write is durable when this returns.

        With `if_match` only if the entity has that version, with `if_none_match="*"` only if there is none; else
        PreconditionFailed, which says the current version.
        """
        urn = Urn(model, namespace_of(self._core, namespace), collection, uuid)
        return self._run(entities.put(self._core, urn, data, if_match, if_none_match, idempotency_key, timeout))

    def put_by_urn(
        self,
        urn: Urn | str,
        data: Document,
        *,
        if_match: IfMatch | None = None,
        if_none_match: Literal["*"] | None = None,
        idempotency_key: IdempotencyKey = None,
        timeout: float | None = None,
    ) -> WriteResult:
        """`put`, by URN."""
        return self._run(entities.put(self._core, as_urn(urn), data, if_match, if_none_match, idempotency_key, timeout))

    def patch(
        self,
        model: Model,
        collection: str,
        uuid: str,
        changes: Document,
        *,
        if_match: IfMatch | None = None,
        idempotency_key: IdempotencyKey = None,
        namespace: str | None = None,
        timeout: float | None = None,
    ) -> WriteResult:
        """Change members of an existing entity (JSON Merge Patch, RFC 7396); a None removes its member.

        Raises EntityNotFound when there is no such entity.
        """
        urn = Urn(model, namespace_of(self._core, namespace), collection, uuid)
        return self._run(entities.patch(self._core, urn, changes, if_match, idempotency_key, timeout))

    def patch_by_urn(
        self,
        urn: Urn | str,
        changes: Document,
        *,
        if_match: IfMatch | None = None,
        idempotency_key: IdempotencyKey = None,
        timeout: float | None = None,
    ) -> WriteResult:
        """`patch`, by URN."""
        return self._run(entities.patch(self._core, as_urn(urn), changes, if_match, idempotency_key, timeout))

    def delete(
        self,
        model: Model,
        collection: str,
        uuid: str,
        *,
        if_match: IfMatch | None = None,
        idempotency_key: IdempotencyKey = None,
        namespace: str | None = None,
        timeout: float | None = None,
    ) -> WriteResult | None:
        """Delete an entity; None when there was none."""
        urn = Urn(model, namespace_of(self._core, namespace), collection, uuid)
        return self._run(entities.delete(self._core, urn, if_match, idempotency_key, timeout))

    def delete_by_urn(
        self,
        urn: Urn | str,
        *,
        if_match: IfMatch | None = None,
        idempotency_key: IdempotencyKey = None,
        timeout: float | None = None,
    ) -> WriteResult | None:
        """`delete`, by URN."""
        return self._run(entities.delete(self._core, as_urn(urn), if_match, idempotency_key, timeout))

    # Batches

    def batch_get(
        self,
        model: Model,
        collection: str,
        uuids: Iterable[str],
        *,
        namespace: str | None = None,
        consistency: Consistency | None = None,
        max_lag_ms: int | None = None,
        timeout: float | None = None,
    ) -> BatchGetResult:
        """Read many entities of a collection: a list of documents in the order asked, None where there is none."""
        make_urn = urn_maker(model, namespace_of(self._core, namespace), collection)
        read = read_options(self._core, consistency, max_lag_ms)
        return self._run(batch.batch_get(self._core, make_urn, names_of(uuids), read, timeout))

    def batch_get_by_urn(
        self,
        urns: Iterable[Urn | str],
        *,
        consistency: Consistency | None = None,
        max_lag_ms: int | None = None,
        timeout: float | None = None,
    ) -> BatchGetResult:
        """`batch_get`, by URN, from any collections."""
        read = read_options(self._core, consistency, max_lag_ms)
        return self._run(batch.batch_get(self._core, as_urn, names_of(urns), read, timeout))

    def batch_put(
        self,
        model: Model,
        collection: str,
        items: PutItems,
        *,
        idempotency_key: IdempotencyKey = None,
        namespace: str | None = None,
        timeout: float | None = None,
    ) -> BatchResult[WriteResult]:
        """Create or replace many entities of a collection: {uuid: document}, or (uuid, document[, if_match]) tuples.

        As an `if_match`, 0 says "must not exist".
        """
        make_urn = urn_maker(model, namespace_of(self._core, namespace), collection)
        return self._run(batch.batch_put(self._core, make_urn, put_entries(items), idempotency_key, timeout))

    def batch_put_by_urn(
        self,
        items: Mapping[Urn, Document]
        | Mapping[str, Document]
        | Iterable[tuple[Urn | str, Document] | tuple[Urn | str, Document, int | None]],
        *,
        idempotency_key: IdempotencyKey = None,
        timeout: float | None = None,
    ) -> BatchResult[WriteResult]:
        """`batch_put`, by URN, into any collections."""
        return self._run(batch.batch_put(self._core, as_urn, put_entries(items), idempotency_key, timeout))

    def batch_delete(
        self,
        model: Model,
        collection: str,
        uuids: Iterable[str | tuple[str, int | None]],
        *,
        idempotency_key: IdempotencyKey = None,
        namespace: str | None = None,
        timeout: float | None = None,
    ) -> BatchResult[WriteResult]:
        """Delete many entities of a collection: uuids, or (uuid, if_match) tuples."""
        make_urn = urn_maker(model, namespace_of(self._core, namespace), collection)
        return self._run(batch.batch_delete(self._core, make_urn, delete_entries(uuids), idempotency_key, timeout))

    def batch_delete_by_urn(
        self,
        urns: Iterable[Urn | str | tuple[Urn | str, int | None]],
        *,
        idempotency_key: IdempotencyKey = None,
        timeout: float | None = None,
    ) -> BatchResult[WriteResult]:
        """`batch_delete`, by URN, from any collections."""
        return self._run(batch.batch_delete(self._core, as_urn, delete_entries(urns), idempotency_key, timeout))

    # Life

    def _run(self, flow: Flow[_T]) -> _T:
        return self._driver.run(flow)

    def close(self) -> None:
        """Close connections and stop the background refresh. The client cannot be used afterwards."""
        self._driver.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<ThemisClient {', '.join(self.endpoints)} namespace={self.namespace!r}>"


def _adapted(transport: Any) -> Transport:
    if hasattr(transport, "handle_request"):
        # Imported only for those who bring one: httpx takes a tenth of a second to import.
        from themis.transport.httpx_adapter import HttpxTransport

        return HttpxTransport(transport)
    adapted: Transport = transport
    return adapted
