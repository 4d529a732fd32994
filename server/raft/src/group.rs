//! `Group`: the replica as a Python class. Every call into the core goes through `run`.

use bytes::Bytes;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use raft::eraftpb::{ConfState as ConfStateProto, HardState, MessageType, Snapshot as SnapshotProto};
use raft::Config;

use crate::errors::{self, Poisoned};
use crate::membership;
use crate::message::{decode_entry, kind_of_number};
use crate::panics;
use crate::refusal::{Outcome, Refusal};
use crate::replica::{Replica, Start};
use crate::status::Status;
use crate::values::{self, role_name, Advanced, ConfState, Ready};

/// One replica of one Raft group.
#[pyclass(module = "themis_raft")]
pub struct Group {
    replica: Replica,
    poison: Option<String>,
}

impl Group {
    /// Call the core. A panic kills the group: what the core holds is not to be trusted any more.
    fn run<R>(&mut self, py: Python<'_>, call: impl FnOnce(&mut Replica) -> Outcome<R>) -> PyResult<R> {
        self.check_alive()?;
        let replica = &mut self.replica;
        match panics::catch(|| call(replica)) {
            Ok(outcome) => outcome.map_err(|refusal| errors::raise(py, refusal)),
            Err(message) => {
                self.poison = Some(message);
                Err(self.check_alive().expect_err("just poisoned"))
            }
        }
    }

    /// Look at the core without calling into it.
    fn look(&self) -> PyResult<&Replica> {
        self.check_alive()?;
        Ok(&self.replica)
    }

    fn check_alive(&self) -> PyResult<()> {
        match &self.poison {
            None => Ok(()),
            Some(message) => Err(Poisoned::new_err(message.clone())),
        }
    }
}

/// The default of bytes arguments.
const NO_BYTES: &[u8] = b"";

/// Sequences of bytes come as any iterable of bytes objects; each is copied once.
fn each_bytes<'py>(items: &Bound<'py, PyAny>) -> PyResult<Vec<Bound<'py, PyBytes>>> {
    items
        .try_iter()?
        .map(|item| Ok(item?.cast_into::<PyBytes>()?))
        .collect()
}

