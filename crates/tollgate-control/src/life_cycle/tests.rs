//! The machine, held against the paper.

mod history;
mod invariants;
mod kept;
mod machine;
mod paper;
mod rules;
mod steps;
mod variants;
