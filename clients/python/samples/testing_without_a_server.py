"""How a program that uses themis-python is tested: a transport that answers from a function, no server, no sockets."""

from uuid import uuid4

from themis import RetryPolicy, ThemisClient
from themis.testing import (
    FailureKind,
    FakeTransport,
    Request,
    Response,
    TransportFailure,
    json_response,
    problem_response,
)


def greeting(client: ThemisClient, uuid: str) -> str:
    """The code to be tested."""
    person = client.get("document", "people", uuid)
    return "Who are you?" if person is None else f"Hello {person['name']}!"


def test_it_greets_by_name() -> None:
    transport = FakeTransport(lambda request: json_response(200, {"name": "Alice"}, etag='"1"'))
    client = ThemisClient(["http://fake"], transport=transport)
    uuid = str(uuid4())
    assert greeting(client, uuid) == "Hello Alice!"
    assert [request.method for request in transport.requests] == ["GET"]
    assert transport.requests[0].target.endswith(uuid)


def test_it_asks_strangers() -> None:
    transport = FakeTransport(lambda request: problem_response(404, "entity_not_found"))
    assert greeting(ThemisClient(["http://fake"], transport=transport), str(uuid4())) == "Who are you?"


def test_it_survives_an_election_and_a_broken_connection() -> None:
    answers: list[Response | TransportFailure] = [
        problem_response(503, "no_leader", retryable=True),
        TransportFailure(FailureKind.LOST, "the connection was closed", sent=True),
        json_response(200, {"name": "Bob"}, etag='"1"'),
    ]

    def answer(request: Request) -> Response:
        found = answers.pop(0)
        if isinstance(found, TransportFailure):
            raise found
        return found

    transport = FakeTransport(answer)
    client = ThemisClient(["http://fake"], transport=transport, retry=RetryPolicy(backoff_base_s=0.001))
    assert greeting(client, str(uuid4())) == "Hello Bob!"
    assert len(transport.requests) == 3


def main() -> None:
    # With pytest these are found by their names; here they are called.
    for test in (test_it_greets_by_name, test_it_asks_strangers, test_it_survives_an_election_and_a_broken_connection):
        test()
        print(test.__name__, "passed")


if __name__ == "__main__":
    main()
