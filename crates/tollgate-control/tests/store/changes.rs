//! Changes: wholly or not at all, in one order, each with its revision.

use std::sync::Arc;

use tollgate_control::store::{Kind, NotChanged, Value, verify};

use crate::engines::{No, Place, contract, deed, fact, set, set_and_touch};

contract! {
    a_change_is_there_when_it_is_answered
    a_refused_change_leaves_nothing_but_its_entry
    a_statement_that_fails_harms_no_other_change
    changes_that_wait_together_are_each_answered
    revisions_count_touches_and_nothing_else
    values_come_back_as_they_were
}

async fn a_change_is_there_when_it_is_answered(place: Place) {
    let (store, mut committed) = place.open().await;
    let revision = set_and_touch(&store, "a", "1").await;
    assert_eq!(fact(&store, "a").await.as_deref(), Some("1"));
    assert_eq!(store.newest().await.unwrap(), revision);
    let heard = committed.recv().await.unwrap();
    assert_eq!((heard.revision, heard.touched), (revision, vec![(Kind::Key, "a".to_owned())]));
    drop(store);
    let (store, _) = place.open().await;
    assert_eq!(fact(&store, "a").await.as_deref(), Some("1"));
    assert_eq!(store.newest().await.unwrap(), revision, "the history goes on");
}

async fn a_refused_change_leaves_nothing_but_its_entry(place: Place) {
    let (store, _committed) = place.open().await;
    let refused = store.change(deed("a"), |change, deed| {
        set(change, "a", "1")?;
        change.touch(Kind::Key, "a");
        deed.details = r#"{"value":1}"#.to_owned();
        Err::<(), _>(NotChanged::Refused(No))
    });
    assert!(matches!(refused.await, Err(NotChanged::Refused(No))));
    assert_eq!(fact(&store, "a").await, None);
    assert_eq!(store.newest().await.unwrap().number, 0);
    let logged = store.read(|connection| {
        let row = connection.row("SELECT outcome, details, revision FROM audit", &[])?.unwrap();
        Ok((row.text(0)?.to_owned(), row.text(1)?.to_owned(), row.optional_integer(2)?))
    });
    assert_eq!(logged.await.unwrap(), ("no".to_owned(), r#"{"value":1}"#.to_owned(), None));
}

async fn a_statement_that_fails_harms_no_other_change(place: Place) {
    let (store, _committed) = place.open().await;
    let store = Arc::new(store);
    let mut asked = Vec::new();
    for number in 0..60 {
        let store = Arc::clone(&store);
        asked.push(tokio::spawn(async move {
            let name = format!("fact{number}");
            let changed = store.change(deed(&name.clone()), move |change, _| {
                set(change, &name, "1")?;
                if number % 3 == 0 {
                    // The name is taken: the constraint refuses.
                    let twice = "INSERT INTO facts (name, value) VALUES ($1, $2)";
                    change.connection().run(twice, &[name.as_str().into(), "2".into()])?;
                }
                Ok::<_, NotChanged<No>>(())
            });
            changed.await.is_ok()
        }));
    }
    for (number, asked) in asked.into_iter().enumerate() {
        assert_eq!(asked.await.unwrap(), number % 3 != 0, "{number}");
        let there = fact(&store, &format!("fact{number}")).await;
        assert_eq!(there.is_some(), number % 3 != 0, "{number}");
    }
}

async fn changes_that_wait_together_are_each_answered(place: Place) {
    let (store, mut committed) = place.open().await;
    let store = Arc::new(store);
    let mut asked = Vec::new();
    for number in 0..200 {
        let store = Arc::clone(&store);
        asked.push(tokio::spawn(async move {
            set_and_touch(&store, &format!("fact{number}"), "1").await.number
        }));
    }
    let mut revisions = Vec::new();
    for asked in asked {
        revisions.push(asked.await.unwrap());
    }
    revisions.sort_unstable();
    assert_eq!(revisions, (1..=200).collect::<Vec<_>>());
    for number in 1..=200 {
        assert_eq!(committed.recv().await.unwrap().revision.number, number, "in their order");
    }
    assert_eq!(store.read(verify).await.unwrap(), Ok(200));
}

async fn revisions_count_touches_and_nothing_else(place: Place) {
    let (store, _committed) = place.open().await;
    let untouched = store.change(deed("a"), |change, _| set(change, "a", "1"));
    assert_eq!(untouched.await.unwrap().1, None);
    assert_eq!(set_and_touch(&store, "b", "1").await.number, 1);
    let twice = store.change(deed("c"), |change, _| {
        change.touch(Kind::Key, "c");
        change.touch(Kind::Member, "jo");
        change.touch(Kind::Key, "c");
        Ok::<_, NotChanged<No>>(())
    });
    assert_eq!(twice.await.unwrap().1.unwrap().number, 2);
    let touched = store.read(|connection| {
        let row = connection.row("SELECT touched FROM revisions WHERE number = 2", &[])?;
        Ok(row.unwrap().text(0)?.to_owned())
    });
    assert_eq!(touched.await.unwrap(), r#"[["member","jo"],["key","c"]]"#);
}

async fn values_come_back_as_they_were(place: Place) {
    let (store, _committed) = place.open().await;
    let changed = store.change(deed(""), |change, _| {
        change.connection().script(
            "CREATE TABLE values_of_all_kinds (at BIGINT, number BIGINT, text TEXT, bytes BYTEA)",
        )?;
        let all = "INSERT INTO values_of_all_kinds VALUES ($1, $2, $3, $4)";
        for (at, number, text, bytes) in [
            (0, Value::Integer(i64::MIN), "".into(), Value::Bytes(Vec::new())),
            (1, Value::Integer(i64::MAX), "Grüße 'n' $1".into(), Value::Bytes(vec![0, 255])),
            (2, Value::Null, Value::Null, Value::Null),
        ] {
            change.connection().run(all, &[Value::Integer(at), number, text, bytes])?;
        }
        Ok::<_, NotChanged<No>>(())
    });
    changed.await.unwrap();
    let rows = store.read(|connection| {
        connection.rows("SELECT number, text, bytes FROM values_of_all_kinds ORDER BY at", &[])
    });
    let rows = rows.await.unwrap();
    assert_eq!(rows[0].0, [Value::Integer(i64::MIN), "".into(), Value::Bytes(Vec::new())]);
    assert_eq!(
        rows[1].0,
        [Value::Integer(i64::MAX), "Grüße 'n' $1".into(), Value::Bytes(vec![0, 255])]
    );
    assert_eq!(rows[2].0, [Value::Null, Value::Null, Value::Null]);
    assert_eq!(rows[2].optional_integer(0).unwrap(), None);
    let message = rows[1].integer(1).unwrap_err().to_string();
    assert_eq!(
        message,
        "the store holds what it should not: column 1 holds text, expected a number"
    );
}
