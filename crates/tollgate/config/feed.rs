//! `[feed]`

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hyper::http::Uri;
use tollgate_control::document::Section;
use tollgate_control::document::kind::{Choice, Integer, NonEmpty, Time};
use tollgate_feed::receive::Absence;

use crate::certificates::{Wrong, lapse, read_authorities, read_certificate};
use crate::signing::read_public_keys;

const SHARE: Integer<u8> = Integer::within(0, 100);
const AT_LEAST: Integer<usize> = Integer::within(1, 1 << 30);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const SERVE_FOR: Time = Time::within(Duration::from_secs(1), DAY.saturating_mul(365));
const ON_LEASE_END: Choice<bool> = Choice::of(&[("refuse", true), ("serve", false)]);

/// What a proxy has to have itself where a control plane feeds it; everything else comes from there.
const OTHERS: [&str; 7] =
    ["control", "services", "packages", "members", "applications", "keys", "keys_folder"];

/// The control plane that feeds the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feed {
    /// How the control plane is reached.
    pub reach: Reach,
    /// The public keys of which one has to have signed what the control plane sends; none = whatever comes is
    /// taken.
    pub public_key_files: Vec<PathBuf>,
    /// The name by which the control plane knows the process.
    pub name: String,
    /// The region that the process stands in, if it says one.
    pub region: Option<String>,
    /// Where the last known good is kept.
    pub folder: PathBuf,
    /// For how long decisions are made without the control plane; `None` = without a bound.
    pub serve_for: Option<Duration>,
    /// When the absence of keys waits for an operator.
    pub absence: Absence,
}

/// How a control plane is reached, and what it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// The connect URL of the access key.
    pub url: ConnectUrl,
    /// The file with the secret of the access key; `None` = it is for whoever has the certificate.
    pub access_key_file: Option<PathBuf>,
    /// Authorities that the control plane's certificate has to be of; `None` = the system's.
    pub ca_file: Option<PathBuf>,
    /// What is presented to a control plane that asks: certificate and key.
    pub certificate: Option<(PathBuf, PathBuf)>,
}

/// Where the feed is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectUrl {
    /// Whether it is spoken to over TLS.
    pub tls: bool,
    /// Host name or address, without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// What `Host` says.
    pub authority: String,
    /// The path, without a slash at its end.
    pub path: String,
}

const URL: &str = "the connect URL of an access key, such as \
                   \"https://gate.example.com:8082/feed/v1/edge-1\", or http:// with a loopback address";

impl ConnectUrl {
    /// What is expected of one.
    pub const EXPECTED: &'static str = URL;

    /// Reads a URL. A plain one has to stay on this machine: a secret goes there.
    #[must_use]
    pub fn read(url: &str) -> Option<Self> {
        let uri: Uri = url.trim().parse().ok()?;
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'))?;
        let tls = match uri.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        let loopback = host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        let stays = host.eq_ignore_ascii_case("localhost") || loopback;
        let path = uri.path().trim_end_matches('/');
        let whole = path.len() > 1 && uri.query().is_none() && (tls || stays);
        whole.then(|| Self {
            tls,
            host: host.to_owned(),
            port: authority.port_u16().unwrap_or(if tls { 443 } else { 80 }),
            authority: authority.to_string(),
            path: path.to_owned(),
        })
    }
}

