"""What answers requests: the gateway over local and remote shards, and the handlers of the HTTP edge above it."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from themis_server.api.codec import DocumentRules
from themis_server.api.edge import Edge
from themis_server.api.handlers.admin import AdminHandlers
from themis_server.api.handlers.batch import BatchHandlers
from themis_server.api.handlers.catalog import CatalogHandlers
from themis_server.api.handlers.cluster import ClusterHandlers
from themis_server.api.handlers.entity import EntityHandlers
from themis_server.api.handlers.system import SystemHandlers
from themis_server.clock import Clock
from themis_server.config import Config, Http
from themis_server.errors import StartRefusedError
from themis_server.gateway.batch import Batches
from themis_server.gateway.catalog import CatalogChanges
from themis_server.gateway.cluster import ClusterOperations, MetadataState
from themis_server.gateway.entities import Entities
from themis_server.gateway.freshness import Freshness
from themis_server.gateway.join_tokens import JoinTokens
from themis_server.gateway.listing import Listing
from themis_server.gateway.node_calls import NodeCalls
from themis_server.gateway.router import Router
from themis_server.gateway.shards import Shards
from themis_server.gateway.standing import Standing
from themis_server.gateway.status import StatusService
from themis_server.gateway.writing import WriteLimits, Writer
from themis_server.metadata.catalog import Catalog
from themis_server.metadata.keeper import TopologyKeeper
from themis_server.metadata.store import MetadataStore
from themis_server.metadata.topology import TopologyView
from themis_server.observability.instruments import Instruments
from themis_server.observability.monitors import Monitors
from themis_server.peer import Handler
from themis_server.replication.views import GroupStatus


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What is there when serving begins."""

    config: Config
    clock: Clock
    topology: TopologyView
    shards: Shards
    catalog: Catalog
    freshness: Freshness
    store: MetadataStore
    keeper: TopologyKeeper
    standing: Standing
    status: StatusService
    groups: Callable[[], Awaitable[Sequence[GroupStatus]]]
    node_calls: NodeCalls
    tokens: JoinTokens
    coordinator: Callable[[], str | None]
    metadata: Callable[[], MetadataState]
    why_not_ready: Callable[[], str | None]
    instruments: Instruments
    monitors: Monitors


@dataclass(frozen=True)
class Serving:
    """What serves: the edge for clients, methods for other nodes, and the changes of the catalog."""

    edge: Edge
    changes: CatalogChanges
    operations: ClusterOperations
    methods: Mapping[str, Handler]


def serve(parts: Parts) -> Serving:
    """Make what answers requests."""
    config, clock = parts.config, parts.clock
    limits = config.limits
    me = config.node.id
    router = Router(parts.freshness, parts.topology, parts.shards.routing.replicas, clock)
    writer = Writer(
        parts.shards,
        clock,
        WriteLimits(limits.body_bytes_max, config.idempotency.retention_s * 1000, config.idempotency.records_max),
    )
    changes = CatalogChanges(
        parts.freshness, parts.store, parts.shards, clock, retention_ms=config.idempotency.retention_s * 1000
    )
    listing = Listing(parts.shards, page_bytes_max=limits.batch_response_bytes_max)
    batches = Batches(
        router,
        parts.shards,
        writer,
        clock,
        part_bytes_max=config.raft.entry_bytes_max // 2,
        response_bytes_max=limits.batch_response_bytes_max,
    )
    rules = DocumentRules(limits.json_depth_max, limits.strict_json)
    operations = ClusterOperations(
        me,
        parts.standing,
        parts.status,
        parts.node_calls,
        parts.keeper,
        coordinator=parts.coordinator,
        metadata=parts.metadata,
    )
    admin = AdminHandlers(
        me,
        parts.topology,
        parts.catalog,
        listing,
        parts.groups,
        parts.standing,
        parts.node_calls,
        parts.instruments,
        parts.monitors,
        clock,
    )
    families = (
        EntityHandlers(Entities(router, parts.shards, writer, clock), rules),
        BatchHandlers(batches, rules, limits),
        CatalogHandlers(
            parts.freshness,
            changes,
            listing,
            clock,
            auto_create_collections=config.catalog.auto_create_collections,
            strict_json=limits.strict_json,
        ),
        SystemHandlers(parts.topology, parts.standing, parts.why_not_ready, parts.instruments),
        admin,
        ClusterHandlers(me, config.node.cluster, operations, parts.tokens, strict_json=limits.strict_json),
    )
    handlers = {operation: handler for family in families for operation, handler in family.handlers().items()}
    edge = Edge(config, handlers, parts.instruments, parts.topology)
    return Serving(edge, changes, operations, parts.status.handlers(metrics=admin.figures))


def client_tls(http: Http) -> ssl.SSLContext | None:
    """Return the TLS context of the client port, None without TLS; raises `StartRefusedError`."""
    if not http.tls:
        return None
    try:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=http.tls_client_ca or None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(http.tls_cert, http.tls_key)
    except (OSError, ssl.SSLError) as error:
        raise StartRefusedError(f"the TLS files of [http] cannot be used: {error}") from error
    if http.tls_client_ca:
        context.verify_mode = ssl.CERT_REQUIRED
    return context
