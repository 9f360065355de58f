//! Keys that Tollgate makes, and what only looks like one.

use std::fs;

use tempfile::TempDir;

use crate::support::{Config, Finished, Origin, Tollgate, digest, tollgate};

fn house(origin: &Origin) -> Config {
    Config::new(origin).root("environment = \"staging\"\nkey_brand = \"acme\"")
}

fn over(arguments: &[&str], config: &Config, input: &str) -> Finished {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("tollgate.toml");
    fs::write(&file, config.to_string()).unwrap();
    tollgate(&[arguments, &["--config", file.to_str().unwrap()]].concat(), input)
}

/// A fresh key and its digest.
fn generate(config: &Config) -> (String, String) {
    let finished = over(&["key", "generate"], config, "");
    assert_eq!((finished.code, &*finished.stderr), (Some(0), ""));
    let mut lines = finished.stdout.lines().map(str::to_owned);
    let made = (lines.next().unwrap(), lines.next().unwrap());
    assert_eq!(lines.next(), None);
    made
}

#[test]
fn a_generated_key_names_brand_and_environment_and_goes_with_its_digest() {
    let origin = Origin::start();
    let config = house(&origin);
    let (key, made) = generate(&config);
    assert_eq!(made, digest(&key));
    let random = key.strip_prefix("acme_staging_").unwrap();
    assert!(random.len() == 36 && random.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    assert_ne!(generate(&config).0, key);
    let gate = Tollgate::start(&config.key("acme-2", &key, ""));
    gate.get("/orders").key(&key).send().admitted();
}

#[test]
fn what_looks_like_a_generated_key_and_is_none_is_malformed() {
    let origin = Origin::start();
    let config = house(&origin);
    let (key, _) = generate(&config);
    let (unknown, _) = generate(&config);
    let gate = Tollgate::start(&config.key("acme-2", &key, ""));
    let mut mistyped = key.clone().into_bytes();
    mistyped.swap(14, 15);
    let mistyped = String::from_utf8(mistyped).unwrap();
    let cut = &key[..key.len() - 1];
    for wrong in [&*mistyped, cut, &format!("{key}0"), "acme_", "acme_staging_x"] {
        if wrong != key {
            gate.get("/orders").key(wrong).send().refused(401, "key_malformed");
        }
    }
    gate.get("/orders").key(&unknown).send().refused(401, "key_rejected");
    // Keys of other making are none of this.
    gate.get("/orders").key("demo").send().admitted();
    gate.get("/orders").key("acm_staging_x").send().refused(401, "key_rejected");
    gate.get("/orders").key(&key).send().admitted();
}

#[test]
fn a_brand_comes_and_goes_with_the_file() {
    let origin = Origin::start();
    let plain = Config::new(&origin).key("acme-2", "acme_old", "");
    let gate = Tollgate::start(&plain);
    gate.get("/orders").key("acme_old").send().admitted();
    gate.apply(&plain.clone().root("key_brand = \"acme\""));
    gate.get("/orders").key("acme_old").send().refused(401, "key_malformed");
    gate.apply(&plain.clone().root("key_brand = \"other\""));
    gate.get("/orders").key("acme_old").send().admitted();
    gate.apply(&plain.root("key_brand = \"acme\""));
    gate.get("/orders").key("acme_old").send().refused(401, "key_malformed");
}

#[test]
fn no_key_is_made_without_a_brand() {
    let finished = over(&["key", "generate"], &Config::new(&Origin::start()), "");
    assert_eq!((finished.code, &*finished.stdout), (Some(2), ""));
    assert!(finished.stderr.contains("key_brand"), "{finished:?}");
}

#[test]
fn a_digest_is_warned_of_when_its_key_is_weak_and_refused_when_it_could_not_work() {
    let config = house(&Origin::start());
    for weak in ["qwertz", "abababababababababab"] {
        let finished = over(&["digest"], &config, weak);
        assert_eq!(finished.code, Some(0), "{finished:?}");
        assert!(finished.stderr.starts_with("warning: the key "), "{finished:?}");
        assert!(!finished.stderr.contains(weak), "{finished:?}");
        assert_eq!(finished.stdout.trim_end(), digest(weak));
    }
    let (key, made) = generate(&config);
    let finished = over(&["digest"], &config, &key);
    assert_eq!((finished.stdout.trim_end(), &*finished.stderr), (&*made, ""));
    let finished = over(&["digest"], &config, "acme_staging_0123456789");
    assert_eq!((finished.code, &*finished.stdout), (Some(2), ""));
    assert!(!finished.stderr.contains("0123456789"), "{finished:?}");
}
