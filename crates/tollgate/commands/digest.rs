//! `tollgate digest`

use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

use tollgate_control::model::{DigestLiteral, SchemeSettings};
use tollgate_core::{Wrapped, weakness};
use zeroize::Zeroizing;

use super::{FAILED, WRONG, load, refuse, say, with_pepper};
use crate::clock::SystemClock;

/// The longest key and the longest secret (domain.md §1.2).
const LONGEST: usize = 255;

/// Two of them with their line breaks.
const LONGEST_INPUT: usize = 2 * (LONGEST + 2);

#[expect(clippy::print_stdout, reason = "the digest is the program's answer")]
pub(super) fn perform(config: Option<&Path>, with_secret: bool) -> ExitCode {
    let (settings, brand) = match config.map(|path| load(path, &SystemClock::new())) {
        None => (SchemeSettings::Sha256, None),
        Some(Ok((config, _))) => {
            if let Err(code) = with_pepper(&config) {
                return code;
            }
            let objects = config.objects.objects;
            (objects.digests.current.clone(), objects.key_brand.clone())
        }
        Some(Err(problems)) => return refuse(&problems),
    };
    let mut input = Zeroizing::new(Vec::with_capacity(LONGEST_INPUT + 1));
    let mut standard_input = std::io::stdin().take(LONGEST_INPUT as u64 + 1);
    if let Err(error) = standard_input.read_to_end(&mut input) {
        say(format_args!("tollgate: standard input cannot be read: {error}"));
        return ExitCode::from(FAILED);
    }
    let lines = match Lines::of(&input, with_secret) {
        Ok(lines) => lines,
        Err(what) => {
            say(format_args!("tollgate: {what}"));
            return ExitCode::from(WRONG);
        }
    };
    if let Some(brand) = brand.filter(|brand| brand.disowns(lines.key)) {
        say(format_args!(
            "tollgate: the key begins with {}_ as generated keys do and is none of them, \
             so it would be refused",
            brand.name(),
        ));
        return ExitCode::from(WRONG);
    }
    if let Some(weakness) = weakness(lines.key) {
        say(format_args!("warning: the key {weakness}"));
    }
    let Some(scheme) = settings.compile() else {
        say(format_args!("tollgate: the pepper of the configuration cannot be used"));
        return ExitCode::from(FAILED);
    };
    let digest = |plaintext: &[u8]| DigestLiteral {
        scheme: settings.scheme(),
        bytes: *scheme.digest(plaintext).bytes(),
    };
    let Some(secret) = lines.secret else {
        println!("{}", digest(lines.key));
        return ExitCode::SUCCESS;
    };
    let Some(wrapped) = wrap(lines.key, secret) else {
        say(format_args!("tollgate: the system has no randomness"));
        return ExitCode::from(FAILED);
    };
    println!("digest = \"{}\"", digest(lines.key));
    println!("secret_digest = \"{}\"", digest(secret));
    println!("wrapped_secret = \"{wrapped}\"");
    ExitCode::SUCCESS
}

/// The secret, wrapped under the key; `None` without randomness.
fn wrap(key: &[u8], secret: &[u8]) -> Option<Wrapped> {
    let mut nonce = [0; Wrapped::NONCE];
    getrandom::fill(&mut nonce).ok()?;
    Wrapped::seal(key, secret, nonce)
}

/// What standard input holds: a key, and a secret on a line of its own.
struct Lines<'a> {
    key: &'a [u8],
    secret: Option<&'a [u8]>,
}

impl<'a> Lines<'a> {
    fn of(input: &'a [u8], with_secret: bool) -> Result<Self, &'static str> {
        let input = trimmed(input);
        let (key, secret) = if with_secret {
            let at = input.iter().position(|byte| *byte == b'\n');
            let (key, secret) = at
                .and_then(|at| input.split_at_checked(at))
                .ok_or("standard input has one line, expected the key and below it the secret")?;
            (trimmed(key), Some(secret.strip_prefix(b"\n").unwrap_or(secret)))
        } else {
            (input, None)
        };
        if !plausible(key) {
            return Err(
                "what standard input holds is no key, expected 1 to 255 printable ASCII characters \
                        without spaces",
            );
        }
        if !secret.is_none_or(plausible) {
            return Err(
                "the second line of standard input is no secret, expected 1 to 255 printable ASCII \
                        characters without spaces",
            );
        }
        if secret == Some(key) {
            return Err("the secret is the key itself, expected another");
        }
        Ok(Self { key, secret })
    }
}

/// Without the line break at the end.
fn trimmed(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn plausible(plaintext: &[u8]) -> bool {
    (1..=LONGEST).contains(&plaintext.len()) && plaintext.iter().all(u8::is_ascii_graphic)
}
