"""Walk through a collection page by page, stop, and go on later from the cursor."""

import os
from uuid import uuid4

from themis import ThemisClient


def main() -> None:
    endpoint = os.environ.get("THEMIS_ENDPOINT", "http://127.0.0.1:8080")
    with ThemisClient([endpoint], namespace="samples") as client:
        collection = f"walk_{uuid4().hex[:8]}"
        client.create_collection(collection, "document", description="For the sample iterate_collection.")
        client.batch_put("document", collection, {str(uuid4()): {"n": n} for n in range(250)}).raise_for_errors()

        pages = client.iterate(collection, page_size=100)
        first = [next(pages) for _ in range(100)]
        print(f"the first page: {len(first)} entities from {first[0].urn.uuid} to {first[-1].urn.uuid}")

        rest = list(client.iterate(collection, page_size=100, cursor=pages.cursor))
        print(f"from the cursor on: {len(rest)}")
        assert len(first) + len(rest) == client.count_collection(collection).count == 250

        versions = sum(1 for _ in client.iterate(collection, include="version"))
        print(f"versions only: {versions}")
        client.drop_collection(collection)


if __name__ == "__main__":
    main()
