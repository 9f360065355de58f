//! In which order chains are found.

/// What chains are ordered by, and which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainOrder {
    /// What.
    pub by: Ordering,
    /// The greatest first.
    pub descends: bool,
}

/// What chains can be ordered by. What one has not comes before what it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ordering {
    /// The id.
    Id,
    /// When it was made.
    Created,
    /// When it was last changed.
    Updated,
    /// Its own queries per second.
    QpsCeiling,
    /// Whether it is to be without such a limit.
    QpsExempt,
    /// Its own calls in the plan's period.
    QuotaCeiling,
    /// Whether it is to be without such a limit.
    QuotaExempt,
    /// The status of a package key, by its name in v3: active, disabled, waiting.
    Status,
    /// When LATEST dies of age; a date before the instants of its day.
    Expiration,
}

impl ChainOrder {
    /// The other way round.
    pub(super) fn reversed(self) -> Self {
        Self { descends: !self.descends, ..self }
    }

    /// The terms of an `ORDER BY`.
    pub(super) fn terms(self) -> String {
        let (columns, may_lack) = match self.by {
            Ordering::Id => (&["c.id"][..], false),
            Ordering::Created => (&["c.created"][..], false),
            Ordering::Updated => (&["c.updated"][..], false),
            Ordering::QpsCeiling => (&["c.qps_limit_ceiling"][..], true),
            Ordering::QpsExempt => (&["c.qps_limit_exempt"][..], false),
            Ordering::QuotaCeiling => (&["c.rate_limit_ceiling"][..], true),
            Ordering::QuotaExempt => (&["c.rate_limit_exempt"][..], false),
            Ordering::Status => {
                (&["CASE c.state WHEN 'active' THEN 0 WHEN 'pending' THEN 2 ELSE 1 END"][..], false)
            }
            Ordering::Expiration => (&["c.expiration", "1 - c.expiration_is_day"][..], true),
        };
        let way = match (self.descends, may_lack) {
            (false, false) => "ASC",
            (true, false) => "DESC",
            (false, true) => "ASC NULLS FIRST",
            (true, true) => "DESC NULLS LAST",
        };
        let terms = columns.iter().map(|column| format!("{column} {way}"));
        terms.collect::<Vec<_>>().join(", ")
    }
}
