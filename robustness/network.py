"""A network of its own for each node: namespaces, joined by a bridge, cut by packet filters.

Every node has a loopback address of its own (127.77.0.1, 127.77.0.2, ...), which on Linux is there without any set-up.
Here the same addresses are put on pairs of virtual cards instead, so a cluster that was started without namespaces can
be started again within them, and neither its topology nor its settings change. Clients stand in a namespace of their
own, at 127.77.0.254. It needs root, iproute2 and nftables.

    clients (127.77.0.254) --- bridge --- node 1 (127.77.0.1)
                                  |------ node 2 (127.77.0.2)

What is cut is dropped without a word where it arrives: so the sender hears nothing, and one direction can be cut alone.
"""

from __future__ import annotations

import ctypes
import ipaddress
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from robustness.undo import Action, Undo

CLIENTS: Final = "clients"
_CLIENT_HOST_NUMBER: Final = 254
_CLONE_NEWNET: Final = 0x40000000
_TIMEOUT_S: Final = 20.0
_RULES: Final = """
table inet themis {
    set unheard { type ipv4_addr; }
    chain incoming { type filter hook input priority 0; ip saddr @unheard drop; }
}
"""


class NotPossible(Exception):
    """The network cannot be made here; the text says why."""


def missing() -> list[str]:
    """Return what is missing for namespaces: nothing, or reasons."""
    reasons = [] if os.geteuid() == 0 else ["root"]
    for name, package in (("ip", "iproute2"), ("nft", "nftables")):
        if shutil.which(name) is None:
            reasons.append(f"{name} (apt install {package})")
    return reasons


class Network:
    """The namespaces of one cluster. `close` (or the end of its `Undo`) removes them."""

    def __init__(self, hosts: Mapping[str, str], undo: Undo) -> None:
        """Describe the network.

        Args:
            hosts: The address of each node, by node id; all in one /24 below 127.0.0.0/8, no two alike.
            undo: Takes what removes the namespaces.
        """
        networks = {ipaddress.ip_network(f"{host}/24", strict=False) for host in hosts.values()}
        if len(networks) != 1 or len(set(hosts.values())) != len(hosts):
            raise NotPossible(f"every node needs an address of its own, in one /24: {dict(hosts)}")
        (network,) = networks
        self.hosts = {**hosts, CLIENTS: str(network[_CLIENT_HOST_NUMBER])}
        self._undo = undo
        self._prefix = f"themis-{os.getpid()}"
        self._tickets: list[int] = []
        self._original: int | None = None

    def namespace(self, name: str) -> str:
        """Return the name of the namespace of a node, or of the clients."""
        return f"{self._prefix}-{name}"

    def create(self) -> None:
        """Make namespaces, cards and the bridge; raises `NotPossible`."""
        for name in self.hosts:
            self._tickets.append(self._undo.push(Action.run("ip", "netns", "del", self.namespace(name))))
            self._run("ip", "netns", "add", self.namespace(name))
            self._own_loopback(name)
            self._in(name, "nft", "-f", "-", text=_RULES)
        self._in(CLIENTS, "ip", "link", "add", "bridge", "type", "bridge")
        self._in(CLIENTS, "ip", "link", "set", "bridge", "up")
        self._address(CLIENTS, "bridge")
        for number, name in enumerate(name for name in self.hosts if name != CLIENTS):
            card = f"node{number}"
            self._in(
                CLIENTS,
                "ip",
                "link",
                "add",
                card,
                "type",
                "veth",
                "peer",
                "name",
                "card",
                "netns",
                self.namespace(name),
            )
            self._in(CLIENTS, "ip", "link", "set", card, "master", "bridge", "up")
            self._in(name, "ip", "link", "set", "card", "up")
            self._address(name, "card")

    def _own_loopback(self, name: str) -> None:
        """Leave 127.0.0.1 alone on the loopback card, so that the rest of 127.0.0.0/8 can be elsewhere."""
        self._in(name, "sysctl", "-qw", "net.ipv4.conf.all.route_localnet=1")
        self._in(name, "ip", "link", "set", "lo", "up")
        self._in(name, "ip", "address", "del", "127.0.0.1/8", "dev", "lo")
        self._in(name, "ip", "address", "add", "127.0.0.1/32", "dev", "lo")

    def _address(self, name: str, card: str) -> None:
        self._in(name, "ip", "address", "add", f"{self.hosts[name]}/24", "dev", card)

    # Who is in it

    def command(self, name: str, words: Iterable[str]) -> list[str]:
        """Return a command that runs in the namespace of a node."""
        return ["ip", "netns", "exec", self.namespace(name), *words]

    def enter(self) -> None:
        """Move this thread, and those that it starts from now on, to the clients' namespace."""
        if self._original is None:
            self._original = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        here = os.open(Path("/run/netns") / self.namespace(CLIENTS), os.O_RDONLY)
        try:
            _set_namespace(here)
        finally:
            os.close(here)

    def leave(self) -> None:
        """Move this thread back to where it was before `enter`."""
        if self._original is not None:
            _set_namespace(self._original)
            os.close(self._original)
            self._original = None

    # Cuts

    def cut(self, source: str, target: str) -> None:
        """Drop what goes from one to the other; the other way stays open. Either may be `CLIENTS`."""
        self._in(target, "nft", "add", "element", "inet", "themis", "unheard", f"{{ {self.hosts[source]} }}")

    def cut_both(self, left: str, right: str) -> None:
        """Drop what goes between two, both ways."""
        self.cut(left, right)
        self.cut(right, left)

    def heal(self) -> None:
        """Let everything through again."""
        for name in self.hosts:
            self._in(name, "nft", "flush", "set", "inet", "themis", "unheard")

    def close(self) -> None:
        """Leave and remove the namespaces. What still runs in them keeps them."""
        self.leave()
        for ticket in reversed(self._tickets):
            self._undo.perform(ticket)
        self._tickets.clear()

    def _in(self, name: str, *words: str, text: str = "") -> None:
        self._run(*self.command(name, words), text=text)

    def _run(self, *words: str, text: str = "") -> None:
        done = subprocess.run(words, input=text.encode(), capture_output=True, timeout=_TIMEOUT_S, check=False)
        if done.returncode:
            raise NotPossible(f"{' '.join(words)}: {done.stderr.decode(errors='replace').strip()}")


def _set_namespace(descriptor: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, _CLONE_NEWNET) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
