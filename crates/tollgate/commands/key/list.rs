//! `tollgate key list`

use std::process::ExitCode;

use serde_json::Value as Json;

use super::kept::{FIELDS, KEY_SETS, PACKAGE_KEYS, instant, reference, text};
use super::{key_set, named};
use crate::cli::{Filters, ListArguments};
use crate::client::{Client, Failure, clean, encoded};
use crate::commands::say;
use crate::output::{self, Column, Table, status};

/// The keys that filters let through.
pub(super) struct Listing {
    target: String,
    /// What the API has no filter for.
    organization: Option<String>,
    group: Option<String>,
}

const COLUMNS: [Column; 6] = [
    Column { head: "ID", whole: true },
    Column { head: "STATUS", whole: true },
    Column { head: "APPLICATION", whole: false },
    Column { head: "OWNER", whole: false },
    Column { head: "PACKAGE/PLAN", whole: false },
    Column { head: "EXPIRES", whole: true },
];

pub(super) fn perform(arguments: &ListArguments) -> Result<ExitCode, Failure> {
    let client = Client::new(&arguments.asking.server)?;
    let listing = Listing::new(&client, &arguments.filters)?;
    let limit = arguments.limit.and_then(|limit| usize::try_from(limit).ok());
    let key_sets = arguments.filters.key_sets;
    let mut table = if key_sets { Table::new(&key_set::COLUMNS) } else { Table::new(&COLUMNS) };
    let total = listing.each(&client, limit, |key| {
        if arguments.asking.json {
            return output::print(&format!("{key}\n"));
        }
        table.row(if key_sets { key_set::row(&key) } else { row(&key) });
        Ok(())
    })?;
    if !arguments.asking.json {
        output::print(&table.text(output::width()))?;
        if table.len() < total {
            say(format_args!("{} of {total}", table.len()));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// `NAME=FROM..TO`, either end of which may be empty.
fn bounds(within: &str) -> Result<(&str, &str, &str), Failure> {
    const DATES: [&str; 5] = ["expiration", "rotation", "provisioned", "revoked", "created"];
    let parts = within.split_once('=').and_then(|(name, days)| {
        let (from, to) = days.split_once("..")?;
        Some((name, from, to))
    });
    parts.filter(|(name, ..)| DATES.contains(name)).ok_or_else(|| {
        Failure::Wrong(format!(
            "--within: expected DATE=FROM..TO, where DATE is {}",
            DATES.join(", ")
        ))
    })
}

fn row(key: &Json) -> Vec<String> {
    let cell = |path: &[&str]| clean(text(key, path));
    let expires = text(key, &["expires"]);
    vec![
        cell(&["id"]),
        status(text(key, &["status"])),
        cell(&["application", "name"]),
        cell(&["application", "username"]),
        format!("{}/{}", cell(&["package", "name"]), cell(&["plan", "name"])),
        if expires.is_empty() { "never".to_owned() } else { clean(&instant(expires)) },
    ]
}

impl Listing {
    pub(super) fn new(client: &Client, filters: &Filters) -> Result<Self, Failure> {
        if let Some(status) = filters.status.filter(|status| !status.fits(filters.key_sets)) {
            let of = if filters.key_sets { "key sets" } else { "package keys" };
            return Err(Failure::Wrong(format!("no {of} are {}", status.as_str())));
        }
        if filters.key_sets {
            return Self::of_key_sets(client, filters);
        }
        let of_application = filters.application.as_deref();
        let path = if let Some(called) = of_application {
            let id = named::application(client, called)?;
            format!("/v3/rest/applications/{}/packageKeys", encoded(&id))
        } else if let Some(called) = filters.owner.as_deref() {
            let id = named::member(client, called)?;
            format!("/v3/rest/members/{}/packageKeys", encoded(&id))
        } else {
            PACKAGE_KEYS.to_owned()
        };
        let mut target = format!("{path}?fields={FIELDS}");
        let mut filter = |property: &str, value: &str| {
            target += &format!("&filter={property}:{}", encoded(value));
        };
        if let Some(status) = filters.status {
            filter("status", status.as_str());
        }
        if let Some(called) = &filters.package {
            let package = named::package(client, called)?;
            if let Some(called) = &filters.plan {
                filter("plan.id", &named::plan(client, &package, called)?);
            }
            filter("package.id", &package);
        }
        for (property, date) in [
            ("created", &filters.created),
            ("updated", &filters.updated),
            ("expires", &filters.expires),
        ] {
            if let Some(date) = date {
                filter(property, date);
            }
        }
        if let Some(found) = &filters.text {
            let found = encoded(found);
            target += &format!("&search=name:{found},description:{found},username:{found}");
        }
        let organization = filters.organization.as_deref();
        let organization =
            organization.map(|called| named::organization(client, called)).transpose()?;
        let group = match (&organization, &filters.group) {
            (Some(organization), Some(called)) => Some(named::group(client, organization, called)?),
            _ => None,
        };
        Ok(Self { target, organization, group })
    }

    fn of_key_sets(client: &Client, filters: &Filters) -> Result<Self, Failure> {
        let mut parameters: Vec<(String, String)> = Vec::new();
        let mut put =
            |name: &str, value: &str| parameters.push((name.to_owned(), value.to_owned()));
        if let Some(status) = filters.status {
            put("status", status.as_str());
        }
        for (name, text) in [("search", &filters.text), ("authType", &filters.auth_type)] {
            if let Some(text) = text {
                put(name, text);
            }
        }
        for (name, day) in [("created", &filters.created), ("expiration", &filters.expires)] {
            if let Some(day) = day {
                put(&format!("{name}From"), day);
                put(&format!("{name}To"), day);
            }
        }
        for within in &filters.within {
            let (name, from, to) = bounds(within)?;
            for (bound, day) in [("From", from), ("To", to)] {
                if !day.is_empty() {
                    put(&format!("{name}{bound}"), day);
                }
            }
        }
        if let Some(called) = &filters.application {
            put("application", &named::application(client, called)?);
        }
        if let Some(called) = &filters.api {
            put("api", &named::service(client, called)?);
        }
        if let Some(called) = &filters.organization {
            let organization = named::organization(client, called)?;
            put("organization", &organization);
            if let Some(called) = &filters.group {
                put("group", &named::group(client, &organization, called)?);
            }
        }
        let parameters = parameters.iter();
        let parameters: Vec<_> =
            parameters.map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let target = match parameters.as_slice() {
            [] => KEY_SETS.to_owned(),
            some => format!("{KEY_SETS}?{}", some.join("&")),
        };
        Ok(Self { target, organization: None, group: None })
    }

    /// Hands over every key, `limit` of them at most. Returns how many there are.
    pub(super) fn each(
        &self,
        client: &Client,
        limit: Option<usize>,
        mut each: impl FnMut(Json) -> Result<(), Failure>,
    ) -> Result<usize, Failure> {
        if self.organization.is_none() && self.group.is_none() {
            return client.list(&self.target, limit, each);
        }
        let mut seen = 0;
        client.list(&self.target, None, |key| {
            let is = |name: &str, id: &Option<String>| {
                id.as_ref().is_none_or(|id| reference(&key, &["application", name]) == id)
            };
            if !is("organization", &self.organization) || !is("group", &self.group) {
                return Ok(());
            }
            seen += 1;
            if limit.is_some_and(|limit| seen > limit) { Ok(()) } else { each(key) }
        })?;
        Ok(seen)
    }
}
