use http::HeaderName;
use tollgate_core::{Network, Networks};

use super::*;

const PROXY: [u8; 4] = [10, 0, 0, 1];

fn proxies(fields: ForwardedFields) -> TrustedProxies {
    let network = Network::around(PROXY.into(), 8).unwrap();
    TrustedProxies { networks: Networks::of(&[network]), fields, ..TrustedProxies::default() }
}

fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(HeaderName::from_static(name), value.parse().unwrap());
    }
    headers
}

/// Where a request comes from that came from 10.0.0.1 with these fields.
fn whence(kind: ForwardedFields, secure: bool, fields: &[(&'static str, &str)]) -> Whence {
    let proxies = proxies(kind);
    Whence::of(Peer::at(PROXY.into(), &proxies), secure, &headers(fields), &proxies)
}

#[test]
fn the_client_is_the_first_from_the_right_that_is_not_trusted() {
    const FOR: &str = "x-forwarded-for";
    for (fields, client, source) in [
        (&[][..], "10.0.0.1", "10.0.0.1"),
        (&["192.0.2.7"], "192.0.2.7", "192.0.2.7"),
        (&["192.0.2.7, 10.0.0.9"], "192.0.2.7", "192.0.2.7"),
        (&["6.6.6.6, 192.0.2.7, 10.0.0.9,10.0.0.8"], "192.0.2.7", "192.0.2.7"),
        (&["6.6.6.6, 192.0.2.7", "10.0.0.9"], "192.0.2.7", "192.0.2.7"),
        (&["10.0.0.7", "10.0.0.9"], "10.0.0.7", "10.0.0.7"),
        (&["6.6.6.6, nonsense, 192.0.2.7"], "192.0.2.7", "192.0.2.7"),
        (&["\"6.6.6.6, 192.0.2.7"], "192.0.2.7", "192.0.2.7"),
        // Nothing is believed past what cannot be read.
        (&["192.0.2.7, nonsense"], "", "10.0.0.1"),
        (&["192.0.2.7, unknown, 10.0.0.9"], "", "10.0.0.9"),
        (&["192.0.2.7, ,10.0.0.9"], "", "10.0.0.9"),
        (&["192.0.2.7", ""], "", "10.0.0.1"),
        (&["192.0.2.7\", 10.0.0.9"], "", "10.0.0.9"),
    ] {
        let fields: Vec<_> = fields.iter().map(|value| (FOR, *value)).collect();
        let found = whence(ForwardedFields::XForwarded, false, &fields);
        assert_eq!(found.address, client.parse().ok(), "{fields:?}");
        assert_eq!(found.source.to_string(), source, "{fields:?}");
        for kind in [ForwardedFields::None, ForwardedFields::Forwarded] {
            assert_eq!(whence(kind, false, &fields).address, Some(PROXY.into()));
        }
    }
}

#[test]
fn forwarded_is_read_the_same_way() {
    for (fields, client, secure, host) in [
        (&["for=192.0.2.7;proto=https;host=a.example"][..], "192.0.2.7", true, "a.example"),
        (&["for=192.0.2.7;proto=http"], "192.0.2.7", false, ""),
        // What is said of an inner hop is not said of the client.
        (&["for=192.0.2.7, for=10.0.0.9;proto=https;host=b"], "192.0.2.7", false, ""),
        (&["for=6.6.6.6;proto=https, for=192.0.2.7"], "192.0.2.7", false, ""),
        (&["for=6.6.6.6", "for=192.0.2.7;proto=HTTPS", "for=10.0.0.9"], "192.0.2.7", true, ""),
        (&["for=\"[2001:db8::7]:1\";proto=https"], "2001:db8::7", true, ""),
        (&["for=6.6.6.6\", for=192.0.2.7;proto=https"], "192.0.2.7", true, ""),
        (&["for=unknown;proto=https;host=\"a:1\""], "", true, "a:1"),
        (&["for=192.0.2.7;host=\"a/b\""], "192.0.2.7", false, ""),
        (&["for=192.0.2.7;proto=https, for=10.0.0.9;;for=1"], "", false, ""),
        (&["proto=https"], "", true, ""),
    ] {
        let fields: Vec<_> = fields.iter().map(|value| ("forwarded", *value)).collect();
        let found = whence(ForwardedFields::Forwarded, true, &fields);
        assert_eq!(found.address, client.parse().ok(), "{fields:?}");
        assert_eq!(found.secure, secure, "{fields:?}");
        let found = found.host.as_deref().map_or("", |host| host.to_str().unwrap());
        assert_eq!(found, host, "{fields:?}");
        assert_eq!(whence(ForwardedFields::XForwarded, true, &fields).address, Some(PROXY.into()));
    }
}

#[test]
fn a_scheme_is_https_only_where_every_hop_says_so() {
    let client = ("x-forwarded-for", "192.0.2.7");
    for (own, fields, secure) in [
        (true, &[][..], true),
        (false, &[], false),
        (true, &["https"], true),
        (false, &["https"], true),
        (true, &["http"], false),
        (true, &["https, http"], false),
        (false, &["https, https"], true),
        (false, &["http", "https"], false),
        (false, &["", "https"], false),
        (false, &["httpss"], false),
    ] {
        let mut fields: Vec<_> = fields.iter().map(|value| ("x-forwarded-proto", *value)).collect();
        let found = whence(ForwardedFields::XForwarded, own, &fields).secure;
        assert_eq!(found, secure, "{own} {fields:?}");
        // Over whatever the proxy comes, it has to say how its client does.
        let said = !fields.is_empty();
        fields.push(client);
        let found = whence(ForwardedFields::XForwarded, own, &fields).secure;
        assert_eq!(found, secure && said, "{own} {fields:?}");
    }
}

#[test]
fn nothing_is_believed_of_others() {
    for kind in [ForwardedFields::XForwarded, ForwardedFields::Forwarded] {
        let proxies = proxies(kind);
        let fields = headers(&[
            ("x-forwarded-for", "6.6.6.6"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "forged"),
            ("forwarded", "for=6.6.6.6;proto=https;host=forged"),
        ]);
        let found = Whence::of(Peer::at([192, 0, 2, 1].into(), &proxies), false, &fields, &proxies);
        assert_eq!(found.address, Some([192, 0, 2, 1].into()));
        assert!(!found.secure && found.host.is_none());
    }
}

#[test]
fn a_host_is_one_valid_host() {
    for (fields, expected) in [
        (&["api.example.com:8443"][..], Some("api.example.com:8443")),
        (&["a, b"], None),
        (&["a", "b"], None),
        (&["a/b"], None),
        (&[""], None),
    ] {
        let fields: Vec<_> = fields.iter().map(|value| ("x-forwarded-host", *value)).collect();
        let found = whence(ForwardedFields::XForwarded, false, &fields).host;
        assert_eq!(found.as_deref().and_then(|host| host.to_str().ok()), expected, "{fields:?}");
    }
}
