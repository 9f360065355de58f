//! Keys that are changed at a rate.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::figures::Times;
use super::house::House;
use crate::Failure;
use crate::admin::Admin;

/// So many changes are under way at most.
const AT_ONCE: usize = 64;

/// What is changed.
pub(super) struct Plan {
    /// Suspended and enabled by turns.
    pub(super) ids: Vec<String>,
    /// Changes a second.
    pub(super) rate: u32,
    pub(super) time: Duration,
    /// One change in so many waits until every proxy enforces it, so long at most.
    pub(super) waits: u64,
    pub(super) timeout: &'static str,
}

/// What came of it.
#[derive(Default)]
pub(super) struct Changed {
    /// From when a change was due to its answer, of those that wait and of those that do not.
    pub(super) waited: Times,
    pub(super) acknowledged: Times,
    /// From the commit until a proxy enforced it, of each proxy and each change that waited.
    pub(super) enforced: Times,
    /// What did not succeed.
    pub(super) wrong: u64,
    /// What was not enforced by all in time.
    pub(super) late: u64,
    pub(super) took: Duration,
}

impl Changed {
    pub(super) fn count(&self) -> usize {
        self.waited.len() + self.acknowledged.len()
    }
}

/// Changes keys as planned.
pub(super) async fn change(house: &House, plan: Plan) -> Result<Changed, Failure> {
    let changed = Rc::new(RefCell::new(Changed::default()));
    let (next, began) = (Rc::new(Cell::new(0)), Instant::now());
    let plan = Rc::new(plan);
    let mut changing = JoinSet::new();
    for number in 0..AT_ONCE.min(plan.ids.len()) {
        let admin = Admin::with_token(house.control()?.admin()?, house.admin.token()).await?;
        let changer = Changer {
            plan: Rc::clone(&plan),
            next: Rc::clone(&next),
            began,
            changed: Rc::clone(&changed),
        };
        changing.spawn_local(changer.run(admin, number));
    }
    while let Some(ended) = changing.join_next().await {
        ended??;
    }
    let mut changed = changed.take();
    changed.took = began.elapsed();
    Ok(changed)
}

/// Makes one change after another, each when it is due and nobody else has taken it.
struct Changer {
    plan: Rc<Plan>,
    next: Rc<Cell<u64>>,
    began: Instant,
    changed: Rc<RefCell<Changed>>,
}

impl Changer {
    async fn run(self, mut admin: Admin, number: usize) -> Result<(), Failure> {
        // Keys of its own, so that no change of a key overtakes another.
        let own: Vec<_> = self.plan.ids.iter().skip(number).step_by(AT_ONCE).collect();
        for turn in 0.. {
            let change = self.next.replace(self.next.get() + 1);
            let due = Duration::from_secs_f64(change as f64 / f64::from(self.plan.rate));
            if due >= self.plan.time {
                break;
            }
            let due = self.began + due;
            sleep_until(due).await;
            let id = own.get(turn % own.len()).ok_or("no key")?;
            let status = if (turn / own.len()).is_multiple_of(2) { "disabled" } else { "active" };
            let waits = change.is_multiple_of(self.plan.waits);
            let timeout = self.plan.timeout;
            let wait =
                if waits { format!("?wait=applied&timeout={timeout}") } else { String::new() };
            let target = format!("/packageKeys/{id}{wait}");
            let answer = admin.ask("PUT", &target, &json!({ "status": status })).await?;
            let took = due.elapsed();
            let mut changed = self.changed.borrow_mut();
            changed.late += u64::from(answer.status == 202);
            if !matches!(answer.status, 200 | 202) {
                changed.wrong += 1;
                if changed.wrong < 10 {
                    eprintln!("soak-prober: {target}: {answer:?}");
                }
            } else if waits {
                changed.waited.note(took);
                let proxies = answer.body["proxies"].as_array().ok_or("no proxies")?;
                for ms in proxies.iter().filter_map(|proxy| proxy["enforced"].as_u64()) {
                    changed.enforced.note(Duration::from_millis(ms));
                }
            } else {
                changed.acknowledged.note(took);
            }
        }
        Ok(())
    }
}
