//! When requests are due. With a rate each has a time that nothing before it can move, and waits in a
//! queue if no connection is free: what it waits there is part of its latency.

use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

#[derive(Clone)]
pub struct Pace {
    end: Instant,
    queue: Option<Rc<Mutex<UnboundedReceiver<Instant>>>>,
}

impl Pace {
    /// The clock is a thread of its own, since timers of the runtime are exact to a millisecond only.
    pub fn of(start: Instant, end: Instant, rate: Option<f64>) -> Self {
        let queue = rate.map(|rate| {
            let (sender, receiver) = unbounded_channel();
            thread::spawn(move || {
                for number in 0_u32.. {
                    let due = start + Duration::from_secs_f64(f64::from(number) / rate);
                    thread::sleep(due.saturating_duration_since(Instant::now()));
                    if due >= end || sender.send(due).is_err() {
                        return;
                    }
                }
            });
            Rc::new(Mutex::new(receiver))
        });
        Self { end, queue }
    }

    pub async fn due(self) -> Option<Instant> {
        if let Some(queue) = self.queue {
            return queue.lock().await.recv().await;
        }
        let now = Instant::now();
        (now < self.end).then_some(now)
    }
}
