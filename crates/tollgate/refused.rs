//! Why TLS was refused between a proxy and its control plane, in words for the operators of either.

use std::error::Error;
use std::io;

use rustls::{AlertDescription as A, CertificateError as C};

/// Why a control plane was not reached: an error with what is behind it. What TLS says is told in words of the
/// configuration.
pub(crate) fn told(error: &(dyn Error + 'static)) -> String {
    let mut told = error.to_string();
    let mut source = Some(error);
    while let Some(error) = source {
        if let Some(words) = tls(error).and_then(words) {
            return words;
        }
        source = error.source();
        if let Some(source) = source {
            told = format!("{told}: {source}");
        }
    }
    // HTTP/2 tells what TLS has said, and keeps it to itself as an error.
    match ALERTS.iter().find(|(alert, _)| told.contains(&heard(*alert))) {
        Some((alert, _)) => refused(*alert),
        None => told,
    }
}

/// Why a client was refused for its certificate, if it was; for who has its authorities in `client_ca_file`.
pub(crate) fn client_refused(error: &io::Error) -> Option<String> {
    match tls(error)? {
        rustls::Error::NoCertificatesPresented => Some("it presents no certificate".to_owned()),
        rustls::Error::InvalidCertificate(wrong) => {
            // What else it may say of a certificate is the client's own words.
            let why = unaccepted(wrong, "client_ca_file");
            Some(format!("its certificate {}", why.as_deref().unwrap_or("is not accepted")))
        }
        _ => None,
    }
}

/// What a control plane refuses a certificate with, and what that says of it.
const ALERTS: [(A, &str); 7] = [
    (A::CertificateRequired, "it wants one: certificate_file and key_file are missing"),
    (A::UnknownCA, "it is of no authority that it trusts"),
    // What an authority of the same name comes to.
    (A::DecryptError, "it is of no authority that it trusts"),
    (A::CertificateExpired, "it has expired, or is not valid yet"),
    (A::CertificateRevoked, "it is revoked"),
    (A::UnsupportedCertificate, "it is not one for clients"),
    (A::BadCertificate, "it is malformed"),
];

fn heard(alert: A) -> String {
    rustls::Error::AlertReceived(alert).to_string()
}

fn refused(alert: A) -> String {
    let heard = heard(alert);
    match ALERTS.iter().find(|(known, _)| *known == alert) {
        Some((_, why)) => {
            format!(
                "the control plane refuses the certificate of certificate_file: {why} ({heard})"
            )
        }
        None => format!("the control plane has refused TLS: {heard}"),
    }
}

/// TLS hides its errors within those of the system.
fn tls<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    inner.and_then(|inner| inner.downcast_ref()).or_else(|| error.downcast_ref())
}

fn words(error: &rustls::Error) -> Option<String> {
    match error {
        rustls::Error::InvalidCertificate(wrong) => {
            let why = unaccepted(wrong, "ca_file");
            let why = why.unwrap_or_else(|| format!("is not accepted: {wrong:?}"));
            Some(format!("the control plane's certificate {why}"))
        }
        rustls::Error::AlertReceived(alert) => Some(refused(*alert)),
        _ => None,
    }
}

/// What is wrong with a certificate, whose authorities stand in a file, if there are words for it.
fn unaccepted(wrong: &C, authorities: &str) -> Option<String> {
    Some(match wrong {
        // The second is what an authority of the same name comes to.
        C::UnknownIssuer | C::BadSignature => format!("is of no authority of {authorities}"),
        C::NotValidForName | C::NotValidForNameContext { .. } => {
            "is not for the host of url".to_owned()
        }
        C::Expired | C::ExpiredContext { .. } => "has expired".to_owned(),
        C::NotValidYet | C::NotValidYetContext { .. } => "is not valid yet".to_owned(),
        _ => return None,
    })
}
