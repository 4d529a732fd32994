"""Keep a copy and ask whether it is still good: an unchanged document is not sent again."""

import os
from uuid import uuid4

from themis import NOT_MODIFIED, ThemisClient


def main() -> None:
    endpoint = os.environ.get("THEMIS_ENDPOINT", "http://127.0.0.1:8080")
    with ThemisClient([endpoint], namespace="samples") as client:
        page = str(uuid4())
        client.put("document", "pages", page, {"title": "Home"})
        copy = client.get_entity("document", "pages", page)
        assert copy is not None

        again = client.get_entity("document", "pages", page, if_none_match=copy.version)
        print("unchanged:", again is NOT_MODIFIED)

        client.patch("document", "pages", page, {"title": "Start"})
        again = client.get_entity("document", "pages", page, if_none_match=copy.version)
        print("changed:", again)
        client.delete("document", "pages", page)


if __name__ == "__main__":
    main()
