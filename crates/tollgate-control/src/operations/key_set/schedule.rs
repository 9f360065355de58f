//! Bringing what is planned for present keys to what their policy says now (domain.md §4.1,
//! "Enforce Schedulation"): a step of its own, as a policy that changes moves no date.

use super::super::{Context, Done, Refused};
use super::{Template, replace};
use crate::life_cycle::{self, Event, EventKind, Schedule, apply, due};
use crate::store::{Change, StoredChain};

/// What became of the dates of a key set.
#[derive(Clone, Debug)]
pub struct Rescheduled {
    /// The key set as it is now.
    pub chain: StoredChain,
    /// What was planned for LATEST before.
    pub before: Schedule,
    /// It has taken its template's policy over, which was another.
    pub adopted: bool,
}

/// What became of the key sets of a template, as far as it has got to.
#[derive(Clone, Debug, Default)]
pub struct TemplateEnforced {
    /// Those that have changed.
    pub changed: Vec<Rescheduled>,
    /// Those that cannot be, as they are.
    pub refused: Vec<(StoredChain, life_cycle::Refused)>,
    /// So many were as the template says.
    pub unchanged: usize,
    /// The last that was looked at; `None` = there are no more.
    pub reached: Option<String>,
}

impl Rescheduled {
    /// What happens by itself as soon as that holds: a rotation or an expiry whose time has passed.
    pub fn at_once(&self, change: &Change<'_>) -> Option<EventKind> {
        let now = change.now().div_euclid(1000);
        let due = due(&self.chain.life).filter(|due| due.at <= now)?;
        let kind = due.event.kind();
        matches!(kind, EventKind::RotationDue | EventKind::ExpiryDue).then_some(kind)
    }
}

impl Context {
    /// Moves the dates of LATEST of a key set to what its own policy says.
    ///
    /// # Errors
    /// [`Refused::NotFound`], [`Refused::Outdated`] and [`Refused::Life`].
    pub fn enforce_schedule(
        &self,
        change: &mut Change<'_>,
        id: &str,
        version: u64,
    ) -> Done<Rescheduled> {
        let found = StoredChain::find(change.connection(), id)?;
        let before = found.ok_or(Refused::NotFound("key set"))?.life.latest.schedule();
        let lived = self.live(change, id, Some(version), &Event::EnforceSchedule)?;
        Ok(Rescheduled { chain: lived.chain, before, adopted: false })
    }

    /// Gives the key sets whose policy came from a template the policy that it says now, and moves
    /// the dates of their LATEST to that: `most` key sets, those behind `after` in the order of
    /// their ids.
    ///
    /// # Errors
    /// [`Refused::NotFound`].
    pub fn enforce_template(
        &self,
        change: &mut Change<'_>,
        template: &str,
        after: &str,
        most: usize,
    ) -> Done<TemplateEnforced> {
        let found = Template::find(change.connection(), template)?;
        let policy = found.ok_or(Refused::NotFound("policy"))?.policy;
        let ids = StoredChain::of_template(change.connection(), template, after, most)?;
        let mut enforced = TemplateEnforced::default();
        if ids.len() == most {
            enforced.reached = ids.last().cloned();
        }
        for id in ids {
            let Some(chain) = StoredChain::find(change.connection(), &id)? else { continue };
            let now = change.now().div_euclid(1000);
            let mut events = Vec::new();
            let mut life = chain.life.clone();
            if life.policy != Some(policy) {
                let adopt = Event::PolicyChanged(policy);
                life = apply(&life, &adopt, now)?.chain;
                events.push(adopt);
            }
            match apply(&life, &Event::EnforceSchedule, now) {
                Ok(_) => events.push(Event::EnforceSchedule),
                // Of a Pending key set nothing is planned before it is activated.
                Err(life_cycle::Refused::PlanStands) => {}
                Err(life_cycle::Refused::NotIn { state: life_cycle::State::Pending, .. }) => {}
                Err(refused) => {
                    enforced.refused.push((chain, refused));
                    continue;
                }
            }
            if events.is_empty() {
                enforced.unchanged += 1;
            } else {
                enforced.changed.push(self.reschedule(change, chain, &events)?);
            }
        }
        Ok(enforced)
    }

    fn reschedule(
        &self,
        change: &mut Change<'_>,
        mut chain: StoredChain,
        events: &[Event],
    ) -> Done<Rescheduled> {
        let (version, before) = (chain.life.version, chain.life.latest.schedule());
        for event in events {
            self.happen(change, &mut chain, event)?;
        }
        replace(change, &chain, version)?;
        let adopted = events.iter().any(|event| matches!(event, Event::PolicyChanged(_)));
        Ok(Rescheduled { chain, before, adopted })
    }
}
