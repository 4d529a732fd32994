"""A tiny adapter over a tiny SDK, for tests of the runner: honest, or wrong in the way its argument names.

`python adapter.py [MISCHIEF]`. It knows get, put, delete, exists and list_namespaces, sends what it is told to the
first endpoint and repeats nothing.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
import threading
import time
from typing import Any
from urllib.parse import quote, urlsplit

MISCHIEF = sys.argv[1] if len(sys.argv) > 1 else ""

FEATURES = ["vectors", "entities", "catalogue", "tokens", "iterate", "cancel", "hooks"]

clients: dict[str, dict[str, Any]] = {}
cancelled: dict[int, threading.Event] = {}
held: list[dict[str, Any]] = []
lock = threading.Lock()


def say(reply: dict[str, Any]) -> None:
    with lock:
        sys.stdout.write(json.dumps(reply) + "\n")
        sys.stdout.flush()


def send(options: dict[str, Any], method: str, target: str, data: Any = None) -> tuple[int, dict[str, str], bytes]:
    address = urlsplit(options["endpoints"][0])
    assert address.hostname is not None
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=10)
    headers = {"X-Request-Id": os.urandom(8).hex()}
    if data is not None:
        headers["Content-Type"] = "application/json"
    if "token" in options:
        headers["Authorization"] = f"Bearer {options['token']}"
    try:
        connection.request(method, target, None if data is None else json.dumps(data), headers)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def failed(status: int, body: bytes, options: dict[str, Any]) -> dict[str, Any]:
    problem = json.loads(body or b"{}")
    message = f"{status} {problem.get('code')}"
    if MISCHIEF == "leak-in-error":
        message += f" with {options.get('token')}"
    facts = {name: problem.get(name) for name in ("code", "status", "retryable", "request_id", "version")}
    return {"error": {"kind": "api", "type": "Api", "attempts": 1, "message": message, **facts}}


def call(op: str, options: dict[str, Any], args: dict[str, Any]) -> dict[str, Any]:
    if op == "list_namespaces":
        _, _, body = send(options, "GET", "/namespaces")
        return {"value": json.loads(body)["items"]}
    place = [args.get(name, options.get(name)) for name in ("model", "namespace", "collection", "uuid")]
    target = "/entity/" + quote(args.get("urn") or f"urn:themis:{':'.join(map(str, place))}", safe="")
    method = {"get": "GET", "put": "PUT", "delete": "DELETE", "exists": "HEAD"}.get(op)
    if method is None:
        return {"unsupported": f"no {op}"}
    status, headers, body = send(options, method, target, args.get("data"))
    if op == "exists":
        return {"value": status == 200}
    if status == 404 and op in ("get", "delete"):
        return {"value": None}
    if status >= 400:
        return failed(status, body, options)
    value = json.loads(body)
    if op != "get":
        value |= {"created": status == 201, "replayed": "idempotency-replayed" in headers}
    if MISCHIEF == "wrong-value":
        value["wrong"] = True
    return {"value": value}


def obey(command: dict[str, Any]) -> dict[str, Any]:
    do = command["do"]
    if do == "createClient":
        clients[command["client"]] = command["options"]
        return {"value": {}}
    if do == "closeClient":
        del clients[command["client"]]
        return {"value": {}}
    if do == "vector":
        return {"value": {"absent": True} if command["op"] == "missing" else {"expect": command["input"]}}
    if do == "events":
        return {"value": {"events": []}}
    if do != "call":
        return {"unsupported": do}
    options = clients[command["client"]]
    if MISCHIEF == "leak":
        print(f"using {options.get('token')}", file=sys.stderr, flush=True)
    if command["args"].get("timeout_ms") == 60_000:  # a call that only a cancel ends
        cancelled[command["id"]].wait(30)
        return {"error": {"kind": "cancelled", "message": "cancelled"}}
    return call(command["op"], options, command["args"])


def serve(command: dict[str, Any]) -> None:
    reply = {"id": command["id"], **obey(command)}
    if command["do"] != "call":
        say(reply)
        if MISCHIEF == "late" and command["do"] == "closeClient":
            say(reply)
    elif MISCHIEF == "hang":
        time.sleep(60)
    elif MISCHIEF == "die":
        print("I am dying", file=sys.stderr, flush=True)
        os._exit(3)
    elif MISCHIEF == "twice":
        say(reply)
        say(reply)
    elif MISCHIEF == "unknown-id":
        say({**reply, "id": command["id"] + 1000})
    elif MISCHIEF == "text-id":
        say({**reply, "id": str(command["id"])})
    elif MISCHIEF == "garbage":
        print("by the way, all is well", flush=True)
        say(reply)
    elif MISCHIEF == "value-and-error":
        say({"id": command["id"], "value": None, "error": {"kind": "api", "message": "x"}})
    elif MISCHIEF == "error-without-kind":
        say({"id": command["id"], "error": {"message": "x"}})
    elif MISCHIEF == "backwards":
        # Every reply is held back until the next one has been given.
        with lock:
            held.append(reply)
            ready = held if len(held) == 3 else []
        for one in reversed(ready):
            say(one)
    else:
        say(reply)


def greeting() -> dict[str, Any]:
    value: dict[str, Any] = {
        "protocol": 1,
        "sdk": "themis-double",
        "version": "1.0",
        "language": "Python",
        "modes": ["sync", "async"],
        "features": FEATURES,
    }
    variants: dict[str, dict[str, Any]] = {
        "hello-protocol": {"protocol": 2},
        "hello-mode": {"modes": ["fast"]},
        "hello-feature": {"features": ["telepathy"]},
        "hello-member": {"author": "me"},
        "hello-no-modes": {"modes": []},
        "few-features": {"features": ["entities"]},
        "sync-only": {"modes": ["sync"]},
    }
    return value | variants.get(MISCHIEF, {})


def main() -> int:
    if MISCHIEF == "hello-die":
        print("no interpreter", file=sys.stderr)
        return 1
    threads: list[threading.Thread] = []
    for line in sys.stdin:
        command = json.loads(line)
        if command["do"] == "hello":
            say({"id": command["id"], "value": greeting()})
        elif command["do"] == "cancel":
            cancelled[command["call"]].set()
            say({"id": command["id"], "value": {}})
        elif command["do"] == "call":
            cancelled[command["id"]] = threading.Event()
            threads.append(threading.Thread(target=serve, args=(command,), daemon=True))
            threads[-1].start()
        else:
            serve(command)
    if MISCHIEF == "no-exit":
        time.sleep(60)
    return 7 if MISCHIEF == "bad-exit" else 0


if __name__ == "__main__":
    sys.exit(main())
