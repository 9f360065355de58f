//! Certificates of clients.

use tollgate_core::CertificateFingerprint;

use crate::document::kind::string;
use crate::document::{Kind, Misfit, Value};

/// The SHA-256 of a certificate's DER.
#[derive(Clone, Copy, Debug)]
pub(in crate::file) struct ClientCertificate;

impl Kind for ClientCertificate {
    type Value = CertificateFingerprint;

    fn expected(&self) -> String {
        "\"sha256:\" and the 64 hex digits of a certificate's SHA-256 fingerprint".to_owned()
    }

    fn read(&self, value: &Value) -> Result<CertificateFingerprint, Misfit> {
        CertificateFingerprint::parse(string(value)?).ok_or_else(Misfit::plain)
    }

    fn show(&self, value: &CertificateFingerprint) -> String {
        format!("\"{value}\"")
    }
}
