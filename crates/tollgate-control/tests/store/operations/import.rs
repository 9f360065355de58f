//! Importing keys, and exporting them again.

mod ahead;
mod overtaken;

use std::collections::BTreeMap;
use std::sync::Arc;

use tollgate_control::life_cycle::{Instant, State};
use tollgate_control::migration::{Format, PlanName};
use tollgate_control::operations::{
    Destination, Export, ImportAhead, ImportDraft, Imported, NotImported, Refused, Retrieval,
};
use tollgate_control::store::{NotChanged, Shelf, StoreError, StoredChain, Written, timeline};

use super::House;
use crate::engines::{NOW, Place, contract, deed};

contract! {
    keys_come_with_the_members_and_applications_that_they_need
    nothing_is_imported_when_a_row_is_bad_and_each_is_named
    a_dry_run_says_the_same_and_changes_nothing
    limits_are_carried_over_where_the_plan_counts_likewise
    keys_come_under_the_plan_that_their_group_is_mapped_to
    an_export_imports_as_it_was
    a_key_that_is_over_is_imported_as_expired
    keys_that_are_shown_once_are_not_exported
    many_more_keys_than_one_statement_holds_are_imported
}

fn plan(package: &str, plan: &str) -> PlanName {
    PlanName { package: package.to_owned(), plan: plan.to_owned() }
}

fn under(package: &str, name: &str) -> Destination {
    Destination { plan: Some(plan(package, name)), ..Destination::default() }
}

async fn import(
    house: &House,
    format: Format,
    document: &str,
    destination: Destination,
) -> Result<Imported, NotImported> {
    run(house, format, document, destination, false).await
}

async fn run(
    house: &House,
    format: Format,
    document: &str,
    destination: Destination,
    dry_run: bool,
) -> Result<Imported, NotImported> {
    let draft = draft(house, format, document, destination).await?;
    if dry_run { Ok(draft.imported().clone()) } else { carry_out(house, draft).await }
}

/// What an import would do, with its rows.
async fn draft(
    house: &House,
    format: Format,
    document: &str,
    destination: Destination,
) -> Result<ImportDraft, NotImported> {
    let context = house.context.clone();
    let reading = format.read(document.as_bytes()).unwrap();
    let now = i64::try_from(NOW).unwrap();
    let drafted = house
        .store
        .read(move |connection| Ok(context.draft_import(connection, reading, &destination, now)));
    drafted.await.unwrap().map_err(why)
}

async fn carry_out(house: &House, draft: ImportDraft) -> Result<Imported, NotImported> {
    let written = write_ahead(house, draft).await?;
    reveal(house, written).await
}

async fn write_ahead(house: &House, draft: ImportDraft) -> Result<ImportAhead, NotImported> {
    let context = house.context.clone();
    draft.write_ahead(&house.store, move || context.clone()).await.map_err(why)
}

/// Ends an import whose rows are written.
async fn reveal(house: &House, written: ImportAhead) -> Result<Imported, NotImported> {
    let (context, written) = (house.context.clone(), Arc::new(written));
    let ended = Arc::clone(&written);
    let done =
        house.store.change(deed("import"), move |change, _| context.import(change, &written));
    let done = done.await.map(|(imported, _)| imported).map_err(why);
    ended.end(&house.store).await.unwrap();
    done
}

fn why(not: NotChanged<NotImported>) -> NotImported {
    match not {
        NotChanged::Refused(refused) => refused,
        NotChanged::Store(error) => panic!("{error}"),
    }
}

/// `place: field` of every problem.
fn problems(not: NotImported) -> Vec<String> {
    let NotImported::Rows(problems, _) = not else { panic!("{not:?}") };
    problems.iter().map(|problem| format!("{}: {}", problem.place, problem.field)).collect()
}

/// All chains, by their keys in the clear.
async fn chains(house: &House) -> BTreeMap<String, StoredChain> {
    let context = house.context.clone();
    let read = house.store.read(move |connection| {
        let mut chains = BTreeMap::new();
        StoredChain::each(connection, |chain| {
            let credential = chain.credential(chain.life.latest.number).unwrap();
            let key = context.open_key(credential).unwrap().unwrap();
            chains.insert(key.reveal().to_owned(), chain);
            Ok(())
        })?;
        Ok(chains)
    });
    read.await.unwrap()
}

