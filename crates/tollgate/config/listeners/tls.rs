//! `[listeners.*.tls]`

use std::path::PathBuf;
use std::time::Duration;

use tollgate_control::document::kind::{Choice, Name, NameKind, NonEmpty, Time};
use tollgate_control::document::{Section, one_of};
use tollgate_control::file::TLS_VERSION;
use tollgate_core::MinimumVersion;
use tollgate_proxy::Certificate;

use crate::certificates::{Wrong, lapse, read_authorities};

const CLIENT: Choice<ClientCertificate> = Choice::of(&[
    ("none", ClientCertificate::None),
    ("optional", ClientCertificate::Optional),
    ("required", ClientCertificate::Required),
]);
const HANDSHAKE: Time = Time::within(Duration::from_millis(100), Duration::from_secs(10 * 60));

/// How a listener takes TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The oldest version of TLS that is spoken.
    pub minimum_version: MinimumVersion,
    /// For a whole handshake.
    pub handshake_timeout: Duration,
    /// Whether clients present certificates.
    pub client_certificate: ClientCertificate,
    /// The authorities that vouch for clients.
    pub client_ca_file: Option<PathBuf>,
    /// What clients get that name no host, or one that no certificate is for.
    pub default_certificate: Option<Name>,
    /// In the order of the document.
    pub certificates: Vec<CertificateFiles>,
}

/// Whether clients present certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientCertificate {
    /// They are not asked.
    None,
    /// They may.
    Optional,
    /// They have to.
    Required,
}

/// A certificate and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// What logs and metrics call it.
    pub name: Name,
    /// The chain, in PEM.
    pub certificate: PathBuf,
    /// Its private key, in PEM.
    pub key: PathBuf,
}

pub(in super::super) fn read(section: &mut Section, certificates_at: Option<i64>) -> Tls {
    let minimum_version = section.or("minimum_version", TLS_VERSION, MinimumVersion::Tls12);
    let handshake_timeout = section.or("handshake_timeout", HANDSHAKE, Duration::from_secs(10));
    let (client_certificate, client_ca_file) = clients(section, certificates_at.is_some());
    let default = section.optional("default_certificate", NameKind("the name of a certificate"));
    let tables = section.tables("certificates");
    if tables.is_empty() && !section.has("certificates") {
        section.missing("certificates", "at least one table such as certificates.main");
    }
    let certificates = tables.into_iter();
    let certificates: Vec<_> = certificates
        .filter_map(|(name, mut section)| certificate(name, &mut section, certificates_at))
        .collect();
    let names = certificates.iter().map(|certificate| certificate.name.as_str());
    if let Some(default) = default.as_deref()
        && !certificates.is_empty()
        && !names.clone().any(|name| name == default)
    {
        let message = format_args!("no certificate {default:?} ({})", one_of(default, names));
        section.problem("default_certificate", message);
    }
    // The only one is for whoever comes.
    let only = match &certificates[..] {
        [only] => Some(only.name.clone()),
        _ => None,
    };
    let default_certificate = default.or(only);
    Tls {
        minimum_version,
        handshake_timeout,
        client_certificate,
        client_ca_file,
        default_certificate,
        certificates,
    }
}

fn clients(section: &mut Section, check: bool) -> (ClientCertificate, Option<PathBuf>) {
    const FILE: NonEmpty = NonEmpty("the path of a file with certificates of authorities");
    let asked = section.or("client_certificate", CLIENT, ClientCertificate::None);
    let file = section.optional("client_ca_file", FILE).map(|file| section.resolve(&file));
    let given = section.has("client_ca_file");
    let is_none = asked == ClientCertificate::None;
    if is_none && given && !section.is_misfit("client_certificate") {
        let message = "has no effect unless client_certificate is \"optional\" or \"required\"";
        section.problem("client_ca_file", message);
    } else if !is_none && !given {
        section.missing("client_ca_file", "the path of a file with authorities");
    }
    if let Some(file) = file.as_deref().filter(|_| check && !is_none)
        && let Err(error) = read_authorities(file)
    {
        section.problem("client_ca_file", error);
    }
    (asked, file)
}

fn certificate(
    name: Name,
    section: &mut Section,
    certificates_at: Option<i64>,
) -> Option<CertificateFiles> {
    let file = |section: &mut Section, field, what| {
        section.required(field, NonEmpty(what)).map(|file| section.resolve(&file))
    };
    let certificate = file(section, "certificate_file", "the path of a file with certificates");
    let key = file(section, "key_file", "the path of a file with a private key");
    let files = CertificateFiles { name, certificate: certificate?, key: key? };
    if let Some(now) = certificates_at {
        match files.read() {
            Ok(certificate) => warn(section, &certificate, now),
            Err(wrongs) => {
                for Wrong { field, message } in wrongs {
                    section.problem(field, message);
                }
            }
        }
    }
    Some(files)
}

fn warn(section: &Section, certificate: &Certificate, now: i64) {
    if let Some(lapse) = lapse(certificate, now) {
        section.warning("certificate_file", lapse);
    }
}
