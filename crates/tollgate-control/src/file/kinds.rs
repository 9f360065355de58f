//! What only fields of objects hold.

mod brand;
mod certificate;
mod cidr;
mod field;
mod fingerprint;
mod host;
mod literal;
mod page;
mod path;
mod upgrade;
mod url;
mod verb;
mod wrapped;

pub(super) use self::brand::BrandKind;
pub(super) use self::certificate::ClientCertificate;
pub use self::cidr::Cidr;
pub(crate) use self::field::{Dropped, FieldName};
pub(super) use self::field::{FieldValue, OrEvery, Token};
pub(super) use self::fingerprint::Fingerprint;
pub(crate) use self::host::Host;
pub(super) use self::literal::Literal;
pub(super) use self::page::{AllowedOrigin, CorsOrigin, PageOrigin};
pub(super) use self::path::Pattern;
pub(crate) use self::path::{LiteralPath, shown};
pub(super) use self::upgrade::Upgrade;
pub(super) use self::url::Url;
pub(crate) use self::verb::Verb;
pub(super) use self::wrapped::WrappedSecret;
