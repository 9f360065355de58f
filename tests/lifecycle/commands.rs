use std::{fs, os::unix::fs::PermissionsExt};

use tempfile::TempDir;

use crate::support::{Config, Finished, Origin, Tollgate, digest, tollgate};

/// Runs a command over a file.
fn over(command: &str, config: &str, input: &str) -> Finished {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("tollgate.toml");
    fs::write(&file, config).unwrap();
    tollgate(&[command.as_ref(), "--config".as_ref(), file.as_os_str()], input)
}

#[test]
fn check_is_content_with_a_good_file() {
    let finished = over("check", &Config::new(&Origin::start()).to_string(), "");
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_eq!(finished.stdout.lines().count(), 1, "{finished:?}");
}

#[test]
fn check_tells_every_problem_with_its_place() {
    let origin = Origin::start();
    let config = Config::new(&origin)
        .service("path = \"orders\"\nupstream = \"demon\"")
        .section("members.jo", "status = \"asleep\"")
        .key("acme-2", "other", "qps_limit_celing = 5")
        .to_string();
    let finished = over("check", &config, "");
    assert_eq!(finished.code, Some(2), "{finished:?}");
    for (field, place) in [
        ("services.orders.path", "path = \"orders\""),
        ("services.orders.upstream", "upstream = \"demon\""),
        ("members.jo.status", "status = \"asleep\""),
        ("keys.acme-2.qps_limit_celing", "qps_limit_celing"),
    ] {
        let line = config.lines().position(|line| line.starts_with(place)).unwrap() + 1;
        let told = finished.stderr.lines().any(|problem| {
            problem.contains(&format!("tollgate.toml:{line}:")) && problem.contains(field)
        });
        assert!(told, "{field} in line {line}: {}", finished.stderr);
    }
}

#[test]
fn digest_reads_a_key_and_drops_one_line_end() {
    for input in ["demo", "demo\n"] {
        let finished = tollgate(&["digest"], input);
        assert_eq!(finished.code, Some(0), "{finished:?}");
        assert_eq!(finished.stdout, format!("{}\n", digest("demo")));
    }
}

#[test]
fn digest_takes_no_key_from_where_others_can_read_it() {
    let finished = tollgate(&["digest", "very-secret"], "");
    assert_eq!(finished.code, Some(2), "{finished:?}");
}

#[test]
fn digest_with_a_secret_prints_what_the_section_of_the_key_says() {
    for input in ["demo\nits-secret", "demo\nits-secret\n", "demo\r\nits-secret\r\n"] {
        let finished = tollgate(&["digest", "--with-secret"], input);
        assert_eq!(finished.code, Some(0), "{finished:?}");
        let (printed, wrapped) = finished.stdout.split_once("wrapped_secret = ").unwrap();
        assert!(wrapped.starts_with("\"wrapped:v1:"), "{finished:?}");
        let expected = format!(
            "digest = \"{}\"\nsecret_digest = \"{}\"\n",
            digest("demo"),
            digest("its-secret")
        );
        assert_eq!(printed, expected);
    }
}

#[test]
fn digest_goes_by_the_scheme_of_the_file() {
    let origin = Origin::start();
    let folder = TempDir::new().unwrap();
    let pepper = folder.path().join("pepper");
    fs::write(&pepper, "0123456789abcdef0123456789abcdef").unwrap();
    fs::set_permissions(&pepper, fs::Permissions::from_mode(0o600)).unwrap();
    let file = folder.path().join("tollgate.toml");
    let config = Config::new(&origin)
        .without("keys")
        .section("digest", "scheme = \"hmac-sha256\"\npepper_file = \"pepper\"");
    fs::write(&file, config.to_string()).unwrap();
    let made = tollgate(&["digest".as_ref(), "--config".as_ref(), file.as_os_str()], "demo");
    assert!(made.stdout.starts_with("hmac-sha256:"), "{made:?}");

    let body = Config::key_body("demo", "").replace(&digest("demo"), made.stdout.trim());
    fs::write(&file, config.section("keys.acme-1", &body).to_string()).unwrap();
    let gate = Tollgate::start_in(folder, "tollgate.toml");
    gate.get("/orders").key("demo").send().admitted();
}

#[test]
fn a_pepper_that_others_can_read_is_refused() {
    let folder = TempDir::new().unwrap();
    let pepper = folder.path().join("pepper");
    fs::write(&pepper, "0123456789abcdef0123456789abcdef").unwrap();
    fs::set_permissions(&pepper, fs::Permissions::from_mode(0o640)).unwrap();
    let file = folder.path().join("tollgate.toml");
    let config = Config::new(&Origin::start())
        .without("keys")
        .section("digest", "scheme = \"hmac-sha256\"\npepper_file = \"pepper\"");
    fs::write(&file, config.to_string()).unwrap();
    let checked = tollgate(&["check".as_ref(), "--config".as_ref(), file.as_os_str()], "");
    assert_eq!(checked.code, Some(2), "{checked:?}");
    assert!(checked.stderr.contains("pepper"), "{checked:?}");
}

#[test]
fn health_asks_whether_it_is_ready() {
    let gate = Tollgate::start(&Config::new(&Origin::start()));
    let at = |config: Config, address: std::net::SocketAddr| {
        let config = config.section("ops", &format!("address = \"{address}\""));
        over("health", &config.to_string(), "").code
    };
    let config = || Config::new(&Origin::start());
    assert_eq!(at(config(), gate.ops()), Some(0));
    let address = gate.ops();
    drop(gate);
    assert_eq!(at(config(), address), Some(1));
}
