//! Who would be refused, said before a change is made, and held against what a request meets then.

mod histories;

use serde_json::{Value as Json, json};

use super::super::webhooks::event;
use super::{House, Market, id};
use crate::support::{Admin, Origin, Response, done};

/// Whatever could tell that something was changed.
fn traces(market: &Market) -> Json {
    let admin = &market.house.admin;
    let audit: Vec<_> = admin.look("/audit?limit=1000").as_array().unwrap().clone();
    let but_previews = audit.into_iter().filter(|entry| entry["action"] != "preview.make");
    // Numbers of entries go on over previews.
    let entries = but_previews.map(|entry| json!([entry["action"], entry["object"], entry["at"]]));
    json!({
        "revisions": admin.look("/revisions?limit=1000"),
        "audit": entries.collect::<Vec<_>>(),
        "plan": admin.read(&market.plan()),
        "endpoint": admin.read(&market.endpoint()),
        "keys": admin.read("/packageKeys?fields=id,status,updated,plan"),
        "events": deliveries(admin),
    })
}

/// What webhooks were told.
fn deliveries(admin: &Admin) -> Vec<Json> {
    let hooks = admin.look("/webhooks");
    let of =
        |hook: &Json| admin.look(&format!("/webhooks/{}/deliveries", hook["id"].as_str().unwrap()));
    hooks.as_array().unwrap().iter().map(of).collect()
}

fn preview(admin: &Admin, query: &str, wanted: &Json) -> Response {
    admin.ask("POST", &format!("/preview{query}"), wanted)
}

/// What a preview says of a key.
fn of_key<'a>(preview: &'a Json, key: &Json) -> Option<&'a Json> {
    preview["keys"].as_array().unwrap().iter().find(|each| each["id"] == key["id"])
}

/// What a caller meets: `admitted`, or the code of the refusal.
fn met(response: &Response) -> String {
    match response.status {
        200..300 => "admitted".to_owned(),
        _ => response.json()["code"].as_str().unwrap().to_owned(),
    }
}

/// What a caller sees of a code: states of keys look alike.
fn seen(code: &str) -> &str {
    let hidden = code.starts_with("key_") || matches!(code, "owner_inactive" | "plan_inactive");
    if hidden { "key_rejected" } else { code }
}

impl Market {
    fn path_of_key(&self) -> String {
        format!("/v3/rest/packageKeys/{}", id(&self.key))
    }

    fn call_with(&self, key: &Json, path: &str) -> Response {
        self.bare("GET", path).header("api_key", key["apikey"].as_str().unwrap()).send()
    }

    fn v3(&self, target: &str) -> String {
        format!("/v3/rest{target}")
    }

    /// Makes a call of either API.
    fn make(&self, method: &str, path: &str, body: &Json) -> Response {
        let admin = &self.house.admin;
        let request = match path.strip_prefix("/v3/rest") {
            Some(target) => admin.v3(method, target),
            None => admin.native(method, path.strip_prefix("/api").unwrap()),
        };
        request.body(&body.to_string()).send()
    }

    /// Previews a change that refuses the key everywhere, sees that nothing has changed, makes it,
    /// and sees that it was foreseen.
    fn foresees(&self, method: &str, path: &str, body: &Json, code: &str) -> Json {
        let before = traces(self);
        let wanted = json!({ "method": method, "path": path, "body": body });
        let preview = done(&preview(&self.house.admin, "", &wanted));
        assert_eq!(traces(self), before, "{method} {path}");
        self.get("/items").admitted();
        let key = of_key(&preview, &self.key).unwrap_or_else(|| panic!("{preview}"));
        assert_eq!(key["refused"], true, "{preview}");
        assert_eq!(key["differences"][0]["was"], "admitted");
        assert_eq!(key["differences"][0]["wouldBe"], code, "{preview}");
        assert_eq!(
            (&preview["totals"]["refused"], &preview["totals"]["hidden"]),
            (&json!(1), &json!(0))
        );
        let made = self.make(method, path, body);
        assert!(made.status < 300, "{made:?}");
        assert_eq!(met(&self.get("/items")), seen(code), "{method} {path}");
        preview
    }
}

