//! `[keys.*]`

use std::collections::BTreeMap;

use super::check::duplicates::{SeenKeys, distinct};
use super::check::{overrides, reference, secrets};
use super::digest::Digests;
use super::kinds::{ClientCertificate, Literal, WrappedSecret};
use super::service::AUTH_TYPE;
use super::{enforcement, limits, owner, sources};
use crate::document::Section;
use crate::document::kind::{Choice, Day, Instant, Name, NameKind};
use crate::model::{Application, Bought, DigestLiteral, Key, KeyStatus, Package, Plan, Service};

const STATUS: Choice<KeyStatus> = Choice::of(&[
    ("waiting", KeyStatus::Waiting),
    ("active", KeyStatus::Active),
    ("suspended", KeyStatus::Suspended),
    ("revoked", KeyStatus::Revoked),
])
.knowing(&[
    ("pending", "waiting"),
    ("enabled", "active"),
    ("disabled", "suspended"),
    ("inactive", "suspended"),
    ("deleted", "revoked"),
]);

/// The keys of all files, read against what they refer to.
pub(super) struct Keys<'a> {
    digests: &'a Digests,
    services: &'a BTreeMap<Name, Service>,
    packages: &'a BTreeMap<Name, Package>,
    applications: &'a BTreeMap<Name, Application>,
    now: i64,
    seen: SeenKeys,
    read: BTreeMap<Name, Key>,
}

impl<'a> Keys<'a> {
    pub(super) fn new(
        digests: &'a Digests,
        services: &'a BTreeMap<Name, Service>,
        packages: &'a BTreeMap<Name, Package>,
        applications: &'a BTreeMap<Name, Application>,
        now: i64,
    ) -> Self {
        let (seen, read) = (SeenKeys::default(), BTreeMap::new());
        Self { digests, services, packages, applications, now, seen, read }
    }

    /// Reads `[keys.*]` of the root of a file.
    pub(super) fn read(&mut self, root: &mut Section) {
        for (name, mut section) in root.tables("keys") {
            if let Some(key) = self.key(name.clone(), &mut section) {
                self.read.insert(name, key);
            }
        }
    }

    /// Whether a key of this name stands anywhere, whether or not it could be read.
    pub(super) fn saw(&self, name: &Name) -> bool {
        self.seen.has(name)
    }

    /// The keys read so far.
    pub(super) fn read_so_far(&self) -> &BTreeMap<Name, Key> {
        &self.read
    }

    /// All keys by name.
    pub(super) fn into_read(self) -> BTreeMap<Name, Key> {
        self.read
    }

    fn key(&mut self, name: Name, section: &mut Section) -> Option<Key> {
        let digest = section.required("digest", Literal);
        let secret_digest = section.optional("secret_digest", Literal);
        let wrapped_secret = section.optional("wrapped_secret", WrappedSecret);
        let auth_type = section.optional("auth_type", AUTH_TYPE);
        let application = section.required("application", NameKind("the name of an application"));
        let package = section.required("package", NameKind("the name of a package"));
        let plan = section.required("plan", NameKind("the name of a plan"));
        let status = section.or("status", STATUS, KeyStatus::Active);
        let not_before = section.optional("not_before", Day).map(Instant::start);
        let expires = section.optional("expires", Day).map(Instant::end);
        let qps = limits::own_qps(section);
        let quota = limits::own_quota(section);
        let concurrency_ceiling = limits::concurrency(section);
        let allowed_sources = sources::read(section);
        let enforcement = enforcement::of_key(section);
        let bound_to = section.optional_list("client_certificates", ClientCertificate);
        let client_certificates = distinct(section, bound_to);

        self.seen.note(section, &name, digest.as_ref());
        self.check_digest(section, "digest", digest.as_ref());
        self.check_digest(section, "secret_digest", secret_digest.as_ref());
        self.check_dates(section, not_before, expires);
        if let Some(application) = &application {
            reference::find(
                section,
                "application",
                "no application",
                application,
                self.applications,
            );
        }
        let found = self.find_plan(section, package.as_ref(), plan.as_ref());
        let key = Key {
            counts_as: name.clone(),
            number: 1,
            name,
            owner: owner(section),
            digest: digest?,
            secret_digest,
            wrapped_secret,
            auth_type,
            application: application?,
            bought: vec![Bought { package: package?, plan: plan?, service: None }],
            status,
            not_before,
            expires,
            qps,
            quota,
            concurrency_ceiling,
            allowed_sources,
            client_certificates,
            enforcement,
        };
        if let Some(plan) = found {
            overrides::check(section, &key, plan);
            secrets::check(section, &key, plan, self.services);
        }
        Some(key)
    }

    fn find_plan(
        &self,
        section: &Section,
        package: Option<&Name>,
        plan: Option<&Name>,
    ) -> Option<&'a Plan> {
        let package = reference::find(section, "package", "no package", package?, self.packages)?;
        let none = format_args!("package {} has no plan", package.name);
        reference::find(section, "plan", none, plan?, &package.plans)
    }

    fn check_digest(&self, section: &Section, field: &str, digest: Option<&DigestLiteral>) {
        let Some(digest) = digest.filter(|_| self.digests.certain) else { return };
        let schemes = &self.digests.schemes;
        if schemes.know(digest.scheme) {
            return;
        }
        let current = schemes.current.scheme().name();
        let previous = schemes.previous.as_ref().map(|previous| previous.scheme().name());
        let previous = previous.map_or(String::new(), |previous| format!(" or {previous}"));
        let scheme = digest.scheme.name();
        let message = format_args!(
            "is made with {scheme}, expected {current}{previous}, which [digest] names"
        );
        section.problem(field, message);
    }

    fn check_dates(&self, section: &Section, not_before: Option<i64>, expires: Option<i64>) {
        let Some(expires) = expires else { return };
        if not_before.is_some_and(|not_before| not_before >= expires) {
            section.problem("expires", "is not after not_before, so the key would never work");
        } else if expires <= self.now {
            section.warning("expires", "is past, so the key does not work any more");
        }
    }
}
