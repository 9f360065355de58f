//! `tollgate digest`

use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

use tollgate_control::model::{DigestLiteral, SchemeSettings};
use tollgate_core::weakness;

use super::{FAILED, WRONG, load, refuse, say};
use crate::clock::SystemClock;

/// The longest key (domain.md §1.2), and a line break.
const LONGEST: u64 = 255 + 2;

#[expect(clippy::print_stdout, reason = "the digest is the program's answer")]
pub(super) fn perform(config: Option<&Path>) -> ExitCode {
    let (settings, brand) = match config.map(|path| load(path, &SystemClock::new())) {
        None => (SchemeSettings::Sha256, None),
        Some(Ok((config, _))) => {
            let objects = config.objects.objects;
            (objects.digests.current, objects.key_brand)
        }
        Some(Err(problems)) => return refuse(&problems),
    };
    let mut key = Vec::new();
    if let Err(error) = std::io::stdin().take(LONGEST + 1).read_to_end(&mut key) {
        say(format_args!("tollgate: the key cannot be read from standard input: {error}"));
        return ExitCode::from(FAILED);
    }
    let key = key.strip_suffix(b"\n").unwrap_or(&key);
    let key = key.strip_suffix(b"\r").unwrap_or(key);
    if key.is_empty() || key.len() > 255 || !key.iter().all(u8::is_ascii_graphic) {
        say(format_args!(
            "tollgate: what standard input holds is no key, expected 1 to 255 printable ASCII \
             characters without spaces"
        ));
        return ExitCode::from(WRONG);
    }
    if let Some(brand) = brand.filter(|brand| brand.disowns(key)) {
        say(format_args!(
            "tollgate: the key begins with {}_ as generated keys do and is none of them, \
             so it would be refused",
            brand.name(),
        ));
        return ExitCode::from(WRONG);
    }
    if let Some(weakness) = weakness(key) {
        say(format_args!("warning: the key {weakness}"));
    }
    let Some(scheme) = settings.compile() else {
        say(format_args!("tollgate: the pepper of the configuration cannot be used"));
        return ExitCode::from(FAILED);
    };
    let bytes = *scheme.digest(key).bytes();
    println!("{}", DigestLiteral { scheme: settings.scheme(), bytes });
    ExitCode::SUCCESS
}