#[test]
fn each_kind_of_change_says_whom_it_would_refuse_and_why() {
    let quota = |ceiling| json!({ "rateLimitExempt": false, "rateLimitPeriod": "hour", "rateLimitCeiling": ceiling });
    let market = Market::open(&json!({}));
    market.change(&market.plan(), &quota(10));
    (0..4).for_each(|_| drop(market.get("/items").admitted()));
    let unused = market.make_key(&json!({}));
    let plan = market.v3(&market.plan());
    let wanted = json!({ "method": "PUT", "path": plan, "body": quota(6) });
    let fits = done(&preview(&market.house.admin, "", &wanted));
    assert_eq!((&fits["totals"]["changed"], &fits["totals"]["refused"]), (&json!(2), &json!(0)));
    let preview = market.foresees("PUT", &plan, &quota(4), "over_quota");
    let totals = json!({
        "changed": 2, "refused": 1, "admitted": 0, "used": 1, "refusedUsed": 1, "hidden": 0,
    });
    assert_eq!(preview["totals"], totals);
    let [first, second] = &preview["keys"].as_array().unwrap()[..] else { panic!("{preview}") };
    assert_eq!((&first["id"], &second["id"]), (&market.key["id"], &unused["id"]));
    assert_eq!(first["limits"], second["limits"]);
    let limit = json!([{
        "limit": "quota", "services": [market.service],
        "before": { "ceiling": 10, "period": "hour", "enforced": true },
        "after": { "ceiling": 4, "period": "hour", "enforced": true },
    }]);
    assert_eq!(first["limits"], limit);
    assert_eq!((&second["differences"], second.get("lastUse")), (&json!([]), None));
    assert_eq!(first["keySet"]["id"], market.key["id"]);
    assert_eq!(first["application"], json!({ "id": market.application, "name": "shop" }));

    type Case = fn(&Market) -> (&'static str, String, Json, &'static str);
    let cases: [Case; 8] = [
        |market| {
            ("PUT", market.v3(&market.plan()), json!({ "status": "inactive" }), "plan_inactive")
        },
        |market| ("DELETE", market.v3(&market.opened()), json!({}), "not_entitled"),
        |market| {
            let suspend = format!("/api/applications/{}/suspend", market.application);
            ("POST", suspend, json!({}), "key_suspended")
        },
        |market| {
            let members = market.house.admin.read("/members?filter=username:kim");
            let member = format!("/v3/rest/members/{}", id(&members[0]));
            ("PUT", member, json!({ "areaStatus": "disabled" }), "owner_inactive")
        },
        |market| ("PUT", market.path_of_key(), json!({ "status": "disabled" }), "key_suspended"),
        |market| ("DELETE", market.path_of_key(), json!({}), "key_unknown"),
        |market| {
            let closed =
                json!({ "scheduledMaintenanceEvent": { "startDateTime": "2020-01-01T00:00:00Z" } });
            ("PUT", market.v3(&market.endpoint()), closed, "maintenance")
        },
        |market| {
            let zero = json!({ "qpsLimitExempt": false, "qpsLimitCeiling": 0 });
            ("PUT", market.v3(&market.plan()), zero, "over_qps")
        },
    ];
    for case in cases {
        let market = Market::open(&json!({}));
        market.get("/items").admitted();
        let (method, path, body, code) = case(&market);
        market.foresees(method, &path, &body, code);
    }
}

