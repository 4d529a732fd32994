"""Starting, stopping, and what two nodes must not share."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
import time

import pytest

from server.tests.conformance import check_problem
from server.tests.process import Fleet, Node, StartFailed, wait_for
from server.tests.rawhttp import Closed, RawConnection, Reply, exchange, request

_PREFIX = "urn:themis:document:life:things:00000000-0000-4000-8000-"


def _put(number: int, size: int = 10) -> bytes:
    body = json.dumps({"n": number, "pad": "x" * size}).encode()
    return request("PUT", f"/entity/{_PREFIX}{number:012x}", body)


def test_a_stop_answers_every_write_it_has_accepted(fleet: Fleet) -> None:
    node = fleet.start()
    replies: dict[int, Reply | Exception] = {}
    started = threading.Barrier(101)

    def write(number: int) -> None:
        with RawConnection(node.port) as connection:
            data = _put(number, 300_000)
            connection.send(data[:1000])  # the head is there, and the node is reading the body
            started.wait(30)
            try:
                connection.send(data[1000:])
                replies[number] = connection.reply()
            except (Closed, OSError) as error:
                replies[number] = error

    threads = [threading.Thread(target=write, args=(number,)) for number in range(100)]
    for thread in threads:
        thread.start()
    started.wait(30)
    node.signal(signal.SIGTERM)
    for thread in threads:
        thread.join(60)
    assert node.wait() == 0
    answered = [number for number, reply in replies.items() if isinstance(reply, Reply)]
    lost = [error for error in replies.values() if not isinstance(error, Reply)]
    assert not lost, f"{len(answered)} answered, {len(lost)} not: {lost[:3]}"
    assert all(isinstance(reply, Reply) and reply.status == 201 for reply in replies.values()), replies
    node.start()
    for number in range(100):
        assert exchange(node.port, request("GET", f"/entity/{_PREFIX}{number:012x}")).status == 200


def test_a_stop_under_load_loses_no_answer_that_was_given(fleet: Fleet) -> None:
    node = fleet.start()
    acknowledged: set[int] = set()

    def write(first: int) -> None:
        try:
            with RawConnection(node.port) as connection:
                for number in range(first, first + 100_000):
                    connection.send(_put(number))
                    reply = connection.reply()
                    if reply.status == 201:
                        acknowledged.add(number)
                    else:
                        check_problem(reply, "shutting_down")
        except (Closed, OSError):
            return

    threads = [threading.Thread(target=write, args=(1_000_000 * index,)) for index in range(6)]
    for thread in threads:
        thread.start()
    wait_for(lambda: len(acknowledged) > 500, "load")
    started_s = time.monotonic()
    assert node.stop() == 0
    assert time.monotonic() - started_s < 10
    for thread in threads:
        thread.join(30)
    node.start()
    urns = [f"{_PREFIX}{number:012x}" for number in acknowledged]
    for start in range(0, len(urns), 5000):
        body = json.dumps({"urns": urns[start : start + 5000]}).encode()
        items = exchange(node.port, request("POST", "/batch/get", body)).json()["items"]
        assert all("version" in item for item in items)


def test_a_stop_does_not_wait_for_long_polls_and_idle_connections(fleet: Fleet) -> None:
    node = fleet.start()
    with RawConnection(node.port) as idle, RawConnection(node.port) as polling:
        idle.send(request("GET", "/version"))
        assert idle.reply().status == 200
        polling.send(request("GET", "/topology?after_epoch=1&wait_ms=60000"))
        wait_for(lambda: _in_flight(node) >= 2, "the poll to be under way")
        started_s = time.monotonic()
        node.signal(signal.SIGTERM)
        reply = polling.reply()
        assert reply.status in (304, 503), reply
        assert node.wait() == 0
        assert time.monotonic() - started_s < 5


def _in_flight(node: Node) -> float:
    text = exchange(node.port, request("GET", "/metrics")).body.decode()
    lines = [
        line for line in text.splitlines() if "in_flight" in line and not line.startswith("#") and "request" in line
    ]
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines)


def test_a_stop_gives_up_on_bodies_that_do_not_come(fleet: Fleet) -> None:
    node = fleet.start(settings={"limits.drain_timeout_s": 1})
    with RawConnection(node.port) as connection:
        connection.send(_put(1, 10_000)[:1000])
        wait_for(lambda: _in_flight(node) >= 2, "the write to be under way")
        started_s = time.monotonic()
        assert node.stop() == 0
        assert time.monotonic() - started_s < 8


def test_two_signals_are_one(fleet: Fleet) -> None:
    node = fleet.start()
    node.signal(signal.SIGTERM)
    node.signal(signal.SIGTERM)
    assert node.wait() == 0


def test_ctrl_c_is_a_clean_stop(fleet: Fleet) -> None:
    node = fleet.start()
    node.signal(signal.SIGINT)
    assert node.wait() == 0
    assert "Traceback" not in node.output()


def test_a_second_process_on_the_same_directory_is_refused(fleet: Fleet) -> None:
    node = fleet.start()
    with pytest.raises(StartFailed) as refused:
        fleet.start(data=node.data)
    assert refused.value.code == 1
    assert "another process" in refused.value.output
    assert "Traceback" not in refused.value.output
    assert exchange(node.port, request("GET", "/health/ready")).status == 200


def test_a_port_in_use_is_told_with_what_to_do(fleet: Fleet) -> None:
    node = fleet.start()
    with pytest.raises(StartFailed) as refused:
        fleet.start(settings={"http.port": node.port})
    assert refused.value.code == 1
    assert str(node.port) in refused.value.output
    assert "--port" in refused.value.output
    assert "Traceback" not in refused.value.output
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(StartFailed):
        fleet.start(settings={"http.port": taken.getsockname()[1]})


def test_a_directory_that_cannot_be_made_is_told(fleet: Fleet) -> None:
    file = fleet.directory / "a-file"
    file.write_text("")
    with pytest.raises(StartFailed) as refused:
        fleet.start(data=file / "data")
    assert refused.value.code == 1
    assert str(file) in refused.value.output
    assert "Traceback" not in refused.value.output


def test_environment_and_unknown_settings(fleet: Fleet) -> None:
    node = fleet.start(environment={"THEMIS_CATALOG_AUTO_CREATE_COLLECTIONS": "false"})
    assert exchange(node.port, _put(1)).code in ("collection_not_found", "namespace_not_found")
    with pytest.raises(StartFailed) as refused:
        fleet.start(settings={"limits.boddy_bytes_max": 1})
    assert "body_bytes_max" in refused.value.output


def test_an_idle_node_is_small_and_quiet(fleet: Fleet) -> None:
    node = fleet.start()
    assert exchange(node.port, _put(1)).status == 201
    cpu_s, started_s = node.cpu_s(), time.monotonic()
    wait_for(lambda: time.monotonic() - started_s > 4, "time to pass", every_s=0.5)
    share = (node.cpu_s() - cpu_s) / (time.monotonic() - started_s)
    rss_mib = node.rss_mib()
    print(f"\nidle: {rss_mib:.0f} MiB resident, {share:.1%} of a CPU")
    assert rss_mib < 150
    assert share < 0.05


def test_what_a_node_leaves_behind_is_its_own(fleet: Fleet) -> None:
    node = fleet.start()
    assert node.stop() == 0
    for path in (node.data, node.data / "node.json", node.data / "lock"):
        assert os.stat(path).st_mode & 0o007 == 0 or path.name == "node.json", path
    assert os.stat(node.data).st_mode & 0o077 == 0
