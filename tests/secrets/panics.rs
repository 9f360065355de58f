//! What a panic prints is what its message was made of. Whatever holds a secret says nothing of it
//! there, or cannot be put there at all.

use std::{
    fmt::Debug,
    net::IpAddr,
    panic::{AssertUnwindSafe, catch_unwind},
};

use tollgate_control::{model, operations, people, seal, store};
use tollgate_core::{
    Brand, Call, CallKey, EndpointId, FrontId, KeySecret, Pepper, Presented, Route, Scheme,
    Schemes, Wrapped,
};
use zeroize::Zeroizing;

use super::sinks::{CANARY, PEPPER, SECRET, hold_no_secret};
use crate::{sources, support::digest};

/// What a panic says that has the value in its message, as one has that unwraps it.
fn panic_of(value: &impl Debug) -> String {
    let caught = catch_unwind(AssertUnwindSafe(|| panic!("{value:?} {value:#?}")));
    *caught.unwrap_err().downcast::<String>().unwrap()
}

/// Fails if a panic with the value says a secret, also as the numbers of its bytes or in hex.
fn hold(value: &impl Debug) {
    let said = panic_of(value);
    hold_no_secret("a panic", &said);
    let flat: String = said.split_whitespace().collect::<Vec<_>>().concat();
    for secret in [CANARY, PEPPER, SECRET] {
        let bytes = secret.as_bytes();
        let numbers = format!("{bytes:?}").replace(['[', ']', ' '], "");
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(!flat.contains(&numbers) && !flat.to_lowercase().contains(&hex), "{said}");
    }
}

#[test]
fn a_panic_tells_no_secret_of_the_core() {
    let route = Route { front: FrontId(0), endpoint: EndpointId(0), method: None };
    let proof = Presented::Proof { proof: SECRET.as_bytes(), time: Some(CANARY.as_bytes()) };
    hold(&proof);
    let key = CallKey::Presented(CANARY.as_bytes());
    hold(&Call::new(key, &route, Some(IpAddr::from([127, 0, 0, 1]))).with_proof(proof));
    let pepper = Pepper::new(PEPPER.as_bytes()).unwrap();
    hold(&pepper);
    let scheme = Scheme::HmacSha256(pepper);
    hold(&scheme);
    hold(&Schemes::only(scheme.clone()));
    let wrapped = Wrapped::seal(CANARY.as_bytes(), SECRET.as_bytes(), [0; Wrapped::NONCE]);
    hold(&wrapped);
    let digest = scheme.digest(CANARY.as_bytes());
    hold(&KeySecret { key: digest, digest: Some(digest), wrapped });
    let brand = Brand::new("acme").unwrap();
    let generated = brand.generate("production", &Zeroizing::new([9; 8]));
    assert!(!panic_of(&generated).contains(generated.reveal()));
}

#[test]
fn a_panic_tells_no_secret_of_the_control_plane() {
    hold(&model::Pepper::new(Zeroizing::new(PEPPER.into())));
    let mut bytes = [0; 32];
    bytes[..CANARY.len()].copy_from_slice(CANARY.as_bytes());
    let sealing_key = seal::SealingKey::new(&bytes);
    hold(&sealing_key);
    hold(&seal::Sealer::new(sealing_key.clone(), Some(sealing_key)));
    hold(&operations::Secret::new(CANARY));
    hold(&people::Secret::brought(CANARY.to_owned()));
    hold(&people::Password::new(CANARY.to_owned()));
    hold(&store::Credential {
        id: "acme-1".to_owned(),
        digest: model::DigestLiteral::parse(&digest(CANARY)).unwrap(),
        scheme: None,
        sealed: Some(CANARY.into()),
        sealed_secret: Some(SECRET.into()),
        secret_digest: Some(SECRET.to_owned()),
        wrapped_secret: Some(SECRET.to_owned()),
        created: 0,
    });
}

/// What is wiped prints itself, so whoever derives from it prints it too.
#[test]
fn what_holds_a_secret_never_derives_how_it_is_printed() {
    let mut holders = Vec::new();
    for (file, text) in sources::rust_files("crates") {
        for (attributes, item) in types(sources::without_tests(&text)) {
            if item.contains("Zeroizing<") {
                let printed = ["Debug", "Serialize"].iter().any(|it| attributes.contains(it));
                assert!(!printed, "{}: {attributes}{item}", file.display());
                holders.push(item);
            }
        }
    }
    assert!(holders.len() >= 6, "{holders:?}");
}

/// The attributes and the text of each struct and enum.
fn types(text: &str) -> Vec<(String, String)> {
    let (mut types, mut attributes) = (Vec::new(), String::new());
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let word = |word: &str| line.split_whitespace().any(|each| each == word);
        if line.trim_start().starts_with("#[") {
            attributes += line;
        } else if !line.trim_start().starts_with("//") && (word("struct") || word("enum")) {
            let end = format!("{}}}", &line[..line.len() - line.trim_start().len()]);
            let mut item = line.to_owned();
            while !item.ends_with(';') && !item.ends_with(&end) {
                let Some(next) = lines.next() else { break };
                item += "\n";
                item += next;
            }
            types.push((std::mem::take(&mut attributes), item));
        } else {
            attributes.clear();
        }
    }
    types
}

#[test]
fn a_secret_is_found_in_a_panic() {
    for printed in [CANARY.to_owned(), format!("{:?}", SECRET.as_bytes())] {
        let found = catch_unwind(|| hold(&format_args!("{printed}")));
        assert!(found.is_err(), "{printed}");
    }
}
