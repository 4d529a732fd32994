"""`server:` of a scenario and `given:` of a protocol case, read into a ServerPlan once their variables are known."""

from __future__ import annotations

from typing import Any, Final

from themis_conformance.format.fields import ABSENT, Fields
from themis_conformance.matching import check_expectation
from themis_conformance.mistake import Mistake
from themis_conformance.names import MODELS, NAME, NotAName, parse_urn
from themis_conformance.operations import OPERATIONS
from themis_conformance.plan import (
    Action,
    Answer,
    CollectionPlan,
    EntityPlan,
    FaultMatch,
    FaultPlan,
    Limits,
    NamespacePlan,
    NodePlan,
    Relayed,
    ReplicasPlan,
    ServerPlan,
    TlsPlan,
    WrongShard,
)

__all__ = ["STATE_KEYS", "read_fault", "read_label", "read_server"]

STATE_KEYS: Final = frozenset({"entities", "namespaces", "collections"})
"""What a real server can be given, too."""

_NODES_MAX: Final = 16
_SHARDS_MAX: Final = 64
_VERSION_MAX: Final = (1 << 53) - 1
_ITEM_KEYS: Final = (
    "code",
    "status",
    "title",
    "detail",
    "retryable",
    "version",
    "pointer",
    "position",
    "limit",
    "expected",
    "owner",
    "epoch",
    "retry_after_s",
)


def read_server(raw: dict[str, Any], namespace: str, path: str = "server") -> ServerPlan:
    """Read `server:` (or `given:`), whose variables have been put in; raises Mistake.

    Args:
        raw: The object.
        namespace: Where collections are that do not say so.
        path: Its name in the complaints.
    """
    fields = Fields(raw, path)
    nodes = fields.whole("nodes", 1, minimum=1) or 1
    shards = fields.whole("shards", 4, minimum=1) or 1
    if nodes > _NODES_MAX or shards > _SHARDS_MAX:
        raise Mistake(f"at most {_NODES_MAX} nodes and {_SHARDS_MAX} shards", path)
    plan = ServerPlan(
        nodes=nodes,
        shards=shards,
        epoch=fields.whole("epoch", 1) or 0,
        entities=tuple(_entity(*item) for item in fields.items("entities")),
        namespaces=tuple(_namespace(*item) for item in fields.items("namespaces")),
        collections=tuple(_collection(*item, namespace) for item in fields.items("collections")),
        limits=_limits(fields),
        tokens=tuple(fields.texts("tokens")) if "tokens" in fields else None,
        down=tuple(_node(element, at, nodes) for at, element in fields.items("down")),
        labels=_labels(fields.table("labels"), nodes),
        replicas=_replicas(fields.table("replicas"), nodes, shards),
        tls=_tls(fields),
        faults=tuple(read_fault(element, at, nodes) for at, element in fields.items("faults")),
    )
    fields.end()
    return plan


def _node(number: Any, path: str, nodes: int) -> int:
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < nodes:
        raise Mistake(f"expected the number of a node, 0 to {nodes - 1}, not {number!r}", path)
    return number


def _number(key: Any, path: str, nodes: int) -> int:
    return _node(int(key) if isinstance(key, str) and key.isdigit() else key, path, nodes)


def _labels(raw: dict[str, Any], nodes: int) -> dict[int, NodePlan]:
    return {
        _number(key, "server.labels", nodes): read_label(label, NodePlan(), f"server.labels.{key}")
        for key, label in raw.items()
    }


def read_label(raw: Any, before: NodePlan, path: str) -> NodePlan:
    """Read what is to be said of a node; what is not named stays as it was before."""
    fields = Fields(raw, path)
    plan = NodePlan(
        fields.text("datacenter", before.datacenter) or "",
        fields.text("rack", before.rack) or "",
        fields.one_of("health", ("healthy", "degraded", "down"), before.health) or "",
        fields.one_of("kind", ("data", "read_replica"), before.kind) or "",
        fields.one_of("state", ("joining", "up", "leaving", "down"), before.state) or "",
    )
    fields.end()
    return plan


