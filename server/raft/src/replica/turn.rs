//! One turn: what has to be written, sent and applied, and what follows once it is written.

use raft::eraftpb::{Entry, HardState, Message, Snapshot};
use raft::{ReadState, StateRole};

use super::{Pending, Replica};
use crate::refusal::{Outcome, Refusal};

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

impl Replica {
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
        let messages = self.take_messages();
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
            self.take_messages()
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
}
