//! Why the core did not do what it was asked, before it becomes a Python exception.

/// A refusal. Nothing changed in the group.
#[derive(Debug)]
pub enum Refusal {
    /// Bytes that are not what they should be.
    Step(String),
    /// A proposal (or a request like one) that was not taken: stable reason, detail.
    Dropped(&'static str, String),
    /// An index outside the log, or contradicting persisted state.
    Storage(String),
    /// A setting out of range.
    Value(String),
    /// A call out of order.
    Order(&'static str),
}

pub type Outcome<T> = Result<T, Refusal>;

/// A proposal was dropped because of `reason`.
pub fn dropped<T>(reason: &'static str, detail: impl Into<String>) -> Outcome<T> {
    Err(Refusal::Dropped(reason, detail.into()))
}
