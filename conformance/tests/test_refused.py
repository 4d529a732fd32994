"""Cases that must be refused before anything runs, with the place named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conformance.tests.suites import PUT, Suite, case
from themis_conformance.cli import main
from themis_conformance.format import load_library


def mistakes_of(suite: Suite) -> list[str]:
    library = load_library(suite.directory, suite.vectors)
    return [str(mistake) for mistake in library.mistakes]


def fault(**members: Any) -> dict[str, Any]:
    return {"server": {"faults": [{"do": {"reset": True}, **members}]}}


def step(**members: Any) -> dict[str, Any]:
    return {"steps": [members]}


GET = {"call": "get", "args": {"urn": "${urn.a}"}}

# What is wrong with a scenario -> what the complaint says.
SCENARIOS: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown key": ({"stepps": []}, "unknown key 'stepps'"),
    "no steps": ({"steps": []}, "steps: expected a list of steps"),
    "a name with capitals": ({"name": "It"}, "'It' is no name"),
    "a name with underscores": ({"name": "it_is"}, "'it_is' is no name"),
    "no about": ({"about": ""}, "about: expected a text"),
    "another place": ({"on": "elsewhere"}, "on: expected one of scripted, any, live"),
    "an unknown feature": ({"requires": {"features": ["telepathy"]}}, "there is no feature 'telepathy'"),
    "an unknown mode": ({"requires": {"modes": ["fast"]}}, "there is no mode 'fast'"),
    "an unknown gate": ({"requires": {"sdk": "python"}}, "requires: unknown key 'sdk'"),
    "a limit that is none": ({"limit_ms": 0}, "limit_ms: expected a whole number from 1"),
    # server
    "an unknown key of the server": ({"server": {"node": 3}}, "server: unknown key 'node'"),
    "no nodes": ({"server": {"nodes": 0}}, "server.nodes: expected a whole number from 1"),
    "too many nodes": ({"server": {"nodes": 17}}, "at most 16 nodes"),
    "a node that is not there": ({"server": {"down": [1]}}, "server.down[0]: expected the number of a node, 0 to 0"),
    "an entity without a name": ({"server": {"entities": [{"doc": {}}]}}, "entities[0]: the key 'urn' is missing"),
    "an entity with a bad name": ({"server": {"entities": [{"urn": "x", "doc": {}}]}}, "'x' is no URN"),
    "a document that is none": ({"server": {"entities": [{"urn": "${urn.a}", "doc": []}]}}, "a document is an object"),
    "a version beyond 2^53": (
        {"server": {"entities": [{"urn": "${urn.a}", "doc": {}, "version": 1 << 53}]}},
        "a version is at most 2^53-1",
    ),
    "an unknown limit": ({"server": {"limits": {"items_max": 1}}}, "server.limits: unknown key 'items_max'"),
    "an unknown model": ({"server": {"collections": [{"name": "c", "model": "cube"}]}}, "model: expected one of"),
    "an unknown key of tls": ({"server": {"tls": {"ca": "x"}}}, "server.tls: unknown key 'ca'"),
    # faults
    "a fault without an action": ({"server": {"faults": [{"match": {}}]}}, "faults[0]: the key 'do' is missing"),
    "an action that is none": (fault(do={"explode": True}), "do: unknown key 'explode'"),
    "two actions": (fault(do={"reset": True, "garbage": True}), "exactly one thing to go wrong"),
    "no action": (fault(do={}), "exactly one thing to go wrong"),
    "a match of nothing": (fault(match={"path": "/x"}), "match: unknown key 'path'"),
    "a match of no operation": (fault(match={"operation": "get"}), "there is no operation 'get'"),
    "never": (fault(times=0), "times: expected a whole number from 1, or always"),
    "closed some time": (fault(do={"close": "later"}), "close: expected one of before, after_commit"),
    "an answer of two kinds": (
        fault(do={"answer": {"status": 503, "code": "no_leader", "text": "x"}}),
        "an answer is one of",
    ),
    "an answer of nothing": (fault(do={"answer": {}}), "an answer needs a status or a code"),
    "an unknown key of an answer": (fault(do={"answer": {"status": 200, "body": ""}}), "unknown key 'body'"),
    "an owner that is not there": (fault(do={"wrong_shard": {"owner": 1}}), "owner: expected the number of a node"),
    "an item with an unknown member": (fault(do={"items": {"0": {"reason": 1}}}), "unknown key 'reason'"),
    "a matcher that is none in a header": (
        fault(match={"header": {"x": {"$$like": 1}}}),
        "there is no matcher '$$like'",
    ),
    # clients
    "an unknown option": ({"client": {"retries": 3}}, "client: unknown key 'retries'"),
    "an unknown part of an option": ({"client": {"retry": {"max": 3}}}, "client.retry: unknown key 'max'"),
    "a client that is not there": (step(**GET, client="b", value=None), "there is no client 'b'"),
    "one of several clients": (
        {"clients": {"a": {}, "b": {}}, **step(**GET, value=None)},
        "there are several clients (a, b): say which",
    ),
    # steps
    "a step without a verb": (step(value=1), "a step has exactly one of call, start"),
    "a step with two verbs": (step(call="get", start="get", value=1), "a step has exactly one of"),
    "an unknown op": (step(call="fetch", value=1), "there is no op 'fetch'"),
    "an unknown key of a step": (step(**GET, value=1, expect=2), "unknown key 'expect'"),
    "no expectation": (step(**GET), "exactly one of value, error and any: true"),
    "two expectations": (step(**GET, value=1, error={}), "exactly one of value, error and any: true"),
    "any, but false": (step(**GET, any=False), "the only value is true"),
    "an error that is no object": (step(**GET, error=5), "error: expected an object"),
    "args that are none": (step(call="get", args=[], value=1), "args: expected an object"),
    "a matcher that is none": (step(**GET, value={"$$exist": True}), "steps[0].value.$$exist: there is no matcher"),
    "matcher and value": (step(**GET, value={"$$exists": True, "a": 1}), "either a matcher or a value"),
    "a time that is none": (step(**GET, value=1, took_ms={"$$lte": "soon"}), "took_ms.$$lte: takes a number"),
    "saved of many": (step(**GET, any=True, repeat=2, save={"v": "x"}), "nothing can be saved of many calls"),
    "repeated never": (step(**GET, any=True, repeat=0), "repeat: expected a whole number from 1"),
    "a wait for nothing": (step(wait="x", value=1), "'x' was not started"),
    "a cancel of nothing": (step(cancel="x"), "'x' was not started"),
    "a start without a wait": (step(start="get", args={}, ref="x"), "'x' is never waited for"),
    "a start without a ref": (step(start="get", args={}, value=1), "the key 'ref' is missing"),
    "two starts of a name": (
        {"steps": [{"start": "get", "ref": "x", "value": 1}, {"start": "get", "ref": "x", "value": 1}]},
        "'x' was started before",
    ),
    "expected twice": (
        {"steps": [{"start": "get", "ref": "x", "value": 1}, {"wait": "x", "value": 1}]},
        "'x' needs one expectation",
    ),
    "an iterator that is not there": (step(next="it", value=1), "there is no iterator 'it'"),
    "events that are none": (step(events=5), "events: expected a list of events"),
    "a change of nothing": (step(server={}), "expected something to change"),
    "an unknown change": (step(server={"reboot": 1}), "unknown key 'reboot'"),
    "until nothing": (step(until={}), "expected wire, or call, or both"),
    "until a saved value": (
        step(until={**GET, "value": 1, "save": {"v": ""}}),
        "has no save, took_ms or repeat",
    ),
    # wire
    "an unknown key of wire": ({"wire": {"request": []}}, "wire: unknown key 'request'"),
    "an unknown key of a request": ({"wire": {"requests": [{"verb": "GET"}]}}, "requests[0]: unknown key 'verb'"),
    "a request of no operation": ({"wire": {"requests": [{"operation": "get"}]}}, "there is no operation 'get'"),
    "requests that are none": ({"wire": {"requests": 5}}, "requests: expected a list of requests"),
    "a count of no operation": ({"wire": {"count": {"get": 1}}}, "there is no operation 'get'"),
    "headers that are none": ({"wire": {"requests": [{"headers": []}]}}, "headers: expected an object"),
    # variables and makers
    "an unknown variable": (step(call="get", args={"urn": "${urns.a}"}, value=1), "${urns.a} stands for nothing"),
    "a variable before it is saved": (
        {"steps": [{**GET, "value": "${v}"}, {**PUT, "save": {"v": "version"}}]},
        "steps[0]: ${v} stands for nothing here",
    ),
    "a node beyond the last": (step(call="health", args={"endpoint": "${node.1}"}, any=True), "${node.1} stands for"),
    "certificates without tls": (
        {"client": {"tls": {"ca_file": "${tls.ca_file}"}}},
        "${tls.ca_file} stands for nothing",
    ),
    "a number outside copies": (step(call="get", args={"urn": "${urn.k${i}}"}, value=1), "${i} stands for nothing"),
    "a shard that is not there": (
        {"server": {"shards": 2, "entities": [{"urn": "${urn.shard_003.a}", "doc": {}}]}},
        "there is no shard 'shard_003'",
    ),
    "with, but no each": (step(call="get", args={"urn": "${with.x}"}, value=1), "${with.x} stands for nothing"),
    "an integer that is none": (
        step(call="put", args={"data": {"$int": "1.5"}}, any=True),
        "$int takes decimal digits",
    ),
    "a maker of nothing": (step(call="put", args={"data": {"$make": {"tree": 5}}}, any=True), "exactly one of text"),
    "a maker that is too large": (
        step(call="put", args={"data": {"$make": {"text": 1 << 40}}}, any=True),
        "takes a number from 0 to",
    ),
    "a list of nothing": (step(call="put", args={"data": {"$make": {"list": 5}}}, any=True), "needs `of`"),
    "a maker with company": (step(call="put", args={"data": {"$int": "5", "a": 1}}, any=True), "stand alone"),
    # each
    "each without an id": ({"each": [{"with": {}}]}, "each[0]: the key 'id' is missing"),
    "each with one id twice": ({"each": [{"id": "a"}, {"id": "a"}]}, "the id 'a' occurs twice"),
    "each of none": ({"each": []}, "expected a list of {id, with}"),
    "each with an unknown key": ({"each": [{"id": "a", "args": {}}]}, "each[0]: unknown key 'args'"),
    # on a live server
    "faults on a live server": ({"on": "any", **fault()}, "'faults' is only for scripted clusters"),
    "versions on a live server": (
        {"on": "live", "server": {"entities": [{"urn": "${urn.a}", "doc": {}, "version": 5}]}},
        "a real server gives versions itself",
    ),
    "changes of a live server": ({"on": "any", **step(server={"stop": 0})}, "'server' is only for scripted clusters"),
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_is_refused(suite: Suite, name: str) -> None:
    members, complaint = SCENARIOS[name]
    (mistake,) = mistakes_of(suite.write(case(**members)))
    assert complaint in mistake
    assert "scenarios/suite.yaml" in mistake


EXCHANGE: dict[str, Any] = {
    "name": "it",
    "about": "It is so.",
    "operation": "getEntity",
    "call": {"op": "get", "args": {"urn": "${urn.a}"}},
    "request": {"method": "GET", "path": "/entity/${quoted.a}"},
    "response": {"status": 200, "json": {}},
    "value": {},
}

PROTOCOL: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown key": ({"expect": 1}, "unknown key 'expect'"),
    "an unknown operation": ({"operation": "get"}, "there is no operation 'get'"),
    "another method": ({"request": {"method": "PUT", "path": "/"}}, "the method of getEntity: GET"),
    "no path": ({"request": {"method": "GET"}}, "expected path"),
    "an unknown key of the request": ({"request": {**EXCHANGE["request"], "verb": 1}}, "request: unknown key 'verb'"),
    "an unknown key of the response": ({"response": {"status": 200, "body": 1}}, "response: unknown key 'body'"),
    "no status": ({"response": {"json": {}}}, "the key 'status' is missing"),
    "two kinds of answer": ({"response": {"status": 200, "json": {}, "text": ""}}, "at most one of json, problem"),
    "two kinds of body": ({"request": {**EXCHANGE["request"], "json": {}, "body": ""}}, "at most one of json, body"),
    "hex digits that are none": ({"request": {**EXCHANGE["request"], "raw": {"hex": "zz"}}}, "no bytes in hex"),
    "an unknown op": ({"call": {"op": "fetch"}}, "there is no op 'fetch'"),
    "an unknown key of the call": ({"call": {"op": "get", "arguments": {}}}, "call: unknown key 'arguments'"),
    "a matcher without an example": (
        {"response": {"status": 200, "json": {"a": {"$$type": "int"}}}},
        "response.json.a: a matcher needs an `example`",
    ),
    "a header's matcher without an example": (
        {"response": {"status": 200, "headers": {"ETag": {"$$exists": True}}, "json": {}}},
        "response.headers.etag: a matcher needs an `example`",
    ),
    "no outcome": ({"value": None, "error": {}}, "exactly one of value and error"),
    "more than a state": ({"given": {"faults": []}}, "given: unknown key 'faults'"),
    "another place": ({"on": "elsewhere"}, "on: expected one of"),
    "requests before a call": ({"before": [{"method": "GET", "path": "/"}]}, "before: an SDK sends what its call says"),
    "a request before that goes nowhere": ({"on": "live", "before": [{"method": "GET"}]}, "before[0]: the key 'path'"),
    "an unknown key before": (
        {"on": "live", "before": [{"method": "GET", "path": "/", "body": ""}]},
        "before[0]: unknown key 'body'",
    ),
    "a variable that is none": ({"request": {"method": "GET", "path": "/${path}"}}, "${path} stands for nothing"),
}


@pytest.mark.parametrize("name", PROTOCOL)
def test_an_exchange_is_refused(suite: Suite, name: str) -> None:
    members, complaint = PROTOCOL[name]
    (mistake,) = mistakes_of(suite.write({**EXCHANGE, **members}, layer="protocol"))
    assert complaint in mistake


FILES: dict[str, tuple[str, str]] = {
    "no YAML": ("suite: [", "this is no YAML"),
    "a list": ("[]", "expected an object"),
    "another name": ("{suite: other, about: A., cases: [{}]}", "the suite is called 'other'"),
    "no cases": ("{suite: suite, about: A., cases: []}", "there are no cases"),
    "an unknown key": ("{suite: suite, about: A., case: [], cases: []}", "unknown key 'case'"),
    "an unknown default": ("{suite: suite, about: A., defaults: {steps: []}, cases: [{}]}", "unknown key 'steps'"),
    "a key twice": ("suite: suite\nabout: A.\nabout: B.\ncases: []", "line 3: the key 'about' occurs twice"),
    "a case without a name": ("{suite: suite, about: A., cases: [{about: B.}]}", "cases[0]: the key 'name' is missing"),
    "a case that is none": ("{suite: suite, about: A., cases: [5]}", "cases[0]: expected an object"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_refused(suite: Suite, name: str) -> None:
    text, complaint = FILES[name]
    (mistake,) = mistakes_of(suite.write_text(text))
    assert complaint in mistake


def test_two_cases_of_one_name_are_refused(suite: Suite) -> None:
    (mistake,) = mistakes_of(suite.write(case(), case()))
    assert "there is another case of this name" in mistake


def test_a_file_in_the_wrong_place_is_refused(suite: Suite) -> None:
    suite.write(case())
    (suite.directory / "scenarios" / "more.yml").write_text("{}")
    (mistake,) = mistakes_of(suite)
    assert "more.yml: cases are *.yaml files" in mistake


@pytest.mark.parametrize(
    ("vector", "complaint"),
    [
        ({"name": "a", "op": "same", "input": 1}, "either expect or refused"),
        ({"name": "a", "op": "same", "input": 1, "expect": 1, "refused": {}}, "either expect or refused"),
        ({"name": "a", "op": "other", "input": 1, "expect": 1}, "there is no op 'other'"),
        ({"name": "a", "op": "same", "expect": 1}, "the key 'input' is missing"),
        ({"name": "a", "op": "same", "input": 1, "expect": 1, "why": 1}, "unknown key 'why'"),
    ],
)
def test_a_vector_is_refused(suite: Suite, vector: dict[str, Any], complaint: str) -> None:
    (mistake,) = mistakes_of(suite.write_vectors(vector))
    assert complaint in mistake


def test_one_wrong_case_does_not_hide_another(suite: Suite) -> None:
    suite.write(case(name="a", x=1), case(name="b", y=1), case(name="c"))
    assert [mistake.rsplit("/", 1)[1] for mistake in mistakes_of(suite)] == [
        "a: unknown key 'x' (known here: about, name, steps)",
        "b: unknown key 'y' (known here: about, name, steps)",
    ]


@pytest.mark.parametrize("verb", ["check", "list", "run"])
def test_with_a_mistake_nothing_is_judged(suite: Suite, verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    suite.write(case(), case(name="other", x=1))
    arguments = ["--adapter", "/bin/false"] if verb == "run" else []
    assert main([verb, *arguments, *suite.arguments]) == 2
    assert "scenarios/suite/other: unknown key 'x'" in capsys.readouterr().err


def test_yaml_means_what_it_says(suite: Suite) -> None:
    suite.write_text("""
suite: suite
about: on, no and 12:30 are texts, and an alias is the same again.
cases:
- name: it
  about: It is so.
  on: any
  steps:
  - call: put
    args: &it {urn: "${urn.a}", data: {country: no, time: 12:30, date: 2026-11-23, big: 18446744073709551615}}
    any: true
  - {call: put, args: {<<: *it, data: {}}, any: true}
""")
    library = load_library(suite.directory, Path("nowhere"))
    assert library.mistakes == []
    (loaded,) = library.cases
    first, second = loaded.steps  # type: ignore[attr-defined]  # it is a scenario
    assert first.args["data"] == {"country": "no", "time": "12:30", "date": "2026-11-23", "big": 18446744073709551615}
    assert second.args == {"urn": "${urn.a}", "data": {}}
