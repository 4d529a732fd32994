//! A group seen from outside.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use raft::{ProgressState, StateRole};

use crate::replica::Replica;
use crate::values::{role_name, ConfState};

/// What the leader knows about one replica (frozen).
#[pyclass(frozen, get_all, module = "themis_raft")]
pub struct Progress {
    r#match: u64,
    next: u64,
    state: &'static str,
    recent_active: bool,
    paused: bool,
    pending_snapshot: u64,
    inflight: usize,
    commit: u64,
    learner: bool,
}

#[pymethods]
impl Progress {
    fn __repr__(&self) -> String {
        format!(
            "Progress(match={}, next={}, state={}, recent_active={}, paused={}, inflight={}, learner={})",
            self.r#match, self.next, self.state, self.recent_active, self.paused, self.inflight, self.learner
        )
    }
}

/// A group seen from outside, for metrics and debugging (frozen).
#[pyclass(frozen, get_all, module = "themis_raft")]
pub struct Status {
    node_id: u64,
    term: u64,
    vote: u64,
    role: &'static str,
    leader: u64,
    transferee: u64,
    commit: u64,
    applied: u64,
    persisted: u64,
    first_index: u64,
    last_index: u64,
    pending_conf_change: bool,
    uncommitted_bytes: usize,
    pending_reads: usize,
    election_timeout_ticks: usize,
    election_elapsed_ticks: usize,
    conf_state: Py<ConfState>,
    progress: Py<PyDict>,
}

impl Status {
    pub fn new(py: Python<'_>, replica: &Replica) -> PyResult<Self> {
        let raft = &replica.raft;
        let log = &raft.raft_log;
        let progress = PyDict::new(py);
        if raft.state == StateRole::Leader {
            let mut nodes: Vec<_> = raft.prs().iter().collect();
            nodes.sort_unstable_by_key(|(id, _)| **id);
            for (id, known) in nodes {
                let value = Progress {
                    r#match: known.matched,
                    next: known.next_idx,
                    state: match known.state {
                        ProgressState::Probe => "probe",
                        ProgressState::Replicate => "replicate",
                        ProgressState::Snapshot => "snapshot",
                    },
                    recent_active: known.recent_active,
                    paused: known.is_paused(),
                    pending_snapshot: known.pending_snapshot,
                    inflight: known.ins.count(),
                    commit: known.committed_index,
                    learner: raft.prs().conf().learners().contains(id),
                };
                progress.set_item(*id, Py::new(py, value)?)?;
            }
        }
        Ok(Status {
            node_id: raft.id,
            term: raft.term,
            vote: raft.vote,
            role: role_name(raft.state),
            leader: raft.leader_id,
            transferee: raft.lead_transferee.unwrap_or(0),
            commit: log.committed,
            applied: log.applied,
            persisted: log.persisted,
            first_index: log.first_index(),
            last_index: log.last_index(),
            pending_conf_change: raft.has_pending_conf(),
            uncommitted_bytes: raft.uncommitted_size(),
            pending_reads: raft.pending_read_count(),
            election_timeout_ticks: raft.randomized_election_timeout(),
            election_elapsed_ticks: raft.election_elapsed,
            conf_state: Py::new(py, ConfState::new(raft.prs().conf().to_conf_state()))?,
            progress: progress.unbind(),
        })
    }
}

#[pymethods]
impl Status {
    fn __repr__(&self) -> String {
        format!(
            "Status(node_id={}, term={}, role={}, leader={}, commit={}, applied={}, persisted={}, log={}..={})",
            self.node_id,
            self.term,
            self.role,
            self.leader,
            self.commit,
            self.applied,
            self.persisted,
            self.first_index,
            self.last_index
        )
    }
}
