"""Both clients against the real server, when it is installed: the everyday calls, end to end."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from clients.python.tests.conftest import Connect
from themis import (
    NOT_MODIFIED,
    AlreadyExists,
    ApiError,
    CollectionNotFound,
    EncodingError,
    EntityNotFound,
    ModelMismatch,
    NamespaceNotEmpty,
    NamespaceNotFound,
    PreconditionFailed,
    ThemisClient,
    TooLarge,
    Urn,
)

SAMPLES = Path(__file__).parents[1] / "samples"

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("themis_server") is None, reason="themis-server is not installed"),
]


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A node on an empty directory."""
    data = tmp_path_factory.mktemp("node")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "themis_server.cli", "start", "--data", str(data / "d"), "--port", str(port)]
    program = Path(sys.executable).with_name("themis-server")
    command[:3] = [str(program)] if program.exists() else command[:3]
    with (data / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as node:
        url = f"http://127.0.0.1:{port}"
        with ThemisClient([url]) as client:
            deadline = time.monotonic() + 30
            while not client.health(timeout=1):
                assert node.poll() is None, (data / "log").read_text()
                assert time.monotonic() < deadline, "the node did not become ready"
        yield url
        node.send_signal(signal.SIGTERM)
        node.wait(30)


def new_uuid() -> str:
    return str(uuid4())


@pytest.fixture
def namespace() -> str:
    return f"ns-{uuid4().hex[:12]}"


def test_entity_operations(endpoint: str, connect: Connect, namespace: str) -> None:
    client, uuid = connect([endpoint], namespace=namespace), new_uuid()
    assert client.get("relational", "users", uuid) is None
    written = client.put("relational", "users", uuid, {"name": "Alice", "age": 30, "tags": ["ä", None]})
    assert (written.created, written.replayed, written.urn) == (
        True,
        False,
        Urn("relational", namespace, "users", uuid),
    )
    assert client.get("relational", "users", uuid) == {"name": "Alice", "age": 30, "tags": ["ä", None]}
    assert client.get("relational", "users", uuid.upper()) is not None
    entity = client.get_entity("relational", "users", uuid)
    assert entity.version == written.version
    assert entity.role == "leader"
    assert client.get_entity("relational", "users", uuid, if_none_match=entity.version) is NOT_MODIFIED
    patched = client.patch("relational", "users", uuid, {"age": None, "city": "Rom"}, if_match=entity.version)
    assert patched.version > written.version
    assert client.get("relational", "users", uuid) == {"name": "Alice", "city": "Rom", "tags": ["ä", None]}
    with pytest.raises(PreconditionFailed) as caught:
        client.put("relational", "users", uuid, {}, if_match=entity.version)
    assert caught.value.version == patched.version
    assert client.exists("relational", "users", uuid)
    deleted = client.delete("relational", "users", uuid)
    assert deleted.version > patched.version
    assert client.delete("relational", "users", uuid) is None
    assert not client.exists("relational", "users", uuid)
    with pytest.raises(EntityNotFound):
        client.patch("relational", "users", uuid, {"a": 1})


@pytest.mark.parametrize("consistency", ["strong", "bounded", "eventual"])
def test_read_options(endpoint: str, connect: Connect, namespace: str, consistency: str) -> None:
    client, uuid = connect([endpoint], namespace=namespace), new_uuid()
    client.put("document", "users", uuid, {"a": 1})
    lag = {"max_lag_ms": 500} if consistency == "bounded" else {}
    assert client.get("document", "users", uuid, consistency=consistency, **lag) == {"a": 1}
    assert list(client.batch_get("document", "users", [uuid], consistency=consistency, **lag)) == [{"a": 1}]


def test_an_idempotency_key_makes_a_repeated_write_harmless(endpoint: str, connect: Connect, namespace: str) -> None:
    client, uuid = connect([endpoint], namespace=namespace), new_uuid()
    first = client.put("document", "users", uuid, {"a": 1}, if_none_match="*", idempotency_key=f"k-{uuid}")
    again = client.put("document", "users", uuid, {"a": 1}, if_none_match="*", idempotency_key=f"k-{uuid}")
    assert (again.version, again.created, again.replayed) == (first.version, True, True)


def test_batches(endpoint: str, connect: Connect, namespace: str) -> None:
    client = connect([endpoint], namespace=namespace)
    uuids = [new_uuid() for _ in range(500)]
    put = client.batch_put("document", "users", {uuid: {"i": i} for i, uuid in enumerate(uuids)})
    put.raise_for_errors()
    assert [result.urn.uuid for result in put.ok] == uuids
    absent = new_uuid()
    got = client.batch_get("document", "users", [*uuids, absent])
    assert list(got) == [*({"i": i} for i in range(500)), None]
    assert [urn.uuid for urn in got.missing] == [absent]
    versions = {entity.urn.uuid: entity.version for entity in got.ok}
    mixed = client.batch_put(
        "document", "users", [(uuids[0], {"i": -1}, versions[uuids[0]]), (uuids[1], {"i": -1}, 1), (new_uuid(), {}, 0)]
    )
    assert len(mixed.ok) == 2
    assert [failure.index for failure in mixed.failed] == [1]
    assert mixed.failed[0].error.version == versions[uuids[1]]
    gone = client.batch_delete("document", "users", [uuids[0], absent, (uuids[1], versions[uuids[1]])])
    assert [result.urn.uuid for result in gone.ok] == [uuids[0], uuids[1]]
    assert [urn.uuid for urn in gone.missing] == [absent]
    assert not gone.failed


def test_a_batch_beyond_the_limits_is_cut(endpoint: str, connect: Connect, namespace: str) -> None:
    client = connect([endpoint], namespace=namespace)
    many = {new_uuid(): {"i": i} for i in range(12_000)}
    put = client.batch_put("document", "many", many, timeout=120)
    put.raise_for_errors()
    assert len(put.ok) == 12_000
    large = {new_uuid(): {"text": "x" * 900_000} for _ in range(12)}
    client.batch_put("document", "large", large, timeout=120).raise_for_errors()
    assert client.count_collection("many").count == 12_000
    assert list(client.batch_get("document", "large", large, timeout=120)) == list(large.values())


def test_listing_in_key_order(endpoint: str, connect: Connect, namespace: str) -> None:
    client = connect([endpoint], namespace=namespace)
    uuids = sorted(new_uuid() for _ in range(250))
    client.batch_put("timeseries", "weather", {uuid: {"i": i} for i, uuid in enumerate(uuids)}).raise_for_errors()
    assert [entity.urn.uuid for entity in client.iterate("weather", page_size=100)] == uuids
    assert all(entity.doc is None for entity in client.iterate("weather", include="version"))


def test_the_catalogue(endpoint: str, connect: Connect, namespace: str) -> None:
    client = connect([endpoint], namespace=namespace)
    with pytest.raises(NamespaceNotFound):
        client.get_namespace(namespace)
    made = client.create_namespace(namespace, auto_create_collections=False)
    assert (made.name, made.options.auto_create_collections) == (namespace, False)
    with pytest.raises(AlreadyExists):
        client.create_namespace(namespace)
    with pytest.raises(CollectionNotFound):
        client.put("document", "users", new_uuid(), {})
    assert client.alter_namespace(namespace, auto_create_collections=True).options.auto_create_collections
    users = client.create_collection("users", "document", description="People.", cache_max_age_s=60)
    assert (users.model, users.options.description, users.options.cache_max_age_s) == ("document", "People.", 60)
    with pytest.raises(AlreadyExists):
        client.create_collection("users", "document")
    with pytest.raises(ModelMismatch):
        client.create_collection("users", "graph")
    assert client.get_collection("users") == users
    assert client.alter_collection("users", cache_max_age_s=0).options.description == "People."
    client.put("document", "users", new_uuid(), {})
    assert client.count_collection("users").count == 1
    assert [collection.name for collection in client.list_collections()] == ["users"]
    assert namespace in [found.name for found in client.list_namespaces()]
    with pytest.raises(NamespaceNotEmpty):
        client.drop_namespace(namespace)
    assert client.drop_collection("users") == "users"
    assert client.drop_namespace(namespace, force=True) == namespace


def test_the_cluster(endpoint: str, connect: Connect) -> None:
    client = connect([endpoint])
    topology = client.topology()
    assert topology.epoch >= 1
    assert len(topology.shards) == 8
    assert "entity" in client.version().features
    assert client.health()
    assert "themis_" in client.metrics()
    assert client.admin_topology().epoch == topology.epoch
    assert client.admin_metrics().interval_ms > 0


def test_refusals_are_typed(endpoint: str, connect: Connect, namespace: str) -> None:
    client = connect([endpoint], namespace=namespace)
    with pytest.raises(ApiError) as reserved:
        client.put("document", "users", new_uuid(), {"_key": 1})
    assert reserved.value.code == "reserved_attribute"
    with pytest.raises(TooLarge):
        client.put("document", "users", new_uuid(), {"a": "x" * 2_000_000})
    with pytest.raises(EncodingError):
        client.put("document", "users", new_uuid(), {"a": float("nan")})


@pytest.mark.parametrize("sample", sorted(path.name for path in SAMPLES.glob("*.py")))
def test_samples_run(endpoint: str, sample: str) -> None:
    done = subprocess.run(
        [sys.executable, str(SAMPLES / sample)],
        env={**os.environ, "THEMIS_ENDPOINT": endpoint},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_the_first_lines_of_the_readme_work_when_pasted(endpoint: str) -> None:
    text = (SAMPLES.parent / "README.md").read_text(encoding="utf-8")
    code = text.split("```python\n")[1].split("```")[0].replace("http://127.0.0.1:8080", endpoint)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "Alice" in done.stdout
