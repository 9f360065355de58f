//! The network of a simulation. A stream keeps its order; what a broken thing between does, happens here.

use bytes::Bytes;

use super::World;
use crate::subscribe::Event;
use crate::wire::frame::Frames;
use crate::wire::{ToControl, ToProxy};

#[derive(Clone)]
pub(super) enum Said {
    Control(ToControl),
    Proxy(Bytes),
}

/// What is under way.
pub(super) struct Travelling {
    arrives: u64,
    connection: u64,
    said: Said,
}

impl World {
    pub(super) fn send(&mut self, at: usize, connection: u64, said: Said) {
        let broken = !self.heals;
        if broken && self.draw.below(60) == 0 {
            return;
        }
        let late = broken && self.draw.below(40) == 0;
        let arrives = self.now + if late { 500 } else { self.draw.below(3) * 10 };
        let twice = broken && self.draw.below(60) == 0;
        let travelling = &mut self.places[at].network;
        if twice {
            let said = said.clone();
            travelling.push(Travelling { arrives: arrives + 20, connection, said });
        }
        let last = travelling.iter().map(|other| other.arrives).max().unwrap_or(0);
        let arrives = if broken { arrives } else { arrives.max(last) };
        travelling.push(Travelling { arrives, connection, said });
    }

    pub(super) fn deliver(&mut self, at: usize) {
        loop {
            let place = &mut self.places[at];
            let reads = place.proxy.as_ref().is_some_and(|proxy| proxy.subscriber.reads());
            let due = place.network.iter().position(|one| {
                one.arrives <= self.now && (reads || matches!(one.said, Said::Control(_)))
            });
            let Some(due) = due else { return };
            let Travelling { connection, said, .. } = place.network.remove(due);
            match said {
                Said::Control(said) => self.hear(at, connection, &said),
                Said::Proxy(bytes) if self.is_open(at, connection) => {
                    let mut frames = Frames::default();
                    frames.push(&bytes);
                    let said = ToProxy::read(&frames.frame().unwrap().unwrap()).unwrap();
                    self.step(at, Event::Arrived(Box::new(said)));
                }
                Said::Proxy(_) => {}
            }
        }
    }

    fn is_open(&self, at: usize, connection: u64) -> bool {
        let proxy = self.places[at].proxy.as_ref();
        proxy.is_some_and(|proxy| proxy.connection == Some(connection))
    }

    /// Ends the connection of a proxy, with everything that is under way.
    pub(super) fn cut(&mut self, at: usize) {
        self.places[at].network.clear();
        if let Some(control) = &mut self.control {
            control.serves[at] = None;
        }
        let Some(proxy) = &mut self.places[at].proxy else { return };
        if proxy.connection.take().is_some() {
            self.step(at, Event::Closed("cut".to_owned()));
        }
    }
}
