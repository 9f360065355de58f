//! A field that a reader asks for.

/// A field of the document and what stands in for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Knob {
    /// Its path, with `*` for a name that the operator gives: `listeners.*.max_headers`.
    pub path: String,
    /// What holds when it is absent.
    pub fallback: Fallback,
}

/// What holds when a field is absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fallback {
    /// A problem.
    Required,
    /// Nothing, or something that follows from other fields.
    Absent,
    /// A default, as TOML writes it.
    Value(String),
}
