//! Why a control plane was not reached, in words for operators.

use std::error::Error;
use std::io;

use rustls::CertificateError as C;

/// An error with what is behind it. What TLS says is told in words of the configuration.
pub(super) fn told(error: &(dyn Error + 'static)) -> String {
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
    if told.contains("received fatal alert") { refused(&told) } else { told }
}

fn refused(why: &str) -> String {
    format!(
        "the control plane has refused TLS, expected certificate_file and key_file that it trusts: {why}"
    )
}

/// TLS hides its errors within those of the system.
fn tls<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    inner.and_then(|inner| inner.downcast_ref()).or_else(|| error.downcast_ref())
}

fn words(error: &rustls::Error) -> Option<String> {
    let wrong = match error {
        rustls::Error::InvalidCertificate(wrong) => wrong,
        rustls::Error::AlertReceived(_) => return Some(refused(&error.to_string())),
        _ => return None,
    };
    let why = match wrong {
        // The second is what an authority of the same name comes to.
        C::UnknownIssuer | C::BadSignature => "is of no authority of ca_file".to_owned(),
        C::NotValidForName | C::NotValidForNameContext { .. } => {
            "is not for the host of url".to_owned()
        }
        C::Expired | C::ExpiredContext { .. } => "has expired".to_owned(),
        C::NotValidYet | C::NotValidYetContext { .. } => "is not valid yet".to_owned(),
        other => format!("is not accepted: {other:?}"),
    };
    Some(format!("the control plane's certificate {why}"))
}
