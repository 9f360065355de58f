//! Opening a store: an empty one, one of a later version, one that another process has.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use tollgate_control::store::{NotChanged, Postgres, Sqlite, Store, StoreError};

use crate::engines::{No, Place, blocking, contract, deed, set_and_touch};
use crate::server::Server;

contract! {
    a_store_of_a_later_version_is_refused
}

async fn a_store_of_a_later_version_is_refused(place: Place) {
    let (store, _committed) = place.open().await;
    let later = store.change(deed(""), |change, _| {
        change.connection().script("INSERT INTO versions (version) VALUES (99)")?;
        Ok::<_, NotChanged<No>>(())
    });
    later.await.unwrap();
    drop(store);
    let clock = Arc::<crate::engines::Hands>::clone(&place.clock);
    let Err(error) = Store::open(Arc::clone(&place.engine), clock).await else {
        panic!("a store of version 99 was opened")
    };
    assert!(matches!(error, StoreError::TooNew { found: 99, .. }), "{error}");
}

#[test]
fn a_file_belongs_to_one_process_and_one_user() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let first = Sqlite::open(&path).unwrap();
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(matches!(Sqlite::open(&path), Err(StoreError::InUse(_))));
    drop(first);
    Sqlite::open(&path).unwrap();
}

#[test]
fn an_address_that_is_none_is_not_repeated() {
    let Err(error) = Postgres::new("postgresql://jo:canary@[/") else { panic!("it was taken") };
    assert!(!error.to_string().contains("canary"), "{error}");
}

#[tokio::test]
async fn two_control_planes_share_one_order() {
    let database = blocking(|| Server::shared().database()).await;
    let places = [0, 1].map(|_| Place::of_database(&database));
    let (one, mut heard_by_one) = places[0].open().await;
    let (other, mut heard_by_other) = places[1].open().await;
    let all = |store: Store| async move {
        let mut revisions = Vec::new();
        for number in 0..50 {
            revisions.push(set_and_touch(&store, &format!("fact{number}"), "1").await.number);
        }
        revisions
    };
    let (ones, others) = tokio::join!(all(one), all(other));
    let mut both = [ones.clone(), others.clone()].concat();
    both.sort_unstable();
    assert_eq!(both, (1..=100).collect::<Vec<_>>(), "each revision is given once");
    for heard in [&mut heard_by_one, &mut heard_by_other] {
        for number in both.clone() {
            assert_eq!(heard.recv().await.unwrap().revision.number, number);
        }
    }
}
