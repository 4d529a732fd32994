//! Which replicas were told how far the log is committed: a leader need not send a message just for that if the next
//! entries are about to say it.

use std::collections::HashMap;

use raft::eraftpb::{Message, MessageType};
use raft::StateRole;

use super::Replica;

/// The greatest commit index that went out to each replica in a term. What went out may be lost: the core's heartbeats
/// make up for that.
#[derive(Default)]
pub struct Told {
    term: u64,
    commit: HashMap<u64, u64>,
}

impl Told {
    fn note(&mut self, term: u64, messages: &[Message]) {
        if self.term != term {
            self.term = term;
            self.commit.clear();
        }
        for message in messages {
            if matches!(
                message.get_msg_type(),
                MessageType::MsgAppend | MessageType::MsgHeartbeat
            ) {
                let told = self.commit.entry(message.to).or_default();
                *told = message.commit.max(*told);
            }
        }
    }

    fn reaches(&self, term: u64, to: u64, index: u64) -> bool {
        self.term == term && self.commit.get(&to).is_some_and(|told| *told >= index)
    }
}

impl Replica {
    /// Tell every replica that was not, that the log is committed up to `index` or further; false: all were.
    pub fn tell_commit(&mut self, index: u64) -> bool {
        let raft = &self.raft;
        if raft.state != StateRole::Leader {
            return false;
        }
        let index = index.min(raft.raft_log.committed);
        let mut untold: Vec<u64> = raft
            .prs()
            .iter()
            .map(|(id, _)| *id)
            .filter(|id| *id != raft.id && !self.told.reaches(raft.term, *id, index))
            .collect();
        untold.sort_unstable();
        for to in &untold {
            self.raft.send_append(*to);
        }
        !untold.is_empty()
    }

    /// Take what is to be sent. Who is told up to where it has to apply the log before it may read is told that this
    /// is committed: it could not apply it before.
    pub fn take_messages(&mut self) -> Vec<Message> {
        let raft = &mut self.raft;
        if raft.state != StateRole::Leader {
            return std::mem::take(&mut raft.msgs);
        }
        self.told.note(raft.term, &raft.msgs);
        let readers: Vec<u64> = raft
            .msgs
            .iter()
            .filter(|message| message.get_msg_type() == MessageType::MsgReadIndexResp)
            .filter(|message| !self.told.reaches(raft.term, message.to, message.index))
            .map(|message| message.to)
            .collect();
        for to in readers {
            raft.send_append(to);
        }
        let messages = std::mem::take(&mut raft.msgs);
        self.told.note(raft.term, &messages);
        messages
    }
}
