//! The audit log: nobody changes what has happened unnoticed.

use std::sync::atomic::Ordering::SeqCst;

use tollgate_control::store::{AuditSearch, NotChanged, verify};

use crate::engines::{NOW, No, Place, contract, deed, set_and_touch};

contract! {
    a_whole_log_is_whole
    every_forgery_is_found_where_it_was_made
    entries_are_found_by_all_that_is_asked_the_newest_first
}

async fn a_whole_log_is_whole(place: Place) {
    let (store, _committed) = place.open().await;
    assert_eq!(store.read(verify).await.unwrap(), Ok(0));
    for number in 0..5 {
        set_and_touch(&store, &format!("fact{number}"), "1").await;
    }
    drop(store);
    let (store, _committed) = place.open().await;
    set_and_touch(&store, "later", "1").await;
    assert_eq!(store.read(verify).await.unwrap(), Ok(6));
}

async fn every_forgery_is_found_where_it_was_made(place: Place) {
    let (store, _committed) = place.open().await;
    for number in 0..9 {
        set_and_touch(&store, &format!("fact{number}"), "1").await;
    }
    for forgery in [
        "UPDATE audit SET at = at + 1 WHERE number = 4",
        "UPDATE audit SET actor = 'mallory' WHERE number = 4",
        "UPDATE audit SET action = actor, actor = action WHERE number = 4",
        "UPDATE audit SET object = '' WHERE number = 4",
        "UPDATE audit SET outcome = 'refused' WHERE number = 4",
        "UPDATE audit SET details = '' WHERE number = 4",
        "UPDATE audit SET revision = NULL WHERE number = 4",
        "UPDATE audit SET revision = 9 WHERE number = 4",
        "UPDATE audit SET hash = (SELECT hash FROM audit WHERE number = 5) WHERE number = 4",
        "DELETE FROM audit WHERE number = 4",
        "UPDATE audit SET number = 40 WHERE number = 4",
    ] {
        // What is refused is rolled back, so that each forgery meets a whole log.
        let found = store.change(deed(""), move |change, _| {
            change.connection().script(forgery)?;
            let found = verify(change.connection())?;
            assert_eq!(found, Err(4), "{forgery}");
            Err::<(), _>(NotChanged::Refused(No))
        });
        assert!(matches!(found.await, Err(NotChanged::Refused(No))), "{forgery}");
    }
}

async fn entries_are_found_by_all_that_is_asked_the_newest_first(place: Place) {
    let (store, _committed) = place.open().await;
    for number in 0..6 {
        place.clock.0.store(NOW + number * 1000, SeqCst);
        set_and_touch(&store, &format!("fact{}", number % 2), "1").await;
    }
    let now = i64::try_from(NOW).unwrap();
    let all = AuditSearch::default;
    let text = |text: &str| Some(text.to_owned());
    for (search, expected) in [
        (all(), &[6, 5, 4, 3, 2, 1][..]),
        (AuditSearch { object: text("fact1"), ..all() }, &[6, 4, 2]),
        (AuditSearch { object: text("fact1"), from: Some(now + 3000), ..all() }, &[6, 4]),
        (AuditSearch { until: Some(now + 2000), ..all() }, &[2, 1]),
        (
            AuditSearch { actor: text("jo"), kind: text("fact"), outcome: text("done"), ..all() },
            &[6, 5, 4, 3, 2, 1],
        ),
        (AuditSearch { action: text("fact.get"), ..all() }, &[]),
    ] {
        let asked = search.clone();
        let page = store.read(move |connection| search.page(connection, 1, 2)).await.unwrap();
        let numbers: Vec<_> = page.entries.iter().map(|entry| entry.number).collect();
        assert_eq!(
            numbers,
            expected.iter().copied().skip(1).take(2).collect::<Vec<_>>(),
            "{asked:?}"
        );
        assert_eq!(page.total, expected.len() as u64, "{asked:?}");
    }
}
