//! Who calls, from where: source addresses, keyless calls, client certificates.

use super::*;

#[test]
fn a_call_comes_from_where_the_terms_allow() {
    let mut world = World::new(Limits::default());
    let allow = |world: &mut World, sources: Option<Networks>, active: bool| {
        let mut terms = terms(Limits::default());
        terms.grants[0].sources = sources;
        terms.grants[0].active = active;
        let terms = vec![(TermsId(0), Some(Arc::new(terms)))];
        world.publish(Batch { terms, ..Batch::default() });
    };
    let network = |address: [u8; 4]| Networks::of(&[Network::around(address.into(), 8).unwrap()]);
    allow(&mut world, Some(network([127, 0, 0, 0])), true);
    assert_eq!(refusal(&world, at(0)), None);
    allow(&mut world, Some(network([10, 0, 0, 0])), true);
    assert_eq!(refusal(&world, at(0)), Some(Refusal::SourceNotAllowed));
    // The address comes before what the plan opens, and after the states.
    let route = Route { endpoint: EndpointId(1), ..ROUTE };
    let elsewhere = ask_for(&world, KEY, &route, at(0)).unwrap_err();
    assert_eq!(elsewhere.refusal, Refusal::SourceNotAllowed);
    allow(&mut world, Some(network([10, 0, 0, 0])), false);
    assert_eq!(refusal(&world, at(0)), Some(Refusal::PlanInactive));
    allow(&mut world, Some(Networks::default()), true);
    assert_eq!(refusal(&world, at(0)), Some(Refusal::SourceNotAllowed));
    // It is enforced though the terms are not, also for a service that they do not open.
    let mut shadowed = terms(Limits::default());
    shadowed.enforced = false;
    shadowed.grants[0].sources = Some(network([10, 0, 0, 0]));
    for service in [ServiceId(0), ServiceId(1)] {
        shadowed.grants[0].service = service;
        let terms = vec![(TermsId(0), Some(Arc::new(shadowed.clone())))];
        world.publish(Batch { terms, ..Batch::default() });
        assert_eq!(refusal(&world, at(0)), Some(Refusal::SourceNotAllowed));
    }
}

#[test]
fn a_call_without_a_key_is_the_named_keys_or_nobodys() {
    let mut world = World::new(Limits { qps: qps(1, 1), ..Limits::default() });
    let keyless = |world: &World, digest: &Digest| {
        let root = world.reader.current().unwrap();
        let decider = Decider::new(world.reader.clone(), Arc::new(Stopped(at(0))));
        match decider.decide(&root, &Call::new(CallKey::Keyless(digest), &ROUTE, Some(HERE)), at(0))
        {
            Decision::Admit(permit, caller) => {
                assert_eq!(caller.key(&mut [0; 36]), "demo");
                Ok(permit)
            }
            Decision::Refuse(refused, _) => Err(refused.refusal),
        }
    };
    let digest = world.record.digest;
    assert_eq!(*keyless(&world, &digest).unwrap().digest(), digest);
    // It is one key with one set of counters, however it is called.
    assert_eq!(refusal(&world, at(0)), Some(Refusal::OverQps));
    let other = Scheme::Sha256.digest(b"another");
    assert_eq!(keyless(&world, &other).unwrap_err(), Refusal::KeyUnknown);
    let suspended = Record { status: Status::Suspended, ..world.record };
    world.publish(Batch { keys: vec![Change::Put(suspended)], ..Batch::default() });
    assert_eq!(keyless(&world, &digest).unwrap_err(), Refusal::KeySuspended);
    world.publish(Batch { keys: vec![Change::Remove(digest)], ..Batch::default() });
    assert_eq!(keyless(&world, &digest).unwrap_err(), Refusal::KeyUnknown);
}

#[test]
fn a_bound_key_works_with_its_certificates_only() {
    let mut world = World::new(Limits { qps: qps(1000, 1000), ..Limits::default() });
    let [one, other, stranger] = [b"1", b"2", b"3"].map(|der| CertificateFingerprint::of(der));
    let bind = |world: &mut World, certificates: &[CertificateFingerprint]| {
        let mut terms = terms(Limits { qps: qps(1000, 1000), ..Limits::default() });
        terms.client_certificates = certificates.into();
        let terms = vec![(TermsId(0), Some(Arc::new(terms)))];
        world.publish(Batch { terms, ..Batch::default() });
    };
    let refusal = |world: &World, route: &Route, certificate: Option<&CertificateFingerprint>| {
        let root = world.reader.current().unwrap();
        let decider = Decider::new(world.reader.clone(), Arc::new(Stopped(at(0))));
        let call =
            Call::new(CallKey::Presented(KEY), route, Some(HERE)).with_certificate(certificate);
        match decider.decide(&root, &call, at(0)) {
            Decision::Admit(..) => None,
            Decision::Refuse(refused, _) => Some(refused.refusal),
        }
    };
    for presented in [None, Some(&one)] {
        assert_eq!(refusal(&world, &ROUTE, presented), None);
    }
    bind(&mut world, &[one, other]);
    for (presented, expected) in [
        (None, Some(Refusal::ProofMissing)),
        (Some(&one), None),
        (Some(&other), None),
        (Some(&stranger), Some(Refusal::ProofInvalid)),
    ] {
        assert_eq!(refusal(&world, &ROUTE, presented), expected, "{presented:?}");
    }
    // What the plan opens is told to nobody who has not proved that the key is its own.
    let closed = Route { endpoint: EndpointId(1), ..ROUTE };
    assert_eq!(refusal(&world, &closed, None), Some(Refusal::ProofMissing));
    assert_eq!(refusal(&world, &closed, Some(&one)), Some(Refusal::NotEntitled));
}
