//! One replica over `raft::Raft`: the turn of Ready and advance, and a check before every call that could panic.
//!
//! `raft::RawNode` has the same cycle, but lets nothing else happen between handing out a Ready and advancing it, or
//! (`advance_append_async`) hands out nothing at the advance. Here the fsync of a turn runs while messages, ticks and
//! proposals come in, and the advance still yields what the fsync made possible: so the cycle is our own, over the
//! same public parts of the core. One Ready is out at a time.

use bytes::Bytes;
use protobuf::Message as _;
use raft::eraftpb::{ConfChangeV2, ConfState, Entry, EntryType, HardState, Message, MessageType, Snapshot};
use raft::{Config, Raft, RaftState, ReadState, SoftState, StateRole};

use crate::guard::{self, Situation};
use crate::membership::{check_change, check_conf_state};
use crate::message::{decode_conf_change, decode_message};
use crate::refusal::{dropped, Outcome, Refusal};
use crate::storage::LogTail;

/// Settings and persisted state of a replica.
pub struct Start {
    pub config: Config,
    pub hard_state: HardState,
    pub conf_state: ConfState,
    pub snapshot_index: u64,
    pub snapshot_term: u64,
    pub entries: Vec<Entry>,
    pub message_bytes_max: usize,
    pub election_timeout: Option<usize>,
}

/// What a turn asks of the caller.
pub struct Turn {
    pub hard_state: Option<HardState>,
    pub entries: Vec<Entry>,
    pub messages: Vec<Message>,
    pub persisted_messages: Vec<Message>,
    pub committed: Vec<Entry>,
    pub read_states: Vec<ReadState>,
    pub snapshot: Option<Snapshot>,
    pub must_sync: bool,
}

/// What the persisted turn made possible.
pub struct Progressed {
    pub commit: Option<u64>,
    pub committed: Vec<Entry>,
    pub messages: Vec<Message>,
}

/// The turn that is out.
struct Pending {
    last_entry: Option<(u64, u64)>,
    snapshot_index: Option<u64>,
}

pub struct Replica {
    pub raft: Raft<LogTail>,
    handed_hard_state: HardState,
    handed_soft_state: SoftState,
    /// Committed entries up to here were handed out.
    handed_commit: u64,
    pending: Option<Pending>,
    committed_bytes_max: u64,
    message_bytes_max: usize,
    election_timeout: Option<usize>,
}

impl Replica {
    pub fn start(start: Start) -> Outcome<Self> {
        let Start {
            config,
            mut hard_state,
            conf_state,
            snapshot_index,
            snapshot_term,
            ..
        } = start;
        check_conf_state(&conf_state).map_err(Refusal::Step)?;
        config.validate().map_err(|error| Refusal::Value(error.to_string()))?;
        let last = check_log(snapshot_index, snapshot_term, &start.entries)?;
        if last.1 > hard_state.term {
            return Err(Refusal::Storage(format!(
                "the log ends in term {}, the hard state is in term {}",
                last.1, hard_state.term
            )));
        }
        if config.applied < snapshot_index {
            return Err(Refusal::Storage(format!(
                "applied {} is before the log, which starts after {snapshot_index}",
                config.applied
            )));
        }
        hard_state.commit = hard_state.commit.max(config.applied);
        if hard_state.commit > last.0 {
            return Err(Refusal::Storage(format!(
                "commit {} (applied {}) is beyond the log, which ends at {}",
                hard_state.commit, config.applied, last.0
            )));
        }
        let committed_bytes_max = config.max_committed_size_per_ready;
        let initial = RaftState { hard_state, conf_state };
        let log = LogTail::new(initial, snapshot_index, snapshot_term, start.entries);
        let logger = slog::Logger::root(slog::Discard, slog::o!());
        let raft = Raft::new(&config, log, &logger).map_err(|error| Refusal::Storage(error.to_string()))?;
        let mut replica = Replica {
            handed_hard_state: raft.hard_state(),
            handed_soft_state: raft.soft_state(),
            handed_commit: config.applied,
            pending: None,
            committed_bytes_max,
            message_bytes_max: start.message_bytes_max,
            election_timeout: None,
            raft,
        };
        replica.set_election_timeout(start.election_timeout)?;
        Ok(replica)
    }

