//! A gate with a key for every way to be refused, each with the canary in it.

use std::net::TcpListener;

use crate::support::{Answer, Config, Door, Origin, Request, digest, tollgate};

use super::sinks::{CANARY, PATH_CANARY, SECRET};

/// Every place where a key may stand.
pub(super) const PLACES: &str = "credentials = [{ header = \"X-Api-Key\" }, \
                                 { authorization = \"Bearer\" }, { query = \"api_key\" }, \
                                 { cookie = \"key\" }, { basic = \"password\" }, \
                                 { form = \"api_key\" }]";

const PLAN: &str =
    "qps_limit_exempt = true\nrate_limit_exempt = true\nrate_limit_period = \"day\"\n";

/// Every place where a secret may stand.
pub(super) const PROOF: &str = "kind = \"secret\"\nplaces = [{ header = \"X-Api-Secret\" }, \
                                { authorization = \"Secret\" }, { query = \"secret\" }]";

/// Keys by the code that they are refused with, and what their sections say more.
pub(crate) const KEYS: [(&str, &str); 9] = [
    ("key_pending", "status = \"waiting\""),
    ("key_suspended", "status = \"suspended\""),
    ("key_revoked", "status = \"revoked\""),
    ("key_expired", "expires = 2020-01-01"),
    ("key_not_yet_valid", "not_before = 9000-01-01"),
    ("source_not_allowed", "allowed_sources = [\"192.0.2.0/24\"]"),
    ("over_qps", "qps_limit_ceiling = 0"),
    ("over_quota", "rate_limit_ceiling = 0"),
    ("over_concurrency", "concurrency_ceiling = 0"),
];

/// The key that is refused with `code`; the one called `good` is not.
pub(super) fn key(code: &str) -> String {
    format!("{code}-{CANARY}")
}

/// The request with a form for its body.
pub(crate) fn form(request: &Request, body: &str) -> Request {
    request.clone().header("Content-Type", "application/x-www-form-urlencoded").body(body)
}

/// The key that is refused with `code` and can stand in a path.
pub(super) fn path_key(code: &str) -> String {
    format!("{code}-{PATH_CANARY}")
}

/// A plan of services that ask for a proof, and [`SECRET`] in each form, wrapped under `key`.
fn with_secrets(key: &str) -> String {
    format!("plan = \"proven\"\n{}{}", secret_digest(), wrapped(key))
}

/// What the section of a key says of [`SECRET`] for signatures.
pub(super) fn wrapped(key: &str) -> String {
    let finished = tollgate(&["digest", "--with-secret"], &format!("{key}\n{SECRET}\n"));
    let (_, wrapped) = finished.stdout.split_once("wrapped_secret").unwrap();
    format!("wrapped_secret{wrapped}")
}

/// What the section of a key says of [`SECRET`].
pub(super) fn secret_digest() -> String {
    format!("secret_digest = \"{}\"\n", digest(SECRET))
}

/// Upstreams that misbehave in all ways.
pub(super) struct Upstreams {
    pub(super) good: Origin,
    garbled: Origin,
    silent: Origin,
    pub(super) door: Door,
}

impl Upstreams {
    pub(super) fn start() -> Self {
        let door = Door::shut();
        let behind = door.clone();
        Self {
            good: Origin::start(),
            garbled: Origin::answering(|_| Answer::raw("this is not HTTP\r\n\r\n")),
            silent: Origin::answering(move |_| Answer::status(200).wait(&behind).then("late")),
            door,
        }
    }
}

/// A port at which nothing answers.
fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

