//! The load of this bench: requests whose keys rotate, over HTTP/1.1 or HTTP/2, plain or over TLS 1.3,
//! each answer checked. It says `ready` once its connections are open and warm, begins with a line on
//! its input, answers with a line of JSON once every request is answered, and ends with its input.

mod connect;
mod http1;
mod http2;
mod pace;
mod shared;

use std::io::{self, BufRead};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use tokio::runtime::Builder;
use tokio::task::{JoinSet, LocalSet};

use crate::connect::Connector;
use crate::shared::{Shared, Tally};

type Error = Box<dyn std::error::Error>;

#[derive(Parser, Clone)]
pub struct Arguments {
    #[arg(long)]
    pub address: SocketAddr,
    #[arg(long, default_value = "/small")]
    pub path: String,
    /// In all threads together.
    #[arg(long, default_value_t = 64)]
    pub connections: usize,
    /// HTTP/2, with so many requests at once on each connection.
    #[arg(long)]
    pub streams: Option<usize>,
    /// Known keys are bench-key-0000000 and so on.
    #[arg(long, default_value_t = 10_000)]
    pub keys: usize,
    /// The first of them that is called with.
    #[arg(long, default_value_t = 0)]
    pub first_key: usize,
    /// Percent of the requests that bring an unknown key.
    #[arg(long, default_value_t = 0)]
    pub unknown: usize,
    /// A connection for each request.
    #[arg(long)]
    pub fresh: bool,
    /// TLS 1.3, with this certificate of the server.
    #[arg(long)]
    pub tls: Option<PathBuf>,
    /// Requests a second, each due at its time whatever became of those before; absent = as many as
    /// the connections carry.
    #[arg(long)]
    pub rate: Option<f64>,
    #[arg(long)]
    pub seconds: f64,
    #[arg(long, default_value_t = 1)]
    pub threads: usize,
    /// Bytes of an admitted response's body.
    #[arg(long)]
    pub bytes: usize,
}

fn main() -> Result<(), Error> {
    let arguments = Arguments::parse();
    let barrier = Arc::new(Barrier::new(arguments.threads + 1));
    let start = Arc::new(Mutex::new(Instant::now()));
    let threads: Vec<_> = (0..arguments.threads)
        .map(|number| {
            let (arguments, barrier, start) = (arguments.clone(), barrier.clone(), start.clone());
            thread::spawn(move || {
                let connect = Builder::new_current_thread().enable_all().build();
                let tally = connect.map_err(Error::from).and_then(|runtime| {
                    let load = load(&arguments, number, &barrier, &start);
                    LocalSet::new().block_on(&runtime, load)
                });
                tally.unwrap_or_else(|error| {
                    eprintln!("{}: {error}", arguments.address);
                    std::process::exit(1);
                })
            })
        })
        .collect();
    barrier.wait();
    println!("ready");
    let mut input = io::stdin().lock();
    input.read_line(&mut String::new())?;
    let began = Instant::now();
    *start.lock().map_err(|_| "a thread panicked")? = began;
    barrier.wait();
    let mut all = Tally::default();
    for thread in threads {
        all.add(thread.join().map_err(|_| "a thread panicked")?);
    }
    println!("{}", all.json(began.elapsed()));
    Ok(())
}

/// What one thread does: its part of the connections, and of the rate.
async fn load(
    arguments: &Arguments,
    number: usize,
    barrier: &Barrier,
    start: &Mutex<Instant>,
) -> Result<Tally, Error> {
    let shared = Rc::new(Shared::of(arguments, number));
    let connector = Rc::new(Connector::of(arguments)?);
    let connections = arguments.connections / arguments.threads
        + usize::from(number < arguments.connections % arguments.threads);
    let mut http1 = Vec::new();
    let mut http2 = Vec::new();
    for _ in 0..connections {
        if let Some(streams) = arguments.streams {
            http2.extend(http2::open(&connector, &shared, streams).await?);
        } else {
            http1.push(http1::open(connector.clone(), shared.clone()).await?);
        }
    }
    shared.forget();
    barrier.wait();
    barrier.wait();
    let start = *start.lock().map_err(|_| "a thread panicked")?;
    let end = start + Duration::from_secs_f64(arguments.seconds);
    let rate = arguments.rate.map(|rate| rate / arguments.threads as f64);
    shared.begin(start, end, rate);
    let mut running = JoinSet::new();
    for connection in http1 {
        running.spawn_local(connection.run());
    }
    for stream in http2 {
        running.spawn_local(stream.run());
    }
    while let Some(ended) = running.join_next().await {
        ended??;
    }
    Ok(shared.tally())
}
