//! Counters of a process that is fed.
//!
//! It knows 64 bits of the digest of what a key counts under, and not the name: these stand in its place,
//! after a sign that no name has. A name is understood as well, so that a process can be fed from its next
//! start on and goes on counting.

use std::fmt::Display;
use std::sync::Arc;

use tollgate_core::{LineTag, MeterId, MeterNeeds, Meters};
use tollgate_feed::receive::Receiver;
use tollgate_feed::wire::Counter;

use super::{Counters, MeterNames, NotRestored, named};
use crate::model::Name;

const SIGN: char = '#';

fn text(Counter(counter): Counter) -> String {
    format!("{SIGN}{counter:016x}")
}

fn counter(name: &str) -> Option<Counter> {
    match name.strip_prefix(SIGN) {
        Some(digits)
            if digits.len() == 16 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) =>
        {
            u64::from_str_radix(digits, 16).ok().map(Counter)
        }
        Some(_) => None,
        None => Name::new(name).map(|name| Counter::of(name.as_str())),
    }
}

impl Counters for Receiver {
    fn meters(&self) -> &Arc<Meters> {
        self.meters()
    }

    fn each_key(&self, tell: &mut dyn FnMut(&dyn Display, MeterId, MeterNeeds)) {
        for (counter, meter, needs) in self.counters() {
            tell(&text(counter), meter, needs);
        }
    }

    fn each_service(&self, tell: &mut dyn FnMut(&str, MeterId)) {
        self.service_meters().for_each(|(name, meter)| tell(name, meter));
    }

    fn lines(&self) -> Box<dyn Fn(LineTag) -> Option<Vec<String>> + '_> {
        Box::new(|tag| self.what(tag))
    }

    fn tag(&mut self, of: &[String]) -> Option<LineTag> {
        self.tag(of)
    }

    fn restored(
        &mut self,
        name: &str,
        tags: &[LineTag],
        needs: MeterNeeds,
        unix: u64,
    ) -> Result<MeterId, NotRestored> {
        let counter = counter(name).ok_or(NotRestored::Unreadable)?;
        self.restored(counter, tags, needs, unix).ok_or(NotRestored::MetersExhausted)
    }

    fn known_service(&self, name: &str) -> Option<MeterId> {
        self.service_meters().find(|(known, _)| *known == name).map(|(_, meter)| meter)
    }

    fn meter_names(&mut self) -> MeterNames {
        let shared = self.share_counters();
        Arc::new(move |meter, tag| {
            let (counter, of) = shared.name(meter, tag)?;
            named(text(counter), of)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_keys_count_under_is_told_by_its_digest_or_by_its_name() {
        let known = Counter::of("acme");
        assert_eq!(counter(&text(known)), Some(known));
        assert_eq!(counter("acme"), Some(known));
        for other in ["", "#", "#12", "#00000000000000zz", "a b", "#+000000000000001"] {
            assert_eq!(counter(other), None, "{other}");
        }
    }
}
