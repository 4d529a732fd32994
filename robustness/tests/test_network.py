"""Namespaces: every pair of nodes can be cut, one way or both, and clients from nodes; healing brings all back."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from robustness import network
from robustness.ask import ask
from robustness.cluster import Cluster
from robustness.network import CLIENTS, Network, NotPossible
from robustness.processes import wait_for
from robustness.undo import Action, Undo

_T = TypeVar("_T")
HOSTS = {f"node-{number}": f"127.78.0.{number}" for number in (1, 2, 3)}

_ECHO = """
import socket, sys
with socket.socket(type=socket.SOCK_DGRAM) as plug:
    plug.bind((sys.argv[1], 8000))
    while True:
        data, sender = plug.recvfrom(100)
        plug.sendto(data, sender)
"""
_ASK = """
import socket, sys
with socket.socket(type=socket.SOCK_DGRAM) as plug:
    plug.settimeout(0.25)
    plug.sendto(b"?", (sys.argv[1], 8000))
    plug.recv(10)
"""


_LISTEN = """
import socket, sys
with socket.socket(type=socket.SOCK_DGRAM) as plug:
    plug.bind((sys.argv[1], 8001))
    plug.settimeout(1)
    print("ready", flush=True)
    plug.recv(1)
"""
_SEND = """
import socket, sys
with socket.socket(type=socket.SOCK_DGRAM) as plug:
    plug.sendto(b"?", (sys.argv[1], 8001))
"""


@pytest.fixture(autouse=True)
def _possible() -> None:
    if network.missing():
        pytest.skip(f"NOT TESTED: namespaces need {', '.join(network.missing())}")


@pytest.fixture
def made(undo: Undo) -> Iterator[Network]:
    """A network of three nodes, each of which echoes datagrams."""
    net = Network(HOSTS, undo)
    net.create()
    echoes = []
    for name, host in HOSTS.items():
        echo = subprocess.Popen(net.command(name, [sys.executable, "-c", _ECHO, host]))
        undo.push(Action.kill(echo.pid))
        echoes.append(echo)
    for name in HOSTS:
        wait_for(lambda name=name: _reaches(net, CLIENTS, name), f"{name} to echo", 10)  # type: ignore[misc]
    yield net
    for echo in echoes:
        echo.kill()
        echo.wait()
    net.close()


def _reaches(net: Network, source: str, target: str) -> bool:
    """Whether a datagram goes there and an answer comes back."""
    command = net.command(source, [sys.executable, "-c", _ASK, HOSTS[target]])
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _open_pairs(net: Network) -> set[tuple[str, str]]:
    names = [CLIENTS, *HOSTS]
    return {
        (source, target) for source in names for target in HOSTS if source != target and _reaches(net, source, target)
    }


def test_cuts_and_healing(made: Network) -> None:
    everything = _open_pairs(made)
    assert len(everything) == 9
    made.cut_both("node-1", "node-2")
    assert everything - _open_pairs(made) == {("node-1", "node-2"), ("node-2", "node-1")}
    made.cut(CLIENTS, "node-3")
    assert (CLIENTS, "node-3") not in _open_pairs(made)
    assert _reaches(made, "node-1", "node-3")
    made.heal()
    assert _open_pairs(made) == everything


def _hears(net: Network, source: str, target: str) -> bool:
    """Whether a datagram that one sends arrives at the other, whatever happens to answers."""
    host = HOSTS[target]
    listener = net.command(target, [sys.executable, "-c", _LISTEN, host])
    with subprocess.Popen(listener, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as heard:
        assert heard.stdout is not None
        assert heard.stdout.readline() == b"ready\n"
        subprocess.run(net.command(source, [sys.executable, "-c", _SEND, host]), check=True)
        return heard.wait() == 0


def test_one_direction_alone(made: Network) -> None:
    made.cut("node-1", "node-2")
    assert not _hears(made, "node-1", "node-2")
    assert _hears(made, "node-2", "node-1")


def test_nodes_that_share_an_address_are_refused(undo: Undo) -> None:
    with pytest.raises(NotPossible):
        Network({"node-1": "127.0.0.1", "node-2": "127.0.0.1"}, undo)


@pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")
def test_a_node_moves_into_the_network_and_out_again(cluster: Cluster, undo: Undo) -> None:
    """Address and data stay; only who stands in the clients' namespace reaches it, and the filter rules apply."""
    (node,) = cluster.nodes.values()
    net = Network({node.id: node.host}, undo)

    def within() -> None:
        net.create()
        cluster.move_into(net)
        assert node.ready()
        net.cut(CLIENTS, node.id)
        assert ask(node.endpoint, "/health/ready", 0.3) == (0, b"")
        net.heal()
        assert node.ready()
        assert Path(f"/proc/{node.pid}/ns/net").readlink() != Path("/proc/self/ns/net").readlink()

    def all_of_it() -> None:
        within()
        cluster.move_out()
        assert node.ready()

    _in_a_thread(all_of_it)
    assert node.ready()
    assert not list(Path("/run/netns").glob(f"{net.namespace('*')}"))


def _in_a_thread(work: Callable[[], _T]) -> _T:
    """Carry out what changes the namespace of its thread."""
    found: list[_T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            found.append(work())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return found[0]