def _replicas(raw: dict[str, Any], nodes: int, shards: int) -> dict[str, ReplicasPlan]:
    found: dict[str, ReplicasPlan] = {}
    known = {f"shard_{number:03}" for number in range(1, shards + 1)}
    for shard, places in raw.items():
        path = f"server.replicas.{shard}"
        if shard not in known:
            raise Mistake(f"there is no shard {shard!r}", "server.replicas")
        fields = Fields(places, path)
        voters = tuple(_node(element, at, nodes) for at, element in fields.items("voters"))
        learners = tuple(_node(element, at, nodes) for at, element in fields.items("learners"))
        fields.end()
        if not voters or len({*voters, *learners}) < len(voters) + len(learners):
            raise Mistake("a shard has one voter or more, and a node has one replica of it", path)
        found[str(shard)] = ReplicasPlan(voters, learners)
    return found


def _entity(path: str, raw: Any) -> EntityPlan:
    fields = Fields(raw, path)
    urn = fields.need_text("urn")
    try:
        name = parse_urn(urn)
    except NotAName as error:
        raise Mistake(f"{urn!r} is no URN: {error}", fields.at("urn")) from None
    document = fields.need("doc")
    if not isinstance(document, dict):
        raise Mistake("a document is an object", fields.at("doc"))
    version = fields.whole("version", minimum=1)
    if version is not None and version > _VERSION_MAX:
        raise Mistake("a version is at most 2^53-1", fields.at("version"))
    plan = EntityPlan(str(name), document, version, fields.text("save"))
    fields.end()
    return plan


def _name(text: str, path: str) -> str:
    if not NAME.fullmatch(text):
        raise Mistake(f"{text!r} is no name", path)
    return text


def _namespace(path: str, raw: Any) -> NamespacePlan:
    fields = Fields({"name": raw} if isinstance(raw, str) else raw, path)
    plan = NamespacePlan(_name(fields.need_text("name"), path), fields.table("options"))
    fields.end()
    return plan


def _collection(path: str, raw: Any, namespace: str) -> CollectionPlan:
    fields = Fields({"name": raw} if isinstance(raw, str) else raw, path)
    plan = CollectionPlan(
        _name(fields.need_text("name"), path),
        _name(fields.text("namespace", namespace) or "", path),
        fields.one_of("model", MODELS, "document") or "document",
        fields.table("options"),
    )
    fields.end()
    return plan


def _limits(fields: Fields) -> Limits:
    if "limits" not in fields:
        return Limits()
    limits = Fields(fields.take("limits"), fields.at("limits"))
    defaults = Limits()
    values = {name: limits.whole(name, getattr(defaults, name)) or 0 for name in Limits.__dataclass_fields__}
    limits.end()
    return Limits(**values)


def _tls(fields: Fields) -> TlsPlan | None:
    raw = fields.take("tls", False)
    if isinstance(raw, bool):
        return TlsPlan() if raw else None
    tls = Fields(raw, fields.at("tls"))
    plan = TlsPlan(tls.flag("client_certificates"))
    tls.end()
    return plan


def read_fault(raw: Any, path: str, nodes: int) -> FaultPlan:
    """Read one rule of `faults`."""
    fields = Fields(raw, path)
    match = _match(fields, nodes)
    times = fields.take("times", 1)
    if times != "always" and (isinstance(times, bool) or not isinstance(times, int) or times < 1):
        raise Mistake(f"expected a whole number from 1, or always, not {times!r}", fields.at("times"))
    plan = FaultPlan(
        match,
        _action(fields.need("do"), fields.at("do"), nodes),
        fields.whole("skip", 0) or 0,
        None if times == "always" else times,
    )
    fields.end()
    return plan


def _match(fields: Fields, nodes: int) -> FaultMatch:
    match = Fields(fields.take("match", {}), fields.at("match"))
    node = match.take("node")
    operations = match.take("operation", ())
    operations = (operations,) if isinstance(operations, str) else tuple(operations)
    for operation in operations:
        if operation not in OPERATIONS:
            raise Mistake(f"there is no operation {operation!r}", match.at("operation"))
    headers = {str(name).lower(): wanted for name, wanted in match.table("header").items()}
    complaints = check_expectation(headers, match.at("header"))
    if complaints:
        raise Mistake(complaints[0])
    urn = match.text("urn")
    match.end()
    return FaultMatch(
        None if node is None else _node(node, match.at("node"), nodes),
        operations,
        urn,
        {name: wanted if isinstance(wanted, dict) else str(wanted) for name, wanted in headers.items()},
    )


