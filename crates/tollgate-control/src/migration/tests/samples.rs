//! The samples in tests/migration.

use super::super::{Format, Limit, PlanName, Reading, Row, Window};
use crate::document::kind::Instant;
use crate::model::Period;
use crate::store::Written;

fn read(format: Format, sample: &[u8]) -> Reading {
    format.read(sample).unwrap_or_else(|malformed| panic!("{malformed}"))
}

macro_rules! sample {
    ($file:literal) => {
        include_bytes!(concat!("../../../../../tests/migration/", $file))
    };
}

/// Keys with their places, owners, groups and states.
fn outline(reading: &Reading) -> Vec<String> {
    let rows = reading.rows.iter().map(|row| {
        let owner = row.owner.as_deref().unwrap_or("-");
        let key = row.key.reveal();
        let groups = row.groups.join("+");
        format!("{}: {owner} {key} [{groups}] {}", row.place, row.state)
    });
    rows.collect()
}

fn remarks(reading: &Reading) -> Vec<String> {
    let remarks = reading.remarks().into_iter().map(|remark| {
        let places: Vec<_> = remark.places.iter().map(ToString::to_string).collect();
        format!("{}: {}", places.join(", "), remark.field)
    });
    remarks.collect()
}

fn problems(reading: &Reading) -> Vec<String> {
    reading.problems.iter().map(|problem| format!("{}: {}", problem.place, problem.field)).collect()
}

fn limits(row: &Row) -> Vec<(u64, Window)> {
    row.limits.iter().map(|Limit { ceiling, window, .. }| (*ceiling, *window)).collect()
}

#[test]
fn consumers_of_kong_are_read() {
    let reading = read(Format::Kong, sample!("kong.yaml"));
    assert_eq!(
        outline(&reading),
        [
            "consumers[0].keyauth_credentials[0]: jo kong-jo-0001-synthetic [gold] active",
            "consumers[0].keyauth_credentials[1]: jo kong-jo-0002-synthetic [gold] active",
            "keyauth_credentials[0]: kim kong-kim-0001-synthetic [] active",
        ]
    );
    let [first, second, third] = reading.rows.as_slice() else { panic!("three rows") };
    assert_eq!(limits(first), [(5, Window::Second), (1000, Window::Period(Period::Day))]);
    assert_eq!(limits(third), [(5000, Window::Period(Period::Day))]);
    assert_eq!(first.expires, None);
    assert_eq!(second.expires, Some(Instant::Second(1_767_225_600 + 86_400)));
    assert_eq!(problems(&reading), [] as [&str; 0]);
    assert_eq!(
        remarks(&reading),
        [
            "consumers[1]: basicauth_credentials",
            "consumers[0].plugins[0]: config.limit_by",
            "consumers[0].plugins[0]: config.year",
            "consumers[2]: keyauth_credentials",
            "consumers[0]: keyauth_credentials",
            "plugins[0]: name",
            "consumers[0].plugins[1]: plugin request-transformer",
            "the document: services",
        ]
    );
}

#[test]
fn consumers_of_apisix_are_read() {
    let reading = read(Format::Apisix, sample!("apisix.json"));
    assert_eq!(
        outline(&reading),
        [
            "list[0]: jo apisix-jo-0001-synthetic [gold] active",
            "list[2]: kim apisix-kim-0002-synthetic [] suspended",
        ]
    );
    let first = reading.rows.first().unwrap();
    assert_eq!(limits(first), [(200, Window::Period(Period::Hour)), (4, Window::Second)]);
    assert_eq!(problems(&reading), [] as [&str; 0]);
    assert_eq!(
        remarks(&reading),
        [
            "list[2]: plugins.key-auth._meta.disable",
            "list[0]: plugins.limit-count.key",
            "list[0]: plugins.limit-req.burst",
            "list[1]: plugins.proxy-rewrite",
        ]
    );
}

#[test]
fn a_standalone_file_of_apisix_is_read() {
    let reading = read(Format::Apisix, sample!("apisix.yaml"));
    assert_eq!(outline(&reading), ["consumers[0]: jo apisix-jo-0001-synthetic [] active"]);
    assert_eq!(remarks(&reading), ["consumers[0]: plugins.limit-count.time_window"]);
    assert_eq!(problems(&reading), ["consumers[1]: plugins.key-auth.key"]);
}

