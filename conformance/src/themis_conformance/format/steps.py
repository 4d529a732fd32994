"""The steps of a scenario: each has one verb, and the keys that go with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from themis_conformance.format.fields import ABSENT, Fields
from themis_conformance.format.options import features_of_options, read_options
from themis_conformance.format.wire import read_wire
from themis_conformance.mistake import Mistake
from themis_conformance.model import CALL_FEATURES, CLUSTER_ACTIONS, Step

__all__ = ["features_of_steps", "read_steps"]

_SERVER_VERBS: Final = frozenset(
    {
        "stop",
        "start",
        "epoch",
        "answer_epoch",
        "lead",
        "claim",
        "label",
        "hold",
        "release",
        "drop_connections",
        "tokens",
        "fault",
        "clear_faults",
    }
)


def read_steps(raw: Any, path: str) -> tuple[Step, ...]:
    """Read `steps:`; raises Mistake."""
    if not isinstance(raw, list) or not raw:
        raise Mistake("expected a list of steps", path)
    steps = tuple(_read(step, f"{path}[{index}]") for index, step in enumerate(raw))
    _check_references(steps)
    return steps


def _read(raw: Any, path: str) -> Step:
    fields = Fields(raw, path)
    verbs = [verb for verb in _READERS if verb in fields]
    # `wire` and `value` are keys of other verbs, too; the verb is what none of the others is.
    if "until" in verbs:
        verbs = ["until"]
    if len(verbs) != 1:
        raise Mistake(f"a step has exactly one of {', '.join(_READERS)}", path)
    step = _READERS[verbs[0]](fields)
    fields.end()
    return step


def _outcome(fields: Fields, *, needed: bool) -> tuple[str, Any]:
    given = [name for name in ("value", "error", "any") if name in fields]
    if len(given) > 1 or (needed and not given):
        raise Mistake("expected exactly one of value, error and any: true", fields.path)
    if not given:
        return "", None
    if given == ["any"]:
        if fields.take("any") is not True:
            raise Mistake("the only value is true", fields.at("any"))
        return "any", None
    expected = fields.expectation(given[0])
    if given == ["error"] and not isinstance(expected, dict | str):
        raise Mistake(f"expected an object, not {expected!r}", fields.at("error"))
    return given[0], expected


def _took(fields: Fields) -> Any:
    took = fields.expectation("took_ms")
    return None if took is ABSENT else took


def _save(fields: Fields) -> dict[str, str]:
    saved = fields.table("save")
    for name, place in saved.items():
        if not isinstance(name, str) or not isinstance(place, str) or "." in name:
            raise Mistake("expected names and paths into the value: {v: version}", fields.at("save"))
    return saved


def _op(fields: Fields, verb: str) -> str:
    op = fields.need_text(verb)
    if op not in CALL_FEATURES and "${" not in op:
        raise Mistake(f"there is no op {op!r}", fields.at(verb))
    return op


def _args(fields: Fields) -> Any:
    args = fields.take("args", {})
    if not isinstance(args, dict) and not (isinstance(args, str) and "${" in args):
        raise Mistake(f"expected an object, not {args!r}", fields.at("args"))
    return args


def _call(fields: Fields) -> Step:
    outcome, expected = _outcome(fields, needed=True)
    repeat = fields.take("repeat", 1)
    if isinstance(repeat, bool) or not (isinstance(repeat, int) and 1 <= repeat <= 10_000):
        raise Mistake(f"expected a whole number from 1, not {repeat!r}", fields.at("repeat"))
    save, parallel = _save(fields), fields.flag("parallel")
    if repeat > 1 and save:
        raise Mistake("nothing can be saved of many calls", fields.at("save"))
    return Step(
        fields.path,
        "call",
        _op(fields, "call"),
        fields.text("client"),
        _args(fields),
        outcome,
        expected,
        _took(fields),
        save,
        repeat=repeat,
        parallel=parallel,
    )


def _start(fields: Fields) -> Step:
    outcome, expected = _outcome(fields, needed=False)
    return Step(
        fields.path,
        "start",
        _op(fields, "start"),
        fields.text("client"),
        _args(fields),
        outcome,
        expected,
        _took(fields),
        _save(fields),
        ref=fields.need_text("ref"),
    )


def _wait(fields: Fields) -> Step:
    outcome, expected = _outcome(fields, needed=False)
    ref = fields.need_text("wait")
    return Step(fields.path, "wait", ref, None, None, outcome, expected, _took(fields), _save(fields), ref=ref)


def _cancel(fields: Fields) -> Step:
    ref = fields.need_text("cancel")
    return Step(fields.path, "cancel", ref, ref=ref)


def _iterate(fields: Fields) -> Step:
    outcome, expected = _outcome(fields, needed=False)
    iterator = fields.need_text("iterate")
    client, args = fields.text("client"), _args(fields)
    return Step(
        fields.path, "iterate", iterator, client, args, outcome, expected, _took(fields), _save(fields), ref=iterator
    )


def _pull(verb: str) -> Callable[[Fields], Step]:
    def read(fields: Fields) -> Step:
        outcome, expected = _outcome(fields, needed=True)
        iterator = fields.need_text(verb)
        return Step(
            fields.path, verb, iterator, None, None, outcome, expected, _took(fields), _save(fields), ref=iterator
        )

    return read


def _close_iterator(fields: Fields) -> Step:
    outcome, expected = _outcome(fields, needed=False)
    iterator = fields.need_text("close_iterator")
    return Step(
        fields.path,
        "close_iterator",
        iterator,
        None,
        None,
        outcome,
        expected,
        _took(fields),
        _save(fields),
        ref=iterator,
    )


def _create_client(fields: Fields) -> Step:
    outcome, expected = _outcome(fields, needed=False)
    client = fields.need_text("create_client")
    options = fields.take("options", {})
    read_options(options, fields.at("options"))
    return Step(fields.path, "create_client", client, client, options, outcome, expected)


def _close_client(fields: Fields) -> Step:
    client = fields.need_text("close_client")
    return Step(fields.path, "close_client", client, client, took_ms=_took(fields))


def _events(fields: Fields) -> Step:
    expected = fields.expectation("events")
    if not isinstance(expected, list | dict | str):
        raise Mistake("expected a list of events", fields.at("events"))
    return Step(fields.path, "events", expected, fields.text("client"))


def _server(fields: Fields) -> Step:
    change = Fields(fields.need("server"), fields.at("server"))
    if not change.raw:
        raise Mistake("expected something to change", change.path)
    for verb in _SERVER_VERBS:
        change.take(verb)
    change.end()
    return Step(fields.path, "server", change.raw)


def _cluster(fields: Fields) -> Step:
    act = Fields(fields.need("cluster"), fields.at("cluster"))
    if len(act.raw) != 1:
        raise Mistake("expected exactly one thing to do", act.path)
    for action in CLUSTER_ACTIONS:
        if action in act:
            _check_node(act.take(action), act.at(action))
    if "lead" in act:
        lead = Fields(act.take("lead"), act.at("lead"))
        lead.need_text("shard")
        _check_node(lead.need("node"), lead.at("node"))
        lead.end()
    if act.take("settle", True) is not True:
        raise Mistake("the only value is true", act.at("settle"))
    act.end()
    return Step(fields.path, "cluster", act.raw)


def _check_node(raw: Any, path: str) -> None:
    if isinstance(raw, dict):
        fields = Fields(raw, path)
        fields.need_text("leader_of")
        fields.end()
    elif isinstance(raw, bool) or not isinstance(raw, int):
        raise Mistake(f"expected the number of a node, or {{leader_of: URN}}, not {raw!r}", path)


def _until(fields: Fields) -> Step:
    until = Fields(fields.need("until"), fields.at("until"))
    wire = read_wire(until.take("wire"), until.at("wire")) if "wire" in until else None
    call = None
    if "call" in until:
        call = _call(until)
        if call.save or call.took_ms is not None or call.repeat != 1:
            raise Mistake("a call that is tried again and again has no save, took_ms or repeat", until.path)
    if wire is None and call is None:
        raise Mistake("expected wire, or call, or both", until.path)
    until.end()
    within_ms = fields.whole("within_ms", 2000, minimum=1) or 1
    return Step(fields.path, "until", None, wire=wire, within_ms=within_ms, call=call)


def _wire(fields: Fields) -> Step:
    return Step(fields.path, "wire", None, wire=read_wire(fields.need("wire"), fields.at("wire")))


_READERS: Final[dict[str, Callable[[Fields], Step]]] = {
    "call": _call,
    "start": _start,
    "wait": _wait,
    "cancel": _cancel,
    "iterate": _iterate,
    "next": _pull("next"),
    "drain": _pull("drain"),
    "close_iterator": _close_iterator,
    "create_client": _create_client,
    "close_client": _close_client,
    "events": _events,
    "server": _server,
    "cluster": _cluster,
    "until": _until,
    "wire": _wire,
}


def _check_references(steps: tuple[Step, ...]) -> None:
    """Each started call is waited for once and has one expectation; iterators are made before they are used."""
    started: dict[str, Step] = {}
    iterators: set[str] = set()
    for step in steps:
        if step.kind == "start":
            if step.ref in started:
                raise Mistake(f"{step.ref!r} was started before", step.path)
            started[step.ref] = step
        elif step.kind in ("wait", "cancel"):
            if step.ref not in started:
                raise Mistake(f"{step.ref!r} was not started, or has been waited for", step.path)
            if step.kind == "wait":
                first = started.pop(step.ref)
                if bool(step.outcome) == bool(first.outcome):
                    raise Mistake(f"{step.ref!r} needs one expectation: where it starts, or here", step.path)
        elif step.kind == "iterate":
            iterators.add(step.ref)
        elif step.kind in ("next", "drain", "close_iterator") and step.ref not in iterators:
            raise Mistake(f"there is no iterator {step.ref!r}", step.path)
    for ref, step in started.items():
        if not step.outcome:
            raise Mistake(f"{ref!r} is never waited for", step.path)


def features_of_steps(steps: tuple[Step, ...]) -> set[str]:
    """The features that an adapter needs to take these steps."""
    found: set[str] = set()
    for step in steps:
        if step.kind in ("call", "start") and step.subject in CALL_FEATURES:
            found.add(CALL_FEATURES[step.subject])
        elif step.kind in ("iterate", "next", "drain", "close_iterator"):
            found.add("iterate")
        elif step.kind == "cancel":
            found.add("cancel")
        elif step.kind == "events":
            found.add("hooks")
        elif step.kind == "create_client" and isinstance(step.args, dict):
            found |= features_of_options(step.args)
        if step.call is not None:
            found |= features_of_steps((step.call,))
    return found
