//! The keys folder, also as Kubernetes mounts it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tollgate_control::model::Owner;

use crate::{BASE, key, read};

/// A document whose keys are in `keys.d`.
fn document() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tollgate.toml");
    fs::write(&path, format!("keys_folder = \"keys.d\"\n{BASE}")).unwrap();
    fs::create_dir(folder.path().join("keys.d")).unwrap();
    (folder, path)
}

#[test]
fn keys_of_all_files_are_read_and_know_their_file() {
    let (folder, path) = document();
    let keys = folder.path().join("keys.d");
    fs::write(keys.join("a.toml"), key(1)).unwrap();
    fs::write(keys.join("b.toml"), format!("\n{}", key(2))).unwrap();
    let (objects, warnings) = read(&path).unwrap();
    assert!(warnings.is_empty(), "{warnings}");
    let Owner::File(place) = &objects.keys["k2"].owner else { panic!("a file's") };
    assert_eq!(&*place.file, keys.join("b.toml").to_str().unwrap());
    assert_eq!((place.line, place.column), (2, 1));
    assert_eq!(objects.keys.len(), 2);
}

#[test]
fn hidden_files_and_other_kinds_are_passed_over() {
    let (folder, path) = document();
    let keys = folder.path().join("keys.d");
    fs::write(keys.join(".swap.toml"), "not toml").unwrap();
    fs::write(keys.join("notes.txt"), "not toml").unwrap();
    fs::create_dir(keys.join("old.toml")).unwrap();
    assert_eq!(read(&path).unwrap().0.keys.len(), 0);
}

#[test]
fn a_mounted_volume_is_read_through_its_links() {
    let folder = tempfile::tempdir().unwrap();
    // As a kubelet lays it out: files in a folder of the version, `..data` a link to that, and a
    // link through it for each file.
    let version = folder.path().join("..2026_01_01");
    fs::create_dir(&version).unwrap();
    fs::write(version.join("tollgate.toml"), format!("keys_folder = \"keys\"\n{BASE}")).unwrap();
    fs::write(version.join("keys.toml"), key(1)).unwrap();
    symlink("..2026_01_01", folder.path().join("..data")).unwrap();
    fs::create_dir(folder.path().join("keys")).unwrap();
    symlink("../..data/keys.toml", folder.path().join("keys/keys.toml")).unwrap();
    let main = folder.path().join("tollgate.toml");
    symlink("..data/tollgate.toml", &main).unwrap();
    assert_eq!(read(&main).unwrap().0.keys.len(), 1);
}

#[test]
fn a_link_to_nothing_is_a_problem() {
    let (folder, path) = document();
    let link = folder.path().join("keys.d/a.toml");
    symlink("..data/a.toml", &link).unwrap();
    let problems = read(&path).unwrap_err();
    assert_eq!(problems.len(), 1);
    let shown = problems.to_string();
    assert!(
        shown.starts_with(&format!("{}:1:1: the file cannot be read", link.display())),
        "{shown}"
    );
}

#[test]
fn problems_of_all_files_are_told_at_once() {
    let (folder, path) = document();
    let keys = folder.path().join("keys.d");
    fs::write(keys.join("a.toml"), "[keys.k1\n").unwrap();
    fs::write(keys.join("b.toml"), key(2).replace("acme", "acne")).unwrap();
    fs::write(keys.join("c.toml"), key(3).replace("basic", "gold")).unwrap();
    assert_eq!(read(&path).unwrap_err().len(), 3);
}

#[test]
fn an_expired_key_is_worth_a_warning() {
    let (folder, path) = document();
    let file = folder.path().join("keys.d/a.toml");
    for (expires, warnings) in [("2025-12-30", 1), ("2025-12-31", 1), ("2026-01-01", 0)] {
        fs::write(&file, format!("{}expires = {expires}\n", key(1))).unwrap();
        let (objects, found) = read(&path).unwrap();
        assert_eq!(found.iter().count(), warnings, "{expires}");
        assert_eq!(objects.keys.len(), 1);
    }
}

#[test]
fn ten_thousand_keys_are_read_fast() {
    let (folder, path) = document();
    for file in 0..10 {
        let keys: String = (0..1_000).map(|number| key(file * 1_000 + number)).collect();
        fs::write(folder.path().join(format!("keys.d/{file}.toml")), keys).unwrap();
    }
    let start = Instant::now();
    assert_eq!(read(&path).unwrap().0.keys.len(), 10_000);
    let took = start.elapsed();
    // Far above what it takes even unoptimized on a busy machine, far below what anything quadratic
    // would.
    assert!(took < Duration::from_secs(5), "{took:?}");
    println!("10,000 keys in {took:?}");
}
