//! What chains are found by stands once for all that are found by the same, whatever becomes of them.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use tollgate_control::life_cycle::Chain;
use tollgate_control::store::{ChainSearch, NotChanged, Store, StoredChain};

use crate::chains::chain;
use crate::engines::{No, Place, contract, deed};

contract! {
    wordings_are_those_that_chains_have
    a_store_without_wordings_is_given_them
}

const STEPS: usize = 200;

const WORDS: [&str; 5] = ["\nacme\njo", "one\nacme\njo", "\nother\njo", "ünder\nother\nkim", ""];

#[derive(Clone, Debug)]
enum Edit {
    Put(usize, &'static str),
    Delete(usize),
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        3 => (0..8_usize, select(WORDS.to_vec())).prop_map(|(number, words)| Edit::Put(number, words)),
        1 => (0..8_usize).prop_map(Edit::Delete),
    ]
}

fn id(number: usize) -> String {
    format!("chain{number}")
}

/// Puts a chain there, or in the place of itself.
async fn put(store: &Store, number: usize, words: &'static str) {
    let made = store.change(deed(""), move |change, _| {
        let connection = change.connection();
        match StoredChain::find(connection, &id(number))? {
            Some(mut known) => {
                let before = known.life.version;
                words.clone_into(&mut known.words);
                known.life.version += 1;
                assert!(known.update(connection, before)?);
            }
            None => {
                let life = Chain::package_key(None, false);
                let words = words.to_owned();
                let made = StoredChain { words, ..chain(&id(number), "acme", life) };
                made.insert(connection)?;
            }
        }
        Ok::<_, NotChanged<No>>(())
    });
    made.await.unwrap();
}

/// The words of all wordings.
async fn wordings(store: &Store) -> Vec<String> {
    let read = store.read(|connection| {
        let rows = connection.rows("SELECT words FROM wordings", &[])?;
        rows.iter().map(|row| row.text(0).map(str::to_owned)).collect::<Result<Vec<_>, _>>()
    });
    let mut words = read.await.unwrap();
    words.sort();
    words
}

/// The ids of the chains that a text finds.
async fn found(store: &Store, text: &str) -> BTreeSet<String> {
    let search = ChainSearch { text: Some(text.to_owned()), ..ChainSearch::default() };
    let page = store.read(move |connection| search.page(connection, 0, 100)).await.unwrap();
    assert_eq!(page.total, page.chains.len() as u64);
    page.chains.into_iter().map(|chain| chain.id).collect()
}

async fn wordings_are_those_that_chains_have(place: Place) {
    let (store, _committed) = place.open().await;
    let mut runner = TestRunner::deterministic();
    let mut there: BTreeMap<usize, &str> = BTreeMap::new();
    for step in 0..STEPS {
        let edit = edit().new_tree(&mut runner).unwrap().current();
        match edit {
            Edit::Put(number, words) => {
                put(&store, number, words).await;
                there.insert(number, words);
            }
            Edit::Delete(number) => {
                let gone = store.change(deed(""), move |change, _| {
                    StoredChain::delete(change.connection(), &id(number))?;
                    Ok::<_, NotChanged<No>>(())
                });
                gone.await.unwrap();
                there.remove(&number);
            }
        }
        let expected: BTreeSet<_> = there.values().map(|words| (*words).to_owned()).collect();
        let expected: Vec<_> = expected.into_iter().collect();
        assert_eq!(wordings(&store).await, expected, "step {step}: {edit:?}");
        for text in ["acme", "ACME\nJ", "ünd", "jo", "o", "nobody"] {
            let text = text.to_lowercase();
            let having = there.iter().filter(|(_, words)| words.contains(&text));
            let expected: BTreeSet<_> = having.map(|(number, _)| id(*number)).collect();
            assert_eq!(found(&store, &text).await, expected, "step {step}: {edit:?}, {text}");
        }
    }
}

async fn a_store_without_wordings_is_given_them(place: Place) {
    let (store, _committed) = place.open().await;
    for (number, words) in WORDS.into_iter().enumerate() {
        put(&store, number, words).await;
    }
    let emptied = store.change(deed(""), |change, _| {
        change.connection().script("DELETE FROM wordings")?;
        Ok::<_, NotChanged<No>>(())
    });
    emptied.await.unwrap();
    assert!(found(&store, "acme").await.is_empty());
    drop(store);
    let (store, _committed) = place.open().await;
    assert_eq!(wordings(&store).await.len(), WORDS.len());
    assert_eq!(found(&store, "acme").await, BTreeSet::from([id(0), id(1)]));
}