/// How many members, applications, keys, audit entries and revisions there are.
async fn counts(house: &House) -> Vec<i64> {
    let read = house.store.read(|connection| {
        ["documents", "chains", "keys", "timeline", "revisions"]
            .iter()
            .map(|table| {
                let row = connection.row(&format!("SELECT count(*) FROM {table}"), &[])?;
                row.unwrap().integer(0)
            })
            .collect::<Result<Vec<_>, StoreError>>()
    });
    read.await.unwrap()
}

const KONG: &str = r#"
consumers:
  - username: kim
    keyauth_credentials: [{ key: kim-1 }, { key: kim-2 }]
    plugins: [{ name: rate-limiting, config: { second: 3, day: 50, month: 900 } }]
  - username: new-one
    groups: [{ name: gold }]
    keyauth_credentials: [{ key: new-1 }]
  - username: jo
    keyauth_credentials: [{ key: jo-1 }]
"#;

async fn keys_come_with_the_members_and_applications_that_they_need(place: Place) {
    let house = House::open(&place).await;
    let imported = import(&house, Format::Kong, KONG, under("basic", "free")).await.unwrap();
    assert_eq!((imported.keys, imported.members, imported.applications), (4, 1, 3));
    let chains = chains(&house).await;
    assert_eq!(chains.keys().collect::<Vec<_>>(), ["jo-1", "kim-1", "kim-2", "new-1"]);
    assert!(chains.values().all(|chain| chain.life.state() == State::Active));
    assert_eq!(chains["kim-1"].application, chains["kim-2"].application);
    let application = chains["kim-1"].application.clone();
    let id = chains["new-1"].id.clone();
    let read = house.store.read(move |connection| {
        let kims = Shelf::Applications.find(connection, &application)?.unwrap();
        let jos = Shelf::Applications.below(connection, "jo")?;
        let new_one = Shelf::Members.named(connection, "new-one")?.unwrap();
        Ok((kims, jos, new_one, timeline::of_chain(connection, &id)?))
    });
    let (kims, jos, new_one, timeline) = read.await.unwrap();
    assert_eq!(
        (kims.parent.as_str(), kims.name.as_str()),
        ("m1", "kim"),
        "the member that is there"
    );
    assert_eq!(jos.len(), 1, "an application of the store below a member of the file");
    assert_eq!(new_one.body["areaStatus"], "active");
    assert!(!timeline.is_empty(), "its activation is told");
    // Once more: everything is there, so every key has its value already.
    let again = import(&house, Format::Kong, KONG, under("basic", "free")).await.unwrap_err();
    assert_eq!(problems(again).len(), 4);
}

async fn nothing_is_imported_when_a_row_is_bad_and_each_is_named(place: Place) {
    let house = House::open(&place).await;
    let before = counts(&house).await;
    let document = r#"{ "consumers": [
        { "username": "kim", "keyauth_credentials": [
            { "key": "fine" }, { "key": "a b" }, { "key": "twice" }, { "key": "twice" },
            { "key": "test" } ] },
        { "username": "lee", "keyauth_credentials": [{ "key": "of-one-who-is-waiting" }] },
        { "keyauth_credentials": [{ "key": "of-nobody" }, {}] } ] }"#;
    let not = import(&house, Format::Kong, document, under("basic", "free")).await.unwrap_err();
    assert!(!not.to_string().contains("a b"), "{not}");
    assert_eq!(
        problems(not),
        [
            "consumers[0].keyauth_credentials[1]: apikey",
            "consumers[0].keyauth_credentials[3]: key",
            "consumers[0].keyauth_credentials[4]: key",
            "consumers[1].keyauth_credentials[0]: member",
            "consumers[2].keyauth_credentials[0]: owner",
            "consumers[2].keyauth_credentials[1]: key",
        ]
    );
    for (destination, expected) in [
        (Destination::default(), "no plan"),
        (under("nothing", "free"), "no package"),
        (under("basic", "nothing"), "no plan"),
        (under("p2", "free"), "no plan"),
    ] {
        let not = import(&house, Format::Kong, KONG, destination).await.unwrap_err();
        assert!(not.to_string().contains(expected), "{not}");
        assert_eq!(problems(not).len(), 4);
    }
    assert_eq!(counts(&house).await, before);
}

async fn a_dry_run_says_the_same_and_changes_nothing(place: Place) {
    let house = House::open(&place).await;
    let before = counts(&house).await;
    let told = run(&house, Format::Kong, KONG, under("basic", "free"), true).await.unwrap();
    assert_eq!(counts(&house).await, before);
    let done = import(&house, Format::Kong, KONG, under("basic", "free")).await.unwrap();
    assert_eq!(told, done);
    let bad = run(&house, Format::Kong, KONG, under("basic", "free"), true).await.unwrap_err();
    assert_eq!(problems(bad).len(), 4);
}

