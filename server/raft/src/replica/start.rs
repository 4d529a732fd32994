//! The start of a replica, new or from what was persisted: nothing contradictory gets past here, since the core panics
//! on it.

use raft::eraftpb::{ConfState, Entry, HardState};
use raft::{Config, Raft, RaftState};

use super::commits::Told;
use super::Replica;
use crate::guard;
use crate::membership::check_conf_state;
use crate::refusal::{Outcome, Refusal};
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
            told: Told::default(),
            pending: None,
            committed_bytes_max,
            message_bytes_max: start.message_bytes_max,
            election_timeout: None,
            raft,
        };
        replica.set_election_timeout(start.election_timeout)?;
        Ok(replica)
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
