"""Reads from the nearest replica that never show less than one has seen, and a session that is handed on."""

import os
from typing import Any
from uuid import uuid4

from themis import LagExceeded, ThemisClient


def main() -> None:
    endpoints = os.environ.get("THEMIS_ENDPOINT", "http://127.0.0.1:8080").split(",")
    # Reads that do not say otherwise may lag, and go to a replica near to dc1; writes go to the leaders, as ever.
    near: dict[str, Any] = {"consistency": "eventual", "datacenter": "dc1"}
    uuid = str(uuid4())
    with ThemisClient(endpoints, namespace="samples", **near) as shop:
        shop.put("document", "orders", uuid, {"state": "paid"})

        # The session says what this client has written, and the replica that answers has it.
        order = shop.get_entity("document", "orders", uuid)
        assert order is not None
        print(f"{order.doc} from {order.node}, a {order.role}, at most {order.lag_ms} ms behind")
        assert order.doc == {"state": "paid"}

        # Another process goes on from here: a token is a short text, for a cookie or a message.
        with ThemisClient(endpoints, namespace="samples", **near) as invoices:
            invoices.merge_session(shop.session_token)
            assert invoices.get("document", "orders", uuid) == {"state": "paid"}

        # How old may it be? A replica that cannot prove that leaves it to the leader.
        try:
            print(shop.get("document", "orders", uuid, consistency="bounded", max_lag_ms=200))
        except LagExceeded as error:
            print(f"nobody is that fresh; the best replica is {error.lag_ms} ms behind")
        shop.delete("document", "orders", uuid)


if __name__ == "__main__":
    main()