    // -- time and elections

    pub fn tick(&mut self) -> bool {
        let due = self.raft.election_elapsed + 1 >= self.raft.randomized_election_timeout();
        if due && self.raft.state != StateRole::Leader && self.election_blocked() {
            return self.has_ready();
        }
        let probably = self.raft.tick();
        self.keep_election_timeout();
        probably
    }

    pub fn campaign(&mut self) -> Outcome<()> {
        if self.raft.state == StateRole::Leader {
            return Ok(());
        }
        if !self.raft.promotable() {
            return dropped("not_member", "this replica has no vote");
        }
        if self.election_blocked() {
            return dropped("not_ready", "the log or a snapshot is not persisted yet");
        }
        let mut message = Message::default();
        message.set_msg_type(MessageType::MsgHup);
        self.step_locally(message)?;
        if self.raft.state == StateRole::Follower {
            return dropped(
                "conf_change_pending",
                "a committed membership change is not applied yet",
            );
        }
        Ok(())
    }

    pub fn set_election_timeout(&mut self, ticks: Option<usize>) -> Outcome<()> {
        let lowest = self.raft.election_timeout();
        if let Some(ticks) = ticks {
            if ticks < lowest || ticks >= 2 * lowest {
                return Err(Refusal::Value(format!(
                    "election timeout {ticks} is not in [{lowest}, {})",
                    2 * lowest
                )));
            }
        } else if self.election_timeout.is_some() {
            self.raft.reset_randomized_election_timeout();
        }
        self.election_timeout = ticks;
        self.keep_election_timeout();
        Ok(())
    }

    pub fn transfer_leader(&mut self, to: u64) -> Outcome<()> {
        self.check_leads()?;
        if !self.raft.prs().conf().voters().contains(to) {
            return dropped("not_member", format!("node {to} is no voter"));
        }
        let mut message = Message::default();
        message.set_msg_type(MessageType::MsgTransferLeader);
        message.from = to;
        self.step_locally(message)
    }

    /// An election that this replica would win by its own vote must not come before its log is persisted (raft.rs
    /// "become_leader" asserts it), and none may come while a snapshot is installed (the unapplied entries that "hup"
    /// looks through are gone).
    fn election_blocked(&self) -> bool {
        let log = &self.raft.raft_log;
        if self.pending.as_ref().is_some_and(|p| p.snapshot_index.is_some()) {
            return true;
        }
        log.last_index() != log.persisted && self.raft.prs().has_quorum(&[self.raft.id].into_iter().collect())
    }

    /// The core draws a new timeout at every change of term or role; put the given one back.
    fn keep_election_timeout(&mut self) {
        if let Some(ticks) = self.election_timeout {
            if self.raft.randomized_election_timeout() != ticks {
                self.raft.set_randomized_election_timeout(ticks);
            }
        }
    }

    // -- work in

    pub fn propose(&mut self, batch: impl Iterator<Item = Bytes>) -> Outcome<u64> {
        let entries: Vec<Entry> = batch
            .map(|data| Entry {
                data,
                ..Entry::default()
            })
            .collect();
        self.append(entries)
    }

    fn append(&mut self, entries: Vec<Entry>) -> Outcome<u64> {
        self.check_leads()?;
        if self.raft.lead_transferee.is_some() {
            return dropped("transferring", "leadership is being transferred");
        }
        let first = self.raft.raft_log.last_index() + 1;
        if entries.is_empty() {
            return Ok(first);
        }
        let mut message = Message::default();
        message.set_msg_type(MessageType::MsgPropose);
        message.from = self.raft.id;
        message.set_entries(entries.into());
        match self.raft.step(message) {
            Ok(()) => Ok(first),
            Err(raft::Error::ProposalDropped) => dropped(
                "too_much_in_flight",
                format!("{} bytes are not committed yet", self.raft.uncommitted_size()),
            ),
            Err(error) => dropped("not_ready", error.to_string()),
        }
    }

