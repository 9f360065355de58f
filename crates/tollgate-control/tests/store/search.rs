//! Chains found among others, held against looking at each.

use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use tollgate_control::life_cycle::{Chain, Event, Instant, KeyNumber, Policy, State, apply};
use tollgate_control::people::Realm;
use tollgate_control::store::{
    Api, Bought, ChainDate, ChainOrder, ChainSearch, NotChanged, Ordering, StoredChain,
    Subscription, Within,
};

use crate::chains::{NOW, chain};
use crate::engines::{No, Place, contract, deed};

contract! {
    what_is_found_is_what_looking_at_each_finds
}

const CHAINS: usize = 40;
const SEARCHES: usize = 300;

/// A chain of many kinds, with the service that it is subscribed to, if it is.
fn any_chain(number: usize) -> impl Strategy<Value = (StoredChain, Option<String>)> {
    let applications = select(vec!["acme", "other", "third"]);
    let names = select(vec!["one", "50%_off", "ünder_score"]);
    let plans =
        prop::option::of(select(vec![("basic", "free"), ("basic", "gold"), ("pro", "free")]));
    let ends = prop::option::of(0..5_i64);
    let service = prop::option::of(select(vec!["orders", "items"]));
    let rest = (any::<bool>(), 0..4_usize, 0..6_i64);
    (applications, names, plans, ends, service, rest).prop_map(
        move |(application, name, plan, ends, service, (key_set, events, created))| {
            let life = match key_set {
                true => Chain::key_set(Policy::default(), false),
                false => {
                    Chain::package_key(ends.map(|day| Instant::Day(NOW + day * 86_400)), false)
                }
            };
            let events = [Event::Activate, Event::Suspend, Event::Revoke { key: KeyNumber(1) }]
                .into_iter()
                .take(events);
            let life = events.fold(life, |life, event| {
                apply(&life, &event, NOW - 9).map_or(life, |transition| transition.chain)
            });
            let realm = |organization: &str, group: Option<&str>| Realm {
                organization: Some(organization.to_owned()),
                group: group.map(str::to_owned),
            };
            let kept = StoredChain {
                realm: match application {
                    "acme" => realm("north", Some("shops")),
                    "other" => realm("south", None),
                    _ => Realm::default(),
                },
                bought: plan.map(|(package, plan)| Bought {
                    package: package.to_owned(),
                    plan: plan.to_owned(),
                }),
                auth_type: if created % 2 == 0 { "api_key" } else { "other" }.to_owned(),
                name: name.to_owned(),
                words: format!("{name}\n{application}"),
                created,
                ..chain(&format!("chain{number:03}"), application, life)
            };
            (kept, service.filter(|_| key_set).map(str::to_owned))
        },
    )
}

fn any_search() -> impl Strategy<Value = ChainSearch> {
    let states = prop::collection::vec(select(State::ALL.to_vec()), 0..3);
    let text = prop::option::of(select(vec!["ONE", "%", "_", "acme", "ÜNDER", "e\n", "nothing"]));
    let api = prop::option::of(select(vec![
        ("orders", vec![("basic", "free")]),
        ("items", vec![]),
        ("none", vec![("pro", "free"), ("basic", "gold")]),
    ]));
    let dates = select(vec![
        (ChainDate::Created, 1, 4),
        (ChainDate::Expiration, NOW + 86_400, NOW + 3 * 86_400),
        (ChainDate::Revoked, NOW - 10, NOW),
        (ChainDate::Provisioned, NOW, NOW),
    ]);
    let bounds = (any::<bool>(), any::<bool>());
    let one_of = prop::option::of(prop::collection::vec(select(vec!["acme", "third"]), 0..3));
    let plan = prop::option::of(select(vec![("basic", Some("free")), ("pro", None)]));
    let realm = prop_oneof![
        Just(Realm::default()),
        Just(Realm { organization: Some("north".to_owned()), group: None }),
        Just(Realm { organization: Some("south".to_owned()), group: Some("shops".to_owned()) }),
        Just(Realm { organization: None, group: Some("shops".to_owned()) }),
    ];
    let realms = prop::option::weighted(0.1, prop::collection::vec(realm, 0..3));
    let rarely = |id| prop::option::weighted(0.05, Just(id));
    let bound = (rarely("south"), rarely("shops"), realms);
    (
        prop::option::of(any::<bool>()),
        prop::option::of(select(vec!["acme", "nobody"])),
        one_of,
        states,
        prop::option::of(Just("api_key")),
        api,
        plan,
        prop::option::of((dates, bounds)),
        (text, bound),
    )
        .prop_map(
            |(key_sets, application, one_of, states, auth_type, api, plan, dates, rest)| {
                let (text, (organization, group, realms)) = rest;
                let owned = |(package, plan): (&str, &str)| (package.to_owned(), plan.to_owned());
                ChainSearch {
                    key_sets,
                    organization: organization.map(str::to_owned),
                    group: group.map(str::to_owned),
                    realms,
                    application: application.map(str::to_owned),
                    applications: one_of.map(|all| all.into_iter().map(str::to_owned).collect()),
                    states,
                    auth_type: auth_type.map(str::to_owned),
                    api: api.map(|(service, plans)| Api {
                        service: service.to_owned(),
                        plans: plans.into_iter().map(owned).collect(),
                    }),
                    plan: plan.map(|(package, plan)| (package.to_owned(), plan.map(str::to_owned))),
                    dates: dates
                        .map(|((date, from, to), (has_from, has_to))| {
                            let bound = |has: bool, bound| has.then_some(bound);
                            (date, Within { from: bound(has_from, from), to: bound(has_to, to) })
                        })
                        .into_iter()
                        .collect(),
                    text: text.map(str::to_owned),
                    ..ChainSearch::default()
                }
            },
        )
}

