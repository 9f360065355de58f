use std::{fs, net::TcpListener};

use tempfile::TempDir;

use crate::support::{Config, Finished, Origin, Tollgate, tollgate};

/// Runs it with a configuration with which it does not come to serve.
fn run(config: &Config) -> Finished {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("tollgate.toml");
    fs::write(&file, config.to_string()).unwrap();
    tollgate(&["run".as_ref(), "--config".as_ref(), file.as_os_str()], "")
}

#[test]
fn a_port_in_use_is_named() {
    let origin = Origin::start();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for section in ["listeners.public", "ops"] {
        let config = Config::new(&origin).section(section, &format!("address = \"{address}\""));
        let finished = run(&config);
        assert_eq!(finished.code, Some(1), "{finished:?}");
        assert!(finished.stderr.contains(&address), "{finished:?}");
    }
}

#[test]
fn two_of_them_never_share_a_port() {
    let origin = Origin::start();
    let first = Tollgate::start(&Config::new(&origin));
    let address = first.data().to_string();
    let second =
        Config::new(&origin).section("listeners.public", &format!("address = \"{address}\""));
    let finished = run(&second);
    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert!(finished.stderr.contains(&address), "{finished:?}");
    first.get("/orders").key("demo").send().admitted();
}

#[test]
fn a_configuration_with_problems_does_not_start() {
    let origin = Origin::start();
    let finished = run(&Config::new(&origin).without("listeners"));
    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert!(finished.stderr.contains("listener"), "{finished:?}");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let finished = tollgate(&["run", "--config", "nowhere.toml"], "");
    assert!(matches!(finished.code, Some(1 | 2)), "{finished:?}");
    assert!(finished.stderr.contains("nowhere.toml"), "{finished:?}");
}

#[test]
fn what_it_does_not_know_is_a_usage_error() {
    for arguments in [vec!["frobnicate"], vec!["run", "--frobnicate"], vec![]] {
        let finished = tollgate(&arguments, "");
        assert_eq!(finished.code, Some(2), "{arguments:?}: {finished:?}");
    }
}