/// Reads the section, and with `certificates_at`, a second since 1970, looks into the files of certificates.
pub(super) fn read(root: &mut Section, certificates_at: Option<i64>) -> Option<Feed> {
    let mut section = root.table("feed")?;
    let url = section.required("url", NonEmpty(URL));
    let url = url.and_then(|url| {
        let read = ConnectUrl::read(&url);
        if read.is_none() {
            section.problem("url", format_args!("expected {URL}"));
        }
        read
    });
    let file = NonEmpty("the path of a file");
    let path = |section: &Section, file: String| section.resolve(&file);
    let access_key = section.optional("access_key_file", file).map(|file| path(&section, file));
    let ca_file = section.optional("ca_file", file).map(|file| path(&section, file));
    let certificate = section.optional("certificate_file", file).map(|file| path(&section, file));
    let key = section.optional("key_file", file).map(|file| path(&section, file));
    if certificate.is_some() != key.is_some() {
        let (there, missing) = match certificate {
            Some(_) => ("certificate_file", "key_file"),
            None => ("key_file", "certificate_file"),
        };
        section.problem(there, format_args!("has no effect without {missing}, expected both"));
    }
    let public_key_files = section.list_or("public_key_files", file, Vec::new());
    let public_key_files: Vec<_> =
        public_key_files.iter().map(|file| section.resolve(file)).collect();
    let certificate = certificate.zip(key);
    if let Some(now) = certificates_at {
        look_into(&section, certificate.as_ref(), ca_file.as_deref(), now);
        if let Err(error) = read_public_keys(&public_key_files) {
            section.problem("public_key_files", error);
        }
    }
    let shows = section.has("access_key_file") || section.has("certificate_file");
    if !shows && !section.has("key_file") {
        section.missing(
            "access_key_file",
            "the secret of the access key, or certificate_file and key_file",
        );
    } else if let Some(url) = url.as_ref().filter(|url| !url.tls && access_key.is_none() && shows) {
        let message =
            "cannot be shown a certificate over http://, expected https:// or access_key_file";
        section.problem("url", format_args!("{} {message}", url.authority));
    }
    let folder = section.or("folder", NonEmpty("the path of a folder"), "feed".to_owned());
    let folder = section.resolve(&folder);
    let name = section.optional("name", NonEmpty("the name of this proxy"));
    let name = name.unwrap_or_else(host_name);
    let region = section.optional("region", NonEmpty("the name of a region"));
    let serve_for = section.or("serve_for", SERVE_FOR, DAY);
    let refuse = section.or("on_lease_end", ON_LEASE_END, true);
    let default = Absence::default();
    let absence = Absence {
        max_share: section.or("max_absent_share", SHARE, default.max_share),
        at_least: section.or("absent_at_least", AT_LEAST, default.at_least),
    };
    let serve_for = refuse.then_some(serve_for);
    Some(Feed {
        reach: Reach { url: url?, access_key_file: access_key, ca_file, certificate },
        public_key_files,
        name,
        region,
        folder,
        serve_for,
        absence,
    })
}

/// Reports what is wrong with the files of certificates.
fn look_into(
    section: &Section,
    certificate: Option<&(PathBuf, PathBuf)>,
    ca_file: Option<&Path>,
    now: i64,
) {
    match certificate.map(|(chain, key)| read_certificate(chain, key)) {
        Some(Ok(certificate)) => {
            if let Some(lapse) = lapse(&certificate, now) {
                section.warning("certificate_file", lapse);
            }
        }
        Some(Err(wrongs)) => {
            for Wrong { field, message } in wrongs {
                section.problem(field, message);
            }
        }
        None => {}
    }
    if let Some(Err(error)) = ca_file.map(read_authorities) {
        section.problem("ca_file", error);
    }
}

/// Reports what stands beside `[feed]` and cannot, once everything was read.
pub(super) fn check_beside(root: &Section) {
    for other in root.given(&OTHERS) {
        root.problem(
            other,
            "cannot stand beside [feed], which brings it from the control plane; expected one of both",
        );
    }
}

fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    Some(name.trim()).filter(|name| !name.is_empty()).unwrap_or("proxy").to_owned()
}

impl Feed {
    /// The folder, for who looks into it.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_go_over_tls_or_stay_on_the_machine() {
        for (url, expected) in [
            ("https://gate.example.com/feed/v1/edge-1", Some(("gate.example.com", 443))),
            ("https://gate.example.com:8082/feed/v1/edge-1/", Some(("gate.example.com", 8082))),
            ("http://[::1]:8082/feed/v1/edge-1", Some(("::1", 8082))),
            ("http://127.0.0.1:8082/feed/v1/edge-1", Some(("127.0.0.1", 8082))),
            ("http://gate.example.com/feed/v1/edge-1", None),
            ("https://gate.example.com", None),
            ("https://me:secret@gate.example.com/feed/v1/edge-1", None),
            ("https://gate.example.com/feed/v1/edge-1?a=b", None),
            ("ftp://gate.example.com/feed/v1/edge-1", None),
            ("/feed/v1/edge-1", None),
        ] {
            let read = ConnectUrl::read(url);
            let read = read.as_ref().map(|url| (url.host.as_str(), url.port));
            assert_eq!(read, expected, "{url}");
        }
    }
}
