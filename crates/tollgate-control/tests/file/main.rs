//! The file source as an operator meets it: documents on disk.

#![expect(clippy::unwrap_used, reason = "all of it is tests")]

mod bad;
mod digest;
mod keys_folder;
mod reference;
mod section;

use std::path::Path;

use std::sync::Arc;

use tollgate_control::document::{self, Problems, Section, Warnings};
use tollgate_control::file::read_objects;
use tollgate_control::model::Objects;

/// Sections that another crate reads.
const ASIDE: [&str; 9] =
    ["log", "access_log", "tracing", "process", "ops", "strangers", "control", "feed", "listeners"];

/// 2026-01-01.
const NOW: i64 = 1_767_225_600;

/// What a key needs beside itself.
const BASE: &str = r#"
upstreams.demo.url = "http://127.0.0.1:9000"
members.jo = {}
applications.acme.owner = "jo"
services.orders = { upstream = "demo", endpoints.all = {} }

[packages.basic.plans.free]
qps_limit_ceiling = 10
rate_limit_exempt = true
services.orders = {}
"#;

fn reader(root: &mut Section) -> Objects {
    for section in ASIDE {
        root.ignore(section);
    }
    Arc::unwrap_or_clone(read_objects(root, NOW).objects)
}

fn read(path: &Path) -> Result<(Objects, Warnings), Problems> {
    document::read(path, reader)
}

/// A key of the plan in [`BASE`], with a digest of its own.
fn key(number: usize) -> String {
    format!(
        "[keys.k{number}]\ndigest = \"sha256:{number:064x}\"\napplication = \"acme\"\n\
         package = \"basic\"\nplan = \"free\"\n"
    )
}
