//! A feed that has to be signed.

use std::fs;

use rcgen::{KeyPair, PKCS_ED25519};
use tollgate_core::Status;
use tollgate_feed::sign::SigningKey;

use super::{fed, folder, status};
use crate::support::{Config, Feeder, Origin, Tollgate, wait_for};

const KEYS: &str = "public_key_files = [\"one.pub\", \"two.pub\"]";

fn key(pair: &KeyPair) -> Option<SigningKey> {
    Some(SigningKey::of_der(&pair.serialize_der()).unwrap())
}

/// A proxy that trusts two keys.
fn start(config: &Config, [one, two]: [&KeyPair; 2]) -> Tollgate {
    let folder = folder(config);
    fs::write(folder.path().join("one.pub"), one.public_key_pem()).unwrap();
    fs::write(folder.path().join("two.pub"), two.public_key_pem()).unwrap();
    Tollgate::start_in(folder, "tollgate.toml")
}

fn readiness(gate: &Tollgate) -> String {
    gate.ops_get("/readyz").send().admitted().text().to_owned()
}

fn wait_for_refusal(gate: &Tollgate, words: &str) {
    wait_for(words, || readiness(gate).contains(words).then_some(()));
    assert_eq!(gate.metrics().sum("tollgate_feed_unsigned", &[]), 1.0);
    gate.wait_for_log(words);
}

#[test]
fn what_nobody_has_signed_who_may_is_refused_and_what_is_held_goes_on() {
    let [one, two, stranger] = [(); 3].map(|()| KeyPair::generate_for(&PKCS_ED25519).unwrap());
    let (feeder, origin) = (Feeder::start(200), Origin::start());
    feeder.sign_with(key(&one));
    let gate = start(&fed(&feeder, &origin, KEYS), [&one, &two]);
    let admits = |number| status(&gate, &feeder.key(number)) == 200;
    let revision = feeder.set(1, Status::Revoked);
    feeder.wait_applied(revision);
    assert!(!admits(1));
    assert_eq!(readiness(&gate), "ready\n");
    feeder.sign_with(None);
    feeder.set(2, Status::Revoked);
    wait_for_refusal(&gate, "is not signed");
    assert!(admits(2), "it is not known who has revoked it");
    feeder.sign_with(key(&stranger));
    feeder.begin_anew();
    wait_for_refusal(&gate, "none of public_key_files");
    assert!(admits(2));
    assert_eq!(feeder.applied(), Some(revision));
    // The next key of the control plane is trusted already.
    feeder.sign_with(key(&two));
    wait_for("what it has signed", || (!admits(2)).then_some(()));
    gate.wait_for("all to be well", |metrics| metrics.sum("tollgate_feed_unsigned", &[]) == 0.0);
    assert_eq!(readiness(&gate), "ready\n");
}

#[test]
fn what_stands_on_the_disk_has_to_be_signed_as_well() {
    let [one, two] = [(); 2].map(|()| KeyPair::generate_for(&PKCS_ED25519).unwrap());
    let (feeder, origin) = (Feeder::start(200), Origin::start());
    let (open, closed) = (fed(&feeder, &origin, ""), fed(&feeder, &origin, KEYS));
    let gate = start(&open, [&one, &two]);
    assert_eq!(status(&gate, &feeder.key(1)), 200);
    // From here on nothing unsigned is good enough.
    feeder.sign_with(key(&one));
    let gate = gate.restart_after(|file| fs::write(file, closed.to_string()).unwrap());
    assert!(gate.log().contains("snapshot-1: is not signed"), "{}", gate.log());
    assert_eq!(feeder.snapshots(), 2, "it was fetched anew");
    // What was signed is started from, with the batches after it.
    let revision = feeder.set(1, Status::Revoked);
    feeder.wait_applied(revision);
    wait_for("the first lease", || gate.folder().join("feed/contact").exists().then_some(()));
    drop(feeder);
    let gate = gate.restart();
    let log = gate.log();
    assert!(log.contains("started from the last known good"), "{log}");
    assert_eq!(status(&gate, "synthetic-7-1"), 401);
}
