//! themis-raft: a thin, batch-shaped Python binding to the crate `raft` (tikv/raft-rs).
//!
//! Its one job: bytes and ticks in, a `Ready` out, deterministically. Its invariant: nothing that comes in, from the
//! caller or from a peer, makes the core panic; if it does panic after all, the group is dead and says so. It must not
//! know disks, sockets, clocks, threads, or what the entries mean.
//!
//! ```text
//! wire -> message -> guard -> replica (raft::Raft over storage) -> values -> Python
//! ```
//!
//! `group` is the door, `panics` the last line of defence. The API is documented in themis_raft.pyi.

mod errors;
mod group;
mod guard;
mod membership;
mod message;
mod panics;
mod refusal;
mod replica;
mod status;
mod storage;
mod values;
mod wire;

use pyo3::prelude::*;

/// One readable line for a message.
#[pyfunction]
fn describe_message(py: Python<'_>, data: &[u8]) -> PyResult<String> {
    let message = message::decode_message(data).map_err(|detail| group::refuse(py, detail))?;
    Ok(message::describe_message(&message))
}

/// One readable line for an encoded entry.
#[pyfunction]
fn describe_entry(py: Python<'_>, data: &[u8]) -> PyResult<String> {
    let entry = message::decode_entry(data).map_err(|refusal| errors::raise(py, refusal))?;
    Ok(message::describe_entry(&entry))
}

/// (index, term) of an encoded entry.
#[pyfunction]
fn entry_index_term(py: Python<'_>, data: &[u8]) -> PyResult<(u64, u64)> {
    let entry = message::decode_entry(data).map_err(|refusal| errors::raise(py, refusal))?;
    Ok((entry.index, entry.term))
}

#[pymodule]
fn themis_raft(module: &Bound<'_, PyModule>) -> PyResult<()> {
    panics::install_hook();
    errors::add_to(module)?;
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("NORMAL", 0)?;
    module.add("CONF_CHANGE", 1)?;
    module.add("CONF_CHANGE_V2", 2)?;
    module.add_class::<group::Group>()?;
    module.add_class::<values::Ready>()?;
    module.add_class::<values::Advanced>()?;
    module.add_class::<values::Snapshot>()?;
    module.add_class::<values::ConfState>()?;
    module.add_class::<status::Status>()?;
    module.add_class::<status::Progress>()?;
    module.add_function(wrap_pyfunction!(describe_message, module)?)?;
    module.add_function(wrap_pyfunction!(describe_entry, module)?)?;
    module.add_function(wrap_pyfunction!(entry_index_term, module)?)
}