async fn limits_are_carried_over_where_the_plan_counts_likewise(place: Place) {
    let house = House::open(&place).await;
    let imported = import(&house, Format::Kong, KONG, under("basic", "free")).await.unwrap();
    let chains = chains(&house).await;
    assert_eq!(chains["kim-1"].qps, Written { ceiling: Some(3), exempt: false });
    assert_eq!(chains["kim-1"].quota, Written { ceiling: Some(50), exempt: false });
    assert_eq!(chains["new-1"].quota, Written::default());
    let fields: Vec<_> = imported.remarks.iter().map(|remark| remark.field.as_str()).collect();
    assert_eq!(fields, ["key", "keyauth_credentials", "month", "qpsLimit", "rateLimit"]);
    let zero = r#"[{ "apikey": "zero", "status": "active", "rateLimitCeiling": 0,
                     "member": { "username": "kim" } }]"#;
    let imported = import(&house, Format::V3, zero, under("basic", "free")).await.unwrap();
    let kept = self::chains(&house).await;
    assert_eq!(kept["zero"].quota, Written::default());
    assert!(imported.remarks.iter().any(|remark| remark.message.starts_with("0:")));
}

async fn keys_come_under_the_plan_that_their_group_is_mapped_to(place: Place) {
    let house = House::open(&place).await;
    let mut destination = under("basic", "free");
    // By name: the store knows both by their ids.
    destination.groups.insert("gold".to_owned(), plan("Gold", "Gold"));
    import(&house, Format::Kong, KONG, destination.clone()).await.unwrap();
    let chains = chains(&house).await;
    let bought = |key: &str| {
        let bought = chains[key].bought.clone().unwrap();
        (bought.package, bought.plan)
    };
    assert_eq!(bought("new-1"), ("p1".to_owned(), "l1".to_owned()));
    assert_eq!(bought("kim-1"), ("basic".to_owned(), "free".to_owned()));
    destination.groups.insert("silver".to_owned(), plan("basic", "open"));
    destination.owner = Some("kim".to_owned());
    let csv = "Name,Key,UsagePlanIds\napp,of-two-plans,\"gold,silver\"\napp,of-one,silver\n";
    let not = import(&house, Format::Aws, csv, destination).await.unwrap_err();
    assert_eq!(problems(not), ["line 2: plan"]);
}

async fn an_export_imports_as_it_was(place: Place) {
    let house = House::open(&place).await;
    let lines = concat!(
        r#"{"tollgate":"keys","version":1}"#,
        "\n",
        r#"{"key":"one","secret":"s1","name":"One","owner":"kim","application":"Kim's","#,
        r#""package":"Gold","plan":"Gold","state":"pending","qps_limit_ceiling":7,"#,
        r#""rate_limit_ceiling":0,"expires":"2027-01-31","created":1431558509000,"#,
        r#""fields":{"notes":"kept"}}"#,
        "\n",
        r#"{"key":"two","owner":"jo","application":"acme","package":"basic","plan":"free","#,
        r#""state":"revoked","qps_limit_exempt":true,"expires":"2027-01-31T12:00:00Z"}"#,
        "\n",
        r#"{"key":"three","owner":"jo","application":"acme","package":"basic","plan":"free","#,
        r#""state":"suspended"}"#,
        "\n",
    );
    import(&house, Format::Tollgate, lines, Destination::default()).await.unwrap();
    let before = chains(&house).await;
    assert_eq!(before["one"].application, "a1");
    assert_eq!(before["one"].created, 1_431_558_509_000);
    assert_eq!(before["one"].quota, Written { ceiling: Some(0), exempt: false });
    assert_eq!(before["two"].life.state(), State::Revoked);
    assert_eq!(before["two"].application, "acme");
    assert_eq!(before["two"].life.latest.expiration, Some(Instant::Second(1_801_396_800)));
    let exported = export(&house).await.unwrap();
    assert_eq!(exported.0, Export { keys: 3, unseen: 0 });
    for chain in before.values() {
        let id = chain.id.clone();
        let delete =
            house.does(move |context, change| context.delete_package_key(change, None, &id));
        delete.await.unwrap();
    }
    import(&house, Format::Tollgate, &exported.1, Destination::default()).await.unwrap();
    let after = chains(&house).await;
    assert_eq!(after.len(), 3);
    for (key, before) in &before {
        let after = &after[key];
        let (old, new) = (&before.credentials[0].1, &after.credentials[0].1);
        assert_eq!(
            house.context.open_secret(old).unwrap(),
            house.context.open_secret(new).unwrap()
        );
        assert_eq!(old.digest, new.digest);
        let same = StoredChain {
            id: before.id.clone(),
            credentials: before.credentials.clone(),
            ..after.clone()
        };
        assert_eq!(&same, before, "{key}");
    }
}

