//! Random histories of the store and the file: whatever was published change by change decides as
//! what is published whole.

use http::Method;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value as Json, json};
use tollgate_control::operations::PackageKeyChange;
use tollgate_control::store::{Document, Kind};

use super::*;
use crate::engines::NOW;

contract! {
    what_is_published_step_by_step_decides_as_what_is_published_whole
}

/// One change of either source.
#[derive(Clone, Debug)]
enum Edit {
    Service(usize, Vec<Json>, Option<u32>),
    Opens(Json),
    File(usize),
    Suspend(bool),
}

const SERVICES: [&str; 3] = ["s0", "s1", "s2"];
const ENDPOINTS: [&str; 3] = ["e0", "e1", "e2"];
const HOSTS: [&str; 3] = ["any", "*.example.com", "api.example.com"];
const PATHS: [&str; 4] = ["/orders", "/wares", "/wares/special", "/"];
const METHODS: [Method; 3] = [Method::GET, Method::POST, Method::DELETE];

/// What the file can be; all have what the store's plans open.
fn files(number: usize) -> String {
    match number {
        0 => FILE.to_owned(),
        1 => format!("upstreams.spare.url = \"http://127.0.0.1:9009\"\n{FILE}"),
        2 => FILE.replace("path = \"/items\"", "path = \"/wares\""),
        3 => FILE.replace("path = \"/orders\"", "hosts = [\"any\"], path = \"/orders\""),
        _ => FILE.replace(
            "path = \"/items\", endpoints.all = {}",
            "path = \"/items\", endpoints.all = {}, proof.kind = \"signature-md5\"",
        ),
    }
}

fn endpoint() -> impl Strategy<Value = Json> {
    let upstream = prop_oneof![
        3 => Just(json!({ "upstream": "demo" })),
        1 => Just(json!({ "systemDomains": [{ "address": "127.0.0.1:9009" }] })),
    ];
    let methods = prop_oneof![
        Just(json!([])),
        Just(json!([{ "id": "get", "name": "GET" }])),
        Just(json!([{ "id": "get", "name": "GET" }, { "id": "other", "name": "other" }])),
    ];
    let types = select(vec!["apiKey", "apiKey", "apiKeyAndSecret_SHA256", "oauth"]);
    let supported = select(vec![json!([]), json!(["get", "post"])]);
    let (hosts, ids) = (subsequence(HOSTS.to_vec(), 0..3), select(ENDPOINTS.to_vec()));
    (ids, hosts, select(PATHS.to_vec()), upstream, methods, types, supported).prop_map(
        |(id, hosts, path, upstream, methods, types, supported)| {
            let hosts: Vec<_> = hosts.iter().map(|host| json!({ "address": host })).collect();
            let mut endpoint = json!({
                "id": id, "name": id, "publicDomains": hosts, "requestPathAlias": path,
                "requestAuthenticationType": types, "supportedHttpMethods": supported,
                "methods": methods,
            });
            endpoint.as_object_mut().unwrap().extend(upstream.as_object().unwrap().clone());
            endpoint
        },
    )
}

/// Endpoints, each id once.
fn endpoints() -> impl Strategy<Value = Vec<Json>> {
    prop::collection::vec(endpoint(), 0..4).prop_map(|mut all| {
        all.sort_by_key(|endpoint| endpoint["id"].to_string());
        all.dedup_by_key(|endpoint| endpoint["id"].to_string());
        all
    })
}

fn opens() -> impl Strategy<Value = Json> {
    let methods = select(vec![json!([]), json!([{ "id": "get" }])]);
    let undefined = select(vec![Json::Null, json!(true), json!(false)]);
    let endpoint = (select(ENDPOINTS.to_vec()), methods, undefined).prop_map(|(id, methods, undefined)| {
        json!({ "id": id, "methods": methods, "undefinedMethodsAllowed": undefined })
    });
    let endpoints = prop::collection::vec(endpoint, 0..3);
    let service = (select(SERVICES.to_vec()), endpoints)
        .prop_map(|(id, endpoints)| json!({ "id": id, "endpoints": endpoints }));
    prop::collection::vec(service, 0..4).prop_map(|mut services| {
        services.push(json!({ "id": "orders" }));
        json!(services)
    })
}

fn edit() -> impl Strategy<Value = Edit> {
    let overall = prop::option::of(select(vec![0, 1_000_000_u32]));
    prop_oneof![
        6 => (0..3_usize, endpoints(), overall).prop_map(|(n, all, qps)| Edit::Service(n, all, qps)),
        3 => opens().prop_map(Edit::Opens),
        2 => (0..5_usize).prop_map(Edit::File),
        1 => any::<bool>().prop_map(Edit::Suspend),
    ]
}

fn document(id: &str, parent: &str, body: Json) -> Document {
    let Json::Object(body) = body else { panic!("{body}") };
    let at = i64::try_from(NOW).unwrap();
    let [id, parent] = [id, parent].map(str::to_owned);
    Document { name: id.clone(), id, parent, body, created: at, updated: at }
}

