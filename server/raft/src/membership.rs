//! Who is in a group: what a membership may look like, and which changes can be made to it.

use std::collections::HashSet;

use raft::eraftpb::{ConfChangeSingle, ConfChangeTransition, ConfChangeType, ConfChangeV2, ConfState};
use raft::{Changer, ProgressTracker};

use crate::refusal::{Outcome, Refusal};

/// Node ids and membership sizes beyond any sense, refused wherever they come from.
pub const MEMBERS_MAX: usize = 1024;

/// Check that a membership can be restored. The core does not return an error for one that cannot: it panics.
pub fn check_conf_state(state: &ConfState) -> Result<(), String> {
    let set = |name: &str, ids: &[u64]| {
        if ids.len() > MEMBERS_MAX {
            return Err(format!("membership: more than {MEMBERS_MAX} {name}"));
        }
        let unique: HashSet<u64> = ids.iter().copied().collect();
        if unique.len() != ids.len() {
            return Err(format!("membership: a node is twice among {name}"));
        }
        if unique.contains(&0) {
            return Err(format!("membership: node 0 among {name}"));
        }
        Ok(unique)
    };
    let voters = set("voters", &state.voters)?;
    let learners = set("learners", &state.learners)?;
    let outgoing = set("outgoing voters", &state.voters_outgoing)?;
    let learners_next = set("next learners", &state.learners_next)?;
    if voters.is_empty() && (!learners.is_empty() || !outgoing.is_empty() || !learners_next.is_empty()) {
        return Err("membership: no voter".to_owned());
    }
    if let Some(node) = learners.iter().find(|id| voters.contains(id) || outgoing.contains(id)) {
        return Err(format!("membership: node {node} is learner and voter"));
    }
    if let Some(node) = learners_next
        .iter()
        .find(|id| voters.contains(id) || !outgoing.contains(id))
    {
        return Err(format!(
            "membership: node {node} is next learner, but not just an outgoing voter"
        ));
    }
    if outgoing.is_empty() && state.auto_leave {
        return Err("membership: auto_leave without a joint phase".to_owned());
    }
    Ok(())
}

/// Build a change from kinds and node ids.
pub fn conf_change(changes: &[(String, u64)], transition: &str, context: &[u8]) -> Outcome<ConfChangeV2> {
    if changes.len() > MEMBERS_MAX {
        return Err(Refusal::Value(format!("more than {MEMBERS_MAX} changes")));
    }
    let mut change = ConfChangeV2 {
        context: context.to_vec().into(),
        ..ConfChangeV2::default()
    };
    change.set_transition(match transition {
        "auto" => ConfChangeTransition::Auto,
        "implicit" => ConfChangeTransition::Implicit,
        "explicit" => ConfChangeTransition::Explicit,
        other => {
            return Err(Refusal::Value(format!(
                "no transition {other:?}: auto, implicit or explicit"
            )))
        }
    });
    for (kind, node) in changes {
        if *node == 0 {
            return Err(Refusal::Value("node ids start at 1".to_owned()));
        }
        let mut single = ConfChangeSingle {
            node_id: *node,
            ..ConfChangeSingle::default()
        };
        single.set_change_type(match kind.as_str() {
            "add_voter" => ConfChangeType::AddNode,
            "add_learner" => ConfChangeType::AddLearnerNode,
            "remove" => ConfChangeType::RemoveNode,
            other => {
                return Err(Refusal::Value(format!(
                    "no change {other:?}: add_voter, add_learner or remove"
                )))
            }
        });
        change.mut_changes().push(single);
    }
    Ok(change)
}

/// Check that a change can be made to the membership in force.
pub fn check_change(tracker: &ProgressTracker, change: &ConfChangeV2) -> Result<(), String> {
    if change.changes.len() > MEMBERS_MAX {
        return Err(format!("more than {MEMBERS_MAX} changes"));
    }
    // The core would make the first node added the sole voter of its own group.
    if tracker.conf().to_conf_state().voters.is_empty() {
        return Err("the membership to change is not known here: start from a snapshot".to_owned());
    }
    let mut changer = Changer::new(tracker);
    let result = if change.leave_joint() {
        changer.leave_joint()
    } else if let Some(auto_leave) = change.enter_joint() {
        changer.enter_joint(auto_leave, &change.changes)
    } else {
        changer.simple(&change.changes)
    };
    result.map(|_| ()).map_err(|error| error.to_string())
}

#[cfg(test)]
#[allow(clippy::field_reassign_with_default)] // As protobuf messages are built.
mod tests {
    use super::*;
    use crate::storage::LogTail;
    use raft::{Config, Raft, RaftState};

    /// Every membership over three nodes that passes the check restores in the core, which would panic otherwise.
    #[test]
    fn what_passes_the_check_restores_in_the_core() {
        let subset = |bits: u32| (1..=3u64).filter(|id| bits >> (id - 1) & 1 == 1).collect::<Vec<_>>();
        let logger = slog::Logger::root(slog::Discard, slog::o!());
        let mut accepted = 0;
        for code in 0..(1u32 << 13) {
            let mut state = ConfState::default();
            state.voters = subset(code);
            state.learners = subset(code >> 3);
            state.voters_outgoing = subset(code >> 6);
            state.learners_next = subset(code >> 9);
            state.auto_leave = code >> 12 == 1;
            if check_conf_state(&state).is_err() {
                continue;
            }
            accepted += 1;
            let initial = RaftState {
                conf_state: state,
                ..RaftState::default()
            };
            let config = Config::new(1);
            Raft::new(&config, LogTail::new(initial, 0, 0, Vec::new()), &logger).unwrap();
        }
        assert!(accepted > 100, "{accepted}");
    }
}