pub(super) fn house(upstreams: &Upstreams, format: &str) -> Config {
    let good = &upstreams.good;
    let services = [
        ("unreachable", format!("url = \"http://127.0.0.1:{}\"", closed_port())),
        ("garbled", format!("url = \"http://{}\"", upstreams.garbled.address())),
        (
            "silent",
            format!(
                "url = \"http://{}\"\nfirst_byte_timeout = \"200ms\"\nidle_timeout = \"200ms\"",
                upstreams.silent.address()
            ),
        ),
        ("patient", format!("url = \"http://{}\"", upstreams.silent.address())),
        (
            "full",
            format!(
                "url = \"http://{}\"\nfirst_byte_timeout = \"1s\"\n\
                 max_connections = 1\nmax_pending = 0",
                upstreams.silent.address()
            ),
        ),
        ("closed", format!("url = \"http://{}\"", good.address())),
        ("busy", format!("url = \"http://{}\"", good.address())),
        ("maintained", format!("url = \"http://{}\"", good.address())),
        ("referred", format!("url = \"http://{}\"", good.address())),
        ("sealed", format!("url = \"http://{}\"", good.address())),
    ];
    let mut config = Config::new(good)
        .section("log", &format!("level = \"debug\"\nformat = \"{format}\""))
        .section("access_log", "path = \"access.log\"")
        .section("process", "workers = 2\ndrain_timeout = \"200ms\"")
        .section("strangers", "rate = 1")
        .section("listeners.public", "address = \"127.0.0.1:0\"\nmax_body_bytes = 1000")
        .service(&format!("path = \"/orders\"\nupstream = \"demo\"\n{PLACES}"))
        .section("services.orders.endpoints.items", "path = \"/items\"")
        .section("services.orders.endpoints.items.methods.read", "http_methods = [\"GET\"]")
        .plan(PLAN)
        .key("good", &key("good"), "")
        .section("packages.basic.plans.old", &format!("status = \"inactive\"\n{PLAN}"))
        .section("packages.basic.plans.old.services.orders", "")
        .section("applications.asleep", "owner = \"jo\"\nstatus = \"suspended\"");
    for (name, upstream) in services {
        let more = match name {
            "busy" => "qps_limit_overall = 0\n",
            "maintained" => "maintenance = true\n",
            "referred" => "allowed_referers = [\"https://example.com\"]\n",
            "sealed" => "tls_required = true\n",
            _ => "",
        };
        let service = format!("path = \"/{name}\"\nupstream = \"{name}\"\n{more}{PLACES}");
        config = config
            .section(&format!("upstreams.{name}"), &upstream)
            .section(&format!("services.{name}"), &service)
            .section(&format!("services.{name}.endpoints.all"), "");
        if name != "closed" {
            config = config.section(&format!("packages.basic.plans.free.services.{name}"), "");
        }
    }
    for (name, proof) in [
        ("proven", PROOF),
        ("signed", "kind = \"signature-sha256\""),
        ("timed", "kind = \"hmac-sha256\""),
    ] {
        let service = format!("path = \"/{name}\"\nupstream = \"demo\"\n{PLACES}");
        config = config
            .section(&format!("services.{name}"), &service)
            .section(&format!("services.{name}.proof"), proof)
            .section(&format!("services.{name}.endpoints.all"), "")
            .section(&format!("packages.basic.plans.proven.services.{name}"), "");
    }
    config = config.section("packages.basic.plans.proven", PLAN);
    let segment = "path = \"/segment\"\nupstream = \"demo\"\ncredentials = [{ path_segment = 1 }]";
    config = config
        .section("services.segment", segment)
        .section("services.segment.endpoints.all", "")
        .section("packages.basic.plans.free.services.segment", "")
        .key("good-path", &path_key("good"), "");
    for (code, more) in KEYS {
        config = config.key(code, &key(code), more);
        config = config.key(&format!("{code}-path"), &path_key(code), more);
    }
    let moved = |code: &str, from: &str, to: &str| {
        let body = Config::key_body(&key(code), "");
        (format!("keys.{code}"), body.replace(from, to))
    };
    for (section, body) in [
        moved("owner_inactive", "application = \"acme\"", "application = \"asleep\""),
        moved("plan_inactive", "plan = \"free\"", "plan = \"old\""),
        moved("proven", "plan = \"free\"", &with_secrets(&key("proven"))),
        moved("unopened", "plan = \"free\"", &with_secrets("another")),
    ] {
        config = config.section(&section, &body);
    }
    config
}
