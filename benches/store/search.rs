//! Pages of what is looked for.

use std::time::Instant;

use tollgate_control::life_cycle::State;
use tollgate_control::store::{ChainSearch, Store};

use super::house::OF_APPLICATION;
use super::quantiles;

const ROUNDS: usize = 200;
const PAGE: u64 = 100;

pub(crate) async fn measure(store: &Store, keys: usize) {
    let all = ChainSearch { key_sets: Some(false), ..ChainSearch::default() };
    let middle = keys / OF_APPLICATION / 2;
    let of_application =
        ChainSearch { application: Some(format!("application-{middle}")), ..all.clone() };
    let suspended = ChainSearch { states: vec![State::Suspended], ..all.clone() };
    let text = |text: String| ChainSearch { text: Some(text), ..all.clone() };
    let last = (keys as u64).saturating_sub(PAGE);
    for (what, search, offset) in [
        ("all, first page", all.clone(), 0),
        ("all, last page", all.clone(), last),
        ("of one application", of_application, 0),
        ("suspended", suspended, 0),
        ("text that few have", text(format!("application {middle}\n")), 0),
        ("text that all have", text("application".to_owned()), 0),
    ] {
        let mut took = Vec::with_capacity(ROUNDS);
        let mut total = 0;
        for _ in 0..ROUNDS {
            let search = search.clone();
            let began = Instant::now();
            let page = store.read(move |connection| search.page(connection, offset, PAGE)).await;
            took.push(began.elapsed());
            total = page.expect("a page").total;
        }
        println!("{what:<20} {total:>9} match  {}", quantiles(took));
    }
}
