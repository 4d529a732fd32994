"""themis-raft: one replica of one Raft group, as a batch-shaped value machine.

The consensus core is the crate ``raft`` 0.7 (tikv/raft-rs). This binding owns no thread, no clock, no
socket and no file: messages and ticks go in, a `Ready` comes out, and the caller persists, sends and applies.
The log since the last compaction lives in Rust memory; what `Ready` hands out is what must be on disk.

One turn of a driver::

    group.propose(batch) / group.step(messages) / group.tick()
    if group.has_ready():
        ready = group.ready()
        send(ready.messages)                  # may leave before the disk has anything
        persist(ready.snapshot, ready.entries, ready.hard_state)   # fsync iff ready.must_sync
        apply(ready.committed)                # already durable here and on a quorum
        advanced = group.advance()            # "everything of that Ready is on disk"
        send(ready.persisted_messages); send(advanced.messages)
        apply(advanced.committed)
        group.applied_to(last_index_applied)

Between `Group.ready` and `Group.advance` the fsync may run elsewhere: `tick`, `step`, `propose`, `read_index`
and all the rest stay allowed; only `ready` itself has to wait (`has_ready` is False until `advance`).

All integers are unsigned 64 bit; node ids are >= 1, and 0 means "none". A group is deterministic once its election
timeout is given (`election_timeout_ticks`, `Group.set_election_timeout`). A group belongs to one thread at a time:
calls that overlap raise `RuntimeError`.

Errors::

    RaftError
      +-- StepError         bytes that are no valid message, entry or configuration
      +-- ProposalDropped   not accepted, nothing was appended (`reason`, `accepted`)
      +-- StorageError      an index outside the log, or a persisted state that contradicts itself
      +-- Poisoned          the core panicked; the group is dead, the node must stop
"""

from collections.abc import Sequence
from typing import Final, Literal, final

__all__ = [
    "CONF_CHANGE",
    "CONF_CHANGE_V2",
    "NORMAL",
    "Advanced",
    "ConfState",
    "Group",
    "Poisoned",
    "Progress",
    "ProposalDropped",
    "RaftError",
    "Ready",
    "Snapshot",
    "Status",
    "StepError",
    "StorageError",
    "__version__",
    "describe_entry",
    "describe_message",
    "entry_index_term",
]

__version__: Final[str]

NORMAL: Final = 0
"""Entry kind: data of a proposal, or empty (the entry with which a new leader opens its term; skip it)."""
CONF_CHANGE: Final = 1
"""Entry kind: membership change of the old one-at-a-time form (never produced here, but understood)."""
CONF_CHANGE_V2: Final = 2
"""Entry kind: membership change; hand it to `Group.apply_conf_change`. Its data may be empty (leave joint)."""

_Role = Literal["follower", "pre_candidate", "candidate", "leader"]
_DropReason = Literal[
    "no_leader",
    "not_leader",
    "not_member",
    "transferring",
    "too_much_in_flight",
    "conf_change_pending",
    "conf_change_invalid",
    "not_ready",
]

class RaftError(Exception):
    """Base of everything this module raises on purpose."""

class StepError(RaftError):
    """Bytes that do not decode, or decode into something that cannot be (names the offence)."""

class ProposalDropped(RaftError):
    """The group did not take it; nothing was appended, so it is safe to try again elsewhere or later."""

    accepted: int
    """How many items of the batch were appended. Always 0: a batch is taken whole or not at all."""
    reason: _DropReason
    """Why. `too_much_in_flight` and `transferring` pass with time; after `not_leader`, `no_leader` look at `leader`."""

class StorageError(RaftError):
    """An index outside the log that is held, or persisted state that contradicts itself."""

class Poisoned(RaftError):
    """The core panicked (the message says where). Every later call raises this too: stop the node."""

