//! Several control planes on one database: what one commits the others hear.

use std::time::Duration;

use postgres::{Client, NoTls};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout;
use tollgate_control::store::{Committed, Kind};

use crate::engines::{Place, blocking, set_and_touch};
use crate::server::Server;

/// How long a change may take to be heard elsewhere.
const SECOND: Duration = Duration::from_secs(1);

async fn heard(from: &mut UnboundedReceiver<Committed>, within: Duration) -> Committed {
    timeout(within, from.recv()).await.unwrap().unwrap()
}

#[tokio::test]
async fn what_one_commits_the_other_hears_in_order() {
    let database = blocking(|| Server::shared().database()).await;
    let places = [0, 1].map(|_| Place::of_database(&database));
    let (one, _heard_by_one) = places[0].open().await;
    let (_other, mut heard_by_other) = places[1].open().await;
    for number in 1..=20 {
        let revision = set_and_touch(&one, &format!("fact{number}"), "1").await;
        let change = heard(&mut heard_by_other, SECOND).await;
        assert_eq!(change.revision, revision);
        assert_eq!(change.touched, [(Kind::Key, format!("fact{number}"))]);
    }
}

#[tokio::test]
async fn what_was_committed_while_nothing_could_be_heard_is_heard_later() {
    let database = blocking(|| Server::shared().database()).await;
    let places = [0, 1].map(|_| Place::of_database(&database));
    let (one, _heard_by_one) = places[0].open().await;
    let (_other, mut heard_by_other) = places[1].open().await;
    for round in 0..3 {
        let address = database.clone();
        let cut = blocking(move || {
            let mut client = Client::connect(&address, NoTls).unwrap();
            // Whoever listens, each time.
            let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                       WHERE datname = current_database() AND pid <> pg_backend_pid() \
                       AND query LIKE '%FROM feed%' AND state = 'idle'";
            client.query_one(cut, &[]).unwrap().get::<_, i64>(0)
        });
        cut.await;
        for number in 0..5 {
            let revision = set_and_touch(&one, &format!("fact {round} {number}"), "1").await;
            let change = heard(&mut heard_by_other, SECOND * 5).await;
            assert_eq!(change.revision, revision, "each in its order");
        }
    }
}

#[tokio::test]
async fn where_revisions_are_missing_everything_is_read_again() {
    let database = blocking(|| Server::shared().database()).await;
    let places = [0, 1].map(|_| Place::of_database(&database));
    let (one, _heard_by_one) = places[0].open().await;
    let (_other, mut heard_by_other) = places[1].open().await;
    set_and_touch(&one, "first", "1").await;
    heard(&mut heard_by_other, SECOND).await;
    let address = database.clone();
    let skipped = blocking(move || {
        let mut client = Client::connect(&address, NoTls).unwrap();
        client.batch_execute("UPDATE feed SET number = number + 5").unwrap();
    });
    skipped.await;
    let change = heard(&mut heard_by_other, SECOND * 2).await;
    assert_eq!(change.touched, [(Kind::File, String::new())]);
    assert_eq!(change.revision.number, 6);
}
