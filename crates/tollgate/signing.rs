//! The files of keys that sign the key feed: Ed25519, as `openssl genpkey -algorithm ed25519` and
//! `openssl pkey -pubout` write them.

use std::path::{Path, PathBuf};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer};
use tollgate_control::secret::read_secret;
use tollgate_feed::sign::{PublicKey, PublicKeys, SigningKey};

/// Reads what signs, which nobody else may read.
///
/// # Errors
/// What is wrong with the file. It never repeats what stands in it.
pub(crate) fn read_signing_key(path: &Path) -> Result<SigningKey, String> {
    let pem = read_secret(path).map_err(|error| error.to_string())?;
    let wrong = || "the file holds no private key of Ed25519 in PEM (PKCS#8)".to_owned();
    let der = PrivatePkcs8KeyDer::from_pem_slice(&pem).map_err(|_| wrong())?;
    SigningKey::of_der(der.secret_pkcs8_der()).map_err(|_| wrong())
}

/// Reads the keys of which one has to have signed the feed.
///
/// # Errors
/// What is wrong with which file.
pub(crate) fn read_public_keys(paths: &[PathBuf]) -> Result<PublicKeys, String> {
    let keys = paths
        .iter()
        .map(|path| read_public_key(path).map_err(|wrong| format!("{}: {wrong}", path.display())));
    Ok(PublicKeys::new(keys.collect::<Result<_, _>>()?))
}

fn read_public_key(path: &Path) -> Result<PublicKey, String> {
    let pem = std::fs::read(path).map_err(|error| format!("the file cannot be read: {error}"))?;
    let wrong = || "the file holds no public key of Ed25519 in PEM".to_owned();
    let der = SubjectPublicKeyInfoDer::from_pem_slice(&pem).map_err(|_| wrong())?;
    PublicKey::of_der(&der).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    // RFC 8410 §10.3 and §10.1.
    const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\n\
        MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
        -----END PRIVATE KEY-----\n";
    const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\n\
        MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n\
        -----END PUBLIC KEY-----\n";

    #[test]
    fn keys_are_read_as_openssl_writes_them_and_nothing_else_is() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str, mode| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            path
        };
        let (private, public) = (write("key", PRIVATE, 0o600), write("key.pub", PUBLIC, 0o644));
        assert!(read_signing_key(&private).is_ok());
        let keys = read_public_keys(std::slice::from_ref(&public)).unwrap();
        assert_eq!(format!("{keys:?}").len(), "[0123456789abcdef]".len());
        assert!(read_signing_key(&write("open", PRIVATE, 0o644)).unwrap_err().contains("0644"));
        let wrong = read_signing_key(&write("wrong", PUBLIC, 0o600)).unwrap_err();
        assert!(wrong.contains("no private key of Ed25519"), "{wrong}");
        let wrong = read_public_keys(&[public, private]).unwrap_err();
        assert!(wrong.contains("key: ") && wrong.contains("no public key of Ed25519"), "{wrong}");
        assert!(!wrong.contains("MC4C"), "{wrong}");
    }
}
