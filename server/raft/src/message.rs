//! Bytes to messages and entries and back, and as one readable line.

use std::fmt::Write as _;

use protobuf::Message as Proto;
use raft::eraftpb::{ConfChange, ConfChangeV2, ConfState, Entry, EntryType, Message, MessageType};
use raft_proto::ConfChangeI as _;

use crate::refusal::{Outcome, Refusal};
use crate::wire::{self, Schema};

fn decode<M: Proto>(data: &[u8], schema: &'static Schema) -> Result<M, String> {
    wire::check(data, schema)?;
    M::parse_from_bytes(data).map_err(|error| format!("{}: {error}", schema.name))
}

pub fn decode_message(data: &[u8]) -> Result<Message, String> {
    decode(data, &wire::MESSAGE)
}

pub fn decode_entry(data: &[u8]) -> Outcome<Entry> {
    decode(data, &wire::ENTRY).map_err(Refusal::Step)
}

pub fn decode_conf_state(data: &[u8]) -> Outcome<ConfState> {
    decode(data, &wire::CONF_STATE).map_err(Refusal::Step)
}

/// Decode the data of a membership entry of either form. No data is the empty change, which leaves a joint phase.
pub fn decode_conf_change(kind: EntryType, data: &[u8]) -> Result<ConfChangeV2, String> {
    match kind {
        EntryType::EntryNormal => Err("not a membership entry".to_owned()),
        EntryType::EntryConfChange => decode::<ConfChange>(data, &wire::CONF_CHANGE).map(|change| change.into_v2()),
        EntryType::EntryConfChangeV2 => decode(data, &wire::CONF_CHANGE_V2),
    }
}

/// The kind of an entry as Python sees it.
pub fn kind_number(kind: EntryType) -> u8 {
    match kind {
        EntryType::EntryNormal => 0,
        EntryType::EntryConfChange => 1,
        EntryType::EntryConfChangeV2 => 2,
    }
}

/// The inverse of `kind_number`.
pub fn kind_of_number(kind: u8) -> Option<EntryType> {
    match kind {
        0 => Some(EntryType::EntryNormal),
        1 => Some(EntryType::EntryConfChange),
        2 => Some(EntryType::EntryConfChangeV2),
        _ => None,
    }
}

/// One line: `1->2 MsgAppend term:2 log:1/5 commit:4 entries:[2/6 normal "x"]`. Fields that are zero are left out.
pub fn describe_message(message: &Message) -> String {
    let kind = message.get_msg_type();
    let mut line = format!("{}->{} {kind:?} term:{}", message.from, message.to, message.term);
    // Writing to a String cannot fail.
    if message.index != 0 || message.log_term != 0 || kind == MessageType::MsgAppend {
        let _ = write!(line, " log:{}/{}", message.log_term, message.index);
    }
    if message.commit != 0 {
        let _ = write!(line, " commit:{}", message.commit);
    }
    if message.commit_term != 0 {
        let _ = write!(line, "@{}", message.commit_term);
    }
    if message.reject {
        let _ = write!(line, " rejected(hint:{})", message.reject_hint);
    }
    if message.request_snapshot != 0 {
        let _ = write!(line, " wants-snapshot:{}", message.request_snapshot);
    }
    if !message.context.is_empty() {
        let _ = write!(line, " context:{}", readable(&message.context));
    }
    if !message.entries.is_empty() {
        let entries: Vec<_> = message.entries.iter().map(describe_entry).collect();
        let _ = write!(line, " entries:[{}]", entries.join(", "));
    }
    if message.has_snapshot() {
        let metadata = message.get_snapshot().get_metadata();
        let _ = write!(
            line,
            " snapshot:{}/{} {} data:{}",
            metadata.term,
            metadata.index,
            describe_conf_state(metadata.get_conf_state()),
            readable(&message.get_snapshot().data)
        );
    }
    line
}

/// One line: `2/6 normal "x"` (term/index kind data).
pub fn describe_entry(entry: &Entry) -> String {
    let kind = entry.get_entry_type();
    let body = match kind {
        EntryType::EntryNormal => format!("normal {}", readable(&entry.data)),
        _ => match decode_conf_change(kind, &entry.data) {
            Ok(change) => format!("conf-change {}", describe_conf_change(&change)),
            Err(error) => format!("conf-change ({error})"),
        },
    };
    format!("{}/{} {body}", entry.term, entry.index)
}

fn describe_conf_change(change: &ConfChangeV2) -> String {
    if change.leave_joint() {
        return "leave-joint".to_owned();
    }
    format!(
        "{:?}({})",
        change.get_transition(),
        raft_proto::stringify_conf_change(&change.changes)
    )
}

/// `voters:(1 2)` and so on; parts that are empty are left out.
pub fn describe_conf_state(state: &ConfState) -> String {
    let ids = |ids: &[u64]| {
        let ids: Vec<_> = ids.iter().map(u64::to_string).collect();
        ids.join(" ")
    };
    let mut line = format!("voters:({})", ids(&state.voters));
    for (name, part) in [
        ("outgoing", &state.voters_outgoing),
        ("learners", &state.learners),
        ("learners-next", &state.learners_next),
    ] {
        if !part.is_empty() {
            let _ = write!(line, " {name}:({})", ids(part));
        }
    }
    if state.auto_leave {
        line.push_str(" auto-leave");
    }
    line
}

/// Bytes as a quoted string, long ones cut.
fn readable(data: &[u8]) -> String {
    const SHOWN_MAX: usize = 64;
    let shown = data[..data.len().min(SHOWN_MAX)].escape_ascii();
    if data.len() > SHOWN_MAX {
        format!("\"{shown}\"...({} bytes)", data.len())
    } else {
        format!("\"{shown}\"")
    }
}
