//! What a peer may send: every message passes here before it reaches the core.
//!
//! The core trusts its peers and panics ("fatal") on what a correct one never sends: a commit index beyond the log, a
//! gap, an impossible membership, a vote without a term. A peer that lost its disk, runs another version, or is hostile
//! does send such things, so each is refused here, with the reason. Where a rule protects from one line of the core
//! (raft 0.7.0), the comment names it.

use raft::eraftpb::{Entry, EntryType, Message, MessageType};
use raft::{Raft, StateRole};

use crate::membership::check_conf_state;
use crate::message::decode_conf_change;
use crate::storage::LogTail;

/// Indexes and terms beyond this are nonsense, and sums with them must not overflow.
const NUMBER_MAX: u64 = 1 << 60;
/// No group raises its term so far between two messages; a forged jump would wear the numbers out.
const TERM_JUMP_MAX: u64 = 1 << 32;
/// Contexts are read ids and the marker of a transfer.
pub const CONTEXT_BYTES_MAX: usize = 1024;
/// Reads under way on a leader.
pub const PENDING_READS_MAX: usize = 1 << 16;

/// What the guard has to know beyond the core's own state.
pub struct Situation {
    /// An election now would break an invariant (see `Replica::election_blocked`).
    pub election_blocked: bool,
}

/// Check a message against the state of the replica. The error is the refusal.
pub fn admit(raft: &Raft<LogTail>, situation: &Situation, message: &Message) -> Result<(), String> {
    check_envelope(raft, message)?;
    check_shape(message)?;
    check_against_state(raft, situation, message)
}

fn check_envelope(raft: &Raft<LogTail>, m: &Message) -> Result<(), String> {
    if m.to != raft.id {
        return Err(format!("addressed to {}, this is {}", m.to, raft.id));
    }
    if m.from == 0 || m.from == raft.id {
        return Err(format!("sender {} is no peer", m.from));
    }
    for (name, number) in [
        ("term", m.term),
        ("log term", m.log_term),
        ("index", m.index),
        ("commit", m.commit),
        ("commit term", m.commit_term),
        ("reject hint", m.reject_hint),
        ("requested snapshot", m.request_snapshot),
    ] {
        if number > NUMBER_MAX {
            return Err(format!("{name} {number} is absurd"));
        }
    }
    if m.term > raft.term + TERM_JUMP_MAX {
        return Err(format!("term {} is absurd at term {}", m.term, raft.term));
    }
    if m.context.len() > CONTEXT_BYTES_MAX {
        return Err(format!("context of {} bytes", m.context.len()));
    }
    // No replica here has a priority, and a vote refused because of one in term 0 panics: raft.rs "send".
    if m.priority != 0 || m.deprecated_priority != 0 {
        return Err("priorities are not in use".to_owned());
    }
    Ok(())
}

/// What a message of its type looks like, whoever gets it.
fn check_shape(m: &Message) -> Result<(), String> {
    use MessageType as T;
    let kind = m.get_msg_type();
    if matches!(
        kind,
        T::MsgHup | T::MsgBeat | T::MsgUnreachable | T::MsgSnapStatus | T::MsgCheckQuorum
    ) {
        return Err(format!("{kind:?} is a local message"));
    }
    if kind == T::MsgPropose {
        return Err("proposals are not forwarded by Raft".to_owned());
    }
    // A forwarded read carries no term; everything else does, and "send" panics when that is the wrong way round.
    if (kind == T::MsgReadIndex) != (m.term == 0) {
        return Err(format!("{kind:?} of term {}", m.term));
    }
    if m.has_snapshot() != (kind == T::MsgSnapshot) {
        return Err(format!("{kind:?} and a snapshot do not go together"));
    }
    match kind {
        T::MsgAppend => check_entries(m)?,
        T::MsgReadIndex | T::MsgReadIndexResp => {
            // read_only.rs takes entries[0] unseen.
            if m.entries.len() != 1 || m.entries[0].data.len() > CONTEXT_BYTES_MAX {
                return Err(format!("{kind:?} without exactly one context"));
            }
        }
        _ => {
            if !m.entries.is_empty() {
                return Err(format!("{kind:?} with entries"));
            }
        }
    }
    if kind == T::MsgSnapshot {
        let metadata = m.get_snapshot().get_metadata();
        if metadata.index == 0 || metadata.index > NUMBER_MAX || metadata.term == 0 || metadata.term > m.term {
            return Err(format!(
                "snapshot at {}/{} in term {}",
                metadata.term, metadata.index, m.term
            ));
        }
        // raft.rs "restore" panics on a membership that cannot be.
        check_conf_state(metadata.get_conf_state())?;
        if metadata.get_conf_state().voters.is_empty() {
            return Err("snapshot without voters".to_owned());
        }
    }
    Ok(())
}

