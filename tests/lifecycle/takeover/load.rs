use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread::{JoinHandle, spawn};

use super::replaceable;
use crate::support::{Config, Connection, Http1, Origin, Request, Tollgate, wait_for};

/// Clients that ask again and again, one on each of so many connections.
struct Clients {
    threads: Vec<JoinHandle<Vec<u16>>>,
    asked: Arc<AtomicUsize>,
    enough: Arc<AtomicBool>,
}

impl Clients {
    /// They go on until they are told, and keep connections for as long as these are to be kept, or
    /// make one for each request.
    fn start(count: usize, request: &Request, keep: bool) -> Self {
        let (asked, enough) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let threads = (0..count).map(|_| {
            let (request, asked, enough) =
                (request.clone(), Arc::clone(&asked), Arc::clone(&enough));
            spawn(move || {
                let mut statuses = Vec::new();
                let mut connection = None;
                while !enough.load(SeqCst) {
                    let mut open =
                        connection.take().unwrap_or_else(|| Http1::connect(request.address));
                    let response = open.send(&request);
                    statuses.push(response.status);
                    asked.fetch_add(1, SeqCst);
                    if keep && response.header("connection") != Some("close") {
                        connection = Some(open);
                    }
                }
                statuses
            })
        });
        Self { threads: threads.collect(), asked, enough }
    }

    fn go_on(&self) {
        let before = self.asked.load(SeqCst);
        wait_for("more requests", || (self.asked.load(SeqCst) > before + 200).then_some(()));
    }

    /// Every status that they have seen.
    fn end(self) -> Vec<u16> {
        self.enough.store(true, SeqCst);
        self.threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    }
}

#[test]
fn no_request_fails_and_none_is_counted_twice_or_not_at_all() {
    const CEILING: usize = 700;
    let origin = Origin::start();
    let quota = format!("rate_limit_ceiling = {CEILING}\nrate_limit_period = \"month\"");
    let config: Config = replaceable(&origin)
        .section("packages.basic.plans.small", &format!("qps_limit_exempt = true\n{quota}"))
        .section("packages.basic.plans.small.services.orders", "")
        .section("keys.acme-2", &Config::key_body("few", "").replace("\"free\"", "\"small\""));
    let mut gate = Tollgate::start(&config);
    let (many, few) = (gate.get("/orders").key("demo"), gate.get("/orders/few").key("few"));
    let kept = Clients::start(4, &many, true);
    let fresh = Clients::start(2, &many, false);
    let counted = Clients::start(2, &few, true);
    for _ in 0..3 {
        kept.go_on();
        fresh.go_on();
        let next = gate.taken_over();
        assert_eq!(gate.exit_code(), 0);
        gate = next;
    }
    counted.go_on();
    wait_for("the quota to be used up", || (few.send().status == 429).then_some(()));
    for clients in [kept, fresh] {
        let failed: Vec<_> = clients.end().into_iter().filter(|status| *status != 200).collect();
        assert_eq!(failed, [0u16; 0]);
    }
    let counted = counted.end();
    assert!(counted.iter().all(|status| [200, 429].contains(status)), "{counted:?}");
    let arrived = origin.requests().iter().filter(|seen| seen.target() == "/orders/few").count();
    assert_eq!(arrived, CEILING);
}
