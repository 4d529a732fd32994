"""Load many rows with few requests, read some back, and see what a partial failure looks like."""

import os
import time
from uuid import NAMESPACE_URL, uuid5

from themis import BatchError, ThemisClient

ROWS = 5_000


def key(number: int) -> str:
    """A key made from the row itself: loading twice changes nothing."""
    return str(uuid5(NAMESPACE_URL, f"sample-row-{number}"))


def main() -> None:
    endpoint = os.environ.get("THEMIS_ENDPOINT", "http://127.0.0.1:8080")
    with ThemisClient([endpoint], namespace="samples") as client:
        began = time.perf_counter()
        result = client.batch_put(
            "relational", "rows", ((key(number), {"number": number, "square": number**2}) for number in range(ROWS))
        )
        result.raise_for_errors()
        print(f"{len(result.ok)} rows in {time.perf_counter() - began:.2f} s")
        print("on the server:", client.count_collection("rows").count)

        rows = client.batch_get("relational", "rows", [key(3), key(ROWS + 1), key(5)])
        print("two that are there, one that is not:", list(rows))

        # 0 says "must not exist": the first of these does.
        mixed = client.batch_put(
            "relational", "rows", [(key(0), {"number": 0}, 0), (key(1), {"number": 1, "square": 1})]
        )
        print(f"{len(mixed.ok)} written, {len(mixed.failed)} refused: {mixed.failed[0].error}")
        try:
            mixed.raise_for_errors()
        except BatchError as error:
            print("as an exception:", error)


if __name__ == "__main__":
    main()
