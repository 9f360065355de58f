//! Readers: each sees one committed state.

use std::sync::mpsc;

use tollgate_control::store::StoreError;

use crate::engines::{Place, contract, fact, set_and_touch};

contract! {
    a_look_sees_one_state_whatever_is_committed_meanwhile
    a_reader_changes_nothing
}

async fn a_look_sees_one_state_whatever_is_committed_meanwhile(place: Place) {
    let (store, _committed) = place.open().await;
    set_and_touch(&store, "a", "old").await;
    let (looked, first_look) = mpsc::channel();
    let (go_on, gone_on) = mpsc::channel();
    let both = store.read(move |connection| {
        let look = "SELECT value FROM facts WHERE name = 'a'";
        let first = connection.row(look, &[])?.unwrap();
        looked.send(()).unwrap();
        gone_on.recv().unwrap();
        let second = connection.row(look, &[])?.unwrap();
        Ok((first.text(0)?.to_owned(), second.text(0)?.to_owned()))
    });
    let both = async { both.await.unwrap() };
    let meanwhile = async {
        tokio::task::spawn_blocking(move || first_look.recv().unwrap()).await.unwrap();
        set_and_touch(&store, "a", "new").await;
        go_on.send(()).unwrap();
    };
    let (both, ()) = tokio::join!(both, meanwhile);
    assert_eq!(both, ("old".to_owned(), "old".to_owned()));
    assert_eq!(fact(&store, "a").await.as_deref(), Some("new"));
}

async fn a_reader_changes_nothing(place: Place) {
    let (store, _committed) = place.open().await;
    let tried = store.read(|connection| connection.run("DELETE FROM feed", &[]));
    assert!(matches!(tried.await, Err(StoreError::Failed(_))));
    assert_eq!(store.newest().await.unwrap().number, 0);
}
