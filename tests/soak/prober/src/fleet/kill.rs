//! Control plane and proxies die at any moment, while keys come and go.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Instant;

use serde_json::Value as Json;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::figures::Times;
use super::house::House;
use super::shop::{Made, Shop, decides, disable};
use crate::Failure;
use crate::admin::Admin;
use crate::random::Random;

const WRITERS: usize = 4;

/// All keys are looked at after so many kills, and after the last.
const WHOLE: u64 = 25;

/// Of the keys that were revoked before so many are looked at after each kill, the newest among them.
const LOOKED_AT: usize = 100;

/// What is known of a key.
struct Known {
    made: Made,
    /// A revocation of it was sent.
    revoked: bool,
    /// Its revocation was answered.
    acknowledged: bool,
    /// The proxies that enforce that, as the answer says.
    enforced: Vec<String>,
}

/// What writers share.
struct Street {
    shop: Shop,
    keys: RefCell<Vec<Known>>,
    made: Cell<u64>,
    /// Whether writers are to end.
    ends: Cell<bool>,
    random: Random,
    waited: RefCell<Times>,
}

#[derive(Default)]
struct Figures {
    control: u64,
    proxies: u64,
    both: u64,
    ready: Times,
    again: Times,
    wrong: u64,
}

pub(super) async fn run(mut house: House, proxies: usize, kills: u64) -> Result<bool, Failure> {
    let seed = Random::seed();
    println!("seed             {seed}");
    house.add_proxies(proxies, "").await?;
    house.wait_for_leases().await;
    let street = Rc::new(Street {
        shop: Shop::open(&mut house).await?,
        keys: RefCell::default(),
        made: Cell::default(),
        ends: Cell::default(),
        random: Random::new(seed),
        waited: RefCell::default(),
    });
    let (mut figures, began) = (Figures::default(), Instant::now());
    for kill in 1..=kills {
        round(&mut house, &street, &mut figures).await?;
        look(&house, &street, LOOKED_AT, &mut figures).await?;
        if kill.is_multiple_of(WHOLE) || kill == kills {
            let settling = Instant::now();
            house.settle().await?;
            figures.again.note(settling.elapsed());
            whole(&mut house, &street, &mut figures).await?;
        }
    }
    let keys = street.keys.borrow();
    let acknowledged = keys.iter().filter(|key| key.acknowledged).count();
    let enforced: usize = keys.iter().map(|key| key.enforced.len()).sum();
    let Figures { control, proxies, both, ready, again, wrong } = &mut figures;
    println!(
        "kills            {control} of the control plane, {proxies} of proxies, {both} of both, in {:.0} s",
        began.elapsed().as_secs_f64()
    );
    println!("ready again      {}", ready.told());
    println!("converged        {} after all run", again.told());
    println!(
        "changes          {} keys, {acknowledged} revocations acknowledged, {enforced} times as enforced by a proxy",
        keys.len()
    );
    println!("until applied    {}", street.waited.borrow_mut().told());
    let holds = *wrong == 0 && acknowledged > 0;
    let verdict = if holds { "every bound held" } else { "BROKEN" };
    println!("kill: {verdict}: {wrong} revoked keys admitted, changes lost or decided otherwise");
    Ok(holds)
}

/// Lets everybody write, kills, and starts again what is gone.
async fn round(
    house: &mut House,
    street: &Rc<Street>,
    figures: &mut Figures,
) -> Result<(), Failure> {
    street.ends.set(false);
    let mut writing = JoinSet::new();
    for _ in 0..WRITERS {
        let admin = Admin::with_token(house.control()?.admin()?, house.admin.token()).await?;
        writing.spawn_local(write(Rc::clone(street), admin));
    }
    let random = &street.random;
    sleep(random.millis(5, 300)).await;
    let whom = random.below(3);
    if whom != 0 {
        let victim = random.below(house.fleet.len() as u64) as usize;
        let victim = house.fleet.get_mut(victim).ok_or("no proxy")?;
        victim.process.take().ok_or("no process")?.kill()?;
        sleep(random.millis(0, 20)).await;
    }
    if whom != 1 {
        house.control.take().ok_or("no control plane")?.kill()?;
    }
    match whom {
        0 => figures.control += 1,
        1 => figures.proxies += 1,
        _ => figures.both += 1,
    }
    sleep(random.millis(0, 100)).await;
    street.ends.set(true);
    while let Some(ended) = writing.join_next().await {
        ended??;
    }
    // A proxy is ready without its control plane.
    let began = Instant::now();
    house.start_proxies().await?;
    look(house, street, LOOKED_AT, figures).await?;
    if house.control.is_none() {
        house.start_control().await?;
    }
    figures.ready.note(began.elapsed());
    Ok(())
}