#[test]
fn a_file_of_api_keys_of_aws_is_read() {
    let reading = read(Format::Aws, sample!("aws.csv"));
    assert_eq!(
        outline(&reading),
        [
            "line 2: - awskey0001synthetic00001 [c7y23b] active",
            "line 3: - awskey0002synthetic00002 [c7y23b+glvrsr] suspended",
            "line 4: - awskey0003synthetic00003 [c7y23b+glvrsr] active",
        ]
    );
    let names: Vec<_> = reading.rows.iter().map(|row| row.application.as_deref()).collect();
    assert_eq!(names, [Some("mobile"), Some("batch"), Some("web")]);
    assert_eq!(remarks(&reading), ["line 2: Description", "line 2, line 3, line 4: team"]);
}

#[test]
fn sessions_of_tyk_are_read() {
    let reading = read(Format::Tyk, sample!("tyk.json"));
    let keys = ["1", "2"]
        .map(|last| format!("5e9d9544a1dcd60001d0ed20synthetic000000000000000000000{last}"));
    assert_eq!(
        outline(&reading),
        [
            format!("session 1: dev-1 {} [gold] active", keys[0]),
            format!("session 2: kim {} [] suspended", keys[1]),
        ]
    );
    let [first, second] = reading.rows.as_slice() else { panic!("two rows") };
    assert_eq!(limits(first), [(100, Window::Second), (1000, Window::Period(Period::Day))]);
    assert_eq!(first.expires, Some(Instant::Second(1_798_761_600)));
    assert_eq!(second.quota, Written { ceiling: None, exempt: true });
    assert_eq!(
        remarks(&reading),
        [
            "session 1: access_rights",
            "session 2: per",
            "session 2: quota_max",
            "session 1: quota_remaining"
        ]
    );
}

#[test]
fn hashed_keys_of_tyk_are_refused_one_by_one() {
    let reading = read(Format::Tyk, sample!("tyk-hashed.json"));
    assert_eq!(outline(&reading), ["[2]: lee 0123456789abcdef0123456789abcdef [] active"]);
    assert_eq!(problems(&reading), ["[0]: key", "[1]: key"]);
    assert!(reading.problems.iter().all(|problem| problem.message.contains("hash")));
}

#[test]
fn package_keys_of_v3_are_read_and_a_zero_is_told() {
    let reading = read(Format::V3, sample!("v3.json"));
    assert_eq!(
        outline(&reading),
        [
            "[0]: jo v3key00000000000000000001 [basic/free] active",
            "[1]: - v3key00000000000000000002 [basic/free] pending",
            "[2]: - v3key00000000000000000003 [] suspended",
        ]
    );
    let [first, second, _] = reading.rows.as_slice() else { panic!("three rows") };
    assert_eq!(first.qps, Written { ceiling: Some(7), exempt: false });
    assert_eq!(first.quota, Written::default(), "a foreign 0 is no limit of its own");
    assert_eq!(first.expires, Some(Instant::Day(1_801_353_600)));
    assert_eq!(first.created, Some(1_431_558_509_000));
    assert_eq!(first.secret.as_ref().map(|secret| secret.reveal()), Some("synthetic1"));
    assert_eq!(second.quota, Written { ceiling: None, exempt: true });
    let bought = PlanName { package: "basic".to_owned(), plan: "free".to_owned() };
    assert_eq!(second.bought, Some(bought));
    let zeros = reading.remarks();
    let zeros = zeros.iter().filter(|remark| remark.message.starts_with("0:"));
    let zeros: Vec<_> = zeros.map(|remark| remark.field.as_str()).collect();
    assert_eq!(zeros, ["qpsLimitCeiling", "rateLimitCeiling"]);
    assert_eq!(problems(&reading), [] as [&str; 0]);
}

#[test]
fn lines_of_ours_are_read_and_a_zero_is_a_zero() {
    let reading = read(Format::Tollgate, sample!("tollgate.jsonl"));
    assert_eq!(
        outline(&reading),
        [
            "line 2: jo tollgate-0001-synthetic [basic/free] active",
            "line 3: kim tollgate-0002-synthetic [basic/open] revoked",
        ]
    );
    let first = reading.rows.first().unwrap();
    assert_eq!(first.quota, Written { ceiling: Some(0), exempt: false });
    assert_eq!(remarks(&reading), [] as [&str; 0]);
}

