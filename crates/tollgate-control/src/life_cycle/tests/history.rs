//! Random histories: two actors, a scheduler, a clock that jumps, a store that restarts.

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use super::invariants::{self, Proxies, Told, admits};
use super::kept::restarted;
use super::machine::Machine;
use super::paper::{Line, Paper};
use super::steps::{DAY, Pause, Start, Step, expiration, start, step};
use crate::life_cycle::{Chain, Event, Key, due};

/// 2026-01-31T10:00:00Z: the next month is shorter.
const BEGIN: i64 = 1_769_853_600;
const HISTORIES: u32 = 10_000;

/// The chain in the store, what two actors remember of it, and the paper.
struct World<'machine> {
    machine: &'machine Machine,
    now: i64,
    stored: Chain,
    remembered: [Chain; 2],
    paper: Paper,
    proxies: Proxies,
    told: Told,
    over_for: usize,
}

impl<'machine> World<'machine> {
    fn new(machine: &'machine Machine, start: &Start, now: i64) -> Self {
        let expires = expiration(start.expires, now);
        let suspended = start.application_suspended;
        let stored = match start.policy {
            Some(policy) => Chain::key_set(policy, suspended),
            None => Chain::package_key(expires, suspended),
        };
        let key = &stored.latest;
        Self {
            machine,
            now,
            paper: Paper::new(start.policy, expires, suspended),
            proxies: [(key.number, stored.enforced(key))].into(),
            told: [(key.number, key.state)].into(),
            remembered: [stored.clone(), stored.clone()],
            stored,
            over_for: 0,
        }
    }

    fn take(&mut self, step: &Step) -> Result<(), TestCaseError> {
        self.wait(step.pause);
        if step.restart {
            self.stored = restarted(&self.stored);
        }
        if step.scheduler {
            self.catch_up()?;
        }
        if step.looks {
            self.remembered[step.actor] = self.stored.clone();
        }
        let seen = self.remembered[step.actor].clone();
        self.act(&seen, &step.act.event(&seen, self.now))?;
        self.compare()
    }

    fn wait(&mut self, pause: Pause) {
        let due = due(&self.stored).map(|due| due.at);
        self.now = match (pause, due) {
            (Pause::By(seconds), _) => (self.now + seconds).max(BEGIN),
            (Pause::ToDue(after), Some(at)) => self.now.max(at + after),
            (Pause::ToDueMidnight(after), Some(at)) => self.now.max((at / DAY + 1) * DAY + after),
            (Pause::ToDue(_) | Pause::ToDueMidnight(_), None) => self.now + DAY,
        };
    }

    /// The scheduler does what is due until nothing is, exactly as the paper has it.
    fn catch_up(&mut self) -> Result<(), TestCaseError> {
        for _ in 0..4 {
            let next = due(&self.stored).filter(|due| due.at <= self.now);
            let Some(next) = next else { return Ok(()) };
            let version = self.stored.version;
            self.act(&self.stored.clone(), &next.event)?;
            prop_assert!(self.stored.version > version, "{:?} was refused", next);
        }
        Err(TestCaseError::fail("the scheduler has no end"))
    }

    /// Someone lets an event happen to the chain as he saw it, and then compares and sets.
    fn act(&mut self, seen: &Chain, event: &Event) -> Result<(), TestCaseError> {
        let answer = self.machine.apply(seen, event, self.now);
        if seen.version != self.stored.version {
            return Ok(());
        }
        let accepted = self.paper.tell(event, self.now);
        prop_assert_eq!(answer.is_ok(), accepted, "{:?}: {:?}", event, answer);
        if let Ok(transition) = answer {
            invariants::hold(seen, event, self.now, &transition, &self.proxies)?;
            invariants::tell(&mut self.proxies, &transition.effects)?;
            invariants::read(&mut self.told, &transition.timeline);
            self.stored = transition.chain;
        }
        Ok(())
    }

