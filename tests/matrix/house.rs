//! A gate with a service for each place of a key, all with one proof and in one dialect.

use super::{Cell, Dialect, Place, Proof, Version};
use crate::{
    proofs::wrapped,
    secrets::KEYS,
    support::{Config, Origin, Tollgate, digest},
};

/// The secret of every key.
pub(super) const SECRET: &str = "qvxkmw57pec7";

/// The secret of none.
pub(super) const WRONG_SECRET: &str = "not-the-secret";

/// The page that may call.
pub(super) const REFERER: &str = "https://shop.example.com/";

/// The largest body.
pub(super) const BODY: usize = 500;

/// The longest target.
pub(super) const TARGET: usize = 500;

const PLAN: &str =
    "qps_limit_exempt = true\nrate_limit_exempt = true\nrate_limit_period = \"day\"\n";

pub(super) struct House {
    dialect: Dialect,
    proof: Proof,
    pub(super) origin: Origin,
    pub(super) gate: Tollgate,
}

/// What is wrong with a service.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Open,
    /// Over its queries per second.
    Busy,
    /// For TLS only.
    Sealed,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Open, Self::Busy, Self::Sealed];

    fn name(self, place: Place) -> String {
        let kind = match self {
            Self::Open => "open",
            Self::Busy => "busy",
            Self::Sealed => "sealed",
        };
        format!("{kind}-{place:?}")
    }

    /// What its path begins with.
    pub(super) fn path(self, place: Place) -> String {
        format!("/{}", self.name(place))
    }

    fn setting(self) -> &'static str {
        match self {
            Self::Open => "allowed_referers = [\"https://shop.example.com\"]\n",
            Self::Busy => "qps_limit_overall = 0\n",
            Self::Sealed => "tls_required = true\n",
        }
    }
}

/// The key that is refused with `code`; the one called `good` is not. It can stand everywhere.
pub(super) fn key(code: &str) -> String {
    format!("{code}-2fvmer3qbk7f3jnqneg58bu2")
}

/// The sections of all keys, which hold their secrets in each form.
pub(super) fn keys() -> Vec<(String, String)> {
    let good = [("good", ""), ("owner_inactive", ""), ("plan_inactive", "")];
    let section = |(name, more): (&str, &str)| {
        let secrets =
            format!("secret_digest = \"{}\"\n{}", digest(SECRET), wrapped(&key(name), SECRET));
        let body = Config::key_body(&key(name), &format!("{secrets}\n{more}"));
        let body = match name {
            "owner_inactive" => body.replace("\"acme\"", "\"asleep\""),
            "plan_inactive" => body.replace("\"free\"", "\"old\""),
            _ => body,
        };
        (format!("keys.{name}"), body)
    };
    good.into_iter().chain(KEYS).map(section).collect()
}

impl House {
    pub(super) fn start(dialect: Dialect, proof: Proof, keys: &[(String, String)]) -> Self {
        let origin = Origin::start();
        let gate = Tollgate::start(&config(&origin, dialect, proof, keys));
        Self { dialect, proof, origin, gate }
    }

    /// All that differ in place and version.
    pub(super) fn cells(&self) -> impl Iterator<Item = Cell<'_>> {
        let Self { dialect, proof, .. } = *self;
        let pairs = Place::ALL.map(|place| Version::ALL.map(|version| (place, version)));
        pairs.into_iter().flatten().map(move |(place, version)| Cell {
            house: self,
            place,
            proof,
            dialect,
            version,
        })
    }
}

fn config(origin: &Origin, dialect: Dialect, proof: Proof, keys: &[(String, String)]) -> Config {
    let dialect = dialect.setting();
    let listener =
        format!("address = \"127.0.0.1:0\"\nmax_body_bytes = {BODY}\nmax_target_bytes = {TARGET}");
    let mut config = Config::new(origin)
        .without("services.orders")
        .without("packages.basic.plans.free.services.orders")
        .without("keys.acme-1")
        .section("process", &format!("workers = 2\nresponder = \"gate-1\"\n{dialect}"))
        .section("listeners.public", &listener)
        // More than fail in one cell, each of which has a source of its own.
        .section("strangers", "rate = 1\nburst = 20")
        .plan(PLAN)
        .section("packages.basic.plans.old", &format!("status = \"inactive\"\n{PLAN}"))
        .section("applications.asleep", "owner = \"jo\"\nstatus = \"suspended\"");
    for place in Place::ALL {
        for kind in Kind::ALL {
            config = with_service(config, place, kind, dialect, proof);
        }
    }
    keys.iter().fold(config, |config, (header, body)| config.section(header, body))
}

fn with_service(config: Config, place: Place, kind: Kind, dialect: &str, proof: Proof) -> Config {
    let name = kind.name(place);
    let service = format!("services.{name}");
    let settings = format!(
        "path = \"{}\"\nupstream = \"demo\"\ncredentials = [{}]\n{dialect}{}",
        kind.path(place),
        place.credentials(),
        kind.setting()
    );
    let mut config = config
        .section(&service, &settings)
        .section(&format!("{service}.proof"), &format!("kind = \"{}\"", proof.kind()))
        .section(&format!("{service}.endpoints.all"), "")
        .section(&format!("{service}.endpoints.closed"), "path = \"/closed\"")
        .section(&format!("{service}.endpoints.away"), "path = \"/away\"\nmaintenance = true")
        .section(&format!("{service}.endpoints.posts"), "path = \"/posts\"")
        .section(&format!("{service}.endpoints.posts.methods.post"), "http_methods = [\"POST\"]");
    for plan in ["free", "old"] {
        for endpoint in ["all", "away", "posts"] {
            let opened =
                format!("packages.basic.plans.{plan}.services.{name}.endpoints.{endpoint}");
            config = config.section(&opened, "");
        }
    }
    config
}