#[test]
fn what_is_malformed_names_its_place_and_repeats_nothing() {
    let documents: [(Format, &str, usize); 12] = [
        (Format::Kong, "consumers:\n  - username: jo\n    username: s3cret-x\n", 3),
        (Format::Kong, "consumers: [\n  s3cret-x", 1),
        (Format::Kong, "s3cret-x", 0),
        (Format::Apisix, "{\"list\": [\n{\"key\": s3cret-x}]}", 2),
        (Format::Apisix, "{\"s3cret-x\": 1}", 0),
        (Format::Aws, "name,s3cret-x\n", 1),
        (Format::Aws, "name,key,Key\na,s3cret-x,b\n", 1),
        (Format::Tyk, "{\"s3cret-x\": {}, \"s3cret-x\": {}}", 1),
        (Format::Tyk, "\"s3cret-x\"", 0),
        (Format::V3, "{\"apikey\": \"s3cret-x\"}", 1),
        (Format::V3, "[{\"apikey\": \"s3cret-x\"}", 1),
        (Format::Tollgate, "{\"key\":\"s3cret-x\"}\n", 1),
    ];
    for (format, document, line) in documents {
        let malformed = format.read(document.as_bytes()).unwrap_err();
        assert_eq!(malformed.line, line, "{document}: {malformed}");
        assert!(!malformed.to_string().contains("s3cret"), "{malformed}");
    }
}

#[test]
fn what_is_wrong_with_a_row_is_said_of_it_and_repeats_nothing() {
    let documents: [(Format, &str, &[&str]); 8] = [
        (
            Format::Kong,
            "consumers: [{username: jo, keyauth_credentials: [{key: 1}, {}, {key: k, ttl: 5}, 7]}]",
            &[
                "consumers[0].keyauth_credentials[0]: key",
                "consumers[0].keyauth_credentials[1]: key",
                "consumers[0].keyauth_credentials[2]: ttl",
                "consumers[0].keyauth_credentials[3]: ",
            ],
        ),
        (
            Format::Kong,
            "{\"keyauth_credentials\": [{\"consumer\": \"nobody\", \"key\": \"s3cret\"}]}",
            &["keyauth_credentials[0]: consumer"],
        ),
        (Format::Apisix, "[{\"plugins\": {}}, 5]", &["[0]: username", "[1]: "]),
        (
            Format::Aws,
            "name,key,enabled\na,,\nb,s3cret,perhaps\nc\n",
            &["line 2: Key", "line 3: Enabled", "line 4: "],
        ),
        (
            Format::Tyk,
            "{\"s3cret-s3cret\": {\"oauth_client_id\": \"x\"}, \"0123abcd\": {}}",
            &["session 1: oauth_client_id", "session 2: key"],
        ),
        (
            Format::V3,
            "[{\"apikey\": \"s3cret\", \"status\": \"on\", \"qpsLimitCeiling\": 5000000000}, {}]",
            &["[0]: status", "[0]: qpsLimitCeiling", "[1]: apikey"],
        ),
        (Format::V3, "[{\"apikey\": \"s3cret\", \"expires\": \"soon\"}]", &["[0]: expires"]),
        (
            Format::Tollgate,
            "{\"tollgate\":\"keys\",\"version\":1}\n{\"key\":\"s3cret\",\"state\":\"on\"}\ns3cret\n\
             {\"key\":\"s3cret\",\"state\":\"active\",\"plan\":\"free\"}\n",
            &["line 2: state", "line 3: ", "line 4: plan"],
        ),
    ];
    for (format, document, expected) in documents {
        let reading = read(format, document.as_bytes());
        assert_eq!(problems(&reading), expected, "{document}");
        assert!(!format!("{:?}", reading.problems).contains("s3cret"), "{:?}", reading.problems);
        assert!(!format!("{reading:?}").contains("s3cret"));
    }
}

#[test]
fn a_bomb_of_aliases_is_refused() {
    let mut bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (name, before) in ('b'..='j').zip('a'..) {
        bomb += &format!("{name}: &{name} [{}]\n", vec![format!("*{before}"); 10].join(", "));
    }
    Format::Kong.read(bomb.as_bytes()).unwrap_err();
    let deep = "[".repeat(100_000);
    Format::Kong.read(format!("a: {deep}").as_bytes()).unwrap_err();
    Format::V3.read(deep.as_bytes()).unwrap_err();
}