#[test]
fn a_part_of_a_plan_and_several_calls_in_order_are_told_where_they_refuse() {
    let market = Market::open(&json!({}));
    let orders = market.make_endpoint(&json!({ "name": "orders", "requestPathAlias": "/orders" }));
    market.open_endpoint(&orders);
    market.get("/orders").admitted();
    let removed = json!({ "method": "DELETE", "path": market.v3(&market.opened()) });
    let admin = &market.house.admin;
    let one = done(&preview(admin, "", &removed));
    let key = of_key(&one, &market.key).unwrap();
    let difference = json!([{
        "service": market.service, "endpoint": market.endpoint,
        "was": "admitted", "wouldBe": "not_entitled",
    }]);
    assert_eq!((&key["differences"], &key["limits"]), (&difference, &json!([])));
    // Opened again by a second call, nothing is left of it.
    let opened = format!("{}/services/{}/endpoints", market.plan(), market.service);
    let again = json!({
        "method": "POST", "path": market.v3(&opened), "body": { "id": market.endpoint },
    });
    let both = done(&preview(admin, "", &json!({ "changes": [removed, again] })));
    assert_eq!((&both["totals"]["changed"], &both["keys"]), (&json!(0), &json!([])));
    let gone = json!({ "method": "DELETE", "path": market.v3(&market.endpoint()) });
    let gone = done(&preview(admin, "", &json!({ "changes": [removed, gone] })));
    let difference = &of_key(&gone, &market.key).unwrap()["differences"][0];
    assert_eq!(difference["wouldBe"], "route_not_found", "{gone}");
    // The second is refused, as it would be: it is not there any more.
    let twice = preview(admin, "", &json!({ "changes": [removed, removed] }));
    assert_eq!(twice.status, 404, "{twice:?}");
    assert!(twice.json()["errorMessage"].is_string(), "as the v3 API refuses: {twice:?}");
    let audit = admin.look("/audit?action=preview.make&limit=1");
    assert_eq!(audit[0]["outcome"], "done");
    let queries = json!({
        "method": "PUT", "path": market.v3(&market.plan()),
        "body": { "qpsLimitExempt": false, "qpsLimitCeiling": 1 },
    });
    let queries = done(&preview(admin, "", &queries));
    assert!(queries["unknown"][0].as_str().unwrap().contains("qps_limit_enforce = false"));
    assert_eq!(
        (&queries["totals"]["changed"], &queries["totals"]["refused"]),
        (&json!(1), &json!(0))
    );
}

#[test]
fn a_change_that_would_be_refused_is_refused_alike_and_what_is_none_cannot_be_previewed() {
    let market = Market::open(&json!({}));
    let admin = &market.house.admin;
    let before = traces(&market);
    let plan = market.v3(&market.plan());
    for (method, path, body) in [
        ("PUT", plan.clone(), json!({ "rateLimitCeiling": "many" })),
        ("PUT", plan.clone(), json!({ "status": "gone" })),
        ("DELETE", format!("{plan}x"), json!({})),
        ("POST", "/api/key-sets/none/suspend".to_owned(), json!({})),
        ("PATCH", "/api/key-sets/none/suspend".to_owned(), json!({})),
    ] {
        let wanted = json!({ "method": method, "path": path, "body": body });
        let previewed = preview(admin, "", &wanted);
        if method == "PATCH" {
            assert_eq!(crate::admin::violations(&previewed), ["method"]);
            continue;
        }
        let made = market.make(method, &path, &body);
        assert_eq!((previewed.status, previewed.json()), (made.status, made.json()), "{path}");
    }
    for (wanted, property) in [
        (json!({ "method": "PUT" }), "path"),
        (json!({ "path": "/api/policies" }), "method"),
        (json!({ "method": "POST", "path": "/v3/token" }), "path"),
        (json!({ "method": "POST", "path": "/api/preview" }), "path"),
        (json!({ "method": "POST", "path": "/api/keys/import" }), "path"),
        (json!({ "changes": [] }), "changes"),
        (json!({ "changes": [{ "method": "GET", "path": "/api/policies" }] }), "changes[0].method"),
    ] {
        let refused = preview(admin, "", &wanted);
        assert_eq!(crate::admin::violations(&refused), [property], "{wanted}");
    }
    // Whoever may not change may not preview; whoever may sees the keys that he may look at.
    let lee = market.house.member("lee", &json!([{ "name": "Consumer" }]));
    let wanted = json!({ "method": "PUT", "path": plan, "body": { "status": "inactive" } });
    let denied = preview(&lee, "", &wanted);
    assert_eq!(super::super::refused(&denied), (403, "ERR_403_NOT_AUTHORIZED"));
    let refused: Vec<_> = admin.look("/audit?limit=1000").as_array().unwrap().clone();
    let new = |entry: &&Json| {
        !before["audit"].as_array().unwrap().iter().any(|old| old[2] == entry["at"])
    };
    let denied = refused.iter().filter(new).filter(|entry| entry["outcome"] == "forbidden");
    assert_eq!(denied.count(), 0, "a preview that is denied is no change that was");
    market.get("/items").admitted();
}

