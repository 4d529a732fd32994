//! The frozen values that a group hands to Python.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use protobuf::{CodedOutputStream, Message as Proto};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyTuple};
use raft::eraftpb::{ConfState as ConfStateProto, Entry, Message};
use raft::{ReadState, StateRole};

use crate::errors::{self, StepError};
use crate::membership::check_conf_state;
use crate::message::{decode_conf_state, describe_conf_state, kind_number};
use crate::replica::{Progressed, Turn};

/// Encode straight into a Python object: one copy.
pub fn encode<'py>(py: Python<'py>, value: &impl Proto) -> PyResult<Bound<'py, PyBytes>> {
    let size = value.compute_size() as usize;
    PyBytes::new_with(py, size, |buffer| {
        let mut stream = CodedOutputStream::bytes(buffer);
        value
            .write_to_with_cached_sizes(&mut stream)
            .map_err(|error| StepError::new_err(error.to_string()))
    })
}

pub fn role_name(role: StateRole) -> &'static str {
    match role {
        StateRole::Follower => "follower",
        StateRole::PreCandidate => "pre_candidate",
        StateRole::Candidate => "candidate",
        StateRole::Leader => "leader",
    }
}

/// A list of known length, so that it is allocated once.
fn list<'py, T, V: IntoPyObject<'py>>(
    py: Python<'py>,
    items: &[T],
    convert: impl Fn(&T) -> PyResult<V>,
) -> PyResult<Py<PyList>> {
    if items.is_empty() {
        return Ok(PyList::empty(py).unbind());
    }
    let values = items.iter().map(convert).collect::<PyResult<Vec<V>>>()?;
    Ok(PyList::new(py, values)?.unbind())
}

fn messages_list(py: Python<'_>, messages: &[Message]) -> PyResult<Py<PyList>> {
    list(py, messages, |message| Ok((message.to, encode(py, message)?)))
}

fn committed_list(py: Python<'_>, entries: &[Entry]) -> PyResult<Py<PyList>> {
    list(py, entries, |entry| {
        let kind = kind_number(entry.get_entry_type());
        Ok((entry.index, entry.term, kind, PyBytes::new(py, &entry.data)))
    })
}

fn entries_list(py: Python<'_>, entries: &[Entry]) -> PyResult<Py<PyList>> {
    list(py, entries, |entry| Ok((entry.index, encode(py, entry)?)))
}

fn read_states_list(py: Python<'_>, states: &[ReadState]) -> PyResult<Py<PyList>> {
    list(py, states, |state| {
        Ok((state.index, PyBytes::new(py, &state.request_ctx)))
    })
}

/// A state at an index, in place of the log up to it (frozen).
#[pyclass(frozen, get_all, module = "themis_raft")]
pub struct Snapshot {
    index: u64,
    term: u64,
    conf_state: Py<PyBytes>,
    data: Py<PyBytes>,
}

#[pymethods]
impl Snapshot {
    fn __repr__(&self, py: Python<'_>) -> String {
        format!(
            "Snapshot(index={}, term={}, data={} bytes)",
            self.index,
            self.term,
            self.data.as_bytes(py).len()
        )
    }
}

/// What one turn asks of the caller (frozen).
#[pyclass(frozen, get_all, module = "themis_raft")]
pub struct Ready {
    hard_state: Option<(u64, u64, u64)>,
    entries: Py<PyList>,
    messages: Py<PyList>,
    persisted_messages: Py<PyList>,
    committed: Py<PyList>,
    read_states: Py<PyList>,
    snapshot: Option<Py<Snapshot>>,
    must_sync: bool,
    leader: u64,
    term: u64,
    role: &'static str,
}

impl Ready {
    pub fn new(py: Python<'_>, turn: &Turn, leader: u64, term: u64, role: StateRole) -> PyResult<Self> {
        let snapshot = match &turn.snapshot {
            None => None,
            Some(snapshot) => {
                let metadata = snapshot.get_metadata();
                let value = Snapshot {
                    index: metadata.index,
                    term: metadata.term,
                    conf_state: encode(py, metadata.get_conf_state())?.unbind(),
                    data: PyBytes::new(py, &snapshot.data).unbind(),
                };
                Some(Py::new(py, value)?)
            }
        };
        Ok(Ready {
            hard_state: turn.hard_state.as_ref().map(|hs| (hs.term, hs.vote, hs.commit)),
            entries: entries_list(py, &turn.entries)?,
            messages: messages_list(py, &turn.messages)?,
            persisted_messages: messages_list(py, &turn.persisted_messages)?,
            committed: committed_list(py, &turn.committed)?,
            read_states: read_states_list(py, &turn.read_states)?,
            snapshot,
            must_sync: turn.must_sync,
            leader,
            term,
            role: role_name(role),
        })
    }
}

