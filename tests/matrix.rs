//! Every place of a key with every proof, in both dialects and both versions of HTTP. What is
//! admitted goes on without key and proof, and what is refused is refused as the table of refusals
//! says.

mod call;
mod cell;
mod dialect;
mod house;
mod place;
mod proof;
mod ways;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use cell::{Cell, Version};
use dialect::Dialect;
use house::House;
use place::Place;
use proof::Proof;
use ways::{HAS_A_SNAPSHOT, HAS_NO_LEASE, Left, NO_PROOF, Way};

#[test]
fn every_place_and_proof_is_refused_as_the_table_says_and_goes_no_further() {
    let keys = house::keys();
    let (mut cells, mut failed, mut left) = (0, Vec::new(), BTreeMap::new());
    let pairs = Dialect::ALL.map(|dialect| Proof::ALL.map(|proof| (dialect, proof)));
    for (dialect, proof) in pairs.into_iter().flatten() {
        let house = House::start(dialect, proof, &keys);
        for cell in house.cells() {
            cells += 1;
            // All of them are tried: which ones fail tells more than that one does.
            match catch_unwind(AssertUnwindSafe(|| cell.hold())) {
                Ok(whys) => whys.into_iter().for_each(|why| *left.entry(why).or_insert(0) += 1),
                Err(_) => failed.push(cell.to_string()),
            }
        }
    }
    assert!(failed.is_empty(), "{} of {cells} failed:\n{}", failed.len(), failed.join("\n"));
    assert_eq!(cells, 160);
    hold_left(left);
}

/// What no cell meets is tested elsewhere or impossible, and proofs can only fail where they are
/// asked for.
fn hold_left(mut left: BTreeMap<Left, usize>) {
    assert_eq!(left.remove(&HAS_A_SNAPSHOT), Some(160));
    assert_eq!(left.remove(&HAS_NO_LEASE), Some(160));
    // Missing and invalid.
    assert_eq!(left.remove(&NO_PROOF), Some(2 * 32));
    let tests = crate::sources::rust_files("tests");
    for (why, cells) in left {
        let Left::To(test) = why else { panic!("{why:?} is not known") };
        let written = format!("#[test]\nfn {test}() {{\n");
        assert!(tests.iter().any(|(_, text)| text.contains(&written)), "there is no test {test}");
        assert_eq!(cells, 160, "{test}");
    }
}