/// Entries follow their anchor without gap, in ascending terms: raft_log.rs and log_unstable.rs index by them.
fn check_entries(m: &Message) -> Result<(), String> {
    // The core takes (index beyond the log, term 0) for a match: raft_log.rs "term" answers 0 out of range.
    if (m.index == 0) != (m.log_term == 0) {
        return Err(format!("append after {}/{}", m.log_term, m.index));
    }
    if m.log_term > m.term {
        return Err(format!("append after term {} in term {}", m.log_term, m.term));
    }
    let (mut index, mut term) = (m.index, m.log_term);
    for entry in m.entries.iter() {
        if entry.index != index + 1 {
            return Err(format!("entry {} after {index}", entry.index));
        }
        if entry.term < term.max(1) || entry.term > m.term {
            return Err(format!(
                "entry {} of term {} after term {term} in term {}",
                entry.index, entry.term, m.term
            ));
        }
        check_entry_data(entry)?;
        (index, term) = (entry.index, entry.term);
    }
    if index > NUMBER_MAX {
        return Err(format!("index {index} is absurd"));
    }
    Ok(())
}

/// A membership entry that cannot be decoded must not get into the log, where every replica would meet it.
pub fn check_entry_data(entry: &Entry) -> Result<(), String> {
    match entry.get_entry_type() {
        EntryType::EntryNormal => Ok(()),
        kind => decode_conf_change(kind, &entry.data)
            .map(|_| ())
            .map_err(|error| format!("entry {}: {error}", entry.index)),
    }
}

fn check_against_state(raft: &Raft<LogTail>, situation: &Situation, m: &Message) -> Result<(), String> {
    use MessageType as T;
    let kind = m.get_msg_type();
    let leads = raft.state == StateRole::Leader;
    let peer = raft.prs().get(m.from).is_some();
    let log = &raft.raft_log;
    // An older term never reaches the handlers that these rules protect; the core answers or ignores it.
    let current = m.term >= raft.term;
    match kind {
        T::MsgAppend | T::MsgHeartbeat | T::MsgSnapshot if leads && m.term == raft.term => {
            return Err(format!("{} claims to lead term {} too", m.from, m.term));
        }
        // The membership that a group began with is not in its log: replaying it would end in another one.
        // (Appends further on are rejected in the usual way, which shows the leader that a snapshot is needed.)
        T::MsgAppend if current && m.index == 0 && !m.entries.is_empty() && raft.prs().iter().next().is_none() => {
            return Err("a replica without membership starts from a snapshot, not from the log".to_owned());
        }
        // raft_log.rs "commit_to" panics. This is how a replica that lost its disk meets its leader.
        T::MsgHeartbeat if current && m.commit > log.last_index() => {
            return Err(format!(
                "commit {} beyond the log, which ends at {}",
                m.commit,
                log.last_index()
            ));
        }
        T::MsgSnapshot if current => {
            let metadata = m.get_snapshot().get_metadata();
            if metadata.index == log.committed && !log.match_term(metadata.index, metadata.term) {
                return Err(format!(
                    "snapshot at {}/{} contradicts the log",
                    metadata.term, metadata.index
                ));
            }
        }
        T::MsgAppendResponse | T::MsgHeartbeatResponse | T::MsgRequestVoteResponse | T::MsgRequestPreVoteResponse
            if !peer =>
        {
            return Err(format!("{kind:?} from {}, which is no member", m.from));
        }
        T::MsgAppendResponse if leads && current => {
            let claimed = if m.reject { m.request_snapshot } else { m.index };
            if claimed > log.last_index() {
                return Err(format!(
                    "acknowledges {claimed} beyond the log, which ends at {}",
                    log.last_index()
                ));
            }
        }
        // raft.rs "become_leader" asserts that the log is persisted. A vote was asked for only after that.
        T::MsgRequestVoteResponse | T::MsgRequestPreVoteResponse
            if matches!(raft.state, StateRole::Candidate | StateRole::PreCandidate)
                && log.last_index() != log.persisted =>
        {
            return Err("a vote nobody asked for: the log is not persisted yet".to_owned());
        }
        // Forwarding it again would panic in raft.rs "send".
        T::MsgTransferLeader if !leads || m.term != raft.term || !peer => {
            return Err("a transfer that this replica cannot make".to_owned());
        }
        T::MsgTimeoutNow if situation.election_blocked => {
            return Err("no election while the log is being persisted".to_owned());
        }
        T::MsgReadIndex => {
            if !leads || !peer {
                return Err("a read index is asked of the leader, by a member".to_owned());
            }
            if raft.pending_read_count() >= PENDING_READS_MAX {
                return Err("too many reads under way".to_owned());
            }
        }
        _ => {}
    }
    Ok(())
}
