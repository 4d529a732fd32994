//! What keeps a group going over its life: membership changes, snapshots, compaction.

use protobuf::Message as _;
use raft::eraftpb::{ConfChangeV2, ConfState, Entry, EntryType, Message, MessageType, Snapshot};
use raft::StateRole;

use super::Replica;
use crate::membership::{check_change, check_conf_state};
use crate::message::decode_conf_change;
use crate::refusal::{dropped, Outcome, Refusal};

impl Replica {
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
