//! How long decisions are made without a control plane.

use std::collections::VecDeque;

use tollgate_core::Revision;

/// A lease. It is renewed from the instant at which a heartbeat was sent that was answered, once the
/// revision is acknowledged that was the newest one then: whoever does not get a revision lets the
/// lease run out, also while it is connected.
#[derive(Debug)]
pub(super) struct Lease {
    /// Milliseconds; `None` = for ever.
    serve_for: Option<u64>,
    /// The millisecond from which on nothing is admitted.
    ends: u64,
    /// The last heartbeat.
    asked: Option<u64>,
    /// Answers that want a revision to be acknowledged.
    answers: VecDeque<(u64, Revision)>,
}

/// So many answers are remembered; forgetting one renews nothing.
const ANSWERS: usize = 64;

impl Lease {
    /// One that was renewed `ago` milliseconds ago; `None` = never, so that it has ended.
    pub(super) fn new(serve_for: Option<u64>, ago: Option<u64>, now: u64) -> Self {
        let left = serve_for.zip(ago).map(|(serve_for, ago)| serve_for.saturating_sub(ago));
        let ends = left.filter(|left| *left > 0).map_or(0, |left| now.saturating_add(left));
        Self { serve_for, ends, asked: None, answers: VecDeque::new() }
    }

    /// When it ends; `None` = never.
    pub(super) fn ends(&self) -> Option<u64> {
        self.serve_for.map(|_| self.ends)
    }

    pub(super) fn asked(&mut self, at: u64) {
        self.asked = Some(at);
    }

    /// Notes an answer, and what is acknowledged at present.
    pub(super) fn answered(&mut self, sent: u64, newest: Revision, acknowledged: Option<Revision>) {
        // Of nothing that was not asked. A control plane that is behind knows nothing of what is later.
        if self.asked.is_none_or(|asked| sent > asked) || Some(newest) < acknowledged {
            return;
        }
        if self.answers.len() == ANSWERS {
            // The oldest are the first to renew it, the latest the furthest.
            self.answers.remove(ANSWERS / 2);
        }
        self.answers.push_back((sent, newest));
    }

    /// Since when the lease counts, if it is renewed by what is acknowledged.
    pub(super) fn renewed(&mut self, acknowledged: Option<Revision>) -> Option<u64> {
        let acknowledged = acknowledged?;
        let mut since = None;
        self.answers.retain(|(sent, newest)| {
            let fits = *newest <= acknowledged;
            if fits {
                since = since.max(Some(*sent));
            }
            !fits
        });
        let ends = since?.saturating_add(self.serve_for.unwrap_or(0));
        if self.serve_for.is_some() && ends <= self.ends {
            return None;
        }
        self.ends = self.ends.max(ends);
        since
    }
}
