//! `[control]`

mod store;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use tollgate_control::document::Section;
use tollgate_control::document::kind::{Address, Choice, NonEmpty, Size, Switch, Time};
use tollgate_control::migration::LONGEST;
use tollgate_control::operations::Retrieval;
use tollgate_control::people::{Lifetimes, Permissions};
use tollgate_control::plane::{ControlSettings, Regions};
use tollgate_control::webhooks::AddressRules;

use super::listeners::{Tls, tls};
use crate::certificates::read_authorities;
use crate::client::Server;
use crate::signing::read_signing_key;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const ACCESS: Time = Time::within(MINUTE, DAY);
const REFRESH: Time = Time::within(MINUTE, DAY.saturating_mul(400));
/// As much of a document as is read at all.
const IMPORT: Size = Size::within(1 << 20, LONGEST as u64);
const RETRIEVAL: Choice<Retrieval> =
    Choice::of(&[("always", Retrieval::Always), ("once", Retrieval::Once)]);

/// The control plane of the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Control {
    /// Where the admin API listens.
    pub address: SocketAddr,
    /// How it takes TLS; `None` = it is a plain one.
    pub tls: Option<Tls>,
    /// Authorities that webhooks' certificates may be of, beside the system's.
    pub ca_file: Option<PathBuf>,
    /// The private key that signs the key feed; `None` = it is not signed.
    pub signing_key_file: Option<PathBuf>,
    /// Everything else.
    pub settings: ControlSettings,
}

pub(super) fn read(section: &mut Section, certificates_at: Option<i64>) -> Control {
    let local = SocketAddr::from((Ipv4Addr::LOCALHOST, 8082));
    let address = section.or("address", Address, local);
    let tls = section.table("tls").map(|mut section| tls::read(&mut section, certificates_at));
    if !address.ip().is_loopback() && tls.is_none() {
        section.problem(
            "address",
            format_args!(
                "found {address}, which others can reach, and there is no control.tls; \
                 expected a loopback address such as {local}, or a certificate"
            ),
        );
    }
    let store = store::read(section, certificates_at.is_some());
    let key = NonEmpty("the path of a file with 64 hex digits");
    let sealing_key_file = section.or("sealing_key_file", key, "sealing.key".to_owned());
    let before = section.optional("previous_sealing_key_file", key);
    let previous_sealing_key_file = before.map(|file| section.resolve(&file));
    let sealing_key_file = section.resolve(&sealing_key_file);
    if previous_sealing_key_file.as_ref() == Some(&sealing_key_file) {
        section.problem("previous_sealing_key_file", "is the same as sealing_key_file");
    }
    let pepper = NonEmpty("the path of a file with the pepper");
    let pepper_file = section.or("pepper_file", pepper, "pepper".to_owned());
    let file = NonEmpty("the path of a file");
    let first = "first-administrator.toml".to_owned();
    let first_administrator_file = section.or("first_administrator_file", file, first);
    let lifetimes = Lifetimes {
        access: section.or("access_token_lifetime", ACCESS, HOUR),
        refresh: section.or("refresh_token_lifetime", REFRESH, DAY.saturating_mul(30)),
    };
    if lifetimes.refresh < lifetimes.access {
        section.problem(
            "refresh_token_lifetime",
            "is shorter than access_token_lifetime, expected as long at least",
        );
    }
    let signing_key_file = section.optional("signing_key_file", file);
    let signing_key_file = signing_key_file.map(|file| section.resolve(&file));
    if let Some(path) = signing_key_file.as_deref().filter(|_| certificates_at.is_some())
        && let Err(error) = read_signing_key(path)
    {
        section.problem("signing_key_file", error);
    }
    let (webhooks, ca_file) = webhooks(section, certificates_at.is_some());
    let settings = ControlSettings {
        store,
        sealing_key_file,
        previous_sealing_key_file,
        pepper_file: section.resolve(&pepper_file),
        first_administrator_file: section.resolve(&first_administrator_file),
        lifetimes,
        retrieval: section.or("key_retrieval", RETRIEVAL, Retrieval::Always),
        import_body_limit: section.or("import_body_limit", IMPORT, 256 << 20),
        permissions: Permissions::read(section),
        webhooks,
        regions: regions(section, address, tls.is_some()),
    };
    Control { address, tls, ca_file, signing_key_file, settings }
}

fn regions(section: &mut Section, address: SocketAddr, tls: bool) -> Regions {
    let url = NonEmpty("a URL such as \"https://gate.example.com:8082\"");
    let public_url = match section.optional("public_url", url) {
        None => Server::local(address, tls),
        Some(url) => Server::read(&url).unwrap_or_else(|failure| {
            section.problem("public_url", failure);
            Server::local(address, tls)
        }),
    };
    Regions::read(section, public_url.as_str().to_owned())
}

fn webhooks(section: &mut Section, check: bool) -> (AddressRules, Option<PathBuf>) {
    let mut section = section.table_or_empty("webhooks");
    let rules = AddressRules {
        private: section.or("allow_private", Switch, false),
        plain: section.or("allow_http", Switch, false),
    };
    let file = NonEmpty("the path of a file with certificates");
    let ca_file = section.optional("ca_file", file).map(|file| section.resolve(&file));
    if let Some(file) = ca_file.as_deref().filter(|_| check)
        && let Err(error) = read_authorities(file)
    {
        section.problem("ca_file", error);
    }
    (rules, ca_file)
}