def _action(raw: Any, path: str, nodes: int) -> Action:
    fields = Fields(raw, path)
    kinds = [key for key in raw if key != "delay_ms"]
    if len(kinds) > 1 or not raw:
        raise Mistake("expected exactly one thing to go wrong", path)
    delay_ms = fields.whole("delay_ms", 0) or 0
    plan = Action(
        delay_ms=delay_ms,
        answer=_answer(fields.take("answer"), fields.at("answer")) if "answer" in fields else None,
        close=fields.one_of("close", ("before", "after_commit")),  # type: ignore[arg-type]  # checked just there
        truncate=fields.whole("truncate"),
        stall=fields.one_of("stall", ("before_headers", "in_body")),  # type: ignore[arg-type]  # likewise
        wrong_shard=_wrong_shard(fields.take("wrong_shard"), path, nodes) if "wrong_shard" in fields else None,
        garbage=fields.flag("garbage"),
        reset=fields.flag("reset"),
        items=_items(fields.take("items"), fields.at("items")) if "items" in fields else None,
        relayed=_relayed(fields.take("relayed"), fields.at("relayed")) if "relayed" in fields else None,
    )
    fields.end()
    return plan


def _relayed(raw: Any, path: str) -> Relayed:
    fields = Fields(raw, path)
    framing = fields.one_of("framing", ("length", "chunked", "until_close"), "length")
    interim = fields.take("interim", ())
    if not isinstance(interim, list | tuple) or not all(isinstance(status, int) for status in interim):
        raise Mistake("expected a list of statuses", fields.at("interim"))
    for status in interim:
        if not 100 <= status < 200 or status == 101:
            raise Mistake(f"{status} is not the status of an interim answer", fields.at("interim"))
    cut = fields.flag("cut")
    if cut and framing == "until_close":
        raise Mistake("where the end of the connection ends the body, nobody can tell that it was cut", path)
    fields.end()
    return Relayed(framing, tuple(interim), cut)  # type: ignore[arg-type]  # framing was checked above


def _answer(raw: Any, path: str) -> Answer:
    fields = Fields(raw, path)
    json = fields.take("json", ABSENT)
    headers = {str(name): str(value) for name, value in fields.table("headers").items()}
    problem = fields.take("problem")
    if problem is not None and not isinstance(problem, dict):
        raise Mistake("expected an object", fields.at("problem"))
    status = fields.whole("status", minimum=100)
    answer = Answer(
        status=status,
        code=fields.text("code"),
        problem=problem,
        headers=headers,
        json=None if json is ABSENT else json,
        has_json=json is not ABSENT,
        text=fields.text("text"),
    )
    if sum((answer.has_json, answer.text is not None, answer.code is not None or problem is not None)) > 1:
        raise Mistake("an answer is one of json, text, or a problem (code, problem)", path)
    if status is None and answer.code is None:
        raise Mistake("an answer needs a status or a code", path)
    fields.end()
    return answer


def _wrong_shard(raw: Any, path: str, nodes: int) -> WrongShard:
    fields = Fields(raw, f"{path}.wrong_shard")
    owner = fields.take("owner")
    plan = WrongShard(fields.whole("epoch"), None if owner is None else _node(owner, fields.at("owner"), nodes))
    fields.end()
    return plan


def _items(raw: Any, path: str) -> dict[int | str, dict[str, Any]]:
    if not isinstance(raw, dict) or not raw:
        raise Mistake("expected an object: place or URN of an item -> its error", path)
    found: dict[int | str, dict[str, Any]] = {}
    for key, error in raw.items():
        fields = Fields(error, f"{path}.{key}")
        members = {name: fields.take(name) for name in _ITEM_KEYS if name in fields}
        fields.end()
        found[int(key) if str(key).isdigit() else str(key)] = members
    return found
