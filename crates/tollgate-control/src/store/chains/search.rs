//! Finding chains among many: the filters of S4-1 and S4-2, page by page.

use super::{StoredChain, columns, gather};
use crate::life_cycle::State;
use crate::people::Realm;
use crate::store::{Connection, StoreError, Value};

/// Which chains are looked for. What is `None` or empty is not asked about; everything that is has
/// to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChainSearch {
    /// Key sets, or package keys.
    pub key_sets: Option<bool>,
    /// Of one application.
    pub application: Option<String>,
    /// Of one of these applications.
    pub applications: Option<Vec<String>>,
    /// Of this organization.
    pub organization: Option<String>,
    /// Of this group.
    pub group: Option<String>,
    /// Within one of these: a realm without a group is all of its organization, one without an
    /// organization that group wherever it is; one without either is what is nobody's.
    pub realms: Option<Vec<Realm>>,
    /// Whose LATEST is in one of these states.
    pub states: Vec<State>,
    /// With this authentication type.
    pub auth_type: Option<String>,
    /// Under one of these packages and plans, or subscribed to this service under any.
    pub api: Option<Api>,
    /// Of this package, and of this plan of it.
    pub plan: Option<(String, Option<String>)>,
    /// Whose dates lie within bounds.
    pub dates: Vec<(ChainDate, Within)>,
    /// In whose name, or whose application's or member's name, this text stands, whatever its case.
    pub text: Option<String>,
}

/// An API, and what opens it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Api {
    /// The service.
    pub service: String,
    /// Packages and plans that open it.
    pub plans: Vec<(String, String)>,
}

/// A date of a chain, or of its LATEST.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChainDate {
    /// When the chain was made, in milliseconds since 1970.
    Created,
    /// When LATEST was first made to work, in seconds since 1970; likewise below.
    Provisioned,
    /// When LATEST is to be replaced.
    RotationPlanned,
    /// When LATEST dies of age.
    Expiration,
    /// When LATEST was revoked.
    Revoked,
}

/// From the first to the last, both included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Within {
    /// Not before.
    pub from: Option<i64>,
    /// Not after.
    pub to: Option<i64>,
}

/// A page of what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainPage {
    /// The chains, the oldest first.
    pub chains: Vec<StoredChain>,
    /// How many there are in all.
    pub total: u64,
}

impl ChainDate {
    fn column(self) -> &'static str {
        match self {
            Self::Created => "c.created",
            Self::Provisioned => "k.provisioned",
            Self::RotationPlanned => "k.rotation_planned",
            Self::Expiration => "k.expiration",
            Self::Revoked => "k.revoked",
        }
    }
}

impl ChainSearch {
    /// A page of the chains that are looked for.
    ///
    /// # Errors
    /// What the store said.
    pub fn page(
        &self,
        connection: &mut dyn Connection,
        offset: u64,
        limit: u64,
    ) -> Result<ChainPage, StoreError> {
        let condition = self.condition();
        let count = format!("SELECT count(*) FROM {}", condition.from());
        let count = connection.row(&count, &condition.values)?;
        let total = count.map_or(Ok(0), |row| row.integer(0))?;
        let mut values = condition.values.clone();
        let page = format!(
            "SELECT c.id FROM {} ORDER BY c.created, c.id LIMIT ${} OFFSET ${}",
            condition.from(),
            values.len() + 1,
            values.len() + 2
        );
        values.extend([limit, offset].map(|number| Value::Integer(number.cast_signed())));
        let found = connection.rows(&page, &values)?;
        let mut ids = Vec::with_capacity(found.len());
        for row in found {
            ids.push(Value::from(row.text(0)?));
        }
        let chains = by_ids(connection, &ids)?;
        Ok(ChainPage { chains, total: total.cast_unsigned() })
    }

    fn condition(&self) -> Condition {
        let mut condition = Condition::default();
        if let Some(key_sets) = self.key_sets {
            condition.equal("c.is_key_set", Value::from(key_sets));
        }
        if let Some(application) = &self.application {
            condition.equal("c.application", application.as_str().into());
        }
        if let Some(applications) = &self.applications {
            condition.one_of("c.application", applications.iter().map(|id| id.as_str().into()));
        }
        if let Some(organization) = &self.organization {
            condition.equal("c.organization", organization.as_str().into());
        }
        if let Some(group) = &self.group {
            condition.equal("c.organization_group", group.as_str().into());
        }
        if let Some(realms) = &self.realms {
            condition.within_any(realms);
        }
        if let Some(auth_type) = &self.auth_type {
            condition.equal("c.auth_type", auth_type.as_str().into());
        }
        if let Some((package, plan)) = &self.plan {
            condition.equal("c.package", package.as_str().into());
            if let Some(plan) = plan {
                condition.equal("c.plan", plan.as_str().into());
            }
        }
        if let Some(api) = &self.api {
            condition.opens(api);
        }
        if let Some(text) = &self.text {
            condition.contains("c.words", &text.to_lowercase());
        }
        if !self.states.is_empty() {
            condition.latest = true;
            condition.one_of("k.state", self.states.iter().map(|state| state.as_str().into()));
        }
        for (date, within) in &self.dates {
            condition.within(*date, *within);
        }
        condition
    }
}

