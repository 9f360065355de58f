//! Rows of an import that are written before it is made, and that nobody sees until then.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tollgate_control::migration::Format;
use tollgate_control::operations::{NewPackageKey, NotImported, Refused, Secret};
use tollgate_control::store::{
    ChainSearch, Connection, DocumentSearch, Kind, Shelf, StoreError, StoredChain,
};

use super::{chains, counts, draft, import, reveal, under, write_ahead};
use crate::engines::{Place, blocking, contract};
use crate::operations::House;
use crate::server::Server;

contract! {
    nobody_sees_rows_ahead_until_all_of_them_come
    rows_ahead_that_do_not_come_leave_nothing
}

/// How long a process that is gone is taken for one that is there.
const PATIENCE: Duration = Duration::from_secs(60);

/// More than one change writes, of two owners, one of whom is there; the first ends one day.
fn document(value: &str) -> String {
    let mut lines = "{\"tollgate\":\"keys\",\"version\":1}\n".to_owned();
    for number in 0..1_234 {
        let owner = if number % 2 == 0 { "kim" } else { "new-one" };
        lines += &format!(
            "{{\"key\":\"{value}-{number}\",\"state\":\"active\",\"owner\":\"{owner}\",\
             \"application\":\"Kim's\",\"expires\":\"2099-01-01\"}}\n"
        );
    }
    lines
}

/// What is seen of an import by everything that looks for keys, members and applications.
fn seen(connection: &mut dyn Connection) -> Result<Vec<usize>, StoreError> {
    let mut each = 0;
    StoredChain::each(connection, |_| {
        each += 1;
        Ok(())
    })?;
    let new_one = Shelf::Members.named(connection, "new-one")?;
    let below = match &new_one {
        Some(member) => Shelf::Applications.below(connection, &member.id)?.len(),
        None => 0,
    };
    let words = vec!["new-o".to_owned()];
    let by_words = DocumentSearch { texts: words, ..DocumentSearch::of(Shelf::Members) };
    let by_words = by_words.count(connection)?;
    let of = ChainSearch { application: Some("a1".to_owned()), ..ChainSearch::default() };
    let by_text = ChainSearch { text: Some("new-o".to_owned()), ..ChainSearch::default() };
    let mut found = Vec::new();
    for search in [ChainSearch::default(), of, by_text] {
        found.push(usize::try_from(search.page(connection, 0, 1)?.total).unwrap());
    }
    Ok([
        vec![
            each,
            usize::from(new_one.is_some()),
            below,
            usize::try_from(by_words).unwrap(),
            Shelf::Members.all(connection)?.len(),
            StoredChain::of_application(connection, "a1")?.len(),
            StoredChain::ids_of_application(connection, "a1")?.len(),
            StoredChain::due(connection, i64::MAX, 9)?.len(),
            usize::from(StoredChain::next_due(connection)?.is_some()),
        ],
        found,
    ]
    .concat())
}

const NOTHING: [usize; 12] = [0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0];
const ALL: [usize; 12] = [1_234, 1, 1, 1, 3, 617, 617, 9, 1, 1_234, 617, 617];

async fn seen_by_all(house: &House) -> Vec<usize> {
    let read = house.store.read(seen).await.unwrap();
    let changing = house.does(|_, change| Ok(seen(change.connection())?)).await.unwrap();
    assert_eq!(read, changing);
    read
}

/// What every table holds, whoever may see it.
async fn kept(place: &Place) -> Vec<i64> {
    let engine = Arc::clone(&place.engine);
    blocking(move || {
        let mut reader = engine.reader().unwrap();
        let count = |table: &str| {
            let row = reader.row(&format!("SELECT count(*) FROM {table}"), &[]).unwrap();
            row.unwrap().integer(0).unwrap()
        };
        ["documents", "chains", "keys", "timeline", "wordings", "revisions", "ahead"].map(count)
    })
    .await
    .to_vec()
}

async fn make(house: &House, value: &'static str) -> Result<(), Refused> {
    let new = NewPackageKey {
        application: "a1".to_owned(),
        package: "p1".to_owned(),
        plan: "l1".to_owned(),
        apikey: Some(Secret::new(value)),
        ..NewPackageKey::default()
    };
    house.does(move |context, change| context.create_package_key(change, new).map(drop)).await
}

async fn nobody_sees_rows_ahead_until_all_of_them_come(place: Place) {
    let house = House::open(&place).await;
    let before = counts(&house).await;
    let newest = house.store.newest().await.unwrap();
    let document = document("ahead");
    let drafted = draft(&house, Format::Tollgate, &document, under("basic", "free")).await.unwrap();
    assert_eq!(seen_by_all(&house).await, NOTHING);
    let written = write_ahead(&house, drafted).await.unwrap();
    assert!(kept(&place).await[1] == 1_234);
    assert_eq!(seen_by_all(&house).await, NOTHING);
    assert_eq!(counts(&house).await[..2], before[..2]);
    assert_eq!(house.store.newest().await.unwrap(), newest, "nothing that proxies decide from");
    // But their values are taken.
    assert_eq!(super::super::properties(&make(&house, "ahead-7").await.unwrap_err()), ["apikey"]);
    let imported = reveal(&house, written).await.unwrap();
    assert_eq!((imported.keys, imported.members, imported.applications), (1_234, 1, 1));
    assert_eq!(seen_by_all(&house).await, ALL);
    assert_eq!(house.store.newest().await.unwrap().number, newest.number + 1);
    assert_eq!(chains(&house).await.len(), 1_234);
    assert_eq!(kept(&place).await[6], 0);
}