fn any_orders() -> impl Strategy<Value = Vec<ChainOrder>> {
    let by = select(vec![
        Ordering::Updated,
        Ordering::QpsCeiling,
        Ordering::QpsExempt,
        Ordering::Status,
        Ordering::Expiration,
    ]);
    let order = (by, any::<bool>()).prop_map(|(by, descends)| ChainOrder { by, descends });
    prop::collection::vec(order, 0..3)
}

/// Whether a chain is one that is looked for.
fn matches(search: &ChainSearch, (chain, service): &(StoredChain, Option<String>)) -> bool {
    let key = &chain.life.latest;
    let date = |date: ChainDate| match date {
        ChainDate::Created => Some(chain.created),
        ChainDate::Updated => Some(chain.updated),
        ChainDate::Provisioned => key.provisioned,
        ChainDate::RotationPlanned => key.rotation.map(|rotation| rotation.planned),
        ChainDate::Expiration => key.expiration.map(Instant::start),
        ChainDate::Revoked => key.revoked,
    };
    let bought = chain.bought.as_ref();
    let (organization, group) = (chain.realm.organization.as_ref(), chain.realm.group.as_ref());
    search.key_sets.is_none_or(|wanted| wanted == chain.life.policy.is_some())
        && search.application.as_ref().is_none_or(|wanted| *wanted == chain.application)
        && search.applications.as_ref().is_none_or(|wanted| wanted.contains(&chain.application))
        && (search.states.is_empty() || search.states.contains(&key.state))
        && search.organization.as_ref().is_none_or(|wanted| Some(wanted) == organization)
        && search.group.as_ref().is_none_or(|wanted| Some(wanted) == group)
        && search.realms.as_ref().is_none_or(|realms| {
            realms.iter().any(|realm| match realm {
                Realm { organization: None, group: None } => {
                    organization.is_none() && group.is_none()
                }
                realm => {
                    (realm.organization.is_none() || realm.organization.as_ref() == organization)
                        && (realm.group.is_none() || realm.group.as_ref() == group)
                }
            })
        })
        && search.auth_type.as_ref().is_none_or(|wanted| *wanted == chain.auth_type)
        && search.api.as_ref().is_none_or(|api| {
            service.as_ref() == Some(&api.service)
                || bought.is_some_and(|bought| {
                    api.plans.contains(&(bought.package.clone(), bought.plan.clone()))
                })
        })
        && search.plan.as_ref().is_none_or(|(package, plan)| {
            bought.is_some_and(|bought| {
                bought.package == *package && plan.as_ref().is_none_or(|plan| bought.plan == *plan)
            })
        })
        && search.dates.iter().all(|(which, within)| {
            let bounded = within.from.is_some() || within.to.is_some();
            !bounded
                || date(*which).is_some_and(|at| {
                    within.from.is_none_or(|from| at >= from) && within.to.is_none_or(|to| at <= to)
                })
        })
        && search.text.as_ref().is_none_or(|text| chain.words.contains(&text.to_lowercase()))
}

async fn what_is_found_is_what_looking_at_each_finds(place: Place) {
    let (store, _committed) = place.open().await;
    let mut runner = TestRunner::deterministic();
    let mut chains: Vec<_> = (0..CHAINS)
        .map(|number| any_chain(number).new_tree(&mut runner).unwrap().current())
        .collect();
    let put = chains.clone();
    let put = store.change(deed(""), move |change, _| {
        for (chain, service) in put {
            chain.insert(change.connection())?;
            let Some(service) = service else { continue };
            let id = format!("of {}", chain.id);
            let [package, plan] = ["any", "any"].map(str::to_owned);
            let (chain, created, cancelled) = (chain.id, 0, None);
            Subscription { id, chain, service, package, plan, created, cancelled }
                .insert(change.connection())?;
        }
        Ok::<_, NotChanged<No>>(())
    });
    put.await.unwrap();
    chains.sort_by_key(|(chain, _)| (chain.created, chain.id.clone()));
    let mut found_any = 0;
    for _ in 0..SEARCHES {
        let search = any_search().new_tree(&mut runner).unwrap().current();
        let expected: Vec<_> = chains
            .iter()
            .filter(|chain| matches(&search, chain))
            .map(|(chain, _)| chain.clone())
            .collect();
        found_any += usize::from(!expected.is_empty());
        let asked = search.clone();
        let orders = any_orders().new_tree(&mut runner).unwrap().current();
        let pages = store.read(move |connection| {
            let mut ordered = Vec::new();
            for offset in (0..=CHAINS as u64).step_by(3) {
                ordered.extend(asked.sorted_page(connection, &orders, offset, 3)?.chains);
            }
            let whole = asked.sorted_page(connection, &orders, 0, 1000)?.chains;
            assert_eq!(ordered, whole, "{asked:?} {orders:?}");
            Ok((asked.page(connection, 0, 1000)?, asked.page(connection, 1, 2)?))
        });
        let (all, second) = pages.await.unwrap();
        assert_eq!(all.total, expected.len() as u64, "{search:?}");
        assert_eq!(all.chains, expected, "{search:?}");
        assert_eq!(second.total, all.total);
        assert_eq!(second.chains, expected.iter().skip(1).take(2).cloned().collect::<Vec<_>>());
    }
    assert!(found_any > SEARCHES / 6, "most searches found nothing: {found_any}");
}
