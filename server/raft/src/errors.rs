//! The exceptions, and how refusals become them.

use pyo3::create_exception;
use pyo3::exceptions::{PyException, PyValueError};
use pyo3::prelude::*;

use crate::refusal::Refusal;

create_exception!(
    themis_raft,
    RaftError,
    PyException,
    "Base of everything this module raises on purpose."
);
create_exception!(
    themis_raft,
    StepError,
    RaftError,
    "Bytes that do not decode, or mean nothing that can be."
);
create_exception!(
    themis_raft,
    ProposalDropped,
    RaftError,
    "The group did not take it; nothing was appended."
);
create_exception!(
    themis_raft,
    StorageError,
    RaftError,
    "An index outside the log, or contradictory persisted state."
);
create_exception!(
    themis_raft,
    Poisoned,
    RaftError,
    "The core panicked; the group is dead."
);

pub fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    module.add("RaftError", py.get_type::<RaftError>())?;
    module.add("StepError", py.get_type::<StepError>())?;
    module.add("ProposalDropped", py.get_type::<ProposalDropped>())?;
    module.add("StorageError", py.get_type::<StorageError>())?;
    module.add("Poisoned", py.get_type::<Poisoned>())
}

pub fn raise(py: Python<'_>, refusal: Refusal) -> PyErr {
    match refusal {
        Refusal::Step(detail) => StepError::new_err(detail),
        Refusal::Storage(detail) => StorageError::new_err(detail),
        Refusal::Value(detail) => PyValueError::new_err(detail),
        Refusal::Order(detail) => RaftError::new_err(detail),
        Refusal::Dropped(reason, detail) => {
            let error = ProposalDropped::new_err(format!("{reason}: {detail}"));
            let value = error.value(py);
            let set = value
                .setattr("reason", reason)
                .and_then(|()| value.setattr("accepted", 0));
            set.err().unwrap_or(error)
        }
    }
}
