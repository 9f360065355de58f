//! What is shipped, and how it is built.

use std::fs;

use tempfile::TempDir;

use crate::{sources, support::tollgate};

#[test]
fn the_image_is_built_by_commands_that_ci_runs() {
    let ci = sources::read(".ci/run");
    let dockerfile = sources::read("Dockerfile");
    let steps: Vec<_> = dockerfile.lines().filter_map(|line| line.strip_prefix("RUN ")).collect();
    assert!(steps.contains(&"release/build"), "{steps:?}");
    for step in steps {
        // Settings of the command's own may stand before it.
        let runs = |line: &str| line == step || line.ends_with(&format!(" {step}"));
        assert!(ci.lines().any(runs), "CI does not run `{step}`");
    }
}

#[test]
fn the_image_copies_only_what_the_build_keeps() {
    let kept = sources::read(".dockerignore");
    for folder in ["Cargo.toml", "Cargo.lock", "crates", "config", "tests", "benches", "release"] {
        assert!(kept.lines().any(|line| line == format!("!{folder}")), "{folder}");
    }
}

#[test]
fn the_image_runs_the_binary_as_nobody() {
    let dockerfile = sources::read("Dockerfile");
    let (_, last_stage) = dockerfile.rsplit_once("\nFROM ").unwrap();
    assert!(last_stage.contains("\nUSER 65532:65532\n"));
    assert!(last_stage.contains(r#"CMD ["tollgate", "health","#));
    let copied = last_stage.lines().filter(|line| line.starts_with("COPY"));
    assert_eq!(copied.count(), 2, "the binary and its configuration");
}

#[test]
fn the_configuration_of_the_image_needs_nothing_but_its_folder_of_keys() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("tollgate.toml");
    fs::copy(sources::path("config/container.toml"), &file).unwrap();
    fs::create_dir(folder.path().join("keys.d")).unwrap();
    let checked = tollgate(&["check".as_ref(), "--config".as_ref(), file.as_os_str()], "");
    assert_eq!(checked.code, Some(0), "{checked:?}");
}

#[test]
fn every_toolchain_named_is_the_one_of_the_manifest() {
    let manifest: toml::Table = sources::read("Cargo.toml").parse().unwrap();
    let version = manifest["workspace"]["package"]["rust-version"].as_str().unwrap();
    let image = format!("FROM rust:{version}-bookworm AS build");
    assert!(sources::read("Dockerfile").lines().any(|line| line == image), "{image}");
}