    pub fn step(&mut self, data: &[u8]) -> Result<(), String> {
        if data.len() > self.message_bytes_max {
            return Err(format!("message of {} bytes", data.len()));
        }
        let message = decode_message(data)?;
        let situation = Situation {
            election_blocked: self.election_blocked(),
        };
        guard::admit(&self.raft, &situation, &message)?;
        let result = self.raft.step(message).map_err(|error| error.to_string());
        self.keep_election_timeout();
        result
    }

    pub fn read_index(&mut self, context: &[u8]) -> Outcome<()> {
        if context.is_empty() || context.len() > guard::CONTEXT_BYTES_MAX {
            return Err(Refusal::Value(format!(
                "a read context has 1..={} bytes",
                guard::CONTEXT_BYTES_MAX
            )));
        }
        if self.raft.leader_id == 0 {
            return dropped("no_leader", "no leader is known");
        }
        if self.raft.state == StateRole::Leader && !self.raft.commit_to_current_term() {
            return dropped("not_ready", "nothing is committed in this term yet");
        }
        if self.raft.pending_read_count() >= guard::PENDING_READS_MAX {
            return dropped("too_much_in_flight", "too many reads under way");
        }
        let mut message = Message::default();
        message.set_msg_type(MessageType::MsgReadIndex);
        message.mut_entries().push(Entry {
            data: context.to_vec().into(),
            ..Entry::default()
        });
        self.step_locally(message)
    }

    fn step_locally(&mut self, message: Message) -> Outcome<()> {
        let result = self.raft.step(message);
        self.keep_election_timeout();
        result.or_else(|error| dropped("not_ready", error.to_string()))
    }

    fn check_leads(&self) -> Outcome<()> {
        if self.raft.state == StateRole::Leader {
            return Ok(());
        }
        if self.raft.leader_id == 0 {
            return dropped("no_leader", "no leader is known");
        }
        dropped("not_leader", format!("node {} leads", self.raft.leader_id))
    }

    // -- work out

    pub fn ready_pending(&self) -> bool {
        self.pending.is_some()
    }

    pub fn has_ready(&self) -> bool {
        let raft = &self.raft;
        self.pending.is_none()
            && (!raft.msgs.is_empty()
                || !raft.raft_log.unstable_entries().is_empty()
                || raft.raft_log.has_next_entries_since(self.handed_commit)
                || !raft.read_states.is_empty()
                || raft.hard_state() != self.handed_hard_state
                || raft.soft_state() != self.handed_soft_state
                || raft.snap().is_some())
    }

