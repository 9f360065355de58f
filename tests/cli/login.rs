//! Logging in and out, and whom a command takes for the control plane.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value as Json, json};
use tempfile::TempDir;

use super::Desk;
use crate::support::{Authority, Config, Origin, Tollgate, finish, first_administrator, wait_for};

fn logins(desk: &Desk) -> std::path::PathBuf {
    desk.home.path().join("tollgate/logins.json")
}

fn kept(desk: &Desk) -> Json {
    serde_json::from_str(&fs::read_to_string(logins(desk)).unwrap()).unwrap()
}

fn mode(path: &std::path::Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_login_is_kept_for_its_owner_only_until_it_is_ended() {
    let desk = Desk::start();
    assert!(desk.run(&["key", "list"]).failed(2).contains("no control plane is named"));
    let server = desk.server();
    let listed = desk.run(&["key", "list", "--server", &server]);
    assert!(listed.failed(6).contains("nobody is logged in"));

    assert!(desk.log_in().done().starts_with(&format!("logged in at {server};")));
    assert_eq!(mode(&logins(&desk)), 0o600);
    assert_eq!(mode(logins(&desk).parent().unwrap()), 0o700);
    desk.run(&["key", "list"]).done();
    let token = kept(&desk)["logins"][&server]["access_token"].as_str().unwrap().to_owned();

    assert_eq!(desk.run(&["logout"]).done(), format!("logged out of {server}\n"));
    let mut gone = desk.admin.clone();
    gone.tokens = json!({ "access_token": token });
    assert_eq!(gone.get("/members").status, 403, "the token is good for nothing any more");
    assert!(desk.run(&["key", "list", "--server", &server]).failed(6).contains("nobody"));
    assert!(!fs::read_to_string(logins(&desk)).unwrap().contains(&token));
}

#[test]
fn a_login_that_others_can_read_is_not_used() {
    let desk = Desk::logged_in();
    fs::set_permissions(logins(&desk), Permissions::from_mode(0o644)).unwrap();
    assert!(desk.run(&["key", "list"]).failed(2).contains("mode 0644"));
    let token = desk.home.path().join("token");
    fs::write(&token, desk.admin.tokens["access_token"].as_str().unwrap()).unwrap();
    fs::set_permissions(&token, Permissions::from_mode(0o640)).unwrap();
    fs::set_permissions(logins(&desk), Permissions::from_mode(0o600)).unwrap();
    let with_file = ["key", "list", "--token-file", token.to_str().unwrap()];
    assert!(desk.run(&with_file).failed(2).contains("mode 0640"));
    fs::set_permissions(&token, Permissions::from_mode(0o600)).unwrap();
    desk.run(&with_file).done();
}

#[test]
fn a_token_of_the_environment_comes_before_the_login() {
    let desk = Desk::start();
    let with = |token: &str| {
        let command = desk.command(&["key", "list"]);
        finish(command.env("TOLLGATE_SERVER", desk.server()).env("TOLLGATE_TOKEN", token), "")
    };
    with(desk.admin.tokens["access_token"].as_str().unwrap()).done();
    assert!(with("good-for-nothing").failed(6).contains("the token is not good"));
    assert!(with("two words").failed(2).contains("no token"));
}

#[test]
fn a_token_that_has_ended_is_renewed_by_one_process_for_all() {
    let desk = Desk::logged_in();
    let server = desk.server();
    for _ in 0..2 {
        let mut logins = kept(&desk);
        let before = logins["logins"][&server]["refresh_token"].clone();
        logins["logins"][&server]["expires"] = json!(0);
        fs::write(self::logins(&desk), logins.to_string()).unwrap();
        std::thread::scope(|scope| {
            let runs: Vec<_> = (0..4).map(|_| scope.spawn(|| desk.run(&["key", "list"]))).collect();
            runs.into_iter().for_each(|run| drop(run.join().unwrap().done().to_owned()));
        });
        assert_ne!(kept(&desk)["logins"][&server]["refresh_token"], before);
    }
    assert!(!desk.gate.log().contains("a refresh token came twice"));
}

#[test]
fn a_token_that_the_control_plane_has_dropped_is_renewed_too() {
    let desk = Desk::logged_in();
    let mut logins = kept(&desk);
    logins["logins"][&desk.server()]["access_token"] = json!("forgotten");
    fs::write(self::logins(&desk), logins.to_string()).unwrap();
    desk.run(&["key", "list"]).done();
    // Somebody else ends it.
    let login = &kept(&desk)["logins"][&desk.server()];
    let form = format!("token={}", login["refresh_token"].as_str().unwrap());
    assert_eq!(desk.admin.revoke(&form).status, 200);
    assert!(desk.run(&["key", "list"]).failed(6).contains("the login at"));
}

#[test]
fn whoever_is_refused_is_told_why() {
    let desk = Desk::start();
    let first = desk.gate.folder().join("first-administrator.toml");
    let written = fs::read_to_string(&first).unwrap();
    let server = desk.server();
    let credentials = desk.home.path().join("credentials");
    let with = |text: &str, server: &str| {
        fs::write(&credentials, text).unwrap();
        fs::set_permissions(&credentials, Permissions::from_mode(0o600)).unwrap();
        let file = credentials.to_str().unwrap();
        desk.run(&["login", "--server", server, "--credentials", file])
    };
    let wrong = written.replace("password = \"", "password = \"x");
    assert!(with(&wrong, &server).failed(6).contains("Invalid username or password"));
    let wrong = written.replace("client_secret = \"", "client_secret = \"x");
    assert!(with(&wrong, &server).failed(6).contains("Unknown client or wrong secret"));
    let missing = written.replace("client_secret", "secret");
    assert!(with(&missing, &server).failed(2).contains("expected username, password"));
    assert!(with(&written, "http://192.0.2.1:8082").failed(2).contains("is a plain one"));
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = with(&written, &format!("http://{closed}"));
    assert!(nobody.failed(1).contains("cannot be asked"), "{nobody:?}");
    assert!(desk.run(&["login", "--server", &server]).failed(2).contains("no terminal"));
    assert!(!logins(&desk).exists());
}

#[test]
fn a_control_plane_over_tls_has_to_be_known() {
    let origin = Origin::start();
    let (authority, stranger) = (Authority::new(), Authority::new());
    let folder = TempDir::new().unwrap();
    authority.issue(&["localhost"]).write(folder.path(), "admin");
    let config = Config::new(&origin).section("control", "address = \"127.0.0.1:0\"").section(
        "control.tls.certificates.main",
        "certificate_file = \"admin.pem\"\nkey_file = \"admin.key\"",
    );
    fs::write(folder.path().join("tollgate.toml"), config.to_string()).unwrap();
    let gate = Tollgate::start_in(folder, "tollgate.toml");
    let port: u16 = wait_for("the port of the admin API", || {
        let log = gate.log();
        let line = log.lines().find(|line| line.ends_with(" (admin)"))?;
        line.strip_prefix("listening on https://127.0.0.1:")?.strip_suffix(" (admin)")?.parse().ok()
    });
    first_administrator(&gate);
    let home = TempDir::new().unwrap();
    let ca = |authority: &Authority, name: &str| {
        let file = home.path().join(name);
        fs::write(&file, authority.pem()).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let run = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_tollgate"));
        finish(command.args(arguments).env("XDG_CONFIG_HOME", home.path()), "")
    };
    let file = gate.folder().join("first-administrator.toml");
    let server = format!("https://localhost:{port}");
    let login = ["login", "--server", &server, "--credentials", file.to_str().unwrap()];
    let unknown = run(&[&login[..], &["--ca-file", &ca(&stranger, "stranger.pem")]].concat());
    assert!(unknown.failed(1).contains("invalid peer certificate"), "{unknown:?}");
    let known = ca(&authority, "ca.pem");
    run(&[&login[..], &["--ca-file", &known]].concat()).done();
    // The login knows by whom.
    run(&["key", "list"]).done();
    let not_pem = ["key", "list", "--ca-file", file.to_str().unwrap()];
    assert!(run(&not_pem).failed(2).contains("no certificate"));
    run(&["logout"]).done();
}

#[test]
fn the_control_plane_of_a_configuration_is_the_one_of_this_machine() {
    let desk = Desk::start();
    let config = |control: Option<&str>| {
        let mut config = Config::new(&Origin::start());
        if let Some(control) = control {
            config = config.section("control", control);
        }
        let file = desk.home.path().join("tollgate.toml");
        fs::write(&file, config.to_string()).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let here = config(Some(&format!("address = \"{}\"", desk.gate.admin())));
    let credentials = desk.gate.folder().join("first-administrator.toml");
    let credentials = credentials.to_str().unwrap();
    desk.run(&["login", "--config", &here, "--credentials", credentials]).done();
    desk.run(&["key", "list", "--config", &here]).done();
    let unknown = config(Some("address = \"127.0.0.1:0\""));
    assert!(desk.run(&["key", "list", "--config", &unknown]).failed(2).contains("port 0"));
    let none = config(None);
    assert!(desk.run(&["key", "list", "--config", &none]).failed(2).contains("[control]"));
}
