//! What is a revision, and when it is enforced.

use tollgate_core::Revision;

use super::fixture::Gate;
use super::naive::Objects;
use crate::publisher::Published;

fn suspended() -> Objects {
    let mut objects = Objects::default();
    objects.suspended[0] = true;
    objects
}

fn revision(number: u64) -> Revision {
    Revision { epoch: 1, number }
}

#[test]
fn what_says_the_same_is_no_revision() {
    let mut gate = Gate::new();
    let text = Objects::default().toml();
    assert_eq!(gate.publish(&text), Published::Revision(revision(1)));
    let commented = format!("# A comment.\n\n{}", text.replace("[keys.", "# Of a key.\n\n[keys."));
    let (head, keys) = text.split_once("[keys.").unwrap();
    let reversed =
        keys.split("[keys.").fold(String::new(), |keys, key| format!("[keys.{key}{keys}"));
    let reversed = format!("{head}{reversed}");
    for same in [text.clone(), commented, reversed] {
        assert_eq!(gate.read(&same).unwrap().keys.len(), 3);
        gate.clock.advance(100_000_000);
        assert_eq!(gate.publish(&same), Published::Unchanged, "{same}");
    }
    assert_eq!(gate.root().revision, revision(1));
}

#[test]
fn each_change_is_one_revision_enforced_once_the_worker_has_answered() {
    let mut gate = Gate::new();
    let enforced = gate.publisher.enforced();
    gate.publish(&Objects::default().toml());
    assert_eq!(*enforced.borrow(), Revision::default(), "not answered yet");
    gate.answer();
    assert_eq!(*enforced.borrow(), revision(1));
    // Two objects at once are one change.
    let mut both = suspended();
    both.members[1] = "disabled";
    assert_eq!(gate.publish(&both.toml()), Published::Revision(revision(2)));
    assert_eq!(gate.notices.try_iter().count(), 1);
    assert_eq!(*enforced.borrow(), revision(2));
}

#[test]
fn an_answer_to_a_later_revision_is_one_to_those_before() {
    let mut gate = Gate::new();
    let enforced = gate.publisher.enforced();
    gate.publish(&Objects::default().toml());
    gate.publish(&suspended().toml());
    let first = gate.notices.recv().unwrap();
    drop(gate.notices.recv().unwrap());
    assert_eq!(*enforced.borrow(), revision(2));
    drop(first);
    assert_eq!(*enforced.borrow(), revision(2), "never back");
}

#[test]
fn a_value_that_goes_from_one_key_to_another_is_not_gone() {
    let mut gate = Gate::new();
    let mut objects = Objects::default();
    gate.publish(&objects.toml());
    for (number, secret) in [(0, 1), (1, 0)] {
        if let Some(key) = objects.keys.get_mut(&number) {
            key.secret = secret;
        }
    }
    gate.publish_keys(&objects.toml());
    assert_eq!(gate.root().keys.len(), objects.keys.len());
}
