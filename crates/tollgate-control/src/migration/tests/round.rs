//! What is written is read again as it was.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, json};

use super::super::{Format, PlanName, Row, RowPlace, write_head, write_row};
use crate::document::kind::Instant;
use crate::life_cycle::State;
use crate::operations::Secret;
use crate::store::Written;

fn expiries() -> impl Strategy<Value = Option<Instant>> {
    let day = (0..30_000_i64).prop_map(|day| Instant::Day(day * 86_400));
    let second = (0..3_000_000_000_i64).prop_map(Instant::Second);
    prop::option::of(prop_oneof![day, second])
}

fn written<T: Arbitrary + Copy>() -> impl Strategy<Value = Written<T>> {
    any::<(Option<T>, bool)>().prop_map(|(ceiling, exempt)| Written { ceiling, exempt })
}

prop_compose! {
    fn rows()(
        (key, secret) in ("[A-Za-z0-9_.:-]{1,40}", prop::option::of("[!-~]{1,20}")),
        (name, owner, application) in
            ("[ -~é]{0,20}", prop::option::of("[a-z\"\\\\]{1,9}"), prop::option::of("[a-z ]{1,9}")),
        bought in prop::option::of(("[a-z]{1,9}", "[a-z]{1,9}")),
        state in select(&State::ALL[..]),
        qps in written::<u32>(),
        quota in written::<u64>(),
        expires in expiries(),
        created in prop::option::of(any::<i64>()),
        note in prop::option::of("[ -~]{0,9}"),
    ) -> Row {
        let mut row = Row::new(RowPlace::Line(0), Secret::new(key));
        row.secret = secret.map(Secret::new);
        row.name = name;
        row.owner = owner;
        row.application = application;
        row.bought = bought.map(|(package, plan)| PlanName { package, plan });
        row.groups.extend(row.bought.iter().map(|name| format!("{}/{}", name.package, name.plan)));
        row.state = state;
        row.qps = qps;
        row.quota = quota;
        row.expires = expires;
        row.created = created;
        row.body = note.map_or_else(Map::new, |note| Map::from_iter([("note".to_owned(), json!(note))]));
        row
    }
}

proptest! {
    #[test]
    fn lines_of_ours_hold_everything(mut rows in prop::collection::vec(rows(), 0..5)) {
        let lines: String = rows.iter().map(write_row).collect();
        let reading = Format::Tollgate.read((write_head() + &lines).as_bytes()).unwrap();
        for (line, row) in (2..).zip(&mut rows) {
            row.place = RowPlace::Line(line);
        }
        prop_assert_eq!(reading.problems, []);
        prop_assert_eq!(reading.rows, rows);
    }

    #[test]
    fn a_csv_of_ours_holds_what_it_can(
        keys in prop::collection::vec(("[A-Za-z0-9]{20,30}", "[ -~]{0,20}", any::<bool>()), 0..5),
    ) {
        let mut csv = csv::Writer::from_writer(Vec::new());
        csv.write_record(["Enabled", "NAME", "Key"]).unwrap();
        for (key, name, enabled) in &keys {
            csv.write_record([if *enabled { "TRUE" } else { "false" }, name, key]).unwrap();
        }
        let reading = Format::Aws.read(&csv.into_inner().unwrap()).unwrap();
        let read = reading.rows.iter().map(|row| {
            (row.key.reveal().to_owned(), row.name.clone(), row.state == State::Active)
        });
        let keys = keys.into_iter().map(|(key, name, on)| (key, name.trim().to_owned(), on));
        prop_assert_eq!(read.collect::<Vec<_>>(), keys.collect::<Vec<_>>());
    }

    #[test]
    fn a_list_of_v3_holds_what_it_can(
        keys in prop::collection::vec(
            ("[A-Za-z0-9]{1,30}", "[ -~]{0,9}", prop::option::of(1_u32..), any::<bool>()),
            0..5,
        ),
    ) {
        let list: Vec<_> = keys.iter().map(|(key, secret, ceiling, exempt)| json!({
            "apikey": key, "secret": secret, "qpsLimitCeiling": ceiling,
            "qpsLimitExempt": exempt, "status": "active",
        })).collect();
        let reading = Format::V3.read(json!(list).to_string().as_bytes()).unwrap();
        let read = reading.rows.iter().map(|row| {
            let secret = row.secret.as_ref().map_or("", |secret| secret.reveal());
            (row.key.reveal().to_owned(), secret.to_owned(), row.qps.ceiling, row.qps.exempt)
        });
        prop_assert_eq!(read.collect::<Vec<_>>(), keys);
    }
}
