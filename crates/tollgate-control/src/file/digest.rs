//! `[digest]`

use std::io;
use std::path::{Path, PathBuf};

use super::kinds::Fingerprint;
use crate::document::Section;
use crate::document::kind::{Choice, NonEmpty};
use crate::model::{DigestSchemes, Pepper, Scheme, SchemeSettings};
use crate::secret::{fresh_secret, make_secret, read_secret};

use zeroize::Zeroizing;

const SCHEME: Choice<Scheme> = Choice::of(Scheme::ALL);

/// A shorter pepper can be guessed.
const GOOD_LENGTH: usize = 16;

/// The schemes, and whether they are certain enough to hold keys against them.
pub(super) struct Digests {
    pub(super) schemes: DigestSchemes,
    pub(super) certain: bool,
}

/// The pepper that keys are digested under where a control plane keeps some and no `[digest]` says
/// otherwise (design decision 1).
#[derive(Clone, Copy, Debug)]
pub struct OwnPepper<'a> {
    /// The file that holds it.
    pub file: &'a Path,
    /// Whether the file may be absent, because the process that makes it is yet to start.
    pub may_be_absent: bool,
}

/// A pepper that was just made up, and is in no file.
#[derive(Clone, Debug)]
pub struct FreshPepper {
    file: PathBuf,
    pepper: Pepper,
}

impl FreshPepper {
    /// Writes it into its file, which only its owner may read. Its folder is made where it is absent.
    ///
    /// # Errors
    /// What the system says; also if the file has come to be there meanwhile.
    pub fn keep(&self) -> io::Result<&Path> {
        make_secret(&self.file, self.pepper.secret())?;
        Ok(&self.file)
    }
}

pub(super) fn read(
    root: &mut Section,
    own: Option<OwnPepper<'_>>,
) -> (Digests, Option<FreshPepper>) {
    let section = match own {
        None => root.table_or_empty("digest"),
        Some(own) => match root.table("digest") {
            Some(section) => section,
            None if root.is_misfit("digest") => root.table_or_empty("digest"),
            None => return own_pepper(root, own),
        },
    };
    (of_section(root, section), None)
}

/// The control plane's own pepper, with the scheme of digests that anybody can make before it.
fn own_pepper(root: &mut Section, own: OwnPepper<'_>) -> (Digests, Option<FreshPepper>) {
    let absent = own.may_be_absent && matches!(own.file.try_exists(), Ok(false));
    let pepper = if absent {
        fresh_secret().map_err(|error| error.to_string())
    } else {
        read_secret(own.file).map(trimmed).map_err(|error| error.to_string())
    };
    let pepper = pepper.and_then(|pepper| match pepper.len() {
        GOOD_LENGTH.. => Ok(Pepper::new(pepper)),
        _ => Err(format!("the file holds no pepper, expected {GOOD_LENGTH} bytes or more")),
    });
    let pepper = pepper.unwrap_or_else(|error| {
        root.problem("control", format_args!("pepper_file: {error}"));
        Pepper::new(Zeroizing::default())
    });
    let fresh = absent.then(|| FreshPepper { file: own.file.to_owned(), pepper: pepper.clone() });
    let schemes = DigestSchemes {
        current: SchemeSettings::HmacSha256(pepper),
        previous: Some(SchemeSettings::Sha256),
    };
    (Digests { schemes, certain: true }, fresh)
}

fn of_section(root: &mut Section, mut section: Section) -> Digests {
    let current = settings(&mut section);
    let mut certain = !section.is_misfit("scheme");
    let previous = section.table("previous").map(|mut section| {
        let previous = settings(&mut section);
        certain &= !section.is_misfit("scheme");
        if certain && same(&current, &previous) {
            section.problem_at(section.here(), "is the same as the scheme that it goes before");
        }
        previous
    });
    certain &= !root.is_misfit("digest");
    Digests { schemes: DigestSchemes { current, previous }, certain }
}

fn settings(section: &mut Section) -> SchemeSettings {
    let scheme = section.or("scheme", SCHEME, Scheme::Sha256);
    let path = section.optional("pepper_file", NonEmpty("the path of a file with the pepper"));
    let fingerprint = section.optional("pepper_fingerprint", Fingerprint);
    match scheme {
        Scheme::Sha256 => {
            if !section.is_misfit("scheme") {
                for field in section.given(&["pepper_file", "pepper_fingerprint"]) {
                    section
                        .problem(field, "has no effect with scheme sha256, it is for hmac-sha256");
                }
            }
            SchemeSettings::Sha256
        }
        Scheme::HmacSha256 => {
            if !section.has("pepper_file") {
                section.missing("pepper_file", "the path of a file with the pepper");
            }
            let pepper = path.and_then(|path| pepper(section, &path));
            if let (Some(pepper), Some(expected)) = (&pepper, fingerprint) {
                compare(section, pepper, expected);
            }
            let stand_in = || Pepper::new(Zeroizing::default());
            SchemeSettings::HmacSha256(pepper.unwrap_or_else(stand_in))
        }
    }
}

/// Without the line break at its end: tools and shells leave it out too.
fn trimmed(mut secret: Zeroizing<Vec<u8>>) -> Zeroizing<Vec<u8>> {
    if secret.ends_with(b"\n") {
        secret.pop();
        if secret.ends_with(b"\r") {
            secret.pop();
        }
    }
    secret
}

/// The pepper in a file.
fn pepper(section: &Section, path: &str) -> Option<Pepper> {
    let secret = match read_secret(&section.resolve(path)) {
        Ok(secret) => trimmed(secret),
        Err(error) => {
            section.problem("pepper_file", error);
            return None;
        }
    };
    if secret.is_empty() {
        section.problem("pepper_file", "the file is empty, expected a pepper of 16 bytes or more");
        return None;
    }
    if secret.len() < GOOD_LENGTH {
        let message = "the pepper is short enough to be guessed, better are 16 bytes or more";
        section.warning("pepper_file", message);
    }
    Some(Pepper::new(secret))
}

fn compare(section: &Section, pepper: &Pepper, expected: [u8; 8]) {
    let found = pepper.fingerprint();
    if found != expected {
        let found = u64::from_be_bytes(found);
        let message = format_args!("the pepper in pepper_file has the fingerprint {found:016x}");
        section.problem("pepper_fingerprint", message);
    }
}

fn same(current: &SchemeSettings, previous: &SchemeSettings) -> bool {
    match (current, previous) {
        (SchemeSettings::Sha256, SchemeSettings::Sha256) => true,
        (SchemeSettings::HmacSha256(current), SchemeSettings::HmacSha256(previous)) => {
            !current.secret().is_empty() && current.fingerprint() == previous.fingerprint()
        }
        _ => false,
    }
}