    fn compare(&self) -> Result<(), TestCaseError> {
        let (chain, paper) = (&self.stored, &self.paper);
        prop_assert_eq!(chain.policy, paper.policy);
        prop_assert_eq!(chain.last_error.is_some(), paper.complaint);
        let next = due(chain).map(|due| (due.at, due.event.kind().as_str()));
        prop_assert_eq!(next, paper.next());
        prop_assert_eq!(Some(chain.latest.number.0), paper.lines.last().map(|line| line.number));
        for line in &paper.lines {
            match chain.keys().find(|key| key.number.0 == line.number) {
                Some(key) => self.compare_key(key, line)?,
                None => prop_assert!(line.gone.is_some(), "key {} is missing", line.number),
            }
        }
        self.compare_permitted()
    }

    fn compare_key(&self, key: &Key, line: &Line) -> Result<(), TestCaseError> {
        prop_assert_eq!(key.state.as_str(), self.paper.state(line));
        prop_assert_eq!(self.told.get(&key.number), Some(&key.state));
        prop_assert_eq!(key.superseded_until, line.beside_until);
        prop_assert_eq!(key.issued, line.made);
        prop_assert_eq!(key.provisioned, line.works_since);
        prop_assert_eq!(key.rotation.map(|rotation| rotation.planned), line.rotate_shown);
        prop_assert_eq!(key.rotation.map(|rotation| rotation.due), line.rotate_at);
        prop_assert_eq!(key.rotated, line.rotated);
        prop_assert_eq!(key.expiration, line.dies);
        let gone = |how| line.gone.filter(|gone| gone.0 == how).map(|gone| gone.1);
        prop_assert_eq!(key.revoked, gone("revoked"));
        prop_assert_eq!(key.expired, gone("expired"));

        let enforced = self.proxies.get(&key.number).copied();
        let Some(enforced) = enforced else { return Err(TestCaseError::fail("never issued")) };
        let dates = [key.superseded_until, key.expiration.map(|end| end.end()), enforced.not_after];
        for date in dates.into_iter().flatten().chain([self.now]) {
            for second in [date - 1, date, (date / DAY + 1) * DAY - 1, (date / DAY + 1) * DAY] {
                let second = second.max(self.now);
                let admitted = self.paper.admits(line, second);
                prop_assert_eq!(admits(enforced, second), admitted, "key {:?} at {}", key, second);
            }
        }
        Ok(())
    }

    fn compare_permitted(&self) -> Result<(), TestCaseError> {
        let (key, now) = (self.stored.latest.number, self.now);
        let mut asked = vec![
            Event::Activate,
            Event::Disable,
            Event::Suspend,
            Event::Reactivate,
            Event::Regenerate { key, overlap: None },
            Event::Revoke { key },
            Event::EnforceSchedule,
        ];
        asked.extend(self.stored.superseded().map(|old| Event::EndOverlap { key: old.number }));
        let possible = asked.iter().filter(|event| self.paper.clone().tell(event, now));
        let possible: Vec<_> = possible.map(Event::kind).collect();
        prop_assert_eq!(self.machine.permitted(&self.stored, now), possible);
        Ok(())
    }
}

/// One history: where a chain has been over for a while, the application subscribes anew.
fn live(machine: &Machine, starts: &[Start], steps: &[Step]) -> Result<(), TestCaseError> {
    let mut starts = starts.iter().cycle();
    let Some(first) = starts.next() else { return Ok(()) };
    let mut world = World::new(machine, first, BEGIN);
    for step in steps {
        world.over_for += usize::from(world.stored.state().is_over());
        if world.over_for > 3 {
            world = World::new(machine, starts.next().unwrap_or(first), world.now);
        }
        world.take(step)?;
    }
    Ok(())
}

/// What is wrong with a machine, if random histories find it.
pub(super) fn fault(machine: &Machine, shrink: u32) -> Option<String> {
    let config = Config {
        cases: HISTORIES,
        failure_persistence: None,
        max_shrink_iters: shrink,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let histories = (prop::collection::vec(start(), 3), prop::collection::vec(step(), 50..60));
    let found = runner.run(&histories, |(starts, steps)| live(machine, &starts, &steps));
    found.err().map(|error| match error {
        TestError::Fail(why, (starts, steps)) => format!("{why}\n{starts:?}\n{steps:?}"),
        TestError::Abort(why) => format!("aborted: {why}"),
    })
}

#[test]
fn ten_thousand_random_histories_are_as_the_paper_has_them() {
    if let Some(fault) = fault(&Machine::sound(), 2_000) {
        panic!("{fault}");
    }
}
