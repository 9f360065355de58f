//! A build without the feature has nothing of it.

use std::process::Command;

/// The packages that the binary is built of, with these arguments.
fn packages(arguments: &[&str]) -> String {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--edges", "normal,build", "--prefix", "none"])
        .args(["--package", "tollgate"])
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(tree.status.success(), "{tree:?}");
    String::from_utf8(tree.stdout).unwrap()
}

#[test]
fn only_a_build_with_the_feature_depends_on_what_it_takes() {
    let has = |packages: &str, name: &str| {
        packages.lines().any(|line| line.split(' ').next() == Some(name))
    };
    let (without, with) = (packages(&[]), packages(&["--features", "otlp"]));
    assert!(has(&without, "rtrb") && has(&with, "prost"));
    for name in ["prost", "prost-derive", "opentelemetry", "tonic"] {
        assert!(!has(&without, name), "{name}");
    }
}
