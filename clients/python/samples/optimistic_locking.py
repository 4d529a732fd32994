"""Many threads change one document, and no change is lost: read the version, write only if it is still that one."""

import os
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from themis import PreconditionFailed, ThemisClient

THREADS, STEPS = 4, 10


def increment(client: ThemisClient, counter: str) -> int:
    """Add one to the counter; returns how many tries it took."""
    tries = 0
    while True:
        tries += 1
        entity = client.get_entity("document", "counters", counter)
        assert entity is not None
        try:
            client.put("document", "counters", counter, {"value": entity.doc["value"] + 1}, if_match=entity.version)
        except PreconditionFailed:
            continue  # somebody was faster: look again
        return tries


def main() -> None:
    endpoint = os.environ.get("THEMIS_ENDPOINT", "http://127.0.0.1:8080")
    with ThemisClient([endpoint], namespace="samples") as client, ThreadPoolExecutor(THREADS) as threads:
        counter = str(uuid4())
        client.put("document", "counters", counter, {"value": 0}, if_none_match="*")
        tries = sum(threads.map(lambda _: increment(client, counter), range(THREADS * STEPS)))
        final = client.get("document", "counters", counter)
        print(f"{THREADS * STEPS} increments by {THREADS} threads took {tries} tries; the counter says {final}")
        assert final == {"value": THREADS * STEPS}
        client.delete("document", "counters", counter)


if __name__ == "__main__":
    main()
