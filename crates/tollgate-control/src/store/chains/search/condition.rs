//! A search for chains as SQL.

use super::{Api, ChainDate, ChainNumber, ChainOrder, ChainSearch};
use crate::store::condition::Condition;
use crate::store::{Connection, StoreError, Value};

/// Up to so many matches are gathered by what they have in common and then ordered; more are met
/// soon enough by going through all in order. Tests, which have few, do both.
const FEW: u64 = if cfg!(test) { 10 } else { 10_000 };

const TABLE: &str = "chains c";

impl ChainDate {
    fn column(self) -> &'static str {
        match self {
            Self::Created => "c.created",
            Self::Updated => "c.updated",
            Self::Provisioned => "c.provisioned",
            Self::RotationPlanned => "c.rotation_planned",
            Self::Expiration => "c.expiration",
            Self::Revoked => "c.revoked",
        }
    }
}

impl ChainNumber {
    fn column(self) -> &'static str {
        match self {
            Self::QpsCeiling => "c.qps_limit_ceiling",
            Self::QpsExempt => "c.qps_limit_exempt",
            Self::QuotaCeiling => "c.rate_limit_ceiling",
            Self::QuotaExempt => "c.rate_limit_exempt",
            Self::ExpirationIsDay => "c.expiration_is_day",
        }
    }
}

/// The table of how many chains there are of each kind.
const TALLIES: &str = "tallies c";

/// The table of how many chains applications have, in each state.
const APPLICATION_TALLIES: &str = "application_tallies c";

impl ChainSearch {
    /// The table of tallies that tells apart all that it asks for, if there is one.
    fn tallies(&self) -> Option<&'static str> {
        let Self {
            key_sets: _,
            application,
            applications,
            organization,
            group,
            realms,
            states: _,
            auth_type,
            api,
            plan,
            dates,
            text,
            id,
            digests,
            packages,
            plans,
            numbers,
            told,
            none: _,
        } = self;
        let exempt = [ChainNumber::QpsExempt, ChainNumber::QuotaExempt];
        let of_itself = api.is_some()
            || !dates.is_empty()
            || text.is_some()
            || id.is_some()
            || digests.is_some()
            || !numbers.iter().all(|(number, _)| exempt.contains(number))
            || !told.is_empty();
        let of_kind = organization.is_some()
            || group.is_some()
            || realms.is_some()
            || auth_type.is_some()
            || plan.is_some()
            || packages.is_some()
            || plans.is_some()
            || !numbers.is_empty();
        match application.is_some() || applications.is_some() {
            _ if of_itself => None,
            false => Some(TALLIES),
            true if of_kind => None,
            true => Some(APPLICATION_TALLIES),
        }
    }
}

/// What holds of the chains that a search looks for.
pub(super) struct Sought {
    condition: Condition,
    /// The tallies that tell how many there are.
    tallies: Option<&'static str>,
}

impl Sought {
    pub(super) fn of(
        search: &ChainSearch,
        connection: &mut dyn Connection,
    ) -> Result<Self, StoreError> {
        let mut condition = Condition::default();
        if let Some(text) = &search.text {
            let wordings = condition.wordings(connection, &text.to_lowercase())?;
            condition.terms.push(format!("c.wording IN ({wordings})"));
        }
        belong(&mut condition, search, connection);
        describe(&mut condition, search, connection);
        Ok(Self { condition, tallies: search.tallies() })
    }

    /// How many chains it holds of.
    pub(super) fn count(&self, connection: &mut dyn Connection) -> Result<u64, StoreError> {
        match self.tallies {
            Some(tallies) => self.condition.sum(connection, tallies, "number"),
            None => self.condition.count(connection, TABLE),
        }
    }

    /// The ids of the chains that it holds of, which are so many, in an order: of all, or from an
    /// offset on so many.
    pub(super) fn ids(
        &self,
        connection: &mut dyn Connection,
        orders: &[ChainOrder],
        total: u64,
        page: Option<(u64, u64)>,
    ) -> Result<Vec<String>, StoreError> {
        let Some((offset, limit)) = page else {
            return self.ordered(connection, orders, total, false, None);
        };
        let limit = limit.min(total.saturating_sub(offset));
        if limit == 0 {
            return Ok(Vec::new());
        }
        // What is skipped is gone through, so the latter half is gone through from its end.
        let behind = total - offset - limit;
        if behind >= offset {
            return self.ordered(connection, orders, total, false, Some((offset, limit)));
        }
        let mut ids = self.ordered(connection, orders, total, true, Some((behind, limit)))?;
        ids.reverse();
        Ok(ids)
    }

