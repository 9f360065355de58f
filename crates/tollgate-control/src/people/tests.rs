//! Every role against every action (S4-26).

use super::{Action, Caller, Permissions, Reach, Realm, RoleGrant};

/// What each role may do that the one before it may not.
const TABLE: [(&str, &[&str]); 6] = [
    ("guest", &[]),
    (
        "consumer",
        &[
            "catalogue_read",
            "application_read",
            "key_read",
            "key_retrieve",
            "key_subscribe",
            "key_regenerate",
            "organization_read",
            "token_write",
        ],
    ),
    ("contributor", &["member_read", "application_write"]),
    (
        "group-admin",
        &["member_write", "application_suspend", "key_write", "key_suspend", "key_revoke"],
    ),
    (
        "organization-admin",
        &[
            "package_write",
            "service_write",
            "group_write",
            "access_key_write",
            "proxy_read",
            "proxy_forget",
            "webhook_write",
            "audit_read",
        ],
    ),
    ("owner", &["policy_write", "organization_write", "client_write", "rollback"]),
];

fn caller(grant: RoleGrant) -> Caller {
    Caller {
        member: "m1".to_owned(),
        username: "kim".to_owned(),
        login: "l1".to_owned(),
        grants: vec![grant],
        reach: Reach::Whole,
    }
}

fn realm(organization: &str, group: &str) -> Realm {
    Realm { organization: Some(organization.to_owned()), group: Some(group.to_owned()) }
}

#[test]
fn each_role_may_do_what_its_row_and_those_before_say() {
    let permissions = Permissions::default();
    let mut may: Vec<&str> = Vec::new();
    for (role, more) in TABLE {
        may.extend(more);
        let caller = caller(RoleGrant::everywhere(role));
        for action in Action::ALL {
            let expected = may.contains(&action.as_str());
            for realm in [Realm::default(), realm("o1", "g1")] {
                let found = caller.may(&permissions, *action, &realm);
                assert_eq!(found, expected, "{role} {} {realm:?}", action.as_str());
            }
        }
    }
    assert_eq!(may.len(), Action::ALL.len(), "every action has a row");
}

#[test]
fn names_of_other_worlds_may_what_their_role_may() {
    let permissions = Permissions::default();
    for (name, role) in [
        ("administrator", "owner"),
        ("program-manager", "organization-admin"),
        ("community-manager", "group-admin"),
        ("team-administrator", "organization-admin"),
    ] {
        let [named, meant] = [name, role].map(|id| caller(RoleGrant::everywhere(id)));
        for action in Action::ALL {
            let may = |caller: &Caller| caller.may(&permissions, *action, &Realm::default());
            assert_eq!(may(&named), may(&meant), "{name} {}", action.as_str());
        }
    }
}

#[test]
fn a_role_that_is_bound_reaches_no_further() {
    let permissions = Permissions::default();
    let grant = |organization: &str, group: Option<&str>| RoleGrant {
        id: "owner".to_owned(),
        organization: Some(organization.to_owned()),
        group: group.map(str::to_owned),
        environment: None,
    };
    let of_organization = caller(grant("o1", None));
    let of_group = caller(grant("o1", Some("g1")));
    for (realm, organization, group) in [
        (realm("o1", "g1"), true, true),
        (realm("o1", "g2"), true, false),
        (realm("o2", "g1"), false, false),
        (Realm { organization: Some("o1".to_owned()), group: None }, true, false),
        (Realm::default(), false, false),
    ] {
        let may = |caller: &Caller, action| caller.may(&permissions, action, &realm);
        assert_eq!(may(&of_organization, Action::KeyWrite), organization, "{realm:?}");
        assert_eq!(may(&of_group, Action::KeyWrite), group, "{realm:?}");
        // What is nobody's is everybody's to look at.
        let shared = realm.is_shared();
        assert_eq!(may(&of_group, Action::KeyRead), group || shared, "{realm:?}");
    }
    let elsewhere = RoleGrant { environment: Some("sandbox".to_owned()), ..RoleGrant::default() };
    assert!(!elsewhere.holds_in("production") && elsewhere.holds_in("sandbox"));
}

#[test]
fn nobody_outranks_who_is_more_or_reaches_further() {
    let permissions = Permissions::default();
    let bound = |id: &str, group: &str| RoleGrant {
        id: id.to_owned(),
        group: Some(group.to_owned()),
        ..RoleGrant::default()
    };
    let group_admin = caller(bound("group-admin", "g1"));
    for (other, outranked) in [
        (bound("group-admin", "g1"), true),
        (bound("consumer", "g1"), true),
        (bound("consumer", "g2"), false),
        (bound("owner", "g1"), false),
        (RoleGrant::everywhere("consumer"), false),
    ] {
        assert_eq!(group_admin.outranks(&permissions, &other), outranked, "{other:?}");
    }
}