@final
class ConfState:
    """The membership of a group (frozen). Joint while `voters_outgoing` is not empty."""

    @property
    def voters(self) -> list[int]: ...
    @property
    def learners(self) -> list[int]: ...
    @property
    def voters_outgoing(self) -> list[int]: ...
    @property
    def learners_next(self) -> list[int]:
        """Voters of the outgoing half that become learners when the joint phase ends."""
    @property
    def auto_leave(self) -> bool:
        """The leader ends the joint phase by itself as soon as entering it was applied."""
    def __new__(
        cls,
        *,
        voters: Sequence[int],
        learners: Sequence[int] = (),
        voters_outgoing: Sequence[int] = (),
        learners_next: Sequence[int] = (),
        auto_leave: bool = False,
    ) -> ConfState:
        """Build a membership. Raises `StepError` when it contradicts itself (a node twice, a learner who votes)."""
    @staticmethod
    def decode(data: bytes) -> ConfState:
        """Decode what `encode`, `Group.apply_conf_change` or a `Snapshot` gave. Raises `StepError`."""
    def encode(self) -> bytes:
        """The form to persist (eraftpb.ConfState)."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Snapshot:
    """A state at an index, in place of the log up to it (frozen)."""

    @property
    def index(self) -> int: ...
    @property
    def term(self) -> int: ...
    @property
    def conf_state(self) -> bytes:
        """Encoded `ConfState` at `index`."""
    @property
    def data(self) -> bytes:
        """What the sender gave to `Group.provide_snapshot`."""

@final
class Ready:
    """What one turn asks of the caller (frozen).

    Persist `snapshot`, then `entries`, then `hard_state`, atomically in that order; then call `Group.advance`.
    """

    @property
    def hard_state(self) -> tuple[int, int, int] | None:
        """(term, vote, commit) if it changed."""
    @property
    def entries(self) -> list[tuple[int, bytes]]:
        """(index, encoded entry) in ascending order.

        They replace whatever the log on disk holds from the first index on.
        """
    @property
    def messages(self) -> list[tuple[int, bytes]]:
        """(to, encoded message) that may go out at once.

        Drop what goes to a node that nobody knows: a forged sender was answered.
        """
    @property
    def persisted_messages(self) -> list[tuple[int, bytes]]:
        """(to, encoded message) that may go out only when this Ready is durable."""
    @property
    def committed(self) -> list[tuple[int, int, int, bytes]]:
        """(index, term, kind, data), durable on a quorum and here, to be applied.

        Kinds: `NORMAL`, `CONF_CHANGE`, `CONF_CHANGE_V2`.
        """
    @property
    def read_states(self) -> list[tuple[int, bytes]]:
        """(index, context) of `Group.read_index`: a read may be served once the state is applied up to index."""
    @property
    def snapshot(self) -> Snapshot | None:
        """State to install in place of everything before it. `Group.advance` then counts it as applied."""
    @property
    def must_sync(self) -> bool:
        """False: nothing here needs an fsync (at most the commit index moved)."""
    @property
    def leader(self) -> int:
        """The node that leads, as far as known; 0: none."""
    @property
    def term(self) -> int: ...
    @property
    def role(self) -> _Role: ...

@final
class Advanced:
    """What became possible because a Ready is durable (frozen)."""

    @property
    def commit(self) -> int | None:
        """The commit index if it moved. It need not be persisted by itself; a restart learns it again."""
    @property
    def committed(self) -> list[tuple[int, int, int, bytes]]:
        """As `Ready.committed`."""
    @property
    def messages(self) -> list[tuple[int, bytes]]:
        """(to, encoded message) that may go out at once."""

@final
class Progress:
    """What the leader knows about one replica (frozen)."""

    @property
    def match(self) -> int:
        """The last index known to be durable there."""
    @property
    def next(self) -> int:
        """The index of the next entry to send."""
    @property
    def state(self) -> Literal["probe", "replicate", "snapshot"]: ...
    @property
    def recent_active(self) -> bool:
        """Heard of since the last check-quorum round."""
    @property
    def paused(self) -> bool:
        """Nothing is sent for now: a probe or a snapshot is on its way, or the window is full."""
    @property
    def pending_snapshot(self) -> int:
        """The index of the snapshot on its way; 0: none."""
    @property
    def inflight(self) -> int:
        """Append messages sent and not acknowledged."""
    @property
    def commit(self) -> int:
        """The commit index last reported by it."""
    @property
    def learner(self) -> bool: ...

@final
class Status:
    """A group seen from outside, for metrics and debugging (frozen)."""

    @property
    def node_id(self) -> int: ...
    @property
    def term(self) -> int: ...
    @property
    def vote(self) -> int: ...
    @property
    def role(self) -> _Role: ...
    @property
    def leader(self) -> int: ...
    @property
    def transferee(self) -> int:
        """Where leadership is being moved to; 0: nowhere."""
    @property
    def commit(self) -> int: ...
    @property
    def applied(self) -> int: ...
    @property
    def persisted(self) -> int: ...
    @property
    def first_index(self) -> int: ...
    @property
    def last_index(self) -> int: ...
    @property
    def pending_conf_change(self) -> bool:
        """A membership change may be in the log and not applied yet."""
    @property
    def uncommitted_bytes(self) -> int: ...
    @property
    def pending_reads(self) -> int: ...
    @property
    def election_timeout_ticks(self) -> int: ...
    @property
    def election_elapsed_ticks(self) -> int: ...
    @property
    def conf_state(self) -> ConfState: ...
    @property
    def progress(self) -> dict[int, Progress]:
        """Per node, itself included; empty unless this replica leads."""

@final
class Group:
    """One replica of one Raft group. Never blocks, never calls back, never panics across the border."""

    def __new__(
        cls,
        *,
        node_id: int,
        election_ticks: int,
        heartbeat_ticks: int,
        voters: Sequence[int] | None = None,
        learners: Sequence[int] = (),
        conf_state: bytes | None = None,
        hard_state: tuple[int, int, int] = (0, 0, 0),
        snapshot_index: int = 0,
        snapshot_term: int = 0,
        applied: int = 0,
        entries: Sequence[bytes] = (),
        max_size_per_message: int = 1 << 20,
        max_inflight: int = 256,
        max_uncommitted_bytes: int = 64 << 20,
        max_committed_bytes_per_ready: int = 8 << 20,
        max_message_bytes: int = 64 << 20,
        pre_vote: bool = True,
        check_quorum: bool = True,
        eager_commit: bool = True,
        election_timeout_ticks: int | None = None,
    ) -> Group:
        """Start a replica, new or from what was persisted.

        Membership comes as `voters` and `learners` (a new group: give every replica the same), or as `conf_state`
        (encoded; a restart: the one in force at `applied`). Without any, the replica waits to be added, and starts
        from a snapshot: the membership a group began with is not in its log, so it takes no entries before.

        So that there always is a snapshot to ask for, begin a new group after an index, on all its replicas alike:
        `snapshot_index=1, snapshot_term=1, applied=1, hard_state=(1, 0, 1)`. A log that begins at 0 and was never
        compacted cannot take in new replicas (they refuse its entries).

        Args:
            node_id: This replica, >= 1.
            election_ticks: Ticks without a leader after which an election may start; > heartbeat_ticks. Each wait is
                drawn from [election_ticks, 2 * election_ticks), unless `election_timeout_ticks` fixes it.
            heartbeat_ticks: Ticks between heartbeats of a leader.
            voters: Node ids of the voters.
            learners: Node ids of the replicas without a vote.
            conf_state: Encoded `ConfState`; excludes `voters` and `learners`.
            hard_state: (term, vote, commit) as last handed out by `Ready`. A commit behind `applied` is lifted to it:
                commit need not be synced.
            snapshot_index: The index before the first entry held (last compaction or installed snapshot).
            snapshot_term: Its term.
            applied: The index up to which the state machine's durable state goes; >= snapshot_index.
            entries: The log after `snapshot_index`, without gap, encoded as `Ready.entries` gave them.
            max_size_per_message: Bytes of entries in one append message (at least one entry is always sent).
            max_inflight: Append messages to a replica without an answer.
            max_uncommitted_bytes: Bytes of proposals not committed yet, above which `propose` refuses. A batch that
                finds nothing in flight is always taken. >= max_size_per_message.
            max_committed_bytes_per_ready: Bytes of committed entries in one Ready or Advanced; the rest follows.
            max_message_bytes: Larger messages are refused by `step`.
            pre_vote: Ask before raising the term, so that a replica that was cut off does not disturb.
            check_quorum: A leader that does not hear a quorum for an election timeout steps down.
            eager_commit: A leader sends every follower a message as soon as the log is committed further. Without it
                they learn it from the next message that is sent anyway; call `tell_commit` for those it is too long to.
            election_timeout_ticks: See `set_election_timeout`.

        Raises:
            StorageError: The persisted parts contradict each other.
            StepError: `conf_state` or an entry does not decode.
            ValueError: A setting is out of range.
        """

    # -- time and elections -------------------------------------------------------------------------------------
    def tick(self) -> bool:
        """Let one tick pass. True: `has_ready` has probably become true."""
    def hear_leader(self) -> bool:
        """Begin the wait for a sign of the leader anew, as its heartbeat would; false: this replica follows nobody.

        From now on it takes part in no election for `election_ticks`, except one that the leader itself asks for.
        """
    def campaign(self) -> None:
        """Start an election now. A sole voter wins it at once, whatever `pre_vote` says.

        Raises `ProposalDropped` (`not_ready`) while a snapshot is being installed, or a sole voter's log is not
        persisted yet; (`not_member`) when this replica has no vote.
        """
    def set_election_timeout(self, ticks: int | None) -> None:
        """Fix every coming wait for a leader, in [election_ticks, 2 * election_ticks); None: draw at random again."""
    def transfer_leader(self, to: int) -> None:
        """Begin to hand leadership to voter `to`.

        Proposals are dropped until it is over, or an election timeout passed.
        Raises `ProposalDropped`: `not_leader`; `not_member` when `to` is no voter.
        """

    # -- work in ------------------------------------------------------------------------------------------------
    def propose(self, batch: Sequence[bytes]) -> int:
        """Append a batch to the leader's log and return the index of its first entry; the others follow without gap.

        They are in `term`. When the entry committed at such an index carries another term, the proposal was lost.
        An empty batch appends nothing. Raises `ProposalDropped`; then nothing was appended.
        """
    def step(self, messages: Sequence[bytes]) -> list[str | None]:
        """Take messages from peers, in order. For each: None, or why it was refused.

        Whatever the bytes are, this neither raises nor harms the group: what does not decode, is not addressed to
        this replica, is no peer's business to send, or contradicts what Raft allows in the present state is refused.
        """
    def tell_commit(self, index: int) -> bool:
        """On the leader: have every follower told (by the next `ready`) that the log is committed up to `index`.

        Returns False, and does nothing, if messages that went out already told them all, or it does not lead. A
        follower that a read is answered to is told by itself.
        """
    def read_index(self, context: bytes) -> None:
        """Ask for a linearizable read; the answer comes as a `Ready.read_states` item with the same context.

        Part of a general binding of Raft; the server proves its reads otherwise, for all groups at once (ADR 0029).

        The context must be unique among the reads under way (at most 1 KiB). A request may get lost with a message
        or a leader: ask again after a while. Works on a follower too (one message to the leader).
        Raises `ProposalDropped`: `no_leader`; `not_ready` (the leader has not committed in its term yet);
        `too_much_in_flight`.
        """

    # -- work out -----------------------------------------------------------------------------------------------
    def has_ready(self) -> bool:
        """True when `ready` has something to say. False while a Ready is out (until `advance`)."""
    def ready(self) -> Ready:
        """Take the work of this turn. Raises `RaftError` while the last Ready is not advanced."""
    def advance(self) -> Advanced:
        """Say that the last Ready is durable (and its snapshot, if any, installed). Raises `RaftError` without one."""
    def applied_to(self, index: int) -> None:
        """Say that committed entries up to index are applied. Raises `StorageError` when it never was handed out."""

    # -- membership ---------------------------------------------------------------------------------------------
    def propose_conf_change(
        self,
        changes: Sequence[tuple[Literal["add_voter", "add_learner", "remove"], int]],
        *,
        transition: Literal["auto", "implicit", "explicit"] = "auto",
        context: bytes = b"",
    ) -> int:
        """Append a membership change to the leader's log and return its index.

        `auto`: one change is made directly, several through joint consensus, left automatically. `implicit`: joint,
        left automatically. `explicit`: joint, left by another call with no changes. "add_voter" of a learner promotes,
        "add_learner" of a voter demotes.

        Raises `ProposalDropped`: as `propose`; `conf_change_pending` while another one may not be applied;
        `conf_change_invalid` when the group could not make it (no voter left, already joint, not joint).
        """
    def apply_conf_change(self, kind: int, data: bytes) -> bytes:
        """Put a committed membership change into force.

        Returns the encoded `ConfState`, to be persisted with the applied index.
        A leader that is no voter any more becomes a follower. Raises `StepError` when the data does not decode or the
        group cannot make the change; then nothing changed (every replica decides alike: skip the entry).
        """
    def conf_state(self) -> ConfState:
        """The membership in force."""

    # -- snapshots and compaction -------------------------------------------------------------------------------
    def snapshot_requests(self) -> list[tuple[int, int]]:
        """(node, lowest useful index) of the replicas that wait for a snapshot; the call empties the list.

        A node asks again with its next heartbeat answer until `provide_snapshot`: remember what is being made.
        """
    def provide_snapshot(self, index: int, term: int, conf_state: bytes, data: bytes) -> None:
        """Give the snapshot to send: `index` applied here and not below the log's start, with the membership at it.

        `data` travels in the message (put a manifest in it, and stream the bulk beside Raft). It serves every node
        that asks, until the log is compacted past it or `discard_snapshot`. Raises `StorageError`, `StepError`.
        """
    def discard_snapshot(self) -> None:
        """Forget the snapshot that was provided (its files are about to go away)."""
    def report_snapshot(self, to: int, ok: bool) -> None:
        """Say how sending a snapshot ended; until then nothing else is sent to that node."""
    def report_unreachable(self, to: int) -> None:
        """Say that the last message did not get through: back to probing that node."""
    def compact(self, index: int) -> tuple[int, int]:
        """Forget the entries up to index (applied, and no more needed on disk). Returns the log's start: (index, term).

        Persist the pair as `snapshot_index`, `snapshot_term`. An index before the start changes nothing.
        Raises `StorageError` when the index is not applied.
        """
    def term_at(self, index: int) -> int:
        """The term of an entry. Raises `StorageError` outside [first_index - 1, last_index]."""

    # -- looking ------------------------------------------------------------------------------------------------
    def status(self) -> Status:
        """Everything at once; costs some microseconds."""
    @property
    def node_id(self) -> int: ...
    @property
    def term(self) -> int: ...
    @property
    def role(self) -> _Role: ...
    @property
    def leader(self) -> int:
        """The node that leads, as far as known; 0: none."""
    @property
    def commit(self) -> int: ...
    @property
    def applied(self) -> int: ...
    @property
    def first_index(self) -> int:
        """The index of the first entry held (that of the last compaction, plus one)."""
    @property
    def last_index(self) -> int: ...
    @property
    def ready_pending(self) -> bool:
        """A Ready is out and not advanced."""
    @property
    def uncommitted_bytes(self) -> int:
        """Bytes of proposals of this leader that are not handed out as committed (counted while > 0 proposals fly)."""
    @property
    def entries_in_memory(self) -> int: ...
    @property
    def bytes_in_memory(self) -> int:
        """Roughly what the log costs in memory, for back-pressure and compaction."""

def describe_message(data: bytes) -> str:
    """One readable line for a message. Raises `StepError` when it does not decode."""

def describe_entry(data: bytes) -> str:
    """One readable line for an encoded entry. Raises `StepError` when it does not decode."""

def entry_index_term(data: bytes) -> tuple[int, int]:
    """(index, term) of an encoded entry. Raises `StepError` when it does not decode."""