    fn ordered(
        &self,
        connection: &mut dyn Connection,
        orders: &[ChainOrder],
        total: u64,
        reversed: bool,
        page: Option<(u64, u64)>,
    ) -> Result<Vec<String>, StoreError> {
        // Few are gathered by what they have in common; no index is gone through in its order then,
        // to find the first page of few only at the end.
        let by_index = total > FEW;
        let orders = ChainOrder::whole(orders).into_iter();
        let orders = orders.map(|order| if reversed { order.reversed() } else { order });
        let terms: Vec<_> = orders.map(|order| order.terms(by_index)).collect();
        let mut values = self.condition.values.clone();
        let from = self.condition.of(TABLE);
        let mut query = format!("SELECT c.id FROM {from} ORDER BY {}", terms.join(", "));
        if let Some((offset, limit)) = page {
            let numbers = (values.len() + 1, values.len() + 2);
            query.push_str(&format!(" LIMIT ${} OFFSET ${}", numbers.0, numbers.1));
            values.extend([limit, offset].map(|number| Value::Integer(number.cast_signed())));
        }
        let mut ids = Vec::new();
        connection.each(&query, &values, &mut |row| {
            ids.push(row.text(0)?.to_owned());
            Ok(())
        })?;
        Ok(ids)
    }
}

/// Which chains, by what they belong to.
fn belong(condition: &mut Condition, search: &ChainSearch, connection: &dyn Connection) {
    if search.none {
        condition.terms.push("1 = 0".to_owned());
    }
    if let Some(key_sets) = search.key_sets {
        condition.equal("c.is_key_set", Value::from(key_sets));
    }
    for (column, text) in [
        ("c.id", &search.id),
        ("c.application", &search.application),
        ("c.organization", &search.organization),
        ("c.organization_group", &search.group),
        ("c.auth_type", &search.auth_type),
    ] {
        if let Some(text) = text {
            condition.equal(column, text.as_str().into());
        }
    }
    if let Some(plans) = &search.plans
        && search.packages.is_none()
    {
        // Plans are indexed below their packages.
        let plans = condition.one_of("plan", plans, connection);
        condition.terms.push(format!("c.package IN (SELECT package FROM tallies WHERE {plans})"));
    }
    for (column, list) in [
        ("c.application", &search.applications),
        ("c.package", &search.packages),
        ("c.plan", &search.plans),
    ] {
        if let Some(list) = list {
            let term = condition.one_of(column, list, connection);
            condition.terms.push(term);
        }
    }
    if let Some(digests) = &search.digests {
        let keys = condition.one_of("digest", digests, connection);
        condition.terms.push(format!("c.id IN (SELECT chain FROM keys WHERE {keys})"));
    }
    if let Some((package, plan)) = &search.plan {
        condition.equal("c.package", package.as_str().into());
        if let Some(plan) = plan {
            condition.equal("c.plan", plan.as_str().into());
        }
    }
    if let Some(api) = &search.api {
        open(condition, api);
    }
    if let Some(realms) = &search.realms {
        condition.within_any("c", realms);
    }
}

/// Which chains, by what is known of themselves.
fn describe(condition: &mut Condition, search: &ChainSearch, connection: &dyn Connection) {
    if !search.states.is_empty() {
        let states: Vec<_> = search.states.iter().map(|state| state.as_str()).collect();
        let term = condition.one_of("c.state", &states, connection);
        condition.terms.push(term);
    }
    for (date, within) in &search.dates {
        condition.within(date.column(), *within);
    }
    for (number, value) in &search.numbers {
        condition.equal(number.column(), Value::Integer(*value));
    }
    for text in &search.told {
        condition.terms.push("c.body <> '{}'".to_owned());
        condition.contains("c.body", text);
    }
}

fn open(condition: &mut Condition, api: &Api) {
    let service = condition.parameter(api.service.as_str().into());
    let mut any = vec![format!(
        "c.id IN (SELECT chain FROM subscriptions WHERE service = {service} AND cancelled IS NULL)"
    )];
    for (package, plan) in &api.plans {
        let package = condition.parameter(package.as_str().into());
        let plan = condition.parameter(plan.as_str().into());
        any.push(format!("(c.package = {package} AND c.plan = {plan})"));
    }
    condition.terms.push(format!("({})", any.join(" OR ")));
}
