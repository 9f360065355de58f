//! `[strangers]`

use std::num::NonZeroU32;

use tollgate_control::document::Section;
use tollgate_control::document::kind::{Integer, Switch};
use tollgate_core::{Qps, StrangerBudget};

const RATE: Integer<u32> = Integer::within(1, 1_000_000);
const SOURCES: Integer<usize> = Integer::within(1, 1_000_000);

pub(super) fn read(section: &mut Section) -> Option<StrangerBudget> {
    let throttle = section.or("throttle", Switch, true);
    let rate = section.or("rate", RATE, 20);
    let burst = section.or("burst", RATE, 200);
    let max_sources = section.or("max_sources", SOURCES, 65_536);
    let [rate, burst] = [rate, burst].map(NonZeroU32::new);
    let failures = Qps::new(rate?, burst?);
    throttle.then_some(StrangerBudget { failures, max_sources })
}
