//! What a preview cannot know.

use crate::preview::Compared;

const QPS: &str = "Which keys another ceiling of queries per second would refuse is not known: no \
                   history of that is kept for each key. What tells is shadow enforcement: with \
                   qps_limit_enforce = false on the plan or key of a file the ceiling refuses \
                   nothing, and calls that it would have refused are counted and logged as \
                   shadowed over_qps.";

const CONCURRENCY: &str = "Requests that are open at a time were looked at in this moment only.";

const HERE: &str = "Calls were counted, and last uses noted, by the proxy of this process and what \
                    it has stored; what the caller of a key brings (its proof, its certificate, its \
                    address, TLS) was taken to be right, and that endpoints are called where they \
                    are: that another host, path or HTTP method leads to one is no difference.";

/// What holds for these keys.
pub(super) fn of(keys: &[Compared]) -> Vec<String> {
    let moves = |limit: &str| {
        keys.iter().any(|key| key.limits.iter().any(|difference| difference.limit == limit))
    };
    let mut notes = Vec::new();
    if moves("qps") {
        notes.push(QPS.to_owned());
    }
    if moves("concurrency") {
        notes.push(CONCURRENCY.to_owned());
    }
    notes.push(HERE.to_owned());
    notes
}
