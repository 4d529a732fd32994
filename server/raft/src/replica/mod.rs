//! One replica over `raft::Raft`: the turn of Ready and advance, and a check before every call that could panic.
//!
//! `raft::RawNode` has the same cycle, but lets nothing else happen between handing out a Ready and advancing it, or
//! (`advance_append_async`) hands out nothing at the advance. Here the fsync of a turn runs while messages, ticks and
//! proposals come in, and the advance still yields what the fsync made possible: so the cycle is our own, over the
//! same public parts of the core. One Ready is out at a time.

mod commits;
mod start;
mod turn;
mod upkeep;

pub use start::Start;
pub use turn::{Progressed, Turn};

use bytes::Bytes;
use raft::eraftpb::{Entry, HardState, Message, MessageType};
use raft::{Raft, SoftState, StateRole};

use self::commits::Told;
use crate::guard::{self, Situation};
use crate::message::decode_message;
use crate::refusal::{dropped, Outcome, Refusal};
use crate::storage::LogTail;

/// The turn that is out.
struct Pending {
    last_entry: Option<(u64, u64)>,
    snapshot_index: Option<u64>,
}

/// One replica: the core, and what was handed out of it.
pub struct Replica {
    pub raft: Raft<LogTail>,
    handed_hard_state: HardState,
    handed_soft_state: SoftState,
    /// Committed entries up to here were handed out.
    handed_commit: u64,
    told: Told,
    pending: Option<Pending>,
    committed_bytes_max: u64,
    message_bytes_max: usize,
    election_timeout: Option<usize>,
}

impl Replica {
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

    pub fn hear_leader(&mut self) -> bool {
        let follows = self.raft.state == StateRole::Follower && self.raft.leader_id != 0;
        if follows {
            self.raft.election_elapsed = 0;
        }
        follows
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
}
