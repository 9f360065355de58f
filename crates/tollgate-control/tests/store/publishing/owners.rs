//! Random histories of members, applications and their keys: whatever was published change by change
//! decides as what is published whole.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::json;
use tollgate_control::store::Document;

use super::*;
use crate::engines::NOW;

contract! {
    owners_published_step_by_step_decide_as_those_published_whole
}

const STEPS: usize = 150;

/// One change of the store.
#[derive(Clone, Debug)]
enum Edit {
    Member(&'static str, &'static str),
    Make(&'static str, &'static str),
    Delete(&'static str),
    Give(&'static str, &'static str),
    Suspend(&'static str, bool),
    Key(&'static str),
    KeySet(&'static str),
}

const MEMBERS: [&str; 2] = ["m1", "m2"];
const APPLICATIONS: [&str; 4] = ["a1", "a2", "a3", "a4"];

fn edit() -> impl Strategy<Value = Edit> {
    let application = || select(APPLICATIONS.to_vec());
    let member = || select(MEMBERS.to_vec());
    let statuses = select(vec!["active", "active", "waiting", "disabled"]);
    prop_oneof![
        2 => (member(), statuses).prop_map(|(member, status)| Edit::Member(member, status)),
        2 => (application(), member()).prop_map(|(one, member)| Edit::Make(one, member)),
        1 => application().prop_map(Edit::Delete),
        1 => (application(), member()).prop_map(|(one, member)| Edit::Give(one, member)),
        3 => (application(), any::<bool>()).prop_map(|(one, now)| Edit::Suspend(one, now)),
        3 => application().prop_map(Edit::Key),
        1 => application().prop_map(Edit::KeySet),
    ]
}

/// Makes a change, where there is something to change. Returns the keys that it made.
fn make(
    context: &Context,
    change: &mut Change<'_>,
    edit: &Edit,
) -> Result<Vec<Secret>, NotChanged<Refused>> {
    let found =
        |change: &mut Change<'_>, id: &str| Shelf::Applications.find(change.connection(), id);
    match *edit {
        Edit::Member(id, status) => {
            let mut member = Shelf::Members.find(change.connection(), id)?.unwrap();
            member.body.insert("areaStatus".to_owned(), json!(status));
            Shelf::Members.update(change.connection(), &member)?;
            change.touch(Kind::Member, id);
        }
        Edit::Make(id, member) if found(change, id)?.is_none() => {
            let at = i64::try_from(NOW).unwrap();
            let body = json!({ "status": "active" }).as_object().unwrap().clone();
            let [name, id, parent] = [id, id, member].map(str::to_owned);
            let made = Document { id, parent, name, body, created: at, updated: at };
            Shelf::Applications.insert(change.connection(), &made)?;
            change.touch(Kind::Application, made.id);
        }
        Edit::Delete(id) if found(change, id)?.is_some() => {
            context.delete_keys_of_application(change, id)?;
            Shelf::Applications.delete(change.connection(), id)?;
            change.touch(Kind::Application, id);
        }
        Edit::Give(id, member) => {
            let Some(mut application) = found(change, id)? else { return Ok(Vec::new()) };
            application.parent = member.to_owned();
            Shelf::Applications.update(change.connection(), &application)?;
            change.touch(Kind::Application, id);
        }
        Edit::Suspend(id, suspended) => {
            let Some(application) = found(change, id)? else { return Ok(Vec::new()) };
            let is_suspended = application.body.get("status") == Some(&json!("suspended"));
            match (is_suspended, suspended) {
                (false, true) => drop(context.suspend_application(change, id)?),
                (true, false) => drop(context.reactivate_application(change, id, false)?),
                _ => {}
            }
        }
        Edit::Key(id) => {
            // A key of an application that is not there, or whose member is not active, is refused.
            let made = context.create_package_key(change, new(id, "basic", "open"));
            return match made {
                Ok(made) => Ok(vec![made.apikey]),
                Err(NotChanged::Refused(_)) => Ok(Vec::new()),
                Err(error) => Err(error),
            };
        }
        Edit::KeySet(id) => {
            let [application, service, package, plan] =
                [id, "orders", "basic", "open"].map(str::to_owned);
            let wanted = Subscribe { application, service, package, plan };
            let subscribed = match context.subscribe(change, &wanted) {
                Ok(subscribed) => subscribed,
                Err(NotChanged::Refused(_)) => return Ok(Vec::new()),
                Err(error) => return Err(error),
            };
            let chain = &subscribed[0].chain;
            if !subscribed[0].reused {
                context.live(change, &chain.id, None, &Event::Activate)?;
            }
            let key = chain.credential(chain.life.latest.number).unwrap();
            return Ok(context.open_key(key)?.into_iter().collect());
        }
        _ => {}
    }
    Ok(Vec::new())
}

/// What comes of a call with each key, and how many keys there are.
fn everything(
    reader: &SnapshotReader,
    decider: &Decider,
    now: Now,
    keys: &[Secret],
) -> (usize, BTreeMap<usize, String>) {
    let root = reader.current().unwrap();
    let route = root.routes.find("any", "/orders", &http::Method::GET).unwrap();
    let ends = keys.iter().enumerate().map(|(number, key)| {
        let presented = CallKey::Presented(key.reveal().as_bytes());
        let end = match decider.decide(&root, &Call::new(presented, &route, Some(SOURCE)), now) {
            Decision::Admit(_, caller) => format!("{} {}", caller.application, caller.plan),
            Decision::Refuse(refused, _) => refused.refusal.code().to_owned(),
        };
        (number, end)
    });
    (root.keys.len(), ends.collect())
}

async fn owners_published_step_by_step_decide_as_those_published_whole(place: Place) {
    let mut street = Street::open(&place).await;
    let mut runner = TestRunner::deterministic();
    let (mut keys, mut seen) = (Vec::new(), std::collections::BTreeSet::new());
    for step in 0..STEPS {
        let edits = prop::collection::vec(edit(), 1..4).new_tree(&mut runner).unwrap().current();
        let said = format!("step {step}: {edits:?}");
        let made = street.does(move |context, change| {
            let made = edits.iter().map(|edit| make(context, change, edit));
            Ok(made.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect::<Vec<_>>())
        });
        keys.extend(made.await);
        let now = street.clock.now();
        let found = everything(&street.reader, &street.decider, now, &keys);
        let (reader, decider) = street.whole().await.unwrap_or_else(|| panic!("{said}"));
        assert_eq!(found, everything(&reader, &decider, now, &keys), "{said}");
        seen.extend(found.1.into_values());
    }
    for end in ["a1 open", "a4 open", "owner_inactive", "key_suspended", "key_unknown"] {
        assert!(seen.contains(end), "{end}: {seen:?}");
    }
}
