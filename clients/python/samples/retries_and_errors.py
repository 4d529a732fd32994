"""What can go wrong with a call, what the SDK has done about it by then, and what is left for the program to decide."""

import os
from uuid import uuid4

from themis import (
    ApiError,
    EncodingError,
    InvalidUrn,
    PreconditionFailed,
    RetryPolicy,
    ThemisClient,
    TimeoutError,
    TransportError,
)


def refused_by_the_server(client: ThemisClient) -> None:
    """An answer that is an error has a code to switch on."""
    uuid = str(uuid4())
    client.put("document", "accounts", uuid, {"balance": 10})
    try:
        client.put("document", "accounts", uuid, {"balance": 0}, if_none_match="*")
    except PreconditionFailed as error:
        print(f"it exists already, in version {error.version}")
    try:
        client.put("document", "accounts", uuid, {"_rev": 1})
    except ApiError as error:
        print(f"{error.status} {error.code}, retryable: {error.retryable}, request {error.request_id}")
    client.delete("document", "accounts", uuid)


def never_sent(client: ThemisClient) -> None:
    """What cannot work is refused before it is sent."""
    try:
        client.get("document", "accounts", "no uuid")
    except InvalidUrn as error:
        print(f"wrong {error.reason} at character {error.position}")
    try:
        client.put("document", "accounts", str(uuid4()), {"balance": float("nan")})
    except EncodingError as error:
        print("no JSON:", error)


def nobody_answers() -> None:
    """Retries end when they are used up, and never later than the timeout of the call."""
    patience = RetryPolicy(retries_max=2, backoff_base_s=0.01)
    with ThemisClient(["http://127.0.0.1:9"], retry=patience, timeout=5) as lonely:
        try:
            lonely.put("document", "accounts", str(uuid4()), {"balance": 1})
        except TransportError as error:
            print(f"{error.kind} after {error.attempts} attempts; may it have happened? {error.outcome_unknown}")
        except TimeoutError as error:
            print(f"no answer in time after {error.attempts} attempts")


def the_same_write_twice(client: ThemisClient) -> None:
    """A key of your own makes a write harmless to repeat, even by another process."""
    uuid, key = str(uuid4()), f"booking-{uuid4()}"
    first = client.put("document", "accounts", uuid, {"balance": 5}, idempotency_key=key)
    again = client.put("document", "accounts", uuid, {"balance": 5}, idempotency_key=key)
    print(f"replayed: {again.replayed}, the same version: {again.version == first.version}")
    client.delete("document", "accounts", uuid)


def main() -> None:
    endpoint = os.environ.get("THEMIS_ENDPOINT", "http://127.0.0.1:8080")
    with ThemisClient([endpoint], namespace="samples", timeout=10, max_retries=3) as client:
        refused_by_the_server(client)
        never_sent(client)
        nobody_answers()
        the_same_write_twice(client)


if __name__ == "__main__":
    main()
