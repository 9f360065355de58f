//! What a crate may know (a table of the design): which crates from outside it never uses, and
//! which of the workspace it may use.

use std::collections::BTreeSet;

use toml::Table;

use crate::sources;

struct Wall {
    name: &'static str,
    never: &'static [&'static [&'static str]],
    may_use: &'static [&'static str],
}

const SQL: &[&str] =
    &["diesel", "libsqlite3-sys", "postgres", "rusqlite", "sqlx", "tokio-postgres"];
const REDIS: &[&str] = &["fred", "redis"];
const HTTP: &[&str] = &["axum", "h2", "httparse", "hyper", "hyper-util", "reqwest", "tower"];
const RUNTIME: &[&str] = &["async-std", "futures", "mio", "smol", "tokio", "tokio-util"];
const FORMATS: &[&str] = &["serde", "serde_json", "serde_core", "toml", "toml_edit"];
const TELEMETRY: &[&str] = &["log", "prometheus", "tracing", "tracing-subscriber"];
const MACHINE: &[&str] = &["chrono", "jiff", "libc", "notify", "rustix", "socket2", "tempfile"];

const WALLS: &[Wall] = &[
    Wall {
        name: "tollgate-core",
        never: &[RUNTIME, HTTP, FORMATS, TELEMETRY, MACHINE, SQL, REDIS],
        may_use: &[],
    },
    Wall { name: "tollgate-proxy", never: &[SQL, REDIS], may_use: &["tollgate-core"] },
    Wall {
        name: "tollgate-control",
        never: &[REDIS],
        may_use: &["tollgate-core", "tollgate-feed"],
    },
    Wall { name: "tollgate-feed", never: &[SQL, REDIS], may_use: &["tollgate-core"] },
    Wall { name: "tollgate-fleet", never: &[HTTP], may_use: &["tollgate-core"] },
];

#[test]
fn no_crate_uses_what_it_may_not() {
    for (name, manifest) in members() {
        let wall = wall(&name);
        for dependency in dependencies(&manifest) {
            assert!(
                !wall.never.concat().contains(&&*dependency),
                "{name} never knows {dependency}"
            );
            let outside = !dependency.starts_with("tollgate");
            let allowed = outside || wall.may_use.contains(&&*dependency);
            assert!(allowed, "{name} may not use {dependency}");
        }
    }
}

#[test]
fn control_has_no_client_pool_of_hyper() {
    let manifest = sources::read("crates/tollgate-control/Cargo.toml");
    for pool in ["client-legacy", "client-pool"] {
        assert!(!manifest.contains(pool), "{pool}");
    }
    for (file, text) in sources::rust_files("crates/tollgate-control") {
        for pool in ["hyper::client", "hyper_util::client"] {
            assert!(!text.contains(pool), "{}: {pool}", file.display());
        }
    }
}

#[test]
fn core_reads_no_file_no_environment_and_no_clock() {
    let forbidden = [
        "std::fs",
        "std::env",
        "std::net",
        "std::process",
        "std::thread",
        "SystemTime",
        "Instant::now",
        "println!",
    ];
    for (file, text) in sources::rust_files("crates/tollgate-core/src") {
        if file.ends_with("tests.rs") || file.ends_with("fixture.rs") {
            continue;
        }
        for each in forbidden {
            let found = sources::without_tests(&text).contains(each);
            assert!(!found, "{} has {each}", file.display());
        }
    }
}

#[test]
fn the_proxy_can_read_snapshots_but_not_publish_them() {
    for (file, text) in sources::rust_files("crates/tollgate-proxy/src") {
        assert!(!text.contains("SnapshotWriter"), "{} can publish", file.display());
    }
}

#[test]
fn every_crate_stands_in_the_table_and_in_the_workspace() {
    let members: BTreeSet<_> = members().into_iter().map(|(name, _)| name).collect();
    for member in &members {
        wall(member);
    }
    for entry in std::fs::read_dir(sources::path("crates")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(name == "tollgate" || members.contains(&name), "{name} is not a member");
    }
    for founder in ["tollgate-core", "tollgate-proxy", "tollgate-control"] {
        assert!(members.contains(founder), "{founder} is missing");
    }
}

#[test]
fn only_the_glue_knows_every_crate() {
    let members: BTreeSet<_> = members().into_iter().map(|(name, _)| name).collect();
    let root = sources::read("Cargo.toml").parse::<Table>().unwrap();
    assert!(members.is_subset(&dependencies(&root)), "the binary leaves a crate out");
}

fn wall(name: &str) -> &'static Wall {
    let stands = WALLS.iter().find(|wall| wall.name == name);
    stands.unwrap_or_else(|| panic!("{name} does not stand in the table"))
}

/// The crates of the workspace, with their manifests.
fn members() -> Vec<(String, Table)> {
    let root = sources::read("Cargo.toml").parse::<Table>().unwrap();
    let members = root["workspace"]["members"].as_array().unwrap();
    let manifest = |member: &toml::Value| {
        let manifest = format!("{}/Cargo.toml", member.as_str().unwrap());
        let manifest = sources::read(&manifest).parse::<Table>().unwrap();
        (manifest["package"]["name"].as_str().unwrap().to_owned(), manifest)
    };
    members.iter().map(manifest).collect()
}

/// Every dependency, of tests and builds too, under the name of the package.
fn dependencies(manifest: &Table) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (key, value) in manifest {
        let Some(table) = value.as_table() else { continue };
        match key.as_str() {
            "dependencies" | "dev-dependencies" | "build-dependencies" => {
                found.extend(table.iter().map(|(name, dependency)| {
                    let package = dependency.get("package").and_then(toml::Value::as_str);
                    package.unwrap_or(name).to_owned()
                }));
            }
            "target" => {
                let platforms = table.values().filter_map(toml::Value::as_table);
                found.extend(platforms.flat_map(dependencies));
            }
            _ => {}
        }
    }
    found
}
