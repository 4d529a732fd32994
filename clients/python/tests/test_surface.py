"""The public surface: what is in __all__, and that the two clients are twins."""

from __future__ import annotations

import inspect
import subprocess
import sys
from typing import Any

import pytest

import themis
from themis import AsyncThemisClient, ThemisClient

LIFE = {"close": "aclose"}
WITHOUT_IO = {"iterate", "merge_session", "forget_session"}


def public(kind: type) -> dict[str, Any]:
    members = {name: member for base in kind.__mro__[:-1] for name, member in vars(base).items()}
    return {name: member for name, member in members.items() if not name.startswith("_")}


def test_all_names_exist_and_are_loaded_once() -> None:
    for name in themis.__all__:
        assert getattr(themis, name) is getattr(themis, name)
    assert set(themis.__all__) <= set(dir(themis))
    assert sorted(set(themis.__all__)) == sorted(themis._HOME)
    with pytest.raises(AttributeError):
        themis.Nothing  # noqa: B018


def test_all_names_are_importable_by_star() -> None:
    namespace: dict[str, Any] = {}
    exec("from themis import *", namespace)
    assert set(themis.__all__) <= set(namespace)


def test_the_server_does_not_pay_for_the_client() -> None:
    code = "import sys, themis.urn, themis.placement; print({'httpx', 'asyncio', 'msgspec'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_the_default_transport_does_not_import_httpx() -> None:
    code = (
        "import sys; from themis import ThemisClient; ThemisClient(['http://h']).close(); print('httpx' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_clients_are_twins() -> None:
    ours, theirs = public(ThemisClient), public(AsyncThemisClient)
    assert {LIFE.get(name, name) for name in ours} == set(theirs)
    for name, member in ours.items():
        twin = theirs[LIFE.get(name, name)]
        if isinstance(member, property):
            continue
        assert inspect.iscoroutinefunction(twin) is (name not in WITHOUT_IO), name
        one, other = inspect.signature(member), inspect.signature(twin)
        assert one.parameters == other.parameters, name
        if name != "iterate":
            assert one.return_annotation == other.return_annotation, name
        assert member.__doc__ == twin.__doc__, name


def test_options_of_the_clients_are_the_same() -> None:
    one = inspect.signature(ThemisClient).parameters
    other = inspect.signature(AsyncThemisClient).parameters
    assert list(one) == list(other)
    assert list(one)[:4] == ["endpoints", "namespace", "timeout", "max_retries"]


def test_every_operation_of_the_spec_is_reachable() -> None:
    """An operation added to the spec must get a method (or be listed here, with the reason)."""
    from themis._generated.operations import OPERATIONS

    methods = {
        "getEntity": "get", "headEntity": "exists", "putEntity": "put", "patchEntity": "patch",
        "deleteEntity": "delete", "batchGet": "batch_get", "batchPut": "batch_put", "batchDelete": "batch_delete",
        "listNamespaces": "list_namespaces", "createNamespace": "create_namespace", "getNamespace": "get_namespace",
        "alterNamespace": "alter_namespace", "dropNamespace": "drop_namespace",
        "listCollections": "list_collections", "createCollection": "create_collection",
        "getCollection": "get_collection", "alterCollection": "alter_collection",
        "dropCollection": "drop_collection", "countCollection": "count_collection", "listEntities": "iterate",
        "getTopology": "topology", "getVersion": "version", "getReady": "health", "getMetrics": "metrics",
        "adminTopology": "admin_topology", "adminMetrics": "admin_metrics", "adminStatus": "admin_status",
        "adminNodes": "admin_nodes", "adminNode": "admin_node", "adminRemoveNode": "admin_remove_node",
        "adminDrainNode": "admin_drain_node", "adminUndrainNode": "admin_undrain_node",
        "adminShards": "admin_shards", "adminShard": "admin_shard", "adminTransferLeader": "admin_transfer_leader",
        "adminReplaceReplica": "admin_replace_replica", "adminSetReplicas": "admin_set_replicas",
        "adminJoinTokens": "admin_join_tokens", "adminCreateJoinToken": "admin_create_join_token",
        "adminRevokeJoinToken": "admin_revoke_join_token",
    }  # fmt: skip
    not_for_programs = {"getLive": "health() tells more", "getOpenapi": "read by tools, not through an SDK"}
    assert {operation.operation_id for operation in OPERATIONS} == methods.keys() | not_for_programs.keys()
    assert all(hasattr(ThemisClient, method) for method in methods.values())
