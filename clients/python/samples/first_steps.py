"""Write, read, change and delete one document."""

import os
from uuid import uuid4

from themis import ThemisClient


def main() -> None:
    endpoint = os.environ.get("THEMIS_ENDPOINT", "http://127.0.0.1:8080")
    with ThemisClient([endpoint], namespace="samples") as client:
        alice = str(uuid4())
        written = client.put("document", "people", alice, {"name": "Alice", "age": 30})
        print(f"written: {written.urn} in version {written.version}")

        print("read:", client.get("document", "people", alice))

        client.patch("document", "people", alice, {"age": 31, "city": "Rome"})
        print("changed:", client.get("document", "people", alice))

        client.delete("document", "people", alice)
        print("deleted:", client.get("document", "people", alice))


if __name__ == "__main__":
    main()