#[pymethods]
impl Group {
    #[new]
    #[pyo3(signature = (
        *,
        node_id,
        election_ticks,
        heartbeat_ticks,
        voters = None,
        learners = Vec::new(),
        conf_state = None,
        hard_state = (0, 0, 0),
        snapshot_index = 0,
        snapshot_term = 0,
        applied = 0,
        entries = None,
        max_size_per_message = 1 << 20,
        max_inflight = 256,
        max_uncommitted_bytes = 64 << 20,
        max_committed_bytes_per_ready = 8 << 20,
        max_message_bytes = 64 << 20,
        pre_vote = true,
        check_quorum = true,
        eager_commit = true,
        election_timeout_ticks = None,
    ), text_signature = "(*, node_id, election_ticks, heartbeat_ticks, voters=None, learners=(), conf_state=None, \
        hard_state=(0, 0, 0), snapshot_index=0, snapshot_term=0, applied=0, entries=(), max_size_per_message=1048576, \
        max_inflight=256, max_uncommitted_bytes=67108864, max_committed_bytes_per_ready=8388608, \
        max_message_bytes=67108864, pre_vote=True, check_quorum=True, eager_commit=True, \
        election_timeout_ticks=None)")]
    #[allow(clippy::too_many_arguments)] // Keyword-only settings of one object.
    fn new(
        py: Python<'_>,
        node_id: u64,
        election_ticks: usize,
        heartbeat_ticks: usize,
        voters: Option<Vec<u64>>,
        learners: Vec<u64>,
        conf_state: Option<&[u8]>,
        hard_state: (u64, u64, u64),
        snapshot_index: u64,
        snapshot_term: u64,
        applied: u64,
        entries: Option<&Bound<'_, PyAny>>,
        max_size_per_message: u64,
        max_inflight: usize,
        max_uncommitted_bytes: u64,
        max_committed_bytes_per_ready: u64,
        max_message_bytes: usize,
        pre_vote: bool,
        check_quorum: bool,
        eager_commit: bool,
        election_timeout_ticks: Option<usize>,
    ) -> PyResult<Self> {
        if election_ticks > 1 << 20 || max_inflight > 1 << 16 {
            return Err(PyValueError::new_err(
                "election_ticks <= 2**20 and max_inflight <= 2**16",
            ));
        }
        let conf_state = match (conf_state, voters) {
            (Some(data), None) if learners.is_empty() => ConfState::parse(data)
                .map_err(|refusal| errors::raise(py, refusal))?
                .into_proto(),
            (Some(_), _) => return Err(PyValueError::new_err("conf_state excludes voters and learners")),
            (None, voters) => ConfStateProto {
                voters: voters.unwrap_or_default(),
                learners,
                ..ConfStateProto::default()
            },
        };
        let entries = match entries {
            None => Vec::new(),
            Some(entries) => each_bytes(entries)?,
        };
        let entries = entries
            .iter()
            .map(|data| decode_entry(data.as_bytes()))
            .collect::<Outcome<Vec<_>>>()
            .map_err(|refusal| errors::raise(py, refusal))?;
        let start = Start {
            config: Config {
                id: node_id,
                election_tick: election_ticks,
                heartbeat_tick: heartbeat_ticks,
                applied,
                max_size_per_msg: max_size_per_message,
                max_inflight_msgs: max_inflight,
                check_quorum,
                pre_vote,
                skip_bcast_commit: !eager_commit,
                max_uncommitted_size: max_uncommitted_bytes,
                max_committed_size_per_ready: max_committed_bytes_per_ready,
                ..Config::default()
            },
            hard_state: HardState {
                term: hard_state.0,
                vote: hard_state.1,
                commit: hard_state.2,
                ..HardState::default()
            },
            conf_state,
            snapshot_index,
            snapshot_term,
            entries,
            message_bytes_max: max_message_bytes,
            election_timeout: election_timeout_ticks,
        };
        match panics::catch(|| Replica::start(start)) {
            Ok(Ok(replica)) => Ok(Group { replica, poison: None }),
            Ok(Err(refusal)) => Err(errors::raise(py, refusal)),
            Err(message) => Err(Poisoned::new_err(message)),
        }
    }

    /// Let one tick pass.
    fn tick(&mut self, py: Python<'_>) -> PyResult<bool> {
        self.run(py, |replica| Ok(replica.tick()))
    }

    /// Begin the wait for a sign of the leader anew, as its heartbeat does; false: this replica follows none.
    fn hear_leader(&mut self, py: Python<'_>) -> PyResult<bool> {
        self.run(py, |replica| Ok(replica.hear_leader()))
    }

    /// Start an election now.
    fn campaign(&mut self, py: Python<'_>) -> PyResult<()> {
        self.run(py, Replica::campaign)
    }

    /// Fix every coming wait for a leader; None: draw at random again.
    fn set_election_timeout(&mut self, py: Python<'_>, ticks: Option<usize>) -> PyResult<()> {
        self.run(py, |replica| replica.set_election_timeout(ticks))
    }

    /// Begin to hand leadership to a voter.
    fn transfer_leader(&mut self, py: Python<'_>, to: u64) -> PyResult<()> {
        self.run(py, |replica| replica.transfer_leader(to))
    }

    /// Append a batch to the leader's log and return the index of its first entry.
    fn propose(&mut self, py: Python<'_>, batch: &Bound<'_, PyAny>) -> PyResult<u64> {
        let batch = each_bytes(batch)?;
        self.run(py, |replica| {
            replica.propose(batch.iter().map(|data| Bytes::copy_from_slice(data.as_bytes())))
        })
    }

    /// Take messages from peers; for each None, or why it was refused.
    fn step(&mut self, py: Python<'_>, messages: &Bound<'_, PyAny>) -> PyResult<Vec<Option<String>>> {
        let messages = each_bytes(messages)?;
        self.run(py, |replica| {
            Ok(messages
                .iter()
                .map(|data| replica.step(data.as_bytes()).err())
                .collect())
        })
    }

    /// Tell followers that do not know it, that the log is committed up to index; False if all were told.
    fn tell_commit(&mut self, py: Python<'_>, index: u64) -> PyResult<bool> {
        self.run(py, |replica| Ok(replica.tell_commit(index)))
    }

    /// Ask for a linearizable read.
    fn read_index(&mut self, py: Python<'_>, context: &[u8]) -> PyResult<()> {
        self.run(py, |replica| replica.read_index(context))
    }

    /// True when `ready` has something to say.
    fn has_ready(&self) -> PyResult<bool> {
        Ok(self.look()?.has_ready())
    }

    /// Take the work of this turn.
    fn ready(&mut self, py: Python<'_>) -> PyResult<Ready> {
        let turn = self.run(py, Replica::ready)?;
        let raft = &self.replica.raft;
        Ready::new(py, &turn, raft.leader_id, raft.term, raft.state)
    }

    /// Say that the last Ready is durable.
    fn advance(&mut self, py: Python<'_>) -> PyResult<Advanced> {
        let progressed = self.run(py, Replica::advance)?;
        Advanced::new(py, &progressed)
    }

    /// Say that committed entries up to index are applied.
    fn applied_to(&mut self, py: Python<'_>, index: u64) -> PyResult<()> {
        self.run(py, |replica| replica.applied_to(index))
    }

    /// Append a membership change to the leader's log and return its index.
    #[pyo3(signature = (changes, *, transition = "auto", context = NO_BYTES),
        text_signature = "($self, changes, *, transition='auto', context=b'')")]
    fn propose_conf_change(
        &mut self,
        py: Python<'_>,
        changes: &Bound<'_, PyAny>,
        transition: &str,
        context: &[u8],
    ) -> PyResult<u64> {
        let changes = values::pairs(changes)?;
        self.run(py, |replica| {
            replica.propose_conf_change(&membership::conf_change(&changes, transition, context)?)
        })
    }

    /// Put a committed membership change into force; returns the encoded ConfState.
    fn apply_conf_change<'py>(&mut self, py: Python<'py>, kind: u8, data: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        let kind = kind_of_number(kind).ok_or_else(|| PyValueError::new_err(format!("no entry kind {kind}")))?;
        let state = self.run(py, |replica| replica.apply_conf_change(kind, data))?;
        values::encode(py, &ConfState::new(state).into_proto())
    }

    /// The membership in force.
    fn conf_state(&self) -> PyResult<ConfState> {
        Ok(ConfState::new(self.look()?.raft.prs().conf().to_conf_state()))
    }

    /// (node, lowest useful index) of the replicas that wait for a snapshot; the call empties the list.
    fn snapshot_requests(&mut self, py: Python<'_>) -> PyResult<Vec<(u64, u64)>> {
        self.run(py, |replica| {
            Ok(replica.raft.mut_store().take_wanted().into_iter().collect())
        })
    }

    /// Give the snapshot to send.
    fn provide_snapshot(
        &mut self,
        py: Python<'_>,
        index: u64,
        term: u64,
        conf_state: &[u8],
        data: &[u8],
    ) -> PyResult<()> {
        self.run(py, |replica| {
            let mut snapshot = SnapshotProto {
                data: Bytes::copy_from_slice(data),
                ..SnapshotProto::default()
            };
            let metadata = snapshot.mut_metadata();
            metadata.index = index;
            metadata.term = term;
            metadata.set_conf_state(ConfState::parse(conf_state)?.into_proto());
            replica.provide_snapshot(snapshot)
        })
    }

    /// Forget the snapshot that was provided.
    fn discard_snapshot(&mut self, py: Python<'_>) -> PyResult<()> {
        self.run(py, |replica| {
            replica.raft.mut_store().set_snapshot(None);
            Ok(())
        })
    }

    /// Say how sending a snapshot ended.
    fn report_snapshot(&mut self, py: Python<'_>, to: u64, ok: bool) -> PyResult<()> {
        self.run(py, |replica| replica.report(MessageType::MsgSnapStatus, to, !ok))
    }

    /// Say that the last message did not get through.
    fn report_unreachable(&mut self, py: Python<'_>, to: u64) -> PyResult<()> {
        self.run(py, |replica| replica.report(MessageType::MsgUnreachable, to, false))
    }

    /// Forget the entries up to index; returns the log's start as (index, term).
    fn compact(&mut self, py: Python<'_>, index: u64) -> PyResult<(u64, u64)> {
        self.run(py, |replica| replica.compact(index))
    }

    /// The term of an entry.
    fn term_at(&mut self, py: Python<'_>, index: u64) -> PyResult<u64> {
        self.run(py, |replica| replica.term_at(index))
    }

    /// Everything at once.
    fn status(&self, py: Python<'_>) -> PyResult<Status> {
        Status::new(py, self.look()?)
    }

    #[getter]
    fn node_id(&self) -> PyResult<u64> {
        Ok(self.look()?.raft.id)
    }

    #[getter]
    fn term(&self) -> PyResult<u64> {
        Ok(self.look()?.raft.term)
    }

    #[getter]
    fn role(&self) -> PyResult<&'static str> {
        Ok(role_name(self.look()?.raft.state))
    }

    /// The node that leads, as far as known; 0: none.
    #[getter]
    fn leader(&self) -> PyResult<u64> {
        Ok(self.look()?.raft.leader_id)
    }

    #[getter]
    fn commit(&self) -> PyResult<u64> {
        Ok(self.look()?.raft.raft_log.committed)
    }

    #[getter]
    fn applied(&self) -> PyResult<u64> {
        Ok(self.look()?.raft.raft_log.applied)
    }

    /// The index of the first entry held.
    #[getter]
    fn first_index(&self) -> PyResult<u64> {
        Ok(self.look()?.raft.raft_log.first_index())
    }

    #[getter]
    fn last_index(&self) -> PyResult<u64> {
        Ok(self.look()?.raft.raft_log.last_index())
    }

    /// A Ready is out and not advanced.
    #[getter]
    fn ready_pending(&self) -> PyResult<bool> {
        Ok(self.look()?.ready_pending())
    }

    /// Bytes of proposals of this leader that are not handed out as committed.
    #[getter]
    fn uncommitted_bytes(&self) -> PyResult<usize> {
        Ok(self.look()?.raft.uncommitted_size())
    }

    #[getter]
    fn entries_in_memory(&self) -> PyResult<usize> {
        let log = &self.look()?.raft.raft_log;
        Ok(log.store().len() + log.unstable_entries().len())
    }

    /// Roughly what the log costs in memory.
    #[getter]
    fn bytes_in_memory(&self) -> PyResult<usize> {
        let log = &self.look()?.raft.raft_log;
        Ok(log.store().bytes() + log.unstable().entries_size)
    }

    fn __repr__(&self) -> String {
        match &self.poison {
            Some(message) => format!("<Group poisoned: {message}>"),
            None => {
                let raft = &self.replica.raft;
                format!(
                    "<Group node {} {} term {} commit {} log {}..={}>",
                    raft.id,
                    role_name(raft.state),
                    raft.term,
                    raft.raft_log.committed,
                    raft.raft_log.first_index(),
                    raft.raft_log.last_index()
                )
            }
        }
    }
}

/// Turn a refusal outside of a group into its exception.
pub fn refuse(py: Python<'_>, detail: String) -> PyErr {
    errors::raise(py, Refusal::Step(detail))
}
