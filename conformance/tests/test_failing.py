"""Cases that must fail, each kind of expectation broken; beside each, one that differs in that alone and passes."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.tests.suites import Suite, case

URN = "${urn.a}"
GET: dict[str, Any] = {"call": "get", "args": {"urn": URN}}
PUT: dict[str, Any] = {"call": "put", "args": {"urn": URN, "data": {"n": 1}}}
ENTITY = {"urn": URN, "doc": {"n": 1}, "version": 7}
SLOW = {"faults": [{"do": {"delay_ms": 60}}]}
REFUSED = {"faults": [{"times": "always", "do": {"answer": {"code": "no_leader"}}}]}


def steps(*taken: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"server": {"entities": [ENTITY]}, "steps": list(taken), **more}


# (what passes, what fails, what the complaint says)
SCENARIOS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "a value": (
        steps({**GET, "value": {"n": 1}}),
        steps({**GET, "value": {"n": 2}}),
        "steps[0].value.n is 1; expected 2",
    ),
    "a value that is too much": (
        steps({**GET, "value": {"$$subset": {}}}),
        steps({**GET, "value": {}}),
        "steps[0].value.n is 1; it is not expected at all",
    ),
    "no value": (
        steps({**GET, "args": {"urn": "${urn.b}"}, "value": None}),
        steps({**GET, "args": {"urn": "${urn.b}"}, "value": {}}),
        "steps[0].value is null; expected {}",
    ),
    "an error": (
        steps({**GET, "error": {"code": "no_leader"}}, server=REFUSED),
        steps({**GET, "error": {"code": "not_ready"}}, server=REFUSED),
        'steps[0].error.code is "no_leader"; expected "not_ready"',
    ),
    "an error where a value was": (
        steps({**GET, "value": {"n": 1}}),
        steps({**GET, "error": {"kind": "api"}}),
        'the value {"n": 1}; expected the error',
    ),
    "a value where an error was": (
        steps({**GET, "any": True}, server=REFUSED),
        steps({**GET, "value": {"n": 1}}, server=REFUSED),
        "expected the value",
    ),
    "a time": (
        steps({**GET, "any": True, "took_ms": {"$$gte": 60}}, server=SLOW),
        steps({**GET, "any": True, "took_ms": {"$$lt": 60}}, server=SLOW),
        "steps[0].took_ms is",
    ),
    "one of many calls": (
        steps({**GET, "repeat": 3, "parallel": True, "value": {"n": 1}}),
        steps({**GET, "repeat": 3, "parallel": True, "value": {"n": "${i}"}}),
        "steps[0]#0.value.n is 1; expected 0",
    ),
    "a call that was started": (
        steps({"start": "get", "args": {"urn": URN}, "ref": "x"}, {"wait": "x", "value": {"n": 1}}),
        steps({"start": "get", "args": {"urn": URN}, "ref": "x"}, {"wait": "x", "value": {"n": 2}}),
        "steps[1].value.n is 1; expected 2",
    ),
    "a call that nobody waits for": (
        steps({"start": "get", "args": {"urn": URN}, "ref": "x", "value": {"n": 1}}),
        steps({"start": "get", "args": {"urn": URN}, "ref": "x", "value": {"n": 2}}),
        "steps[0].value.n is 1; expected 2",
    ),
    "a saved value": (
        steps({**PUT, "value": {"$$type": "object"}, "save": {"v": "version"}}, {**GET, "value": {"n": 1}}),
        steps({**PUT, "value": {"$$type": "object"}, "save": {"v": "revision"}}, {**GET, "value": {"n": 1}}),
        "there is no 'revision' to save",
    ),
    "the requests": (
        steps({**PUT, "any": True}, wire={"requests": [{"operation": "putEntity", "body": {"n": 1}, "urn": URN}]}),
        steps({**PUT, "any": True}, wire={"requests": [{"operation": "putEntity", "body": {"n": 2}, "urn": URN}]}),
        "wire.requests[0].body.n is 1; expected 2",
    ),
    "one request more": (
        steps({**GET, "any": True}, wire={"requests": [{}]}),
        steps({**GET, "any": True}, wire={"requests": [{}, {}]}),
        "wire.requests: there were 1 requests; expected 2",
    ),
    "a header": (
        steps({**GET, "any": True}, wire={"requests": [{"headers": {"X-Request-ID": {"$$regex": "^[0-9a-f]{16}$"}}}]}),
        steps({**GET, "any": True}, wire={"requests": [{"headers": {"Authorization": {"$$exists": True}}}]}),
        "wire.requests[0].headers.authorization is missing",
    ),
    "no header": (
        steps({**GET, "any": True}, wire={"requests": [{"headers": {"Authorization": None}}]}),
        steps({**GET, "any": True}, wire={"requests": [{"headers": {"X-Request-Id": None}}]}),
        "it ought not to be there",
    ),
    "requests in any order": (
        steps(
            {**GET, "any": True},
            {**PUT, "any": True},
            wire={"requests": {"$$any_order": [{"operation": "putEntity"}, {"operation": "getEntity"}]}},
        ),
        steps(
            {**GET, "any": True},
            {**PUT, "any": True},
            wire={"requests": {"$$any_order": [{"operation": "putEntity"}, {"operation": "putEntity"}]}},
        ),
        "wire.requests has no element for",
    ),
    "the last request": (
        steps({**GET, "any": True}, {**PUT, "any": True}, wire={"last": {"operation": "putEntity"}}),
        steps({**GET, "any": True}, {**PUT, "any": True}, wire={"last": {"operation": "getEntity"}}),
        'wire.last.operation is "putEntity"',
    ),
    "a count": (
        steps({**GET, "any": True}, wire={"count": 1}),
        steps({**GET, "any": True}, wire={"count": 2}),
        "wire.count",
    ),
    "a count of one operation": (
        steps({**GET, "any": True}, wire={"count": {"getEntity": 1, "putEntity": 0}}),
        steps({**GET, "any": True}, wire={"count": {"putEntity": 1}}),
        "wire.count.putEntity is 0; expected 1",
    ),
    "the nodes": (
        steps({**GET, "any": True}, wire={"nodes": [0]}),
        steps({**GET, "any": True}, wire={"nodes": [1]}),
        "wire.nodes[0] is 0; expected 1",
    ),
    "fetches of the topology": (
        steps({**GET, "any": True}, wire={"topology_fetches": 0}),
        steps({**GET, "any": True}, wire={"topology_fetches": 1}),
        "wire.topology_fetches is 0; expected 1",
    ),
    "connections": (
        steps({**GET, "any": True}, wire={"connections": 1}),
        steps({**GET, "any": True}, {**GET, "any": True}, wire={"connections": 1}),
        "wire.connections is 2; expected 1",
    ),
    "a header that is the same": (
        steps({**GET, "any": True}, wire={"same_header": ["x-request-id"]}),
        steps({**GET, "any": True}, {**GET, "any": True}, wire={"same_header": ["x-request-id"]}),
        "wire.same_header: x-request-id differs",
    ),
    "a header that is never the same": (
        steps({**GET, "any": True}, {**GET, "any": True}, wire={"distinct_header": ["x-request-id"]}),
        steps({**GET, "any": True}, {**GET, "any": True}, wire={"distinct_header": ["host"]}),
        "wire.distinct_header: host is",
    ),
    "commits": (
        steps({**PUT, "any": True}, {**PUT, "any": True}, wire={"committed": {URN: 2}}),
        steps({**PUT, "any": True}, wire={"committed": {URN: 2}}),
        "is 1; expected 2",
    ),
    "the log on the way": (
        steps({**GET, "any": True}, {"wire": {"count": 1}}, {**GET, "any": True}),
        steps({**GET, "any": True}, {"wire": {"count": 2}}, {**GET, "any": True}),
        "steps[1].wire.count is 1; expected 2",
    ),
    "until": (
        steps({**GET, "any": True}, {"until": {"wire": {"count": 1}}, "within_ms": 50}),
        steps({**GET, "any": True}, {"until": {"wire": {"count": 2}}, "within_ms": 50}),
        "steps[1]: it did not come about within 50 ms",
    ),
    "until a call": (
        steps({"until": {**GET, "value": {"n": 1}, "wire": {"count": {"$$gte": 3}}}, "within_ms": 5000}),
        steps({"until": {**GET, "value": {"n": 2}}, "within_ms": 50}),
        "steps[0]: it did not come about within 50 ms",
    ),
    "events": (
        steps({**GET, "any": True}, {"events": []}),
        steps({**GET, "any": True}, {"events": [{"event": "start"}]}),
        "steps[1].events: there were 0 events; expected 1",
    ),
    "an op that the adapter does not know": (
        steps({**GET, "any": True}),
        steps({"call": "patch", "args": {"urn": URN, "changes": {}}, "any": True}),
        "steps[0]: the adapter does not support it",
    ),
    "a change that cannot be made": (
        steps({"server": {"stop": 0}}, {"server": {"start": 0}}, {**GET, "value": {"n": 1}}),
        steps({"server": {"stop": 1}}),
        "the cluster cannot be changed so",
    ),
    "a secret in an error": (
        steps({**GET, "error": {}}, server=REFUSED, secrets=["not shown"]),
        steps({**GET, "error": {}}, server=REFUSED, secrets=["no_leader"]),
        "the secret 'no_leader' is shown",
    ),
}


EXCHANGE: dict[str, Any] = {
    "name": "it",
    "about": "It is so.",
    "operation": "putEntity",
    "call": {"op": "put", "args": {"urn": URN, "data": {"n": 1}}},
    "request": {"method": "PUT", "path": "/entity/${quoted.a}", "json": {"n": 1}},
    "response": {
        "status": 201,
        "headers": {"ETag": {"$$regex": '^"[0-9]+"$', "example": '"5"'}},
        "json": {"urn": URN, "version": {"$$type": "int", "example": 5}},
    },
    "value": {"urn": URN, "version": 5, "created": True, "replayed": False},
}

EXCHANGES: dict[str, tuple[dict[str, Any], str]] = {
    "the method": ({"operation": "getEntity", "request": {"method": "GET", "path": "/"}}, "request[0].method is"),
    "the path": ({"request": {"method": "PUT", "path": "/entity/${quoted.b}"}}, "request[0].path is"),
    "the query": ({"request": {"method": "PUT", "path": "/entity/${quoted.a}?a=1"}}, "request[0].query"),
    "a header": ({"request": {**EXCHANGE["request"], "headers": {"Content-Type": "text/plain"}}}, "content-type is"),
    "no header": ({"request": {**EXCHANGE["request"], "headers": {"Content-Type": None}}}, "it ought not to be there"),
    "the body": ({"request": {**EXCHANGE["request"], "json": {"n": 2}}}, "request[0].body.n is 1; expected 2"),
    "how often": ({"count": 2}, "the number of requests is 1; expected 2"),
    "the value": ({"value": {**EXCHANGE["value"], "version": 6}}, "call.value.version is 5; expected 6"),
    "the error": ({"value": 0, "response": {"status": 503, "problem": {"code": "no_leader"}}}, "the error"),
}


def words(name: str) -> str:
    return name.replace(" ", "-")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """All of them, in one run: case -> its result."""
    suite = Suite(tmp_path_factory.mktemp("suite"))
    pairs = [
        case(name=f"{words(name)}-{which}", **members)
        for name, (good, bad, _) in SCENARIOS.items()
        for which, members in (("good", good), ("bad", bad))
    ]
    exchanges = [{**EXCHANGE, "name": words(name), "on": "scripted", **bad} for name, (bad, _) in EXCHANGES.items()]
    suite.write(*pairs).write({**EXCHANGE, "name": "good"}, *exchanges, layer="protocol")
    outcome = suite.run("--mode", "sync", adapter="")
    assert outcome.status == 1
    return {one["case"].rpartition("/")[2]: one for one in outcome.results}


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_passes_and_fails(results: dict[str, dict[str, Any]], name: str) -> None:
    good, bad = results[f"{words(name)}-good"], results[f"{words(name)}-bad"]
    assert good["status"] == "passed", good
    assert bad["status"] == "failed"
    assert SCENARIOS[name][2] in "\n".join(bad["complaints"])


@pytest.mark.parametrize("name", EXCHANGES)
def test_an_exchange_fails(results: dict[str, dict[str, Any]], name: str) -> None:
    assert results["good"]["status"] == "passed", results["good"]
    assert results[words(name)]["status"] == "failed"
    assert EXCHANGES[name][1] in "\n".join(results[words(name)]["complaints"])


def test_a_call_that_is_to_be_refused_must_send_nothing(suite: Suite) -> None:
    silent = {name: EXCHANGE[name] for name in ("name", "about", "operation", "call")}
    suite.write({**silent, "on": "scripted", "error": {"kind": "configuration"}}, layer="protocol")
    assert "nothing was to be sent, but PUT" in suite.run("--mode", "sync", adapter="").complaints()


def test_vectors_pass_fail_and_are_absent(suite: Suite) -> None:
    suite.write_vectors(
        {"name": "rule: as it is", "op": "same", "input": {"a": 1, "b": 2}, "expect": {"a": 1}},
        {"name": "rule: not as it is", "op": "same", "input": {"a": 1}, "expect": {"a": 2}},
        {"name": "rule: to be refused", "op": "same", "input": {"a": 1}, "refused": {}},
        {"name": "rule: not there", "op": "missing", "input": {}, "expect": {}},
    )
    outcome = suite.run(adapter="")
    assert outcome.statuses() == {
        "vectors/rule/as-it-is": "passed",
        "vectors/rule/not-as-it-is": "failed",
        "vectors/rule/to-be-refused": "failed",
        "vectors/rule/not-there": "absent",
    }
    assert outcome.status == 1


def test_a_case_ends_at_its_limit_and_the_next_has_a_new_adapter(suite: Suite) -> None:
    never = steps({"start": "get", "args": {"urn": URN, "timeout_ms": 60_000}, "ref": "x"}, {"wait": "x", "any": True})
    suite.write(case(name="a", **never, limit_ms=300), case(name="b", **steps({**GET, "value": {"n": 1}})))
    outcome = suite.run("--mode", "sync", "--jobs", "1", adapter="")
    assert list(outcome.statuses().values()) == ["failed", "passed"]
    assert "it was not over after 0.3 s; the adapter was killed" in outcome.complaints()


def test_a_cancelled_call_says_so(suite: Suite) -> None:
    suite.write(
        case(
            **steps(
                {"start": "get", "args": {"urn": URN, "timeout_ms": 60_000}, "ref": "x"},
                {"cancel": "x"},
                {"wait": "x", "error": {"kind": "cancelled"}},
            )
        )
    )
    assert suite.run("--mode", "async", adapter="").status == 0


def test_a_failure_shows_what_was_asked(suite: Suite) -> None:
    outcome = suite.write(case(**steps({**GET, "value": 0}))).run("--mode", "sync", adapter="")
    assert "wire: node 0: GET /entity/urn%3Athemis%3Adocument%3A" in outcome.context()


def test_two_clients_and_saved_versions(suite: Suite) -> None:
    suite.write(
        case(
            server={"entities": [{**ENTITY, "save": "v"}]},
            clients={"a": {}, "b": {"namespace": "default"}},
            steps=[
                {**PUT, "client": "a", "value": {"$$subset": {"version": {"$$gt": "${v}"}}}, "save": {"w": "version"}},
                {
                    "call": "get",
                    "client": "b",
                    "args": {"model": "document", "collection": "things", "uuid": "${uuid.a}"},
                    "value": None,
                },
                {**PUT, "client": "b", "value": {"$$subset": {"version": {"$$gt": "${w}"}}}},
                {"create_client": "c"},
                {**GET, "client": "c", "value": {"n": 1}},
                {"close_client": "c"},
            ],
        )
    )
    outcome = suite.run("--mode", "sync", adapter="")
    assert outcome.status == 0, outcome.complaints()
