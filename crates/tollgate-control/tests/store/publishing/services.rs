//! Services of the store, and what keys of each authentication type may call.

use super::*;

contract! {
    a_key_set_opens_what_its_authentication_type_is_for
    a_service_of_the_store_is_published_beside_those_of_the_file
}

async fn a_key_set_opens_what_its_authentication_type_is_for(place: Place) {
    let mut street = Street::open(&place).await;
    let wanted = |service: &str| Subscribe {
        application: "a1".to_owned(),
        service: service.to_owned(),
        package: "basic".to_owned(),
        plan: "open".to_owned(),
    };
    let (both, orders) = (wanted("both"), wanted("orders"));
    let sets = street
        .does(move |context, change| {
            let sets = context.subscribe(change, &both)?;
            for set in &sets {
                context.live(change, &set.chain.id, None, &Event::Activate)?;
            }
            context.subscribe(change, &orders)?;
            Ok(sets)
        })
        .await;
    let open = |set: usize| {
        let credential = sets[set].chain.credential(KeyNumber(1)).unwrap();
        let context = &street.house.context;
        let secret = context.open_secret(credential).unwrap();
        (context.open_key(credential).unwrap().unwrap(), secret)
    };
    let ((alone, none), (proving, secret)) = (open(0), open(1));
    let secret = secret.unwrap();
    assert_eq!(none, None);
    assert_eq!(street.call(&alone, "/both"), Ok("a1".to_owned()));
    assert_eq!(street.call(&proving, "/both"), Err("proof_missing"));
    assert_eq!(street.call_signed(&proving, &Secret::new("guess"), "/both"), Err("proof_invalid"));
    assert_eq!(street.call_signed(&proving, &secret, "/both"), Ok("a1".to_owned()));
    // The API that takes keys alone is one of the set of that type only.
    assert_eq!(street.call(&alone, "/orders"), Ok("a1".to_owned()));
    assert_eq!(street.call_signed(&proving, &secret, "/orders"), Err("not_entitled"));
    // A key of no type proves what it is asked for.
    let made = street
        .does(|context, change| context.create_package_key(change, new("a1", "basic", "open")))
        .await;
    assert_eq!(street.call(&made.apikey, "/both"), Err("proof_missing"));
    // What an API asks for from now on is not what the set is for.
    let orders = "services.orders = { upstream = \"demo\", path = \"/orders\"";
    let signed = format!("{orders}, proof.kind = \"signature-sha256\"");
    street
        .reload(
            read(
                &FILE
                    .replace(orders, &signed)
                    .replace("plan = \"free\"", "plan = \"free\"\nauth_type = \"api_key\""),
            )
            .unwrap(),
        )
        .await
        .unwrap();
    assert_eq!(street.call(&alone, "/orders"), Err("not_entitled"));
    assert_eq!(street.call(&Secret::new("test"), "/orders"), Err("not_entitled"));
    assert_eq!(street.call(&alone, "/both"), Ok("a1".to_owned()));
}

async fn a_service_of_the_store_is_published_beside_those_of_the_file(place: Place) {
    let mut street = Street::open(&place).await;
    let endpoint = |alias: &str| {
        json!({ "id": "e1", "name": "wares", "requestPathAlias": alias, "upstream": "demo",
                "publicDomains": [{ "address": "any" }] })
    };
    let service = json!({ "endpoints": [endpoint("/wares")] });
    street.house.put(Shelf::Services, "s1", "", "stored", service).await;
    street
        .does(move |_, change| {
            let mut plan = Shelf::Plans.find(change.connection(), "l1")?.unwrap();
            plan.body.insert("services".to_owned(), json!([{ "id": "s1" }]));
            plan.body.insert("qpsLimitExempt".to_owned(), json!(true));
            plan.body.insert("rateLimitCeiling".to_owned(), json!(5));
            Shelf::Plans.update(change.connection(), &plan)?;
            change.touch(Kind::Package, "p1");
            Ok(())
        })
        .await;
    let made = street
        .does(|context, change| context.create_package_key(change, new("a1", "p1", "l1")))
        .await;
    assert_eq!(street.admitted(&made.apikey, "/wares/7", 2), 2);
    assert_eq!(street.call(&made.apikey, "/orders"), Err("not_entitled"));
    let set = |endpoint: serde_json::Value| {
        move |_: &Context, change: &mut Change<'_>| {
            let mut service = Shelf::Services.find(change.connection(), "s1")?.unwrap();
            service.body.insert("endpoints".to_owned(), json!([endpoint]));
            Shelf::Services.update(change.connection(), &service)?;
            change.touch(Kind::Service, "s1");
            Ok(())
        }
    };
    street.does(set(endpoint("/goods"))).await;
    let gone = |street: &Street, path: &str| {
        street.reader.current().unwrap().routes.find("any", path, &http::Method::GET).is_err()
    };
    assert!(gone(&street, "/wares/7"));
    assert_eq!(street.admitted(&made.apikey, "/goods", 9), 3, "what was spent stays spent");
    // Of two that were made at once and take the same calls, the later one is closed.
    let twin = json!({ "endpoints": [endpoint("/goods"), { "id": "e2", "name": "free",
        "requestPathAlias": "/free", "upstream": "demo", "publicDomains": [{ "address": "any" }] }] });
    street.house.put(Shelf::Services, "s2", "", "twin", twin).await;
    street.does(set(endpoint("/goods"))).await;
    for (path, expected) in [("/goods", "s1"), ("/free", "s2")] {
        let root = street.reader.current().unwrap();
        let route = root.routes.find("any", path, &http::Method::GET).unwrap();
        assert_eq!(&*root.routes.service(route.front).unwrap().name, expected);
    }
    // An API that asks for signatures needs the secrets of keys, which only some have.
    let mut signed = endpoint("/goods");
    signed["requestAuthenticationType"] = json!("apiKeyAndSecret_SHA256");
    street.does(set(signed)).await;
    assert_eq!(street.call(&made.apikey, "/goods"), Err("proof_missing"));
    street.does(set(endpoint("/goods"))).await;
    assert_eq!(street.call(&made.apikey, "/goods"), Err("over_quota"));
}
