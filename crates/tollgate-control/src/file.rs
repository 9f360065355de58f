//! The file source: objects out of TOML.
//!
//! One file here for each kind of object. An object is read against those that it refers to, so
//! services come after upstreams, packages after services, and keys last. Whatever is wrong goes to
//! the section's report and reading goes on with a stand-in; the document is refused as a whole
//! then (see [`document::read`](crate::document::read)).

mod application;
mod check;
mod cors;
pub(crate) mod credential;
mod digest;
mod endpoint;
mod enforcement;
mod grant;
mod key;
mod keys_folder;
pub(crate) mod kinds;
mod limits;
mod member;
mod notify;
mod package;
mod plan;
pub(crate) mod proof;
mod service;
mod sources;
mod switches;
mod upstream;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::document::Section;
use crate::document::kind::{Choice, Name, NameKind};
use crate::model::{Environment, ErrorDialect, Objects, Owner};

pub use self::check::duplicates::distinct;
pub use self::digest::{FreshPepper, OwnPepper};
pub use self::kinds::Cidr;
pub use self::upstream::{TLS_VERSION, TlsFiles};

use self::check::keyless::Keyless;
use self::check::routes::Routes;
use self::key::Keys;
use self::kinds::BrandKind;

/// The words for [`ErrorDialect`], of services and where no service is known.
pub const ERROR_DIALECT: Choice<ErrorDialect> =
    Choice::of(&[("problem", ErrorDialect::Problem), ("mashery", ErrorDialect::Mashery)]);

/// All objects of a document, and where else they were looked for.
#[derive(Clone, Debug)]
pub struct FileObjects {
    /// What was read.
    pub objects: Arc<Objects>,
    /// The folder that keys were read from, besides the document.
    pub keys_folder: Option<PathBuf>,
    /// The pepper of the control plane's keys, where its file is yet to be made.
    pub fresh_pepper: Option<FreshPepper>,
}

/// Reads all objects out of the root section of a document, and the files of its keys folder.
///
/// Takes `environment`, `key_brand`, `keys_folder`, `[digest]`, `[upstreams]`, `[services]`, `[packages]`,
/// `[members]`, `[applications]` and `[keys]`; other sections are the caller's. `now`, in seconds
/// since 1970, tells which keys have expired already, which is worth a warning.
///
/// The objects are whole only if the document turns out to have no problem.
pub fn read_objects(root: &mut Section, now: i64) -> FileObjects {
    read_objects_beside(root, now, Beside::default())
}

/// What is known beside a document.
#[derive(Clone, Copy, Default)]
pub struct Beside<'a> {
    /// The pepper of keys that a control plane keeps, where no `[digest]` says otherwise.
    pub pepper: Option<OwnPepper<'a>>,
    /// What looks into the files that upstreams are spoken to with over TLS; `None` = nobody does.
    pub tls: Option<&'a dyn TlsFiles>,
    /// Whether upstreams stand in the files of others, who serve: here their names are enough.
    pub elsewhere: bool,
}

/// The same, with what is known beside the document.
pub fn read_objects_beside(root: &mut Section, now: i64, beside: Beside<'_>) -> FileObjects {
    let environment = root.or(
        "environment",
        NameKind("the name of an environment"),
        Name::unchecked("production"),
    );
    let key_brand = root.optional("key_brand", BrandKind);
    let (digests, fresh_pepper) = digest::read(root, beside.pepper);
    let upstreams = named(root, "upstreams", |name, section| upstream::read(name, section, beside));
    let mut routes = Routes::default();
    let mut keyless = Keyless::default();
    let services = named(root, "services", |name, section| {
        service::read(name, section, &upstreams, &mut routes, &mut keyless)
    });
    let packages = named(root, "packages", |name, section| package::read(name, section, &services));
    let members = named(root, "members", member::read);
    let applications =
        named(root, "applications", |name, section| application::read(name, section, &members));
    let mut keys = Keys::new(&digests, &services, &packages, &applications, now);
    keys.read(root);
    let keys_folder = keys_folder::read(root, &mut keys);
    keyless.check(root, &keys, &packages);
    let keys = keys.into_read();
    let objects = Objects {
        environment: Environment(environment),
        key_brand,
        digests: digests.schemes,
        upstreams,
        services,
        unrouted: Vec::new(),
        packages,
        members,
        applications,
        keys,
    };
    FileObjects { objects: Arc::new(objects), keys_folder, fresh_pepper }
}

/// The objects of the tables below `field`, by name.
fn named<T>(
    section: &mut Section,
    field: &'static str,
    mut read: impl FnMut(Name, &mut Section) -> T,
) -> BTreeMap<Name, T> {
    let tables = section.tables(field).into_iter();
    tables.map(|(name, mut table)| (name.clone(), read(name, &mut table))).collect()
}

fn owner(section: &Section) -> Owner {
    Owner::File(section.place())
}
