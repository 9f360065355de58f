//! `enforce` and its like: what is refused, and what is only counted.

use crate::document::Section;
use crate::document::kind::Switch;
use crate::model::Enforcement;

const TERMS: &str = "enforce";
const QPS: &str = "qps_limit_enforce";
const QUOTA: &str = "rate_limit_enforce";
const CONCURRENCY: &str = "concurrency_enforce";

/// Whether a limit that stands by itself is enforced.
pub(super) fn of(section: &mut Section, enforce: &'static str, ceiling: &str) -> bool {
    let enforced = section.optional(enforce, Switch);
    if section.has(enforce) && !section.has(ceiling) {
        section.problem(enforce, format_args!("has no effect without {ceiling}"));
    }
    enforced.unwrap_or(true)
}

/// What a plan enforces.
pub(super) fn of_plan(section: &mut Section) -> Enforcement<bool> {
    let plan = Enforcement {
        terms: section.or(TERMS, Switch, true),
        qps: section.or(QPS, Switch, true),
        quota: section.or(QUOTA, Switch, true),
        concurrency: section.or(CONCURRENCY, Switch, true),
    };
    if !plan.terms {
        void(section, [(QPS, plan.qps), (QUOTA, plan.quota), (CONCURRENCY, plan.concurrency)]);
    }
    plan
}

/// What a key says otherwise than its plan.
pub(super) fn of_key(section: &mut Section) -> Enforcement<Option<bool>> {
    let key = Enforcement {
        terms: section.optional(TERMS, Switch),
        qps: section.optional(QPS, Switch),
        quota: section.optional(QUOTA, Switch),
        concurrency: section.optional(CONCURRENCY, Switch),
    };
    if key.terms == Some(false) {
        let enforced = |own: Option<bool>| own == Some(true);
        void(
            section,
            [
                (QPS, enforced(key.qps)),
                (QUOTA, enforced(key.quota)),
                (CONCURRENCY, enforced(key.concurrency)),
            ],
        );
    }
    key
}

/// Reports the limits that are enforced in words only.
fn void(section: &Section, limits: [(&str, bool); 3]) {
    for (field, enforced) in limits {
        if enforced && section.has(field) {
            section.problem(field, "has no effect beside enforce = false");
        }
    }
}
