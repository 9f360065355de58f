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
    /// Orders by which no two chains are equal: what is equal in all of `orders` stands by age, the
    /// same way as the last of them, so that one index is for both ways. What decides nothing any
    /// more is left out, because an index has it once.
    pub(super) fn whole(orders: &[Self]) -> Vec<Self> {
        let descends = orders.last().is_some_and(|order| order.descends);
        let age = [Ordering::Created, Ordering::Id].map(|by| Self { by, descends });
        let mut whole: Vec<Self> = Vec::with_capacity(orders.len() + age.len());
        for order in orders.iter().chain(&age) {
            if !whole.iter().any(|known| known.by == order.by || known.by == Ordering::Id) {
                whole.push(*order);
            }
        }
        whole
    }

    /// The other way round.
    pub(super) fn reversed(self) -> Self {
        Self { descends: !self.descends, ..self }
    }

    /// The terms of an `ORDER BY`, as an index has them; or such that no index is gone through in
    /// their order.
    pub(super) fn terms(self, by_index: bool) -> String {
        let term = |column: &str, descends: bool, may_lack: bool| {
            let way = match (descends, may_lack) {
                (false, false) => "ASC",
                (true, false) => "DESC",
                (false, true) => "ASC NULLS FIRST",
                (true, true) => "DESC NULLS LAST",
            };
            match (by_index, self.by) {
                (true, _) => format!("{column} {way}"),
                (false, Ordering::Id) => format!("{column} || '' {way}"),
                (false, _) => format!("{column} + 0 {way}"),
            }
        };
        let (column, may_lack) = match self.by {
            Ordering::Id => ("c.id", false),
            Ordering::Created => ("c.created", false),
            Ordering::Updated => ("c.updated", false),
            Ordering::QpsCeiling => ("c.qps_limit_ceiling", true),
            Ordering::QpsExempt => ("c.qps_limit_exempt", false),
            Ordering::QuotaCeiling => ("c.rate_limit_ceiling", true),
            Ordering::QuotaExempt => ("c.rate_limit_exempt", false),
            Ordering::Status => {
                ("(CASE c.state WHEN 'active' THEN 0 WHEN 'pending' THEN 2 ELSE 1 END)", false)
            }
            Ordering::Expiration => {
                let day = term("c.expiration_is_day", !self.descends, false);
                return format!("{}, {day}", term("c.expiration", self.descends, true));
            }
        };
        term(column, self.descends, may_lack)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Connection, Engine, Sqlite, migrate};

    #[test]
    fn lists_of_many_are_gone_through_in_the_order_of_an_index() {
        let folder = tempfile::tempdir().unwrap();
        let engine = Sqlite::open(&folder.path().join("store.db")).unwrap();
        migrate(&engine, 1).unwrap();
        let mut reader = engine.reader().unwrap();
        for by in [
            Ordering::Created,
            Ordering::Updated,
            Ordering::QpsCeiling,
            Ordering::QpsExempt,
            Ordering::QuotaCeiling,
            Ordering::QuotaExempt,
            Ordering::Status,
            Ordering::Expiration,
        ] {
            for descends in [false, true] {
                let whole = ChainOrder::whole(&[ChainOrder { by, descends }]);
                let terms: Vec<_> = whole.into_iter().map(|order| order.terms(true)).collect();
                let query = format!(
                    "EXPLAIN QUERY PLAN SELECT c.id FROM chains c WHERE c.is_key_set = $1 \
                     ORDER BY {} LIMIT $2 OFFSET $3",
                    terms.join(", ")
                );
                let values = [0.into(), 100.into(), 0.into()];
                let plan = (&mut *reader as &mut dyn Connection).rows(&query, &values).unwrap();
                assert_eq!(plan.len(), 1, "{by:?} {descends}: {plan:?}");
                let step = plan[0].text(3).unwrap();
                assert!(step.contains("USING COVERING INDEX"), "{by:?} {descends}: {step}");
            }
        }
    }

    #[test]
    fn what_decides_nothing_is_no_order() {
        let order = |by, descends| ChainOrder { by, descends };
        let whole = ChainOrder::whole(&[
            order(Ordering::Status, false),
            order(Ordering::Created, true),
            order(Ordering::Status, true),
        ]);
        let expected = [
            order(Ordering::Status, false),
            order(Ordering::Created, true),
            order(Ordering::Id, true),
        ];
        assert_eq!(whole, expected);
        let by_id = [order(Ordering::Id, false), order(Ordering::Updated, true)];
        assert_eq!(ChainOrder::whole(&by_id), by_id[..1]);
    }
}