    pub fn ready(&mut self) -> Outcome<Turn> {
        if self.pending.is_some() {
            return Err(Refusal::Order("the last Ready is not advanced yet"));
        }
        let raft = &mut self.raft;
        self.handed_soft_state = raft.soft_state();
        let hard_state = raft.hard_state();
        let new_vote = hard_state.term != self.handed_hard_state.term || hard_state.vote != self.handed_hard_state.vote;
        let hard_state = (hard_state != self.handed_hard_state).then_some(hard_state);
        if let Some(hard_state) = &hard_state {
            self.handed_hard_state = hard_state.clone();
        }
        // The log in memory takes in what the caller is told to write. The core believes it persisted only later.
        let snapshot = raft.raft_log.unstable_snapshot().clone();
        let mut snapshot_index = None;
        if let Some(snapshot) = &snapshot {
            let metadata = snapshot.get_metadata();
            raft.mut_store().install(metadata);
            raft.raft_log.stable_snap(metadata.index);
            self.handed_commit = metadata.index;
            snapshot_index = Some(metadata.index);
        }
        let entries = raft.raft_log.unstable_entries().to_vec();
        let last_entry = entries.last().map(|entry| (entry.index, entry.term));
        if let Some((index, term)) = last_entry {
            raft.mut_store().append(&entries);
            raft.raft_log.stable_entries(index, term);
        }
        let read_states = std::mem::take(&mut raft.read_states);
        let committed = self.take_committed();
        let messages = std::mem::take(&mut self.raft.msgs);
        // A leader may send before it has written (Raft thesis 10.2.1), but never under a term or vote it could forget:
        // a sole voter leads at once, and its learners must not hear of a term it might lead a second time.
        let (messages, persisted_messages) = if self.raft.state == StateRole::Leader && !new_vote {
            (messages, Vec::new())
        } else {
            (Vec::new(), messages)
        };
        self.pending = Some(Pending {
            last_entry,
            snapshot_index,
        });
        Ok(Turn {
            must_sync: new_vote || last_entry.is_some() || snapshot_index.is_some(),
            hard_state,
            entries,
            messages,
            persisted_messages,
            committed,
            read_states,
            snapshot,
        })
    }

    pub fn advance(&mut self) -> Outcome<Progressed> {
        let Some(pending) = self.pending.take() else {
            return Err(Refusal::Order("there is no Ready to advance"));
        };
        let raft = &mut self.raft;
        if let Some(index) = pending.snapshot_index {
            raft.on_persist_snap(index);
        }
        if let Some((index, term)) = pending.last_entry {
            raft.on_persist_entries(index, term);
        }
        if let Some(index) = pending.snapshot_index {
            raft.commit_apply(index);
        }
        let committed = self.take_committed();
        let now = self.raft.hard_state();
        let handed = &mut self.handed_hard_state;
        let commit = (now.commit > handed.commit).then_some(now.commit);
        handed.commit = now.commit;
        // What came in meanwhile may have changed term, vote or role: then messages wait for the next Ready.
        let messages = if self.raft.state == StateRole::Leader && now == *handed {
            std::mem::take(&mut self.raft.msgs)
        } else {
            Vec::new()
        };
        Ok(Progressed {
            commit,
            committed,
            messages,
        })
    }

    fn take_committed(&mut self) -> Vec<Entry> {
        let committed = self
            .raft
            .raft_log
            .next_entries_since(self.handed_commit, Some(self.committed_bytes_max))
            .unwrap_or_default();
        if let Some(last) = committed.last() {
            self.handed_commit = last.index;
            self.raft.reduce_uncommitted_size(&committed);
        }
        committed
    }

    pub fn applied_to(&mut self, index: u64) -> Outcome<()> {
        let log = &self.raft.raft_log;
        if index <= log.applied {
            return Ok(());
        }
        let highest = self.handed_commit.min(log.committed).min(log.persisted);
        if index > highest {
            return Err(Refusal::Storage(format!(
                "applied {index}, but only entries up to {highest} were handed out"
            )));
        }
        let last = log.last_index();
        self.raft.commit_apply(index);
        // Ending a joint phase appends an entry here, which the core would send with the next heartbeat only.
        if self.raft.raft_log.last_index() > last {
            self.raft.bcast_append();
        }
        Ok(())
    }

    // -- membership

    pub fn propose_conf_change(&mut self, change: &ConfChangeV2) -> Outcome<u64> {
        self.check_leads()?;
        if self.raft.has_pending_conf() {
            return dropped(
                "conf_change_pending",
                format!(
                    "entries up to {} may change the membership",
                    self.raft.pending_conf_index
                ),
            );
        }
        if let Err(error) = check_change(self.raft.prs(), change) {
            return dropped("conf_change_invalid", error);
        }
        let data = change
            .write_to_bytes()
            .map_err(|error| Refusal::Value(error.to_string()))?;
        let mut entry = Entry {
            data: data.into(),
            ..Entry::default()
        };
        entry.set_entry_type(EntryType::EntryConfChangeV2);
        self.append(vec![entry])
    }

