//! Connections are given to the worker that has the fewest.

use std::process::{Command, Stdio};

use crate::support::{Config, Connection, Http1, Http2, Metrics, Origin, Tollgate, wait_for};

fn gate(origin: &Origin, workers: usize) -> Tollgate {
    let config = Config::new(origin).section("process", &format!("workers = {workers}"));
    Tollgate::start(&config)
}

/// How many connections the workers have, in all and at most apart.
fn spread(metrics: &Metrics, workers: usize) -> (f64, f64) {
    let counts = metrics.connections(workers);
    let most = counts.iter().copied().fold(0.0, f64::max);
    let least = counts.iter().copied().fold(f64::INFINITY, f64::min);
    (counts.iter().sum(), most - least)
}

#[test]
fn a_few_long_connections_are_spread_evenly() {
    let origin = Origin::start();
    for workers in [2, 4] {
        let gate = gate(&origin, workers);
        let call = gate.get("/orders").key("demo");
        let connect = || {
            let mut connection = Http2::connect(gate.data());
            connection.send(&call).admitted();
            connection
        };
        let held: Vec<_> = (0..8).map(|_| connect()).collect();
        assert_eq!(spread(&gate.metrics(), workers), (8.0, 0.0));
        // Wherever it is served, a connection is counted once and ends.
        let mut one_more = Http1::connect(gate.data());
        one_more.send(&call).admitted();
        assert_eq!(spread(&gate.metrics(), workers), (9.0, 1.0));
        drop((held, one_more));
        gate.wait_for("no connection", |metrics| spread(metrics, workers) == (0.0, 0.0));
        assert_eq!(gate.metrics().sum("tollgate_connections", &[]), 0.0);
    }
}

#[test]
fn connections_that_come_at_once_are_spread_evenly() {
    let origin = Origin::start();
    for (workers, connections) in [(2, 2), (2, 4), (4, 4)] {
        let gate = gate(&origin, workers);
        let mut load = Command::new("h2load")
            .args(["-c", &connections.to_string(), "-t", "1", "-D", "1", "-m", "4"])
            .args(["-H", "X-Api-Key: demo", &format!("http://{}/orders", gate.data())])
            .stdout(Stdio::null())
            .spawn()
            .expect("h2load (tests/install h2load:nghttp2-client)");
        wait_for("all connections, evenly", || {
            let spread = spread(&gate.metrics(), workers);
            (spread == (f64::from(connections), 0.0)).then_some(())
        });
        assert!(load.wait().unwrap().success());
    }
}