async fn keys_that_are_shown_once_are_not_exported(place: Place) {
    let mut house = House::open(&place).await;
    import(&house, Format::Kong, KONG, under("basic", "free")).await.unwrap();
    house.context.retrieval = Retrieval::Once;
    assert!(matches!(export(&house).await, Err(Refused::Invalid(_))));
    let once = KONG.replace("-1", "-3").replace("-2", "-4");
    import(&house, Format::Kong, &once, under("basic", "free")).await.unwrap();
    house.context.retrieval = Retrieval::Always;
    let (export, lines) = export(&house).await.unwrap();
    assert_eq!(export, Export { keys: 4, unseen: 4 });
    assert_eq!(lines.lines().count(), 5);
}

async fn export(house: &House) -> Result<(Export, String), Refused> {
    let context = house.context.clone();
    let read = house.store.read(move |connection| {
        let mut lines = String::new();
        let export = context.export(connection, |line| {
            lines += &line;
            Ok(())
        })?;
        Ok(export.map(|export| (export, lines)))
    });
    read.await.unwrap()
}

async fn many_more_keys_than_one_statement_holds_are_imported(place: Place) {
    let house = House::open(&place).await;
    let mut csv = "Name,Key\n".to_owned();
    for number in 0..2_345 {
        csv += &format!("app-{},key-{number:020}\n", number % 1_234);
    }
    let mut destination = under("basic", "open");
    destination.owner = Some("new-one".to_owned());
    let imported = import(&house, Format::Aws, &csv, destination.clone()).await.unwrap();
    assert_eq!((imported.keys, imported.members, imported.applications), (2_345, 1, 1_234));
    let chains = chains(&house).await;
    assert_eq!(chains.len(), 2_345);
    let ids = chains.values().map(|chain| &chain.id);
    assert!(ids.is_sorted(), "ids of one import are in its order");
    csv = csv.replace("key-", "kex-");
    csv += "app-0,key-00000000000000001999\n";
    let not = import(&house, Format::Aws, &csv, destination).await.unwrap_err();
    assert_eq!(problems(not), ["line 2347: key"]);
}

async fn a_key_that_is_over_is_imported_as_expired(place: Place) {
    let house = House::open(&place).await;
    let lines = [
        r#"{"tollgate":"keys","version":1}"#,
        r#"{"key":"over-1","state":"active","owner":"jo","expires":"2020-01-01"}"#,
        r#"{"key":"over-2","state":"expired","owner":"jo","expires":"2020-01-01T12:00:00Z"}"#,
        r#"{"key":"over-3","state":"revoked","owner":"jo","expires":"2020-01-01"}"#,
        r#"{"key":"over-4","state":"suspended","owner":"jo","expires":"2020-01-01"}"#,
    ];
    let document = lines.join("\n");
    let imported =
        import(&house, Format::Tollgate, &document, under("basic", "free")).await.unwrap();
    assert_eq!(imported.keys, 4);
    let places: Vec<_> =
        imported.remarks.iter().map(|remark| (&*remark.field, remark.places.len())).collect();
    assert!(places.contains(&("expires", 1)), "{:?}", imported.remarks);
    let chains = chains(&house).await;
    let states: Vec<_> = chains.values().map(|chain| chain.life.state()).collect();
    assert_eq!(states, [State::Expired, State::Expired, State::Revoked, State::Suspended]);
    // One that claims to be over is not imported as one that works.
    let ahead = "{\"tollgate\":\"keys\",\"version\":1}\n\
                 {\"key\":\"ahead-1\",\"state\":\"expired\",\"owner\":\"jo\",\"expires\":\"2999-01-01\"}";
    let refused = import(&house, Format::Tollgate, ahead, under("basic", "free")).await;
    assert_eq!(problems(refused.unwrap_err()), ["line 2: expires"]);
}
