use super::house;
use crate::support::{Config, Finished, Origin, tollgate};

fn check(config: &Config) -> Finished {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tollgate.toml");
    std::fs::write(&path, config.to_string()).unwrap();
    tollgate(&["check", "--config", path.to_str().unwrap()], "")
}

#[test]
fn a_switch_without_effect_is_told_of() {
    let origin = Origin::start();
    let cors = "allowed_origins = [\"https://example.com\"]\n";
    let with = |more: &str, cors: &str| house(&origin, more).section("services.orders.cors", cors);
    let other = house(&origin, "keyless_key = \"noapikey\"")
        .section("services.other", "path = \"/other\"\nupstream = \"demo\"")
        .section("services.other.endpoints.all", "")
        .section("packages.basic.plans.closed", super::EXEMPT)
        .section("packages.basic.plans.closed.services.other", "")
        .section(
            "keys.noapikey",
            &Config::key_body("nobody-brings-this", "").replace("\"free\"", "\"closed\""),
        );
    for (config, warning) in [
        (
            with("drop_response_headers = [\"Access-Control-Max-Age\"]", cors),
            "services.orders.drop_response_headers[0]: has no effect beside cors",
        ),
        (
            with("", &format!("{cors}allowed_headers = [\"X-Other\"]")),
            "services.orders.cors.allowed_headers: names no field in which",
        ),
        (
            with(
                "credentials = [{ authorization = \"Bearer\" }]",
                &format!("{cors}allowed_headers = [\"*\"]"),
            ),
            "services.orders.cors.allowed_headers: names no field in which",
        ),
        (other, "services.orders.keyless_key: the plan of \"noapikey\" does not open"),
    ] {
        let found = check(&config);
        assert_eq!(found.code, Some(0), "{found:?}");
        assert!(found.stderr.contains(warning), "{warning}: {found:?}");
    }
    for fine in [
        with("", cors),
        with("", &format!("{cors}allowed_headers = [\"*\"]")),
        with(
            "credentials = [{ query = \"api_key\" }]",
            &format!("{cors}allowed_headers = [\"X-Other\"]"),
        ),
    ] {
        let found = check(&fine);
        assert_eq!((found.code, &*found.stderr), (Some(0), ""), "{found:?}");
    }
}
