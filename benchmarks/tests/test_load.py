"""The load is the same in every run, and what a server answers to it is checked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.load import documents, requests
from benchmarks.load.filling import check_batch
from benchmarks.peers.postgres import parse_transactions
from benchmarks.servers import ServerError
from themis.urn import Urn

_PGBENCH = """pgbench (15.18)
transaction type: read.sql
number of clients: 16
number of transactions actually processed: 31415
number of failed transactions: 0 (0.000%)
tps = 15707.5 (without initial connection time)
"""


@pytest.mark.parametrize("index", [0, 1, 99, 100_000, 9_999_999])
def test_every_document_is_json_of_one_size(index: int) -> None:
    document = documents.document(index)

    assert len(document) == documents.DOCUMENT_BYTES
    assert json.loads(document)["name"] == f"Person {index}"


def test_keys_are_valid_different_and_the_same_in_every_run() -> None:
    keys = documents.uuids(1_000)

    assert len(set(keys)) == 1_000
    assert documents.uuids(10) == keys[:10]
    assert [Urn.parse(documents.urn(key)).uuid for key in keys] == keys


def test_batches_store_every_key_once() -> None:
    keys = documents.uuids(25)

    items = [item for body in documents.batch_put_bodies(keys, 10) for item in json.loads(body)["items"]]

    assert [item["urn"] for item in items] == [documents.urn(key) for key in keys]
    assert [item["doc"]["name"] for item in items] == [f"Person {index}" for index in range(25)]


def test_batch_reads_ask_for_different_keys() -> None:
    bodies = [json.loads(body)["urns"] for body in documents.batch_get_bodies(documents.uuids(50), 10, 3)]

    assert [len(set(urns)) for urns in bodies] == [10, 10, 10]
    assert bodies[0] != bodies[1]


def test_a_file_of_requests_holds_each_with_its_length(tmp_path: Path) -> None:
    sent = requests.send("PUT", "/entity/x", b'{"a":\n1}', authorization="Bearer t")
    file = requests.write_file(tmp_path / "load", [requests.get("/"), sent])

    head = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
    assert file.read_bytes() == b"%d\n%b%d\n%b" % (len(head), head, len(sent), sent)
    assert b"\r\nAuthorization: Bearer t\r\n" in sent
    assert sent.endswith(b'Content-Length: 8\r\n\r\n{"a":\n1}')


def test_a_batch_with_a_failed_item_is_no_success() -> None:
    body = b'{"items":[{"urn":"u","version":7,"doc":{}},{"urn":"v","error":{"code":"internal"}}]}'

    with pytest.raises(ServerError, match="1 of 2 items failed"):
        check_batch(200, body)


def test_a_batch_that_is_refused_is_no_success() -> None:
    with pytest.raises(ServerError, match="413"):
        check_batch(413, b"{}")


def test_pgbench_tells_how_many_transactions_it_made() -> None:
    assert parse_transactions(_PGBENCH) == 31_415


@pytest.mark.parametrize(
    "output",
    ["", _PGBENCH.replace("31415", "0"), _PGBENCH.replace("failed transactions: 0", "failed transactions: 5")],
)
def test_pgbench_that_failed_is_no_result(output: str) -> None:
    with pytest.raises(ServerError, match="pgbench"):
        parse_transactions(output)
