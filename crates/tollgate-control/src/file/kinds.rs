//! What only fields of objects hold.

mod brand;
mod field;
mod fingerprint;
mod host;
mod literal;
mod origin;
mod path;
mod verb;

pub(super) use self::brand::BrandKind;
pub(super) use self::field::{FieldName, FieldValue, Token};
pub(super) use self::fingerprint::Fingerprint;
pub(super) use self::host::Host;
pub(super) use self::literal::Literal;
pub(super) use self::origin::Origin;
pub(super) use self::path::{LiteralPath, Pattern, shown};
pub(super) use self::verb::Verb;
