//! `[upstreams.*.tls]`

use std::path::PathBuf;

use tollgate_core::{CertificateFiles, ClientTls, MinimumVersion, ServerTls};

use super::super::kinds::Host;
use super::TlsFiles;
use crate::document::Section;
use crate::document::kind::{Choice, Kind, NonEmpty};
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

/// How the server at `address` is spoken to over TLS, by the table `tls` of `section`.
pub(super) fn read(
    section: &mut Section,
    address: Option<&Address>,
    files: Option<&dyn TlsFiles>,
) -> Option<ServerTls> {
    let table = section.table("tls");
    let https = matches!(address, Some(Address::Https(_)));
    if table.is_some() && !https && !section.is_probe() && !section.is_misfit("url") {
        section.problem("tls", "has no effect unless url begins with https://");
    }
    let given = table.is_some();
    let mut table = table.unwrap_or_else(|| section.table_or_empty("tls"));
    let own = table.optional("server_name", ServerName);
    let client = client(&mut table);
    if given && let Some(files) = files {
        for (field, message) in files.problems(&client) {
            table.problem(field, message);
        }
    }
    if !https {
        return None;
    }
    if !given && let Some(files) = files {
        // The authorities of the system are nothing that stands in a field.
        for (_, message) in files.problems(&client) {
            section.problem("url", message);
        }
    }
    let of_url = address.and_then(Address::host).map(|host| Value::String(host.to_owned()));
    let of_url = of_url.and_then(|host| ServerName.read(&host).ok());
    if own.is_none() && of_url.is_none() {
        section.problem("url", "names no host that a certificate can be for");
    }
    Some(ServerTls { server_name: own.or(of_url)?, client })
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