impl Street {
    /// Makes a change. A file that contradicts the store is refused, and changes nothing.
    async fn edit(&mut self, edit: Edit, key: &str) {
        match edit {
            Edit::Service(number, endpoints, qps) => {
                let mut body = json!({ "endpoints": endpoints });
                if let Some(qps) = qps {
                    body["qpsLimitOverall"] = json!(qps);
                }
                let service = document(SERVICES[number], "", body);
                self.does(move |_, change| {
                    Shelf::Services.update(change.connection(), &service)?;
                    change.touch(Kind::Service, service.id);
                    Ok(())
                })
                .await;
            }
            Edit::Opens(services) => {
                let exempt = json!({
                    "qpsLimitExempt": true, "rateLimitExempt": true, "services": services,
                });
                let plan = document("l1", "p1", exempt);
                self.does(move |_, change| {
                    Shelf::Plans.update(change.connection(), &plan)?;
                    change.touch(Kind::Package, "p1");
                    Ok(())
                })
                .await;
            }
            Edit::File(number) => {
                if self.reload(read(&files(number)).unwrap()).await.is_ok() {
                    let newest = self.house.store.newest().await.unwrap();
                    self.enforced.wait_for(|enforced| *enforced >= newest).await.unwrap();
                    self.house.context.files = read(&files(number)).unwrap();
                }
            }
            Edit::Suspend(suspended) => {
                let status = match suspended {
                    true => PackageKeyStatus::Disabled,
                    false => PackageKeyStatus::Active,
                };
                let wanted =
                    PackageKeyChange { status: Some(status), ..PackageKeyChange::default() };
                let id = key.to_owned();
                let change = move |context: &Context, change: &mut Change<'_>| {
                    context.update_package_key(change, None, &id, wanted)
                };
                self.does(change).await;
            }
        }
    }

    /// A gate to which both sources are published whole; `None` where they contradict each other,
    /// which the API lets no service do.
    pub(super) async fn whole(&self) -> Option<(SnapshotReader, Decider)> {
        let (mut writer, reader) = handoff();
        let (sender, notices) = channel();
        std::thread::spawn(move || notices.iter().for_each(drop));
        writer.add_worker(Box::new(Post(sender)));
        let metrics = PublisherMetrics::register(&Registry::new()).unwrap();
        let publisher = Publisher::new(writer, 0, metrics);
        let clock = Arc::<Hands>::clone(&self.clock);
        let files = watch::Sender::new(Arc::clone(&self.house.context.files));
        let store = Arc::clone(&self.house.store);
        let begun = Publishing::begin(publisher, store, Arc::<Hands>::clone(&clock), files).await;
        match begun {
            Ok(_) => Some((reader.clone(), Decider::new(reader, clock))),
            Err(PublishingError::Conflicts(_)) => None,
            Err(error) => panic!("{error}"),
        }
    }
}

/// What comes of every call, in words.
fn everything(
    reader: &SnapshotReader,
    decider: &Decider,
    clock: &Hands,
    key: &Secret,
) -> Vec<String> {
    let root = reader.current().unwrap();
    let mut all = vec![format!("secrets of {} keys", root.secrets.iter().count())];
    for host in ["any", "api.example.com", "x.example.com", "other"] {
        for path in ["/orders", "/orders/7", "/wares", "/wares/special/7", "/items", "/elsewhere"] {
            for method in &METHODS {
                let said = match root.routes.find(host, path, method) {
                    Err(error) => match error {
                        tollgate_core::RouteError::NotFound => "nowhere".to_owned(),
                        tollgate_core::RouteError::MethodNotAllowed { allow, .. } => allow,
                    },
                    Ok(route) => {
                        let service = root.routes.service(route.front).unwrap();
                        let endpoint = root.routes.endpoint_name(route.endpoint);
                        let method = route.method.and_then(|it| root.routes.method_name(it));
                        let upstream = root.routes.upstream(service).map(|it| it.name.clone());
                        let presented = CallKey::Presented(key.reveal().as_bytes());
                        let call = Call::new(presented, &route, Some(SOURCE));
                        let end = match decider.decide(&root, &call, clock.now()) {
                            Decision::Admit(_, caller) => caller.plan.to_string(),
                            Decision::Refuse(refused, _) => refused.refusal.code().to_owned(),
                        };
                        format!(
                            "{} {endpoint:?} {method:?} {upstream:?} {:?} {end}",
                            service.name, service.proof
                        )
                    }
                };
                all.push(format!("{method} {host}{path}: {said}"));
            }
        }
    }
    all
}

async fn what_is_published_step_by_step_decides_as_what_is_published_whole(place: Place) {
    let mut street = Street::open(&place).await;
    let secret = NewPackageKey { secret: Some(Secret::new("s3cret")), ..new("a1", "p1", "l1") };
    let made = street.does(|context, change| context.create_package_key(change, secret)).await;
    let mut runner = TestRunner::deterministic();
    let (mut seen, mut compared) = (std::collections::BTreeSet::new(), 0);
    for service in SERVICES {
        street.house.put(Shelf::Services, service, "", service, json!({})).await;
    }
    for step in 0..120 {
        let edit = edit().new_tree(&mut runner).unwrap().current();
        let said = format!("step {step}: {edit:?}");
        street.edit(edit, &made.chain.id).await;
        let found = everything(&street.reader, &street.decider, &street.clock, &made.apikey);
        let Some((reader, decider)) = street.whole().await else { continue };
        compared += 1;
        let expected = everything(&reader, &decider, &street.clock, &made.apikey);
        assert_eq!(found, expected, "{said}");
        seen.extend(found.iter().filter_map(|line| line.rsplit(' ').next().map(str::to_owned)));
    }
    assert!(compared > 60, "{compared}");
    // The histories get everywhere.
    for end in ["l1", "not_entitled", "key_suspended", "service_over_qps", "proof_missing", "POST"]
    {
        assert!(seen.contains(end), "{end}: {seen:?}");
    }
}