async fn rows_ahead_that_do_not_come_leave_nothing(place: Place) {
    let house = House::open(&place).await;
    let before = kept(&place).await;
    let document = document("gone");
    for overtaken in [false, true] {
        let drafted =
            draft(&house, Format::Tollgate, &document, under("basic", "free")).await.unwrap();
        let written = write_ahead(&house, drafted).await.unwrap();
        if overtaken {
            let active = json!({ "areaStatus": "active" });
            house.put(Shelf::Members, "m9", "", "new-one", active).await;
            house
                .does(|_, change| {
                    change.touch(Kind::Member, "m9");
                    Ok(())
                })
                .await
                .unwrap();
            let not = reveal(&house, written).await.unwrap_err();
            assert!(matches!(not, NotImported::Overtaken), "{not}");
        } else {
            written.end(&house.store).await.unwrap();
            assert_eq!(kept(&place).await, before);
        }
        assert_eq!(seen_by_all(&house).await[0], 0);
    }
    assert_eq!(kept(&place).await[1..5], before[1..5]);
    assert_eq!(kept(&place).await[6], 0);
    import(&house, Format::Tollgate, &document, under("basic", "free")).await.unwrap();
}

/// A process ends with rows ahead; another begins.
async fn left_behind(places: [Place; 2]) {
    let [place, next] = places;
    let house = House::open(&place).await;
    let before = kept(&place).await;
    let document = document("left");
    let drafted = draft(&house, Format::Tollgate, &document, under("basic", "free")).await.unwrap();
    drop(write_ahead(&house, drafted).await.unwrap());
    let context = house.context.clone();
    drop(house);
    let (store, committed) = next.open().await;
    let house = House { store: Arc::new(store), context, committed: Some(committed) };
    assert_eq!(seen_by_all(&house).await, NOTHING);
    house.store.sweep_left().await.unwrap();
    let imported = import(&house, Format::Tollgate, &document, under("basic", "free"));
    // Of a server's process it takes a moment to know that it is gone.
    let imported = tokio::time::timeout(PATIENCE, imported).await;
    // Its values are free once its rows are gone; before that the draft finds them taken.
    match imported.unwrap() {
        Ok(_) => assert_eq!(seen_by_all(&house).await, ALL),
        Err(NotImported::Rows(problems, _)) => assert_eq!(problems.len(), 1_234),
        Err(other) => panic!("{other}"),
    }
    let other = self::document("other");
    let drafted = draft(&house, Format::Tollgate, &other, under("basic", "free")).await.unwrap();
    let written = tokio::time::timeout(PATIENCE, write_ahead(&house, drafted)).await.unwrap();
    written.unwrap().end(&house.store).await.unwrap();
    assert_eq!(kept(&next).await[6], 0);
    assert!([before[1], 1_234].contains(&kept(&next).await[1]));
}

#[tokio::test]
async fn what_a_process_left_is_taken_away_by_the_next_on_sqlite() {
    let place = blocking(Place::sqlite).await;
    let again = place.beside();
    left_behind([place, again]).await;
}

#[tokio::test]
async fn what_a_process_left_is_taken_away_by_the_next_on_postgres() {
    let database = blocking(|| Server::shared().database()).await;
    left_behind([0, 1].map(|_| Place::of_database(&database))).await;
}

#[tokio::test]
async fn rows_ahead_of_another_control_plane_are_not_seen_and_waited_for() {
    let database = blocking(|| Server::shared().database()).await;
    let places = [0, 1].map(|_| Place::of_database(&database));
    let one = House::open(&places[0]).await;
    let (store, committed) = places[1].open().await;
    let other =
        House { store: Arc::new(store), context: one.context.clone(), committed: Some(committed) };
    let written = |house, value: &'static str| async move {
        let drafted =
            draft(house, Format::Tollgate, &document(value), under("basic", "free")).await;
        write_ahead(house, drafted.unwrap()).await
    };
    let first = written(&one, "one").await.unwrap();
    assert_eq!(seen_by_all(&other).await, NOTHING);
    let second = tokio::time::timeout(Duration::from_secs(1), written(&other, "other")).await;
    assert!(second.is_err(), "it waits");
    reveal(&one, first).await.unwrap();
    assert_eq!(seen_by_all(&other).await, ALL);
    let second = written(&other, "other").await.unwrap();
    reveal(&other, second).await.unwrap();
    assert_eq!(seen_by_all(&one).await[0], 2 * 1_234);
    // What is no change has no entry.
    let deeds = one.store.read(|connection| {
        let empty = connection.rows("SELECT 1 FROM audit WHERE action = ''", &[])?;
        Ok(empty.len())
    });
    assert_eq!(deeds.await.unwrap(), 0);
}
