//! A TOML file, section by section.

use std::{
    collections::BTreeMap,
    fmt::{self, Display, Formatter, Write},
    net::SocketAddr,
};

use sha2::{Digest, Sha256};

use super::Origin;

/// Sections by their headers; the nameless one stands in front.
#[derive(Clone, Default)]
pub(crate) struct Config(BTreeMap<String, String>);

/// Limits nothing.
const EXEMPT: &str = "qps_limit_exempt = true\nrate_limit_exempt = true";

impl Config {
    /// One service, `orders` at `/orders`, one plan without limits, and the key `demo` (as
    /// `acme-1`) that has it.
    pub(crate) fn new(origin: &Origin) -> Self {
        Self::to(origin.address())
    }

    /// The same in front of another upstream.
    pub(crate) fn to(upstream: SocketAddr) -> Self {
        Self::default()
            .section("process", "workers = 2")
            .section("ops", "address = \"127.0.0.1:0\"")
            .section("listeners.public", "address = \"127.0.0.1:0\"")
            .section("upstreams.demo", &format!("url = \"http://{upstream}\""))
            .service("path = \"/orders\"\nupstream = \"demo\"")
            .section("services.orders.endpoints.all", "")
            .section("packages.basic", "")
            .plan(EXEMPT)
            .section("packages.basic.plans.free.services.orders", "")
            .section("members.jo", "")
            .section("applications.acme", "owner = \"jo\"")
            .key("acme-1", "demo", "")
    }

    /// With a control plane, whose files stand beside the configuration.
    pub(crate) fn control(self) -> Self {
        self.section("control", "address = \"127.0.0.1:0\"")
    }

    /// Sets a section, in place of the one of this name.
    pub(crate) fn section(mut self, header: &str, body: &str) -> Self {
        self.0.insert(header.to_owned(), body.to_owned());
        self
    }

    /// Takes a section out, with everything below it.
    pub(crate) fn without(mut self, header: &str) -> Self {
        let below = format!("{header}.");
        self.0.retain(|each, _| each != header && !each.starts_with(&below));
        self
    }

    pub(crate) fn service(self, body: &str) -> Self {
        self.section("services.orders", body)
    }

    pub(crate) fn plan(self, body: &str) -> Self {
        self.section("packages.basic.plans.free", body)
    }

    /// A key of the plan, with what else its section is to say.
    pub(crate) fn key(self, id: &str, plaintext: &str, more: &str) -> Self {
        self.section(&format!("keys.{id}"), &Self::key_body(plaintext, more))
    }

    pub(crate) fn key_body(plaintext: &str, more: &str) -> String {
        format!(
            "digest = \"{}\"\napplication = \"acme\"\npackage = \"basic\"\nplan = \"free\"\n{more}",
            digest(plaintext)
        )
    }

    /// Only what stands outside of sections.
    pub(crate) fn root(self, body: &str) -> Self {
        self.section("", body)
    }
}

impl Display for Config {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        for (header, body) in &self.0 {
            if !header.is_empty() {
                writeln!(to, "[{header}]")?;
            }
            writeln!(to, "{body}")?;
        }
        Ok(())
    }
}

/// What a TOML file says of a key.
pub(crate) fn digest(plaintext: &str) -> String {
    digest_of(plaintext.as_bytes())
}

/// SHA-256 with its name in front.
pub(crate) fn digest_of(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold("sha256:".to_owned(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}
