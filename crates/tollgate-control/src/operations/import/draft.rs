//! What an import would do, worked out without changing anything. Everything is looked up for many
//! rows at once, and rules of new keys are those of any new key.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tollgate_core::Revision;

use super::super::package_key::create::TAKEN;
use super::super::package_key::{NewPackageKey, Violations, check_new};
use super::super::{Context, Refused, Reserved, Secret};
use super::accounts::{Account, Accounts};
use super::basis::Basis;
use super::plans::Plans;
use super::{Destination, Imported, NotImported};
use crate::directory::PlanSeen;
use crate::life_cycle::State;
use crate::migration::{Limit, Reading, Row, RowPlace, Window};
use crate::model::{DigestLiteral, Period};
use crate::store::{Connection, StoreError, StoredChain, newest};

/// What is to be done, and what stands against it.
pub(super) struct Draft {
    /// The newest revision that it has seen.
    seen: Revision,
    accounts: Accounts,
    plans: Plans,
    keys: Vec<Planned>,
    /// Everything that proxies may know its keys by.
    digests: Vec<DigestLiteral>,
    reading: Reading,
    /// The present second since 1970.
    now: i64,
}

/// A key that is to be made.
pub(super) struct Planned {
    place: RowPlace,
    pub(super) account: Account,
    pub(super) plan: usize,
    pub(super) key: Secret,
    pub(super) new: NewPackageKey,
    pub(super) name: String,
    pub(super) state: State,
    pub(super) created: Option<i64>,
}

/// Why nothing could be worked out.
pub(super) enum Stopped {
    Store(StoreError),
    Refused(Refused),
}

/// So many keys are asked for at once.
const BATCH: usize = 1_000;

impl Draft {
    pub(super) fn of(
        context: &Context,
        connection: &mut dyn Connection,
        mut reading: Reading,
        destination: &Destination,
        ids: &Reserved,
    ) -> Result<Self, Stopped> {
        let seen = newest(connection)?;
        let rows = std::mem::take(&mut reading.rows);
        let owners = rows.iter().filter_map(|row| row.owner.as_deref());
        let usernames = owners.chain(destination.owner.as_deref());
        let accounts = Accounts::find(context, connection, usernames)?;
        let keys = Vec::with_capacity(rows.len());
        let now = ids.now.div_euclid(1000);
        let (plans, digests) = (Plans::default(), Vec::with_capacity(rows.len()));
        let mut draft = Self { seen, accounts, plans, keys, digests, reading, now };
        for row in rows {
            draft.add(context, connection, row, destination, ids)?;
        }
        draft.refuse_taken(context, connection)?;
        Ok(draft)
    }

    /// What comes of it, if nothing stands against it: what that rests on, and the keys.
    pub(super) fn outcome(
        mut self,
        context: &Context,
    ) -> Result<(Imported, Revision, Basis, Vec<Planned>), NotImported> {
        let (members, applications) = self.accounts.new_ones();
        let remarks = self.reading.remarks();
        let mut problems = std::mem::take(&mut self.reading.problems);
        if !problems.is_empty() {
            problems.sort_by(|one, other| one.place.order().cmp(&other.place.order()));
            return Err(NotImported::Rows(problems, remarks));
        }
        let Self { seen, accounts, plans, keys, digests, .. } = self;
        let files = Arc::clone(&context.files);
        let imported = Imported { keys: keys.len(), members, applications, remarks };
        Ok((imported, seen, Basis::new(files, accounts, plans, digests), keys))
    }

    /// Plans a key, or says why it cannot be.
    fn add(
        &mut self,
        context: &Context,
        connection: &mut dyn Connection,
        row: Row,
        destination: &Destination,
        ids: &Reserved,
    ) -> Result<(), StoreError> {
        let plan = self.plans.of(context, connection, &row, destination)?;
        let Some(owner) = row.owner.as_ref().or(destination.owner.as_ref()) else {
            let why = "nobody is named whom the key belongs to: name one for all such keys";
            self.reading.refuse(&row.place, "owner", why);
            return Ok(());
        };
        let application = row.application.as_ref().or(destination.application.as_ref());
        let application = application.unwrap_or(owner);
        if owner.is_empty() || application.is_empty() {
            self.reading.refuse(&row.place, "owner", "expected a name that is not empty");
            return Ok(());
        }
        let plan = match plan {
            Ok(plan) => plan,
            Err(why) => {
                self.reading.refuse(&row.place, "plan", why);
                return Ok(());
            }
        };
        let Some(account) = self.accounts.account(owner, application, ids) else {
            let why = "several applications of its owner have this name";
            self.reading.refuse(&row.place, "application", why);
            return Ok(());
        };
        self.plan(row, account, plan, destination);
        Ok(())
    }

