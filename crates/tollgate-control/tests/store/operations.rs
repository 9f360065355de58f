//! Operations on keys, over both engines.

mod import;
mod key_sets;
mod package_keys;

use std::sync::Arc;

use serde_json::{Value as Json, json};
use tokio::sync::mpsc::UnboundedReceiver;
use tollgate_control::document;
use tollgate_control::file::read_objects;
use tollgate_control::model::Objects;
use tollgate_control::operations::{Context, Refused, Retrieval};
use tollgate_control::seal::{Sealer, SealingKey};
use tollgate_control::store::{Change, Committed, Document, NotChanged, Shelf, Store};

use crate::engines::{NOW, Place, deed};

pub(crate) const FILE: &str = r#"
upstreams.demo.url = "http://127.0.0.1:9000"
members.jo = {}
members.gone.status = "disabled"
applications.acme.owner = "jo"
applications.late.owner = "gone"
services.orders = { upstream = "demo", path = "/orders", endpoints.all = {} }
services.items = { upstream = "demo", path = "/items", endpoints.all = {} }
services.signed = { upstream = "demo", path = "/signed", endpoints.all = {}, proof.kind = "signature-sha256" }
services.both = { upstream = "demo", path = "/both", endpoints.all = {}, proof.kind = "signature-sha256", auth_types = ["api_key", "api_key_and_secret"] }

[packages.basic.plans.free]
qps_limit_ceiling = 10
rate_limit_ceiling = 1000
rate_limit_period = "day"
services.orders = {}

[packages.basic.plans.open]
qps_limit_exempt = true
rate_limit_exempt = true
services.orders = {}
services.items = {}
services.signed = {}
services.both = {}

[keys.old]
digest = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
application = "acme"
package = "basic"
plan = "free"
"#;

/// A store with the operations on it.
pub(crate) struct House {
    pub(crate) store: Arc<Store>,
    pub(crate) context: Context,
    committed: Option<UnboundedReceiver<Committed>>,
}

impl House {
    pub(crate) async fn open(place: &Place) -> Self {
        let (store, committed) = place.open().await;
        let sealer = Sealer::new(SealingKey::new(&[7; 32]), None);
        let files = objects();
        let context = Context { files, sealer, retrieval: Retrieval::Always };
        let house = Self { store: Arc::new(store), context, committed: Some(committed) };
        for (shelf, id, parent, name, body) in [
            (Shelf::Members, "m1", "", "kim", json!({ "areaStatus": "active" })),
            (Shelf::Members, "m2", "", "lee", json!({ "areaStatus": "waiting" })),
            (Shelf::Applications, "a1", "m1", "Kim's", json!({})),
            (Shelf::Applications, "a2", "m2", "Lee's", json!({})),
            (
                Shelf::Packages,
                "p1",
                "",
                "Gold",
                json!({ "keyLength": 20, "sharedSecretLength": 0 }),
            ),
            (Shelf::Packages, "p2", "", "Empty", json!({})),
            (
                Shelf::Plans,
                "l1",
                "p1",
                "Gold",
                json!({ "keyLifespan": 30, "numKeysBeforeReview": 1, "rateLimitPeriod": "day",
                        "services": [{ "id": "orders" }] }),
            ),
        ] {
            house.put(shelf, id, parent, name, body).await;
        }
        house
    }

    /// What hears of every change. There is one.
    pub(crate) fn take_committed(&mut self) -> UnboundedReceiver<Committed> {
        self.committed.take().unwrap()
    }

    pub(crate) async fn put(&self, shelf: Shelf, id: &str, parent: &str, name: &str, body: Json) {
        let Json::Object(body) = body else { panic!("{body}") };
        let [id, parent, name] = [id, parent, name].map(str::to_owned);
        let at = i64::try_from(NOW).unwrap();
        let document = Document { id, parent, name, body, created: at, updated: at };
        self.does(move |_, change| Ok(shelf.insert(change.connection(), &document)?))
            .await
            .unwrap();
    }

    /// Does something in one change.
    pub(crate) async fn does<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Context, &mut Change<'_>) -> Result<T, NotChanged<Refused>> + Send + 'static,
    ) -> Result<T, Refused> {
        let context = self.context.clone();
        let done = self.store.change(deed(""), move |change, _| work(&context, change)).await;
        done.map(|(done, _)| done).map_err(|not| match not {
            NotChanged::Refused(refused) => refused,
            NotChanged::Store(error) => panic!("{error}"),
        })
    }
}

pub(crate) fn objects() -> Arc<Objects> {
    read(FILE).unwrap_or_else(|problems| panic!("{problems}"))
}

/// What the file source makes of `text`, or every problem of it.
pub(crate) fn read(text: &str) -> Result<Arc<Objects>, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tollgate.toml");
    std::fs::write(&path, text).unwrap();
    let read = document::read(&path, |root| read_objects(root, 0).objects);
    read.map(|(objects, _)| objects).map_err(|problems| problems.to_string())
}

/// The properties that a refusal names.
fn properties(refused: &Refused) -> Vec<&str> {
    match refused {
        Refused::Invalid(violations) => {
            violations.iter().map(|violation| violation.property.as_str()).collect()
        }
        other => panic!("{other:?}"),
    }
}