/// Makes and revokes keys until the control plane is gone, or it is enough.
async fn write(street: Rc<Street>, mut admin: Admin) -> Result<(), Failure> {
    while !street.ends.get() {
        let number = street.made.replace(street.made.get() + 1);
        let apikey = format!("killed-{number}");
        let Ok(answer) = street.shop.ask(&mut admin, &apikey, Json::Null, "").await else {
            return Ok(());
        };
        if answer.status != 200 {
            return Err(format!("{apikey}: {answer:?}").into());
        }
        let id = answer.body["id"].as_str().ok_or("no id")?.to_owned();
        let at = {
            let mut keys = street.keys.borrow_mut();
            let made = Made { apikey, id: id.clone() };
            keys.push(Known { made, revoked: false, acknowledged: false, enforced: Vec::new() });
            keys.len() - 1
        };
        if street.random.below(4) == 0 {
            continue;
        }
        let note = |noted: &dyn Fn(&mut Known)| {
            street.keys.borrow_mut().get_mut(at).map(noted).ok_or("no such key")
        };
        note(&|key| key.revoked = true)?;
        let called = Instant::now();
        let Ok(answer) = disable(&mut admin, &id, "1s").await else { return Ok(()) };
        if !matches!(answer.status, 200 | 202) {
            return Err(format!("{id}: {answer:?}").into());
        }
        if answer.status == 200 {
            street.waited.borrow_mut().note(called.elapsed());
        }
        let proxies = answer.body["proxies"].as_array().ok_or("no proxies")?;
        let enforced = proxies.iter().filter(|proxy| proxy["enforced"].is_u64());
        let names = enforced.filter_map(|proxy| proxy["name"].as_str().map(str::to_owned));
        let names: Vec<_> = names.collect();
        note(&|key| {
            key.acknowledged = true;
            key.enforced.clone_from(&names);
        })?;
    }
    Ok(())
}

/// Whether each proxy refuses what it was said to refuse.
#[expect(clippy::await_holding_refcell_ref, reason = "no writer writes meanwhile")]
async fn look(
    house: &House,
    street: &Street,
    newest: usize,
    figures: &mut Figures,
) -> Result<(), Failure> {
    for proxy in &house.fleet {
        let mut data = proxy.data().await?;
        let keys = street.keys.borrow();
        let acknowledged = keys.iter().rev().filter(|key| key.enforced.contains(&proxy.name));
        for key in acknowledged.take(newest) {
            let status = decides(&mut data, &key.made.apikey).await?;
            if status != 401 {
                eprintln!(
                    "soak-prober: {} is answered {status} by {}",
                    key.made.apikey, proxy.name
                );
                figures.wrong += 1;
            }
        }
    }
    Ok(())
}

/// Whether every proxy decides what the store says, and the store has everything that was acknowledged.
#[expect(clippy::await_holding_refcell_ref, reason = "no writer writes meanwhile")]
async fn whole(house: &mut House, street: &Street, figures: &mut Figures) -> Result<(), Failure> {
    for proxy in &house.fleet {
        let mut data = proxy.data().await?;
        for key in street.keys.borrow().iter() {
            let status = decides(&mut data, &key.made.apikey).await?;
            let open = key.revoked && !key.acknowledged;
            let expected = if key.acknowledged { 401 } else { 200 };
            if open {
                let target = format!("/packageKeys/{}?fields=status", key.made.id);
                let stored = house.admin.done("GET", &target, &Json::Null).await?;
                let admits = stored["status"] == "active";
                figures.wrong += u64::from(admits != (status == 200));
            } else if status != expected {
                eprintln!(
                    "soak-prober: {} is answered {status} by {}",
                    key.made.apikey, proxy.name
                );
                figures.wrong += 1;
            }
        }
    }
    Ok(())
}
