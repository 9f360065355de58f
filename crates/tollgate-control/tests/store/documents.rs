//! Documents: found by id, name and parent, in the order of their making.

use serde_json::{Map, json};
use tollgate_control::store::{Change, Document, NotChanged, Shelf};

use crate::engines::{No, Place, contract, deed};

contract! {
    documents_are_found_as_they_were_put
    shelves_are_apart
}

fn document(id: &str, parent: &str, name: &str, created: i64) -> Document {
    let mut body = Map::new();
    body.insert("note".to_owned(), json!({ "of": id, "list": [1, null, "ü"] }));
    Document { id: id.into(), parent: parent.into(), name: name.into(), body, created, updated: 9 }
}

fn put(change: &mut Change<'_>, shelf: Shelf, document: &Document) -> Result<(), NotChanged<No>> {
    Ok(shelf.insert(change.connection(), document)?)
}

async fn documents_are_found_as_they_were_put(place: Place) {
    let (store, _committed) = place.open().await;
    let second = document("a", "basic", "gold", 2);
    let first = document("b", "basic", "free", 1);
    let other = document("c", "pro", "free", 3);
    let all = [second.clone(), first.clone(), other.clone()];
    let made = store.change(deed(""), move |change, _| {
        all.iter().try_for_each(|document| put(change, Shelf::Plans, document))
    });
    made.await.unwrap();
    let found = store.read(|connection| {
        Ok((
            Shelf::Plans.find(connection, "a")?,
            Shelf::Plans.named(connection, "free")?,
            Shelf::Plans.below(connection, "basic")?,
            Shelf::Plans.all(connection)?.len(),
            Shelf::Plans.find(connection, "d")?,
        ))
    });
    let expected =
        (Some(second.clone()), Some(first.clone()), vec![first, second.clone()], 3, None);
    assert_eq!(found.await.unwrap(), expected);

    let changed = Document { name: "silver".into(), parent: "pro".into(), ..second };
    let after = changed.clone();
    let edited = store.change(deed(""), move |change, _| {
        let connection = change.connection();
        let done = Shelf::Plans.update(connection, &changed)?;
        let none = Shelf::Plans.update(connection, &document("d", "", "", 0))?;
        let gone = Shelf::Plans.delete(connection, "b")?;
        let not_there = Shelf::Plans.delete(connection, "b")?;
        Ok::<_, NotChanged<No>>((done, none, gone, not_there))
    });
    assert_eq!(edited.await.unwrap().0, (true, false, true, false));
    let left = store.read(|connection| Shelf::Plans.all(connection)).await.unwrap();
    assert_eq!(left, [after, other]);
}

async fn shelves_are_apart(place: Place) {
    let (store, _committed) = place.open().await;
    let made = store.change(deed(""), |change, _| {
        put(change, Shelf::Packages, &document("a", "", "one", 1))?;
        put(change, Shelf::Services, &document("a", "", "other", 1))
    });
    made.await.unwrap();
    let names = store.read(|connection| {
        let package = Shelf::Packages.find(connection, "a")?;
        let service = Shelf::Services.find(connection, "a")?;
        Ok([package, service].map(|found| found.map(|document| document.name)))
    });
    assert_eq!(names.await.unwrap(), [Some("one".to_owned()), Some("other".to_owned())]);
}
