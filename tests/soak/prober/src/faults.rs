//! An upstream that fails in every way while most requests meet nothing: an error, never a wrong or shortened
//! answer, and nothing that hangs.

mod case;
mod client;
mod fault;
mod http1;
mod http2;
mod judge;
mod pattern;
mod server;
mod upstream;

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio::task::{JoinSet, spawn_local};
use tokio::time::sleep;

use crate::Failure;
use crate::connection::PROTOCOLS;
use crate::metrics::Metrics;
use crate::random::Random;
use case::Case;
use client::Client;
use judge::Judge;
pub(crate) use upstream::Spoil;
use upstream::Upstream;

pub(crate) struct Settings {
    pub(crate) data: SocketAddr,
    pub(crate) ops: SocketAddr,
    /// Where the upstreams are to be, that of HTTP/1.1 first.
    pub(crate) upstreams: [SocketAddr; 2],
    pub(crate) seconds: u64,
    pub(crate) seed: u64,
    pub(crate) spoil: Spoil,
}

/// Clients of each version of HTTP.
const CLIENTS: u64 = 32;

/// Numbers of requests that each client has.
const NUMBERS: u64 = 1 << 20;

/// Good requests that each client sends in the end.
const LAST: u64 = 4;

/// How long the gate is given to be at rest.
const REST: Duration = Duration::from_secs(5);

/// How often we look whether it is.
const LOOK: Duration = Duration::from_millis(50);

/// In the middle of some good answers, so that many are under way at once.
const PAUSE: Duration = Duration::from_millis(20);

fn pauses(case: &Case) -> bool {
    case.number.is_multiple_of(4)
}

/// Whether every bound held.
pub(crate) async fn run(settings: Settings) -> Result<bool, Failure> {
    println!("seed {}", settings.seed);
    let seeds = Random::new(settings.seed);
    let upstreams = PROTOCOLS.map(|protocol| Rc::new(Upstream::new(protocol, settings.spoil)));
    for (upstream, address) in upstreams.iter().zip(settings.upstreams) {
        let listener = TcpListener::bind(address).await?;
        let serving = server::run(Rc::clone(upstream), address, listener, seeds.other());
        spawn_local(async { serving.await.expect("an upstream can listen again") });
    }

    let judge = Rc::<RefCell<Judge>>::default();
    let clients = Client::several(CLIENTS, settings.data, &upstreams, &judge).await?;
    let until = Instant::now() + Duration::from_secs(settings.seconds);
    let mut storm = JoinSet::new();
    for (client, first) in clients.into_iter().zip((0..).step_by(NUMBERS as usize)) {
        let random = seeds.other();
        let cases = (first..).map(move |number| Case::drawn(number, &random));
        storm.spawn_local(client.run(cases.take_while(move |_| Instant::now() < until)));
    }
    let mut held = have_lasted(storm).await?;
    let judge = judge.take();
    judge.print();
    held &= judge.has_held(&upstreams);
    held &= is_at_rest(settings.ops, &upstreams).await?;

    let last = Rc::<RefCell<Judge>>::default();
    let clients = Client::several(CLIENTS, settings.data, &upstreams, &last).await?;
    let mut calm = JoinSet::new();
    for (client, first) in clients.into_iter().zip((1 << 30..).step_by(NUMBERS as usize)) {
        let random = seeds.other();
        let cases = (first..first + LAST).map(move |number| Case::good(number, &random));
        calm.spawn_local(client.run(cases));
    }
    held &= have_lasted(calm).await?;
    let (right, all) = (last.borrow().right(), 2 * CLIENTS * LAST);
    println!("afterwards {right} of {all} requests were answered");
    Ok(held && right == all)
}

/// Whether all clients could send all that they had to.
async fn have_lasted(mut clients: JoinSet<Result<(), Failure>>) -> Result<bool, Failure> {
    let mut lasted = true;
    while let Some(ended) = clients.join_next().await {
        if let Err(failure) = ended? {
            eprintln!("a client had to end: {failure}");
            lasted = false;
        }
    }
    Ok(lasted)
}

/// Whether the gate has given up all that came to nothing. The upstreams are killed no more.
async fn is_at_rest(ops: SocketAddr, upstreams: &[Rc<Upstream>; 2]) -> Result<bool, Failure> {
    upstreams.iter().for_each(|upstream| upstream.calm.set(true));
    let mut metrics = Metrics::of(ops).await?;
    let by = Instant::now() + REST;
    loop {
        let open = metrics.value("tollgate_streams").await?;
        let waiting: u64 = upstreams.iter().map(|upstream| upstream.waiting.get()).sum();
        let is_there = upstreams.iter().all(|upstream| !upstream.is_down.get());
        let rests = open == 0.0 && waiting == 0 && is_there;
        if rests || Instant::now() > by {
            println!("at rest {open} requests are open, {waiting} faults not given up");
            return Ok(rests);
        }
        sleep(LOOK).await;
    }
}