#[pymethods]
impl Ready {
    fn __repr__(&self, py: Python<'_>) -> String {
        format!(
            "Ready(hard_state={:?}, entries={}, messages={}, persisted_messages={}, committed={}, must_sync={}, role={})",
            self.hard_state,
            self.entries.bind(py).len(),
            self.messages.bind(py).len(),
            self.persisted_messages.bind(py).len(),
            self.committed.bind(py).len(),
            self.must_sync,
            self.role
        )
    }
}

/// What became possible because a Ready is durable (frozen).
#[pyclass(frozen, get_all, module = "themis_raft")]
pub struct Advanced {
    commit: Option<u64>,
    committed: Py<PyList>,
    messages: Py<PyList>,
}

impl Advanced {
    pub fn new(py: Python<'_>, progressed: &Progressed) -> PyResult<Self> {
        Ok(Advanced {
            commit: progressed.commit,
            committed: committed_list(py, &progressed.committed)?,
            messages: messages_list(py, &progressed.messages)?,
        })
    }
}

#[pymethods]
impl Advanced {
    fn __repr__(&self, py: Python<'_>) -> String {
        format!(
            "Advanced(commit={:?}, committed={}, messages={})",
            self.commit,
            self.committed.bind(py).len(),
            self.messages.bind(py).len()
        )
    }
}

/// The membership of a group (frozen).
#[pyclass(frozen, eq, module = "themis_raft")]
#[derive(Clone, PartialEq)]
pub struct ConfState {
    proto: ConfStateProto,
}

impl ConfState {
    /// Nodes are kept in ascending order, so that equal memberships have equal bytes.
    pub fn new(mut proto: ConfStateProto) -> Self {
        sort(&mut proto);
        ConfState { proto }
    }

    pub fn into_proto(self) -> ConfStateProto {
        self.proto
    }

    pub fn parse(data: &[u8]) -> crate::refusal::Outcome<Self> {
        let proto = decode_conf_state(data)?;
        check_conf_state(&proto).map_err(crate::refusal::Refusal::Step)?;
        Ok(Self::new(proto))
    }
}

fn sort(proto: &mut ConfStateProto) {
    proto.voters.sort_unstable();
    proto.learners.sort_unstable();
    proto.voters_outgoing.sort_unstable();
    proto.learners_next.sort_unstable();
}

#[pymethods]
impl ConfState {
    #[new]
    #[pyo3(signature = (*, voters, learners = Vec::new(), voters_outgoing = Vec::new(), learners_next = Vec::new(), auto_leave = false),
        text_signature = "(*, voters, learners=(), voters_outgoing=(), learners_next=(), auto_leave=False)")]
    fn py_new(
        voters: Vec<u64>,
        learners: Vec<u64>,
        voters_outgoing: Vec<u64>,
        learners_next: Vec<u64>,
        auto_leave: bool,
    ) -> PyResult<Self> {
        let proto = ConfStateProto {
            voters,
            learners,
            voters_outgoing,
            learners_next,
            auto_leave,
            ..ConfStateProto::default()
        };
        check_conf_state(&proto).map_err(StepError::new_err)?;
        Ok(Self::new(proto))
    }

    /// Decode what `encode`, `Group.apply_conf_change` or a `Snapshot` gave.
    #[staticmethod]
    fn decode(py: Python<'_>, data: &[u8]) -> PyResult<Self> {
        Self::parse(data).map_err(|refusal| errors::raise(py, refusal))
    }

    /// The form to persist.
    fn encode<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        encode(py, &self.proto)
    }

    #[getter]
    fn voters(&self) -> Vec<u64> {
        self.proto.voters.clone()
    }

    #[getter]
    fn learners(&self) -> Vec<u64> {
        self.proto.learners.clone()
    }

    #[getter]
    fn voters_outgoing(&self) -> Vec<u64> {
        self.proto.voters_outgoing.clone()
    }

    #[getter]
    fn learners_next(&self) -> Vec<u64> {
        self.proto.learners_next.clone()
    }

    #[getter]
    fn auto_leave(&self) -> bool {
        self.proto.auto_leave
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.proto.voters.hash(&mut hasher);
        self.proto.learners.hash(&mut hasher);
        self.proto.voters_outgoing.hash(&mut hasher);
        hasher.finish()
    }

    fn __repr__(&self) -> String {
        format!("ConfState({})", describe_conf_state(&self.proto))
    }
}

/// Unpack (kind, node) pairs or whatever a caller passes as a sequence of them.
pub fn pairs(changes: &Bound<'_, PyAny>) -> PyResult<Vec<(String, u64)>> {
    changes
        .try_iter()?
        .map(|item| item?.cast_into::<PyTuple>()?.extract())
        .collect()
}
