//! Services and where calls lead to them.

use http::Method;
use tollgate_core::{HostPattern, ListedKey, ListedRoute, Route, Segment};

use super::codec::{Malformed, Read, fields};
use super::{Reader, SentService, Wire};

/// Everything that routes are built of. Numbers are of the sender's numbering.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SentRoutes {
    /// Services, each part by itself.
    pub services: Vec<SentService>,
    /// Paths that hold keys.
    pub keys: Vec<ListedKey>,
    /// Routes, in the order in which they decide.
    pub routes: Vec<ListedRoute>,
}

/// So many parts services can have, and each has a number below it.
pub const MAX_FRONTS: u32 = 1 << 20;

fields!(ListedKey { host, path, segment });
fields!(ListedRoute { host, pattern, route, verbs });
fields!(Route { front, endpoint, method });

impl Wire for SentRoutes {
    fn write(&self, to: &mut Vec<u8>) {
        self.services.write(to);
        self.keys.write(to);
        self.routes.write(to);
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        let services: Vec<SentService> = from.get()?;
        if services.iter().any(|sent| sent.service.front.0 >= MAX_FRONTS) {
            return Err(Malformed("a part of a service has a number that is too great"));
        }
        let (keys, routes): (Vec<ListedKey>, Vec<ListedRoute>) = from.get()?;
        let rest_ends = |route: &ListedRoute| match route.pattern.split_last() {
            Some((_, before)) => !before.contains(&Segment::Rest),
            None => true,
        };
        if !routes.iter().all(rest_ends) {
            return Err(Malformed("a path goes on after its rest"));
        }
        if routes.iter().any(|route| route.pattern.len() > MAX_SEGMENTS)
            || keys.iter().any(|key| key.path.len() > MAX_SEGMENTS)
        {
            return Err(Malformed("a path has too many segments"));
        }
        Ok(Self { services, keys, routes })
    }
}

/// So many segments a path can have: who matches paths descends by them.
const MAX_SEGMENTS: usize = 1024;

impl Wire for HostPattern {
    fn write(&self, to: &mut Vec<u8>) {
        match self {
            Self::Every => to.push(0),
            Self::Name(name) => {
                to.push(1);
                name.write(to);
            }
            Self::Below(suffix) => {
                to.push(2);
                suffix.write(to);
            }
        }
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        match from.byte()? {
            0 => Ok(Self::Every),
            1 => from.get().map(Self::Name),
            2 => from.get().map(Self::Below),
            _ => Err(Malformed("a host is of no known kind")),
        }
    }
}

impl Wire for Segment {
    fn write(&self, to: &mut Vec<u8>) {
        match self {
            Self::Any => to.push(0),
            Self::Rest => to.push(1),
            Self::Literal(literal) => {
                to.push(2);
                literal.write(to);
            }
        }
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        match from.byte()? {
            0 => Ok(Self::Any),
            1 => Ok(Self::Rest),
            2 => from.get().map(Self::Literal),
            _ => Err(Malformed("a segment of a path is of no known kind")),
        }
    }
}

impl Wire for Method {
    fn write(&self, to: &mut Vec<u8>) {
        super::codec::write_bytes(self.as_str().as_bytes(), to);
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        let method = Self::from_bytes(from.text()?.as_bytes());
        method.map_err(|_| Malformed("an HTTP method is none"))
    }
}
