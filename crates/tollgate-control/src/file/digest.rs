//! `[digest]`

use super::kinds::Fingerprint;
use crate::document::Section;
use crate::document::kind::{Choice, NonEmpty};
use crate::model::{DigestSchemes, Pepper, Scheme, SchemeSettings};
use crate::secret::read_secret;

use zeroize::Zeroizing;

const SCHEME: Choice<Scheme> = Choice::of(Scheme::ALL);

/// A shorter pepper can be guessed.
const GOOD_LENGTH: usize = 16;

/// The schemes, and whether they are certain enough to hold keys against them.
pub(super) struct Digests {
    pub(super) schemes: DigestSchemes,
    pub(super) certain: bool,
}

pub(super) fn read(root: &mut Section) -> Digests {
    let mut section = root.table_or_empty("digest");
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

/// The pepper in a file, without the line break at its end: tools and shells leave it out too.
fn pepper(section: &Section, path: &str) -> Option<Pepper> {
    let mut secret = match read_secret(&section.resolve(path)) {
        Ok(secret) => secret,
        Err(error) => {
            section.problem("pepper_file", error);
            return None;
        }
    };
    if secret.ends_with(b"\n") {
        secret.pop();
        if secret.ends_with(b"\r") {
            secret.pop();
        }
    }
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
