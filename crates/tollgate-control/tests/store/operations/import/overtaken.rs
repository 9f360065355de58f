//! What others change between the draft of an import and the import itself.

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};
use tollgate_control::migration::Format;
use tollgate_control::operations::{NewPackageKey, NotImported, Refused, Secret};
use tollgate_control::store::{Change, Document, Kind, NotChanged, Shelf};

use super::{KONG, carry_out, counts, draft, problems, reveal, under, write_ahead};
use crate::engines::{NOW, Place, contract};
use crate::operations::House;

contract! {
    an_import_is_overtaken_by_what_would_make_another_of_it
    an_import_goes_on_whatever_else_is_changed
}

type Done = Result<(), NotChanged<Refused>>;

/// A change by somebody else.
type Other = fn(&House, &mut Change<'_>) -> Done;

fn object(body: Json) -> Map<String, Json> {
    let Json::Object(body) = body else { unreachable!() };
    body
}

fn made(shelf: Shelf, id: &str, parent: &str, name: &str, change: &mut Change<'_>) -> Done {
    let document = Document {
        id: id.to_owned(),
        parent: parent.to_owned(),
        name: name.to_owned(),
        body: object(json!({ "areaStatus": "active" })),
        created: NOW.cast_signed(),
        updated: NOW.cast_signed(),
    };
    shelf.insert(change.connection(), &document)?;
    touch(shelf, change, id, parent);
    Ok(())
}

fn changed(shelf: Shelf, id: &str, field: &str, value: Json, change: &mut Change<'_>) -> Done {
    let mut document = shelf.find(change.connection(), id)?.unwrap();
    document.body.insert(field.to_owned(), value);
    shelf.update(change.connection(), &document)?;
    touch(shelf, change, id, &document.parent);
    Ok(())
}

fn gone(shelf: Shelf, id: &str, change: &mut Change<'_>) -> Done {
    let document = shelf.find(change.connection(), id)?.unwrap();
    shelf.delete(change.connection(), id)?;
    touch(shelf, change, id, &document.parent);
    Ok(())
}

/// Says of a change what the admin API says of it.
fn touch(shelf: Shelf, change: &mut Change<'_>, id: &str, parent: &str) {
    match shelf {
        Shelf::Members => change.touch(Kind::Member, id),
        Shelf::Applications => change.touch(Kind::Application, id),
        Shelf::Packages => change.touch(Kind::Package, id),
        Shelf::Plans => change.touch(Kind::Package, parent),
        _ => unreachable!(),
    }
}

fn key(house: &House, value: &str, change: &mut Change<'_>) -> Done {
    let new = NewPackageKey {
        application: "a1".to_owned(),
        package: "p1".to_owned(),
        plan: "l1".to_owned(),
        apikey: Some(Secret::new(value)),
        ..NewPackageKey::default()
    };
    house.context.create_package_key(change, new).map(drop)
}

async fn other(house: &House, other: Other) {
    let by =
        House { store: Arc::clone(&house.store), context: house.context.clone(), committed: None };
    house.does(move |_, change| other(&by, change)).await.unwrap();
}

async fn an_import_is_overtaken_by_what_would_make_another_of_it(place: Place) {
    let others: [(Other, &[&str]); 8] = [
        (
            |house, change| key(house, "kim-2", change),
            &["consumers[0].keyauth_credentials[1]: key"],
        ),
        (
            |_, change| gone(Shelf::Plans, "l1", change),
            &[
                "consumers[0].keyauth_credentials[0]: plan",
                "consumers[0].keyauth_credentials[1]: plan",
                "consumers[1].keyauth_credentials[0]: plan",
                "consumers[2].keyauth_credentials[0]: plan",
            ],
        ),
        (|_, change| changed(Shelf::Plans, "l1", "keyLifespan", json!(9), change), &[]),
        (|_, change| changed(Shelf::Packages, "p1", "sharedSecretLength", json!(9), change), &[]),
        (|_, change| made(Shelf::Members, "m9", "", "new-one", change), &[]),
        (
            |_, change| changed(Shelf::Members, "m1", "areaStatus", json!("disabled"), change),
            &[
                "consumers[0].keyauth_credentials[0]: member",
                "consumers[0].keyauth_credentials[1]: member",
            ],
        ),
        (|_, change| made(Shelf::Applications, "a9", "m1", "kim", change), &[]),
        (|_, change| changed(Shelf::Applications, "a1", "status", json!("suspended"), change), &[]),
    ];
    let ahead = [false, true].into_iter().cycle();
    let twice = others.into_iter().flat_map(|other| [other, other]);
    for (number, ((overtaking, expected), ahead)) in twice.zip(ahead).enumerate() {
        let place = crate::engines::blocking(place.again).await;
        let house = House::open(&place).await;
        let drafted = draft(&house, Format::Kong, KONG, under("Gold", "Gold")).await.unwrap();
        // A key's value is taken once its row is written.
        if number == 1 {
            continue;
        }
        let (not, before) = if ahead {
            let written = write_ahead(&house, drafted).await.unwrap();
            other(&house, overtaking).await;
            let before = counts(&house).await;
            (reveal(&house, written).await.unwrap_err(), before)
        } else {
            other(&house, overtaking).await;
            let before = counts(&house).await;
            (carry_out(&house, drafted).await.unwrap_err(), before)
        };
        assert!(matches!(not, NotImported::Overtaken), "{number}: {not}");
        let after = counts(&house).await;
        assert_eq!([after[0], after[1], after[4]], [before[0], before[1], before[4]], "{number}");
        assert_eq!(after[1], after[2], "what was written is gone: {number}");
        match draft(&house, Format::Kong, KONG, under("Gold", "Gold")).await {
            Ok(drafted) => {
                assert!(expected.is_empty(), "{number}");
                carry_out(&house, drafted).await.unwrap();
            }
            Err(not) => assert_eq!(problems(not), expected, "{number}"),
        }
    }
    // Another file.
    let mut house = House::open(&place).await;
    let drafted = draft(&house, Format::Kong, KONG, under("Gold", "Gold")).await.unwrap();
    house.context.files = Arc::new((*house.context.files).clone());
    let not = carry_out(&house, drafted).await.unwrap_err();
    assert!(matches!(not, NotImported::Overtaken), "{not}");
}

async fn an_import_goes_on_whatever_else_is_changed(place: Place) {
    let house = House::open(&place).await;
    let drafted = draft(&house, Format::Kong, KONG, under("Gold", "Gold")).await.unwrap();
    let others: [Other; 8] = [
        |house, change| key(house, "another", change),
        |_, change| made(Shelf::Plans, "l9", "p1", "Other", change),
        |_, change| changed(Shelf::Plans, "l1", "description", json!("new"), change),
        |_, change| made(Shelf::Members, "m9", "", "nobody-of-it", change),
        |_, change| changed(Shelf::Members, "m1", "email", json!("kim@example.org"), change),
        |_, change| made(Shelf::Applications, "a9", "m1", "other", change),
        |_, change| made(Shelf::Applications, "a8", "m2", "kim", change),
        |_, change| gone(Shelf::Applications, "a8", change),
    ];
    let mut others = others.into_iter();
    for one in others.by_ref().take(4) {
        other(&house, one).await;
    }
    let written = write_ahead(&house, drafted).await.unwrap();
    for one in others {
        other(&house, one).await;
    }
    let imported = reveal(&house, written).await.unwrap();
    assert_eq!((imported.keys, imported.members, imported.applications), (4, 1, 3));
}
