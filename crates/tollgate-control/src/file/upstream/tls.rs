//! `[upstreams.*.tls]`

use std::path::PathBuf;

use tollgate_core::{CertificateFiles, ClientTls, MinimumVersion, ServerTls};

use super::super::kinds::Host;
use super::TlsFiles;
use crate::document::kind::{Choice, Kind, NonEmpty};
use crate::document::{Item, Section};
use crate::document::{Misfit, Value};
use crate::model::{Address, HostPattern};

/// The words for [`MinimumVersion`], of listeners and upstreams.
pub const TLS_VERSION: Choice<MinimumVersion> =
    Choice::of(&[("1.2", MinimumVersion::Tls12), ("1.3", MinimumVersion::Tls13)]);

/// A host that a certificate can be for.
#[derive(Clone, Copy, Debug)]
struct ServerName;

impl Kind for ServerName {
    type Value = Box<str>;

    fn expected(&self) -> String {
        "a host such as \"api.internal\"".to_owned()
    }

    fn read(&self, value: &Value) -> Result<Box<str>, Misfit> {
        match Host.read(value)? {
            HostPattern::Name(name) => Ok(name.trim_matches(['[', ']']).into()),
            HostPattern::Below(_) => Err(Misfit::because("which is not one host")),
        }
    }

    fn show(&self, value: &Box<str>) -> String {
        format!("\"{value}\"")
    }
}

/// How each of the servers at `addresses` is spoken to over TLS, by the table `tls` of `section`.
pub(super) fn read(
    section: &mut Section,
    addresses: &[Item<Address>],
    files: Option<&dyn TlsFiles>,
) -> Vec<Option<ServerTls>> {
    let table = section.table("tls");
    let is_https = |item: &Item<Address>| matches!(item.value, Address::Https(_));
    let https = addresses.iter().any(is_https);
    let fits = !section.is_misfit("url") && !section.is_misfit("targets");
    if table.is_some() && !https && !section.is_probe() && fits {
        section.problem("tls", "has no effect unless url begins with https://");
    }
    if https && let Some(plain) = addresses.iter().find(|item| !is_https(item)) {
        section.problem_at(plain.site.clone(), "is not https, as others of this list are");
    }
    let given = table.is_some();
    let mut table = table.unwrap_or_else(|| section.table_or_empty("tls"));
    let own = table.optional("server_name", ServerName);
    let client = client(&mut table);
    if let Some(files) = files.filter(|_| given || https) {
        for (field, message) in files.problems(&client) {
            // The authorities of the system are nothing that stands in a field.
            match addresses.first().filter(|_| !given) {
                Some(item) => section.problem_at(item.site.clone(), message),
                None => table.problem(field, message),
            }
        }
    }
    let each = addresses.iter().map(|item| {
        if !is_https(item) {
            return None;
        }
        let host = Value::String(item.value.host().unwrap_or_default().to_owned());
        let server_name = own.clone().or_else(|| ServerName.read(&host).ok());
        if server_name.is_none() {
            section.problem_at(item.site.clone(), "names no host that a certificate can be for");
        }
        Some(ServerTls { server_name: server_name?, client: client.clone() })
    });
    each.collect()
}

fn client(section: &mut Section) -> ClientTls {
    let file = |section: &mut Section, field, what| {
        section.optional(field, NonEmpty(what)).map(|file| section.resolve(&file))
    };
    let minimum_version = section.or("minimum_version", TLS_VERSION, MinimumVersion::Tls12);
    let ca_file = file(section, "ca_file", "the path of a file with certificates of authorities");
    let certificate = file(section, "certificate_file", "the path of a file with certificates");
    let key = file(section, "key_file", "the path of a file with a private key");
    ClientTls { minimum_version, ca_file, certificate: pair(section, certificate, key) }
}

/// A certificate and its key, of which there is both or neither.
fn pair(
    section: &Section,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
) -> Option<CertificateFiles> {
    match (section.has("certificate_file"), section.has("key_file")) {
        (true, false) => section.missing("key_file", "the key of certificate_file"),
        (false, true) => section.missing("certificate_file", "the certificate of key_file"),
        _ => {}
    }
    Some(CertificateFiles { certificate: certificate?, key: key? })
}