#[test]
fn nothing_that_can_be_called_is_done_by_a_preview_of_it() {
    let market = Market::of(House::that_tells(), &json!({}));
    let admin = &market.house.admin;
    let ear = Origin::start();
    let webhook = market.house.tell(&ear, &json!({}));
    let member = id(&admin.read("/members?filter=username:kim")[0]);
    let of_kind = |kind: &str| match kind {
        "services" => market.service.clone(),
        "endpoints" => market.endpoint.clone(),
        "packages" => market.package.clone(),
        "plans" => market.plan.clone(),
        "members" => member.clone(),
        "applications" => market.application.clone(),
        "packageKeys" | "key-sets" => id(&market.key),
        "webhooks" => id(&webhook),
        _ => "x".to_owned(),
    };
    let document = admin.look("/openapi.json");
    let before = traces(&market);
    let mut done = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys() {
            let mut segments: Vec<String> = Vec::new();
            for part in path.split('/') {
                let named = part.starts_with('{');
                let kind = segments.last().filter(|_| named).map(|kind| of_kind(kind));
                segments.push(kind.unwrap_or_else(|| part.to_owned()));
            }
            let (method, path) = (method.to_uppercase(), segments.join("/"));
            let bodies = match &*method {
                "PUT" => vec![json!({ "status": "disabled" })],
                "POST" => {
                    let new =
                        json!({ "name": "new", "username": "new", "email": "", "confirm": true });
                    vec![json!({}), new]
                }
                _ => vec![json!({})],
            };
            for body in bodies {
                let wanted = json!({ "method": method, "path": path, "body": body });
                if preview(admin, "", &wanted).status == 200 {
                    done.push(format!("{method} {path}"));
                }
            }
        }
    }
    // What webhooks would be told of is among what was previewed.
    for (method, path) in [
        ("DELETE", market.path_of_key()),
        ("PUT", market.path_of_key()),
        ("POST", format!("/api/webhooks/{}/deliveries", id(&webhook))),
    ] {
        assert!(done.contains(&format!("{method} {path}")), "{path} in {done:?}");
    }
    assert_eq!(traces(&market), before);
    // The first that is told is what is done.
    market.make("PUT", &market.path_of_key(), &json!({ "status": "disabled" }));
    ear.wait_for_requests(1);
    let told: Vec<_> = ear.requests().iter().map(|request| event(request, &webhook)).collect();
    let kinds: Vec<_> = told.iter().map(|event| &event["type"]).collect();
    assert_eq!(kinds, ["key.suspended"]);
}

#[test]
fn keys_are_listed_by_last_use_and_page_by_page() {
    let market = Market::open(&json!({}));
    let others: Vec<_> = (0..3).map(|_| market.make_key(&json!({}))).collect();
    market.call_with(&others[1], "/items").admitted();
    let inactive = json!({
        "method": "PUT", "path": market.v3(&market.plan()), "body": { "status": "inactive" },
    });
    let admin = &market.house.admin;
    let page = done(&preview(admin, "?limit=1", &inactive));
    assert_eq!((&page["totals"]["changed"], &page["totals"]["used"]), (&json!(4), &json!(1)));
    assert_eq!(page["keys"].as_array().unwrap().len(), 1);
    assert_eq!(page["keys"][0]["id"], others[1]["id"]);
    assert!(page["keys"][0]["lastUse"].is_string());
    let rest = done(&preview(admin, "?limit=10&offset=1", &inactive));
    assert_eq!(rest["keys"].as_array().unwrap().len(), 3);
    let later = done(&preview(admin, "?usedSince=2999-01-01", &inactive));
    assert_eq!((&later["totals"]["used"], &later["totals"]["refused"]), (&json!(0), &json!(4)));
    let wrong = preview(admin, "?usedSince=lately", &inactive);
    assert_eq!(crate::admin::violations(&wrong), ["usedSince"]);
}