    pub fn apply_conf_change(&mut self, kind: EntryType, data: &[u8]) -> Outcome<ConfState> {
        let change = decode_conf_change(kind, data).map_err(Refusal::Step)?;
        check_change(self.raft.prs(), &change).map_err(Refusal::Step)?;
        let state = self
            .raft
            .apply_conf_change(&change)
            .map_err(|error| Refusal::Step(error.to_string()))?;
        // The core lets a removed leader go on, and panics when it next counts itself (raft.rs "maybe_commit").
        if !self.raft.promotable() && self.raft.state != StateRole::Follower {
            let term = self.raft.term;
            self.raft.become_follower(term, 0);
        }
        self.keep_election_timeout();
        Ok(state)
    }

    // -- snapshots and compaction

    pub fn provide_snapshot(&mut self, snapshot: Snapshot) -> Outcome<()> {
        let metadata = snapshot.get_metadata();
        check_conf_state(metadata.get_conf_state()).map_err(Refusal::Step)?;
        if metadata.get_conf_state().voters.is_empty() {
            return Err(Refusal::Step("snapshot without voters".to_owned()));
        }
        let (index, term) = (metadata.index, metadata.term);
        if index == 0 || index > self.raft.raft_log.applied || self.term_at(index)? != term {
            return Err(Refusal::Storage(format!(
                "no snapshot at {term}/{index}: applied is {}",
                self.raft.raft_log.applied
            )));
        }
        self.raft.mut_store().set_snapshot(Some(snapshot));
        // Send it now to whoever needs it; the core would wait for each one's next heartbeat answer.
        if self.raft.state == StateRole::Leader {
            let first = self.raft.raft_log.first_index();
            let mut behind: Vec<u64> = self
                .raft
                .prs()
                .iter()
                .filter(|(id, known)| {
                    **id != self.raft.id && (known.next_idx < first || known.pending_request_snapshot != 0)
                })
                .map(|(id, _)| *id)
                .collect();
            behind.sort_unstable();
            for to in behind {
                self.raft.send_append(to);
            }
        }
        Ok(())
    }

    pub fn report(&mut self, kind: MessageType, from: u64, reject: bool) -> Outcome<()> {
        let mut message = Message::default();
        message.set_msg_type(kind);
        message.from = from;
        message.reject = reject;
        self.step_locally(message)
    }

    pub fn compact(&mut self, index: u64) -> Outcome<(u64, u64)> {
        let applied = self.raft.raft_log.applied;
        if index > applied {
            return Err(Refusal::Storage(format!(
                "compact to {index}, but applied is {applied}"
            )));
        }
        let log = self.raft.mut_store();
        if index >= log.first() {
            log.compact(index);
        }
        Ok(log.start())
    }

    pub fn term_at(&self, index: u64) -> Outcome<u64> {
        let log = &self.raft.raft_log;
        let (first, last) = (log.first_index(), log.last_index());
        if index + 1 < first || index > last {
            return Err(Refusal::Storage(format!(
                "index {index} is outside the log {first}..={last}"
            )));
        }
        log.term(index).map_err(|error| Refusal::Storage(error.to_string()))
    }
}

/// Check that entries follow (index, term) without gap, and return the last (index, term).
fn check_log(index: u64, term: u64, entries: &[Entry]) -> Outcome<(u64, u64)> {
    if (index == 0) != (term == 0) {
        return Err(Refusal::Storage(format!("the log cannot start after {term}/{index}")));
    }
    let (mut index, mut term) = (index, term);
    for entry in entries {
        if entry.index != index + 1 || entry.term < term.max(1) {
            return Err(Refusal::Storage(format!(
                "entry {}/{} cannot follow {term}/{index}",
                entry.term, entry.index
            )));
        }
        guard::check_entry_data(entry).map_err(Refusal::Storage)?;
        (index, term) = (entry.index, entry.term);
    }
    Ok((index, term))
}
