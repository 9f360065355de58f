//! The machine as it is, or with one thing broken.

use crate::life_cycle::table::{Row, TABLE};
use crate::life_cycle::{
    Chain, Event, EventKind, Refused, Second, Transition, apply_by, permitted_by,
};

/// Spoils what the machine has answered.
pub(super) type Spoil = fn(before: &Chain, event: &Event, now: Second, answer: &mut Transition);

/// What is under test.
#[derive(Clone)]
pub(super) struct Machine {
    pub(super) table: Vec<Row>,
    pub(super) spoil: Spoil,
}

impl Machine {
    /// The one that is used.
    pub(super) fn sound() -> Self {
        Self { table: TABLE.to_vec(), spoil: |_, _, _, _| {} }
    }

    pub(super) fn apply(
        &self,
        chain: &Chain,
        event: &Event,
        now: Second,
    ) -> Result<Transition, Refused> {
        let mut transition = apply_by(&self.table, chain, event, now)?;
        (self.spoil)(chain, event, now, &mut transition);
        Ok(transition)
    }

    pub(super) fn permitted(&self, chain: &Chain, now: Second) -> Vec<EventKind> {
        permitted_by(&self.table, chain, now)
    }
}
