//! The switches of a service.

use std::ops::RangeInclusive;

use http::HeaderName;
use tollgate_core::{AllowedOrigins, Cors, Maintenance, OriginPattern, Switches};

use super::codec::{Malformed, Read, fields};
use super::{Reader, Wire};

fields!(Switches {
    maintenance,
    allowed_referers,
    cors,
    drop_request_headers,
    drop_response_headers,
    key_length,
    keyless,
});
fields!(Maintenance { retry_after, from, until });
fields!(Cors { origins, credentials, methods, headers, exposed_headers, max_age });

impl Wire for AllowedOrigins {
    fn write(&self, to: &mut Vec<u8>) {
        match self {
            Self::Every => to.push(0),
            Self::Listed { patterns, null } => {
                to.push(1);
                patterns.write(to);
                null.write(to);
            }
        }
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        match from.byte()? {
            0 => Ok(Self::Every),
            1 => Ok(Self::Listed { patterns: from.get()?, null: from.get()? }),
            _ => Err(Malformed("origins are of no known kind")),
        }
    }
}

impl Wire for OriginPattern {
    fn write(&self, to: &mut Vec<u8>) {
        self.to_string().write(to);
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        Self::parse(from.text()?).ok_or(Malformed("an origin is none"))
    }
}

impl Wire for HeaderName {
    fn write(&self, to: &mut Vec<u8>) {
        super::codec::write_bytes(self.as_str().as_bytes(), to);
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        let name = Self::from_bytes(from.text()?.as_bytes());
        name.map_err(|_| Malformed("the name of a header field is none"))
    }
}

impl Wire for RangeInclusive<u8> {
    fn write(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(&[*self.start(), *self.end()]);
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        let [first, last] = from.array()?;
        if first == 0 || first > last {
            return Err(Malformed("lengths of keys are out of range"));
        }
        Ok(first..=last)
    }
}