    fn plan(&mut self, mut row: Row, account: Account, plan: usize, destination: &Destination) {
        let Some((_, seen)) = self.plans.get(plan) else { return };
        let unmapped = |group: &String| !destination.groups.contains_key(group);
        if !destination.groups.is_empty()
            && !row.groups.is_empty()
            && row.groups.iter().all(unmapped)
        {
            let message = "no group of it is in the map: it comes under the plan for all others";
            self.reading.remark(&row.place, "groups", message);
        }
        if let Some(weakness) = row.key.weakness() {
            self.reading.remark(&row.place, "key", format!("it is easy to guess: {weakness}"));
        }
        let mut new = NewPackageKey {
            apikey: Some(row.key.clone()),
            secret: row.secret.take(),
            qps: row.qps,
            quota: row.quota,
            expires: row.expires,
            body: std::mem::take(&mut row.body),
            ..NewPackageKey::default()
        };
        for limit in std::mem::take(&mut row.limits) {
            carry_limit(&mut new, limit, seen, &row.place, &mut self.reading);
        }
        remark_overrides(&new, seen, &row.place, &mut self.reading);
        let mut violations = Violations::default();
        if let Some(member) = self.accounts.member(account) {
            check_new(&new, member, Some(seen), &mut violations);
        }
        let over = row.expires.is_some_and(|expires| expires.end() <= self.now);
        if row.state == State::Expired && !over {
            violations.add("expires", "expected the end of a key that has expired, in the past");
        }
        if row.state == State::Active && over {
            row.state = State::Expired;
            self.reading.remark(&row.place, "expires", "it is over: imported as expired");
        }
        for violation in violations.0 {
            self.reading.refuse(&row.place, &violation.property, violation.message);
        }
        let Row { place, key, name, state, created, .. } = row;
        self.keys.push(Planned { place, account, plan, key, new, name, state, created });
    }

    /// Refuses keys whose value another has: in the document, the file or the store.
    fn refuse_taken(
        &mut self,
        context: &Context,
        connection: &mut dyn Connection,
    ) -> Result<(), Stopped> {
        let in_file: HashSet<DigestLiteral> =
            context.files.keys.values().map(|key| key.digest).collect();
        let mut first: HashMap<DigestLiteral, &RowPlace> = HashMap::new();
        for keys in self.keys.chunks(BATCH) {
            let mut digests = Vec::new();
            for planned in keys {
                let of_key = context.digests_of(&planned.key).map_err(Stopped::Refused)?;
                digests.extend(of_key.into_iter().map(|digest| (digest, &planned.place)));
            }
            let texts: Vec<_> = digests.iter().map(|(digest, _)| digest.to_string()).collect();
            let taken = StoredChain::taken(connection, &texts)?;
            for ((digest, place), text) in digests.into_iter().zip(&texts) {
                if in_file.contains(&digest) || taken.contains(text) {
                    self.reading.refuse(place, "key", TAKEN);
                } else if let Some(before) = first.insert(digest, place) {
                    let message = format!("it has the value of the key at {before}");
                    self.reading.refuse(place, "key", message);
                }
            }
        }
        self.digests.extend(first.into_keys());
        Ok(())
    }
}

/// Takes over a limit that counts over what the plan's does.
fn carry_limit(
    new: &mut NewPackageKey,
    limit: Limit,
    plan: &PlanSeen,
    place: &RowPlace,
    reading: &mut Reading,
) {
    let Limit { ceiling, window, field } = limit;
    if ceiling == 0 {
        reading.remark(place, field, "0: imported as the plan's own limit");
        return;
    }
    match window {
        Window::Second => {
            let ceiling = u32::try_from(ceiling).unwrap_or(u32::MAX);
            let lower = new.qps.ceiling.map_or(ceiling, |before| before.min(ceiling));
            new.qps.ceiling = Some(lower);
        }
        Window::Period(period) if plan.period == Some(period) => {
            let lower = new.quota.ceiling.map_or(ceiling, |before| before.min(ceiling));
            new.quota.ceiling = Some(lower);
        }
        Window::Period(period) => {
            let message = match plan.period {
                Some(of_plan) => format!(
                    "not carried over: it counts over a {}, and the quota of the plan over a {}",
                    named(period),
                    named(of_plan)
                ),
                None => format!(
                    "not carried over: it counts over a {}, and the plan has no quota",
                    named(period)
                ),
            };
            reading.remark(place, field, message);
        }
    }
}

/// Says where a key's own limit is not what holds.
fn remark_overrides(new: &NewPackageKey, plan: &PlanSeen, place: &RowPlace, reading: &mut Reading) {
    let message = "the plan lets no key override it: the lower of both holds";
    if (new.qps.exempt || new.qps.ceiling.is_some()) && !plan.qps_override {
        reading.remark(place, "qpsLimit", message);
    }
    if (new.quota.exempt || new.quota.ceiling.is_some()) && !plan.quota_override {
        reading.remark(place, "rateLimit", message);
    }
}

fn named(period: Period) -> &'static str {
    match period {
        Period::Minute => "minute",
        Period::Hour => "hour",
        Period::Day => "day",
        Period::Month => "month",
    }
}
