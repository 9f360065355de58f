//! Whom a client believes to be the control plane.

use std::path::Path;
use std::sync::Arc;

use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};

use super::Failure;

/// What TLS is spoken with: by the roots of the system, or by those of a file alone.
pub(super) fn config(ca_file: Option<&Path>) -> Result<TlsConfig, Failure> {
    let roots = match ca_file {
        Some(file) => of_file(file)?,
        None => of_system()?,
    };
    Ok(TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .root_certs(RootCerts::new_with_certs(&roots))
        .build())
}

fn of_file(file: &Path) -> Result<Vec<Certificate<'static>>, Failure> {
    let wrong = |what: &str| Failure::Wrong(format!("--ca-file: {what}"));
    let pem = std::fs::read(file).map_err(|error| wrong(&error.to_string()))?;
    let mut roots = Vec::new();
    for item in parse_pem(&pem) {
        match item {
            Ok(PemItem::Certificate(certificate)) => roots.push(certificate),
            Ok(_) => {}
            Err(_) => return Err(wrong("expected certificates in PEM")),
        }
    }
    if roots.is_empty() {
        return Err(wrong("holds no certificate, expected those of an authority, in PEM"));
    }
    Ok(roots)
}

fn of_system() -> Result<Vec<Certificate<'static>>, Failure> {
    let loaded = rustls_native_certs::load_native_certs();
    if loaded.certs.is_empty() {
        return Err(Failure::Wrong(
            "this system has no certificates of authorities, expected --ca-file".to_owned(),
        ));
    }
    Ok(loaded.certs.iter().map(|der| Certificate::from_der(der).to_owned()).collect())
}
