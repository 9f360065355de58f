//! Answers that are kept for the same request to come again.

use tollgate_control::store::{KeptAnswer, NotChanged};

use crate::engines::{No, Place, contract, deed};

contract! {
    an_answer_is_its_members_until_it_is_swept
}

async fn an_answer_is_its_members_until_it_is_swept(place: Place) {
    let (store, _committed) = place.open().await;
    let kept = |member: &str, at| KeptAnswer {
        member: member.to_owned(),
        client_key: "k".to_owned(),
        answer: vec![0, 255, 7],
        at,
    };
    let [old, new] = [kept("jo", 1), kept("kim", 2)];
    let put = [old.clone(), new.clone()];
    let put = store.change(deed(""), move |change, _| {
        put.iter().try_for_each(|answer| answer.insert(change.connection()))?;
        Ok::<_, NotChanged<No>>(())
    });
    put.await.unwrap();
    let find = async |member: &'static str, key: &'static str| {
        let found = store.read(move |connection| KeptAnswer::find(connection, member, key));
        found.await.unwrap()
    };
    assert_eq!(find("jo", "k").await, Some(old));
    assert_eq!(find("jo", "other").await, None);
    let due = async |at| store.read(move |connection| KeptAnswer::is_due(connection, at)).await;
    assert!(!due(1).await.unwrap() && due(2).await.unwrap());
    let swept = store.change(deed(""), |change, _| {
        Ok::<_, NotChanged<No>>(KeptAnswer::sweep(change.connection(), 2)?)
    });
    assert_eq!(swept.await.unwrap().0, 1);
    assert_eq!(find("jo", "k").await, None);
    assert_eq!(find("kim", "k").await, Some(new));
    assert!(!due(2).await.unwrap());
}
