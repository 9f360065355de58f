//! Counters of a process that makes its snapshots itself.

use std::fmt::Display;
use std::sync::Arc;

use tollgate_core::{Counts, LineTag, MeterId, MeterNeeds, Meters, MethodId, ServiceId};

use super::Publisher;
use crate::counters::{Counters, MeterNames, NotRestored, named};
use crate::model::Name;

impl Counters for Publisher {
    fn meters(&self) -> &Arc<Meters> {
        self.writer.meters()
    }

    fn each_key(&self, tell: &mut dyn FnMut(&dyn Display, MeterId, MeterNeeds)) {
        for (name, meter, needs) in self.ledger.keys() {
            tell(name, meter, needs);
        }
    }

    fn each_service(&self, tell: &mut dyn FnMut(&str, MeterId)) {
        self.ledger.services().for_each(|(name, meter)| tell(name, meter));
    }

    fn lines(&self) -> Box<dyn Fn(LineTag) -> Option<Vec<String>> + '_> {
        let (services, methods) = (self.numbers.services.values(), self.numbers.methods.values());
        Box::new(move |tag| {
            Some(match Counts::of(tag) {
                Counts::Key => Vec::new(),
                Counts::Grant(service) => vec![services.get(&service.0)?.to_string()],
                Counts::Method(method) => {
                    let (service, endpoint, method) = methods.get(&method.0)?;
                    [service, endpoint, method].map(ToString::to_string).into()
                }
            })
        })
    }

    fn tag(&mut self, of: &[String]) -> Option<LineTag> {
        let numbers = &mut self.numbers;
        let counts = match of {
            [] => Counts::Key,
            [service] => Counts::Grant(ServiceId(numbers.services.number(&Name::new(service)?))),
            [service, endpoint, method] => {
                let name = (Name::new(service)?, Name::new(endpoint)?, Name::new(method)?);
                Counts::Method(MethodId(numbers.methods.number(&name)))
            }
            _ => return None,
        };
        Some(counts.tag())
    }

    fn restored(
        &mut self,
        name: &str,
        tags: &[LineTag],
        needs: MeterNeeds,
        unix: u64,
    ) -> Result<MeterId, NotRestored> {
        let name = Name::new(name).ok_or(NotRestored::Unreadable)?;
        let meter = self.ledger.restored(&mut self.writer, name, tags, needs, unix);
        meter.ok_or(NotRestored::MetersExhausted)
    }

    fn known_service(&self, name: &str) -> Option<MeterId> {
        self.ledger.known_service(name)
    }

    fn meter_names(&mut self) -> MeterNames {
        let (names, given) = (self.ledger.share_names(), self.given.subscribe());
        Arc::new(move |meter, tag| {
            let name = names.get(meter)?;
            let of = given.borrow().named(tag)?;
            named(name, of)
        })
    }
}
