"""The commands of a scenario. `python -m raft_harness.commands FILE... [--rewrite]` runs files by hand.

add-nodes 3 [voters=1,2,3] [learners=4] [pre-vote=false] [check-quorum=false] [eager-commit=false]
          [inflight=N] [size=N] [uncommitted=N] [start=N]     start: the log begins after this index, as when compacted
add-empty 4                                a replica that waits to be added
tell-commit 1 INDEX
campaign 1          tick 1 [N]             pass N [quiet]     (N ticks of everybody, stabilized after each)
propose 1 TEXT...   read-index 1 TEXT      transfer 1 to=2
conf-change 1 v4 l5 r2 [transition=explicit]                  (no changes: leave the joint phase)
process 1           hold 1 / persist 1     (a Ready taken / on disk)    deliver 2 [3...]
stabilize [1 2...] [quiet]                 drop-all           (lose what is on the network)
partition 1,2 3,4,5 / heal                 crash 3 / restart 3 / wipe 3     (its disk is lost)
compact 1 INDEX     report-snapshot 1 to=3 ok=true            report-unreachable 1 to=3
nodes               status 1               log 1              texts              timeout 1 TICKS
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from raft_harness.cluster import Cluster, Disk, Node, Settings
from raft_harness.datadriven import run
from themis_raft import ConfState, RaftError

Change = tuple[Literal["add_voter", "add_learner", "remove"], int]
_CHANGES: dict[str, Literal["add_voter", "add_learner", "remove"]] = {
    "v": "add_voter",
    "l": "add_learner",
    "r": "remove",
}


class Arguments:
    """The words after a command: positional ones and `key=value` ones."""

    def __init__(self, words: list[str]) -> None:
        """Sort the words."""
        self.positional = [word for word in words if "=" not in word and word != "quiet"]
        self.named = dict(word.split("=", 1) for word in words if "=" in word)
        self.quiet = "quiet" in words

    def number(self, at: int, default: int | None = None) -> int:
        """A positional number."""
        if at < len(self.positional):
            return int(self.positional[at])
        if default is None:
            raise ValueError("a number is missing")
        return default

    def flag(self, name: str, default: bool) -> bool:
        """A named true or false."""
        return self.named.get(name, str(default).lower()) == "true"

    def ids(self, name: str, default: list[int]) -> list[int]:
        """A named list of nodes."""
        return [int(part) for part in self.named[name].split(",") if part] if name in self.named else default


class Interpreter:
    """One scenario: a cluster and what the commands do to it."""

    def __init__(self) -> None:
        """Begin with no nodes."""
        self.cluster = Cluster()
        self.settings = Settings()
        self.commands: dict[str, Callable[[Arguments], list[str]]] = {
            name.removeprefix("do_").replace("_", "-"): getattr(self, name) for name in dir(self) if name[:3] == "do_"
        }

    def execute(self, line: str) -> str:
        """Run one command and return its output."""
        name, *words = line.split()
        if name not in self.commands:
            return f"no command {name!r}"
        arguments = Arguments(words)
        try:
            lines = self.commands[name](arguments)
        except (RaftError, ValueError) as error:
            return f"{type(error).__name__}: {error}"
        return "ok" if arguments.quiet or not lines else "\n".join(lines)

    def _node(self, arguments: Arguments) -> Node:
        return self.cluster.nodes[arguments.number(0)]

    def do_add_nodes(self, arguments: Arguments) -> list[str]:
        """Start replicas of a new group."""
        ids = list(range(1, arguments.number(0) + 1))
        learners = arguments.ids("learners", [])
        voters = arguments.ids("voters", [node_id for node_id in ids if node_id not in learners])
        start = int(arguments.named.get("start", "0"))
        self.settings = Settings(
            pre_vote=arguments.flag("pre-vote", True),
            check_quorum=arguments.flag("check-quorum", True),
            eager_commit=arguments.flag("eager-commit", True),
            max_inflight=int(arguments.named.get("inflight", "256")),
            max_size_per_message=int(arguments.named.get("size", str(1 << 20))),
            max_uncommitted_bytes=int(arguments.named.get("uncommitted", str(1 << 26))),
        )
        conf_state = ConfState(voters=voters, learners=learners).encode()
        for node_id in ids:
            disk = Disk(conf_state, (min(start, 1), 0, start), start, min(start, 1))
            self.cluster.nodes[node_id] = Node(node_id, disk, self.settings)
        return self.do_nodes(arguments)

    def do_add_empty(self, arguments: Arguments) -> list[str]:
        """Start a replica that knows nobody."""
        node_id = arguments.number(0)
        self.cluster.nodes[node_id] = Node(node_id, Disk(ConfState(voters=[]).encode()), self.settings)
        return []

    def do_campaign(self, arguments: Arguments) -> list[str]:
        """Start an election."""
        self._node(arguments).group.campaign()
        return []

    def do_tick(self, arguments: Arguments) -> list[str]:
        """Let time pass for one node."""
        for _ in range(arguments.number(1, 1)):
            self._node(arguments).group.tick()
        return []

    def do_pass(self, arguments: Arguments) -> list[str]:
        """Let time pass for everybody."""
        lines = []
        for _ in range(arguments.number(0)):
            for node_id, node in self.cluster.nodes.items():
                if node_id not in self.cluster.down:
                    node.group.tick()
            lines += self.cluster.stabilize(self.cluster.nodes)
        return lines

    def do_timeout(self, arguments: Arguments) -> list[str]:
        """Fix the election timeout of a node."""
        self._node(arguments).group.set_election_timeout(arguments.number(1))
        return []

    def do_propose(self, arguments: Arguments) -> list[str]:
        """Propose texts as one batch."""
        first = self._node(arguments).group.propose([text.encode() for text in arguments.positional[1:]])
        return [f"from {first} on"]

    def do_tell_commit(self, arguments: Arguments) -> list[str]:
        """Have followers told how far the log is committed."""
        told = self._node(arguments).group.tell_commit(arguments.number(1))
        return ["told" if told else "known to all"]

    def do_read_index(self, arguments: Arguments) -> list[str]:
        """Ask for a read."""
        self._node(arguments).group.read_index(arguments.positional[1].encode())
        return []

    def do_transfer(self, arguments: Arguments) -> list[str]:
        """Move leadership."""
        self._node(arguments).group.transfer_leader(int(arguments.named["to"]))
        return []

    def do_conf_change(self, arguments: Arguments) -> list[str]:
        """Propose a membership change."""
        changes: list[Change] = [(_CHANGES[word[0]], int(word[1:])) for word in arguments.positional[1:]]
        group = self._node(arguments).group
        match arguments.named.get("transition", "auto"):
            case "explicit":
                index = group.propose_conf_change(changes, transition="explicit")
            case "implicit":
                index = group.propose_conf_change(changes, transition="implicit")
            case _:
                index = group.propose_conf_change(changes)
        return [f"at {index}"]

    def do_process(self, arguments: Arguments) -> list[str]:
        """Handle what a node has to do."""
        return self.cluster.process(self._node(arguments))

    def do_hold(self, arguments: Arguments) -> list[str]:
        """Take a Ready without persisting it."""
        node = self._node(arguments)
        lines = node.take_ready()
        self.cluster.collect(node)
        return lines

    def do_persist(self, arguments: Arguments) -> list[str]:
        """Persist the Ready that is held."""
        node = self._node(arguments)
        lines = node.persist()
        self.cluster.collect(node)
        return lines

    def do_deliver(self, arguments: Arguments) -> list[str]:
        """Deliver what waits for some nodes."""
        return self.cluster.deliver({int(word) for word in arguments.positional} or None)

    def do_drop_all(self, _: Arguments) -> list[str]:
        """Lose what is on the network."""
        self.cluster.network = []
        return []

    def do_stabilize(self, arguments: Arguments) -> list[str]:
        """Process and deliver until nothing moves."""
        return self.cluster.stabilize([int(word) for word in arguments.positional] or self.cluster.nodes)

    def do_partition(self, arguments: Arguments) -> list[str]:
        """Cut the network into sides."""
        self.cluster.sides = [frozenset(map(int, word.split(","))) for word in arguments.positional]
        return []

    def do_heal(self, _: Arguments) -> list[str]:
        """Join the sides again."""
        self.cluster.sides = []
        return []

    def do_crash(self, arguments: Arguments) -> list[str]:
        """Stop a node; it keeps its disk."""
        self.cluster.down.add(arguments.number(0))
        return []

    def do_restart(self, arguments: Arguments) -> list[str]:
        """Start a node again from its disk."""
        node = self._node(arguments)
        node.start()
        self.cluster.down.discard(node.node_id)
        return [self._summary(node)]

    def do_wipe(self, arguments: Arguments) -> list[str]:
        """Lose a node's disk and start it again with the membership it was made with."""
        node = self._node(arguments)
        node.disk = Disk(node.disk.conf_state)
        return self.do_restart(arguments)

    def do_compact(self, arguments: Arguments) -> list[str]:
        """Compact a log."""
        start, term = self._node(arguments).compact(arguments.number(1))
        return [f"the log starts after {term}/{start}"]

    def do_report_snapshot(self, arguments: Arguments) -> list[str]:
        """Say how sending a snapshot ended."""
        self._node(arguments).group.report_snapshot(int(arguments.named["to"]), arguments.flag("ok", True))
        return []

    def do_report_unreachable(self, arguments: Arguments) -> list[str]:
        """Say that a node cannot be reached."""
        self._node(arguments).group.report_unreachable(int(arguments.named["to"]))
        return []

    def do_nodes(self, _: Arguments) -> list[str]:
        """One line a node."""
        return [self._summary(node) for node in self.cluster.nodes.values()]

    def do_status(self, arguments: Arguments) -> list[str]:
        """What a leader knows about the others."""
        status = self._node(arguments).group.status()
        me = status.node_id
        return [
            f"{node_id}: {'learner ' if known.learner else ''}{known.state} match {known.match} next {known.next}"
            + (" paused" if known.paused else "")
            + (f" snapshot {known.pending_snapshot}" if known.pending_snapshot else "")
            + ("" if known.recent_active or node_id == me else " inactive")
            for node_id, known in status.progress.items()
        ] or [f"{arguments.number(0)}: {status.role}"]

    def do_log(self, arguments: Arguments) -> list[str]:
        """The log on disk."""
        return self._node(arguments).log()

    def do_texts(self, _: Arguments) -> list[str]:
        """What each node has applied."""
        return [f"{node.node_id}: {' '.join(node.texts)}".rstrip() for node in self.cluster.nodes.values()]

    def _summary(self, node: Node) -> str:
        if node.node_id in self.cluster.down:
            return f"{node.node_id}: down"
        group = node.group
        return (
            f"{node.node_id}: {group.role} term {group.term} leader {group.leader or 'none'} "
            f"commit {group.commit} applied {group.applied} last {group.last_index}"
        )


def main() -> int:
    """Run scenario files; 1 when one differs."""
    parser = argparse.ArgumentParser(description="Run scenario files against themis-raft.")
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--rewrite", action="store_true", help="write the actual output into the files")
    arguments = parser.parse_args()
    failed = 0
    for path in arguments.files:
        for mismatch in run(path, Interpreter().execute, rewrite=arguments.rewrite):
            failed = 1
            block = mismatch.block
            print(
                f"{path}:{block.line}: {block.command}\n--- expected\n{block.expected}\n--- actual\n{mismatch.actual}\n"
            )
    return failed


if __name__ == "__main__":
    sys.exit(main())
