//! How many chains there are of each kind, whatever has become of them.

use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use tollgate_control::life_cycle::{Chain, Event, KeyNumber, Policy, State, apply};
use tollgate_control::people::Realm;
use tollgate_control::store::{
    Bought, ChainNumber, ChainSearch, Connection, NotChanged, StoreError, StoredChain, Written,
};

use crate::chains::{NOW, chain};
use crate::engines::{No, Place, contract, deed};

contract! {
    what_is_counted_is_what_is_there_after_every_change
}

const ROUNDS: usize = 40;
const CHAINS: usize = 12;

/// Everything of a chain that is told apart.
#[derive(Clone, Debug)]
struct Kind {
    key_set: bool,
    events: usize,
    auth_type: &'static str,
    plan: Option<(&'static str, &'static str)>,
    application: &'static str,
    realm: (Option<&'static str>, Option<&'static str>),
    exempt: (bool, bool),
}

fn any_kind() -> impl Strategy<Value = Kind> {
    let plan = select(vec![None, Some(("basic", "free")), Some(("basic", "gold"))]);
    let realm = select(vec![(None, None), (Some("north"), None), (Some("north"), Some("shops"))]);
    let auth_type = select(vec!["api_key", "other"]);
    let application = select(vec!["acme", "other"]);
    let exempt = (any::<bool>(), any::<bool>());
    (any::<bool>(), 0..4_usize, auth_type, plan, application, realm, exempt).prop_map(
        |(key_set, events, auth_type, plan, application, realm, exempt)| Kind {
            key_set,
            events,
            auth_type,
            plan,
            application,
            realm,
            exempt,
        },
    )
}

/// A chain of that kind, in a version.
fn of_kind(number: usize, kind: &Kind, version: u64) -> StoredChain {
    let life = match kind.key_set {
        true => Chain::key_set(Policy::default(), false),
        false => Chain::package_key(None, false),
    };
    let events = [Event::Activate, Event::Suspend, Event::Revoke { key: KeyNumber(1) }];
    let life = events.into_iter().take(kind.events).fold(life, |life, event| {
        apply(&life, &event, NOW).map_or(life, |transition| transition.chain)
    });
    let (organization, group) = kind.realm;
    StoredChain {
        auth_type: kind.auth_type.to_owned(),
        bought: kind
            .plan
            .map(|(package, plan)| Bought { package: package.to_owned(), plan: plan.to_owned() }),
        realm: Realm {
            organization: organization.map(str::to_owned),
            group: group.map(str::to_owned),
        },
        qps: Written { ceiling: None, exempt: kind.exempt.0 },
        quota: Written { ceiling: None, exempt: kind.exempt.1 },
        ..chain(&format!("chain{number:03}"), kind.application, Chain { version, ..life })
    }
}

/// Searches of all sorts that tallies answer.
fn searches() -> Vec<ChainSearch> {
    let all = ChainSearch::default;
    let text = |text: &str| Some(text.to_owned());
    let mut searches = vec![
        all(),
        ChainSearch { auth_type: text("other"), ..all() },
        ChainSearch { organization: text("north"), ..all() },
        ChainSearch { group: text("shops"), ..all() },
        ChainSearch { realms: Some(vec![Realm::default()]), ..all() },
        ChainSearch { plans: Some(vec!["gold".to_owned()]), ..all() },
        ChainSearch { plan: Some(("basic".to_owned(), text("free"))), ..all() },
        ChainSearch { numbers: vec![(ChainNumber::QpsExempt, 1)], ..all() },
        ChainSearch { numbers: vec![(ChainNumber::QuotaExempt, 0)], ..all() },
        ChainSearch { none: true, ..all() },
        ChainSearch { application: text("acme"), ..all() },
        ChainSearch { applications: Some(vec!["other".to_owned()]), ..all() },
        ChainSearch { application: text("acme"), states: vec![State::Active], ..all() },
        ChainSearch { application: text("acme"), organization: text("north"), ..all() },
    ];
    let of_kind = |key_sets: bool| ChainSearch { key_sets: Some(key_sets), ..all() };
    searches.extend([true, false].map(of_kind));
    searches.extend(State::ALL.iter().map(|state| ChainSearch { states: vec![*state], ..all() }));
    searches
}

/// How many there are by what is counted, and by looking at all of them.
fn both(connection: &mut dyn Connection) -> Result<Vec<(u64, u64)>, StoreError> {
    let counts = searches().into_iter().map(|search| {
        let counted = search.page(connection, 0, 1)?.total;
        Ok((counted, search.ids(connection, &[])?.len() as u64))
    });
    counts.collect()
}

async fn what_is_counted_is_what_is_there_after_every_change(place: Place) {
    let (store, _committed) = place.open().await;
    let mut runner = TestRunner::deterministic();
    let mut versions = [0_u64; CHAINS];
    let kinds = searches().len();
    let mut seen = vec![0; kinds];
    for _ in 0..ROUNDS {
        let steps = prop::collection::vec((0..CHAINS, any_kind(), 0..4_usize), 1..6);
        let steps = steps.new_tree(&mut runner).unwrap().current();
        let present = versions;
        let changed = store.change(deed(""), move |change, _| {
            let (mut versions, connection) = (present, change.connection());
            let mut fresh = Vec::new();
            for (number, kind, what) in steps {
                let before = versions[number];
                match (before, what) {
                    (0, _) => {
                        versions[number] = 1;
                        fresh.push(of_kind(number, &kind, 1));
                    }
                    (_, 0) => {
                        StoredChain::insert_all(connection, &std::mem::take(&mut fresh))?;
                        assert!(StoredChain::delete(connection, &format!("chain{number:03}"))?);
                        versions[number] = 0;
                    }
                    _ => {
                        StoredChain::insert_all(connection, &std::mem::take(&mut fresh))?;
                        let next = of_kind(number, &kind, before + 1);
                        assert!(next.update(connection, before)?);
                        versions[number] += 1;
                    }
                }
            }
            StoredChain::insert_all(connection, &fresh)?;
            Ok::<_, NotChanged<No>>(versions)
        });
        versions = changed.await.unwrap().0;
        let counts = store.read(both).await.unwrap();
        for (index, (counted, there)) in counts.into_iter().enumerate() {
            assert_eq!(counted, there, "{:?}", searches()[index]);
            seen[index] += there;
        }
    }
    // All but the one for nothing and the state that nothing gets to here.
    assert!(seen.iter().filter(|seen| **seen == 0).count() <= 2, "{seen:?}");
}
