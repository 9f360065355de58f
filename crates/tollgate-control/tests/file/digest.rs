//! Schemes and peppers.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use tempfile::TempDir;
use tollgate_control::model::{Scheme, SchemeSettings};

use crate::{BASE, key, read};

/// A document with this `[digest]`, and a pepper beside it that only its owner can read.
fn document(digest: &str, pepper: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tollgate.toml");
    fs::write(&path, format!("[digest]\n{digest}")).unwrap();
    let file = folder.path().join("pepper");
    fs::write(&file, pepper).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    (folder, path)
}

const HMAC: &str = "scheme = \"hmac-sha256\"\npepper_file = \"pepper\"\n";

#[test]
fn the_line_break_at_the_end_is_no_part_of_a_pepper() {
    for written in ["a-pepper-of-20-bytes", "a-pepper-of-20-bytes\n", "a-pepper-of-20-bytes\r\n"] {
        let (_folder, path) = document(HMAC, written.as_bytes());
        let (objects, warnings) = read(&path).unwrap();
        assert!(warnings.is_empty(), "{warnings}");
        let SchemeSettings::HmacSha256(pepper) = objects.digests.current else { panic!("hmac") };
        assert_eq!(pepper.secret().as_slice(), b"a-pepper-of-20-bytes");
    }
}

#[test]
fn a_fingerprint_is_held_against_the_pepper() {
    // printf %s a-pepper-of-20-bytes | sha256sum | cut -c1-16
    let right = "c06f936f9ac42623";
    let with = |fingerprint: &str| format!("{HMAC}pepper_fingerprint = \"{fingerprint}\"\n");
    let (_folder, path) = document(&with(right), b"a-pepper-of-20-bytes\n");
    read(&path).unwrap();
    let (_folder, path) = document(&with("0123456789abcdef"), b"a-pepper-of-20-bytes\n");
    let problems = read(&path).unwrap_err().to_string();
    assert!(problems.contains("4:22: digest.pepper_fingerprint: "), "{problems}");
    assert!(problems.contains(right), "{problems}");
}

#[test]
fn a_pepper_that_others_can_read_is_refused() {
    let (folder, path) = document(HMAC, b"canary-canary-canary");
    fs::set_permissions(folder.path().join("pepper"), Permissions::from_mode(0o640)).unwrap();
    let problems = read(&path).unwrap_err().to_string();
    assert!(problems.contains(":3:15: digest.pepper_file: "), "{problems}");
    assert!(problems.contains("mode 0640"), "{problems}");
}

#[test]
fn an_empty_pepper_is_refused_and_a_short_one_warned_of() {
    let (_folder, path) = document(HMAC, b"\n");
    assert!(read(&path).unwrap_err().to_string().contains("is empty"));
    let (_folder, path) = document(HMAC, b"short");
    assert_eq!(read(&path).unwrap().1.iter().count(), 1);
}

#[test]
fn the_previous_scheme_is_read() {
    let (_folder, path) = document(&format!("{HMAC}[digest.previous]\n"), b"a-pepper-of-20-bytes");
    let digests = read(&path).unwrap().0.digests;
    assert_eq!(digests.previous.as_ref().map(SchemeSettings::scheme), Some(Scheme::Sha256));
    assert!(digests.know(Scheme::Sha256) && digests.know(Scheme::HmacSha256));
}

#[test]
fn a_pepper_that_cannot_be_read_is_the_only_problem() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tollgate.toml");
    let digest = "digest = { scheme = \"hmac-sha256\", pepper_file = \"pepper\" }";
    let key = key(1).replace("sha256:", "hmac-sha256:");
    fs::write(&path, format!("{digest}\n{BASE}{key}")).unwrap();
    let problems = read(&path).unwrap_err();
    assert_eq!(problems.len(), 1, "{problems}");
}
