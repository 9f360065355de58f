//! The store is put back to a backup: nothing that was revoked since lives again on a proxy.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use serde_json::Value as Json;
use tokio::time::sleep;

use super::house::House;
use super::shop::{Made, Shop, decides, disable};
use crate::Failure;
use crate::connection::Connection;

/// Keys of each kind in a round.
const EACH: usize = 20;

/// What looks at proxies all the time.
struct Watch {
    dead: RefCell<BTreeSet<String>>,
    ends: Cell<bool>,
    looks: Cell<u64>,
    alive: Cell<u64>,
}

pub(super) async fn run(mut house: House, proxies: usize, rounds: usize) -> Result<bool, Failure> {
    house.add_proxies(proxies, "").await?;
    let shop = Shop::open(&mut house).await?;
    let watch = Rc::new(Watch {
        dead: RefCell::default(),
        ends: Cell::default(),
        looks: Cell::default(),
        alive: Cell::default(),
    });
    let mut watching = Vec::new();
    for proxy in &house.fleet {
        let data = proxy.data().await?;
        watching.push(tokio::task::spawn_local(Rc::clone(&watch).look(data)));
    }
    let mut wrong = 0;
    for round in 0..rounds {
        wrong += restore(&mut house, &shop, &watch, round).await?;
    }
    watch.ends.set(true);
    for watching in watching {
        watching.await??;
    }
    let (dead, looks, alive) = (watch.dead.borrow().len(), watch.looks.get(), watch.alive.get());
    println!("restored         {rounds} times, {proxies} proxies, {dead} keys revoked or undone");
    println!("meanwhile        {looks} requests with revoked keys, {alive} admitted");
    let holds = wrong + alive == 0 && looks > 0;
    let verdict = if holds { "every bound held" } else { "BROKEN" };
    println!("restore: {verdict}: {wrong} keys decided otherwise after a restore");
    Ok(holds)
}

/// One backup, and the way back to it. How many keys are decided wrongly then.
async fn restore(
    house: &mut House,
    shop: &Shop,
    watch: &Watch,
    round: usize,
) -> Result<u64, Failure> {
    let made = |house: &House, kind: &str| {
        let (shop, token) = (shop.clone(), house.admin.token());
        let (kind, admin) = (kind.to_owned(), house.control().and_then(|plane| plane.admin()));
        async move {
            let mut admin = crate::admin::Admin::with_token(admin?, token).await?;
            let mut keys = Vec::new();
            for number in 0..EACH {
                keys.push(shop.make(&mut admin, &format!("{kind}-{round}-{number}")).await?);
            }
            Ok::<Vec<Made>, Failure>(keys)
        }
    };
    let stays = made(house, "stays").await?;
    let before = made(house, "before").await?;
    let since = made(house, "since").await?;
    let deleted = made(house, "deleted").await?;
    revoke(house, watch, &before).await?;
    let backup = house.plane.folder.join(format!("backup-{round}.db"));
    let backup = backup.to_str().ok_or("a path")?.to_owned();
    house.plane.command(&["backup", &backup])?;
    revoke(house, watch, &since).await?;
    for key in &deleted {
        let target = format!("/packageKeys/{}?wait=applied&timeout=30s", key.id);
        house.admin.done("DELETE", &target, &Json::Null).await?;
        watch.dead.borrow_mut().insert(key.apikey.clone());
    }
    let later = made(house, "later").await?;
    house.control.take().ok_or("no control plane")?.end()?;
    house.plane.command(&["restore", &backup, "--yes"])?;
    // One of them starts from its disk, and finds the store restored.
    let number = round % house.fleet.len();
    let first = house.fleet.get_mut(number).ok_or("no proxy")?;
    first.process.take().ok_or("no process")?.kill()?;
    house.start_control().await?;
    house.start_proxies().await?;
    house.settle().await?;
    let mut wrong = 0;
    for proxy in &house.fleet {
        let mut data = proxy.data().await?;
        let expected =
            [(&stays, 200), (&before, 401), (&since, 401), (&deleted, 401), (&later, 401)];
        for (keys, expected) in expected {
            for key in keys {
                let status = decides(&mut data, &key.apikey).await?;
                if status != expected {
                    eprintln!("soak-prober: {} is answered {status} by {}", key.apikey, proxy.name);
                    wrong += 1;
                }
            }
        }
    }
    Ok(wrong)
}

async fn revoke(house: &mut House, watch: &Watch, keys: &[Made]) -> Result<(), Failure> {
    for key in keys {
        let answer = disable(&mut house.admin, &key.id, "30s").await?;
        if answer.body["applied"] != true {
            return Err(format!("{}: {answer:?}", key.apikey).into());
        }
        watch.dead.borrow_mut().insert(key.apikey.clone());
    }
    Ok(())
}

impl Watch {
    /// Asks a proxy for dead keys until it is enough. One that is being started again has no answer.
    async fn look(self: Rc<Self>, mut data: Connection) -> Result<(), Failure> {
        while !self.ends.get() {
            let dead: Vec<_> = self.dead.borrow().iter().cloned().collect();
            for key in dead {
                let Ok(status) = decides(&mut data, &key).await else { return Ok(()) };
                self.looks.set(self.looks.get() + 1);
                if status == 200 {
                    eprintln!("soak-prober: {key} is admitted");
                    self.alive.set(self.alive.get() + 1);
                }
            }
            sleep(Duration::from_millis(1)).await;
        }
        Ok(())
    }
}