/// Conditions, and the values of their parameters in the order of their numbers.
#[derive(Default)]
struct Condition {
    terms: Vec<String>,
    values: Vec<Value>,
    /// LATEST is asked about.
    latest: bool,
}

impl Condition {
    fn parameter(&mut self, value: Value) -> String {
        self.values.push(value);
        format!("${}", self.values.len())
    }

    fn equal(&mut self, column: &str, value: Value) {
        let parameter = self.parameter(value);
        self.terms.push(format!("{column} = {parameter}"));
    }

    fn one_of(&mut self, column: &str, values: impl Iterator<Item = Value>) {
        let parameters: Vec<_> = values.map(|value| self.parameter(value)).collect();
        self.terms.push(match parameters.is_empty() {
            true => "1 = 0".to_owned(),
            false => format!("{column} IN ({})", parameters.join(", ")),
        });
    }

    fn within_any(&mut self, realms: &[Realm]) {
        let mut any = Vec::new();
        for realm in realms {
            let parts =
                [("c.organization", &realm.organization), ("c.organization_group", &realm.group)];
            let bound = parts.into_iter().filter_map(|(column, id)| Some((column, id.as_ref()?)));
            let bound = bound.map(|(column, id)| {
                let parameter = self.parameter(id.as_str().into());
                format!("{column} = {parameter}")
            });
            let bound: Vec<_> = bound.collect();
            any.push(match bound.is_empty() {
                true => "(c.organization IS NULL AND c.organization_group IS NULL)".to_owned(),
                false => format!("({})", bound.join(" AND ")),
            });
        }
        self.terms.push(match any.is_empty() {
            true => "1 = 0".to_owned(),
            false => format!("({})", any.join(" OR ")),
        });
    }

    /// `text` stands in the column, as it is: `%` and `_` mean nothing.
    fn contains(&mut self, column: &str, text: &str) {
        let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        let parameter = self.parameter(format!("%{escaped}%").into());
        self.terms.push(format!("{column} LIKE {parameter} ESCAPE '\\'"));
    }

    fn within(&mut self, date: ChainDate, within: Within) {
        let column = date.column();
        self.latest |= column.starts_with("k.");
        for (compare, bound) in [(">=", within.from), ("<=", within.to)] {
            if let Some(bound) = bound {
                let parameter = self.parameter(bound.into());
                self.terms.push(format!("{column} {compare} {parameter}"));
            }
        }
    }

    fn opens(&mut self, api: &Api) {
        let service = self.parameter(api.service.as_str().into());
        let mut any = vec![format!(
            "EXISTS (SELECT 1 FROM subscriptions s WHERE s.chain = c.id \
             AND s.service = {service} AND s.cancelled IS NULL)"
        )];
        for (package, plan) in &api.plans {
            let package = self.parameter(package.as_str().into());
            let plan = self.parameter(plan.as_str().into());
            any.push(format!("(c.package = {package} AND c.plan = {plan})"));
        }
        self.terms.push(format!("({})", any.join(" OR ")));
    }

    /// The tables and the condition.
    fn from(&self) -> String {
        let latest =
            if self.latest { " JOIN keys k ON k.chain = c.id AND k.latest = 1" } else { "" };
        match self.terms.is_empty() {
            true => format!("chains c{latest}"),
            false => format!("chains c{latest} WHERE {}", self.terms.join(" AND ")),
        }
    }
}

/// The chains of these ids, the oldest first.
fn by_ids(connection: &mut dyn Connection, ids: &[Value]) -> Result<Vec<StoredChain>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let parameters: Vec<_> = (1..=ids.len()).map(|number| format!("${number}")).collect();
    let query = format!(
        "{} WHERE c.id IN ({}) ORDER BY c.created, c.id, k.number",
        columns::select(),
        parameters.join(", ")
    );
    gather(connection, &query, ids)
}
