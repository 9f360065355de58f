//! What numbers stand for.

use super::codec::{Malformed, Read, fields};
use super::{Reader, Wire};

/// Names the numbers that one process of a control plane gives: they mean something only beside it.
/// Drawn at random when the process starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Numbering(pub u64);

/// A number that was given, and is never given to anything else of its kind in its numbering.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GivenName {
    /// Of a service.
    Service(Service),
    /// Of an endpoint.
    Endpoint(Endpoint),
    /// Of a method.
    Method(Method),
}

/// A service and its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// The number.
    pub number: u32,
    /// The name.
    pub name: Box<str>,
}

/// An endpoint of a service and its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The number.
    pub number: u32,
    /// The name of the service.
    pub service: Box<str>,
    /// The name.
    pub name: Box<str>,
}

/// A method of an endpoint and its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Method {
    /// The number.
    pub number: u32,
    /// The name of the service.
    pub service: Box<str>,
    /// The name of the endpoint.
    pub endpoint: Box<str>,
    /// The name; empty = whatever matches no other.
    pub name: Box<str>,
}

impl GivenName {
    /// A number of a service.
    #[must_use]
    pub fn service(number: u32, name: &str) -> Self {
        Self::Service(Service { number, name: name.into() })
    }

    /// A number of an endpoint.
    #[must_use]
    pub fn endpoint(number: u32, service: &str, name: &str) -> Self {
        Self::Endpoint(Endpoint { number, service: service.into(), name: name.into() })
    }

    /// A number of a method.
    #[must_use]
    pub fn method(number: u32, service: &str, endpoint: &str, name: &str) -> Self {
        let (service, endpoint, name) = (service.into(), endpoint.into(), name.into());
        Self::Method(Method { number, service, endpoint, name })
    }
}

fields!(Service { number, name });
fields!(Endpoint { number, service, name });
fields!(Method { number, service, endpoint, name });

impl Wire for GivenName {
    fn write(&self, to: &mut Vec<u8>) {
        match self {
            Self::Service(given) => {
                to.push(0);
                given.write(to);
            }
            Self::Endpoint(given) => {
                to.push(1);
                given.write(to);
            }
            Self::Method(given) => {
                to.push(2);
                given.write(to);
            }
        }
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        match from.byte()? {
            0 => from.get().map(Self::Service),
            1 => from.get().map(Self::Endpoint),
            2 => from.get().map(Self::Method),
            _ => Err(Malformed("a name is of no known kind")),
        }
    }
}

impl Wire for Numbering {
    fn write(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(&self.0.to_be_bytes());
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        from.array().map(|bytes| Self(u64::from_be_bytes(bytes)))
    }
}
