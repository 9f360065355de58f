//! `tollgate key generate`

use std::path::Path;
use std::process::ExitCode;

use tollgate_control::model::DigestLiteral;
use zeroize::Zeroizing;

use super::super::{FAILED, WRONG, load, refuse, say, with_pepper};
use crate::clock::SystemClock;

#[expect(clippy::print_stdout, reason = "key and digest are the program's answer")]
pub(super) fn perform(path: &Path) -> ExitCode {
    let objects = match load(path, &SystemClock::new()) {
        Ok((config, _)) => match with_pepper(&config) {
            Ok(()) => config.objects.objects,
            Err(code) => return code,
        },
        Err(problems) => return refuse(&problems),
    };
    let Some(brand) = &objects.key_brand else {
        say(format_args!(
            "{}: key_brand: required to generate keys, expected what they begin with, \
             such as \"acme\"",
            path.display(),
        ));
        return ExitCode::from(WRONG);
    };
    let Some(scheme) = objects.digests.current.compile() else {
        say(format_args!("tollgate: the pepper of the configuration cannot be used"));
        return ExitCode::from(FAILED);
    };
    let random = match random() {
        Ok(random) => random,
        Err(error) => {
            say(format_args!("tollgate: the system has no randomness: {error}"));
            return ExitCode::from(FAILED);
        }
    };
    let key = brand.generate(&objects.environment.0, &random);
    let bytes = *scheme.digest(key.reveal().as_bytes()).bytes();
    println!("{}", key.reveal());
    println!("{}", DigestLiteral { scheme: objects.digests.current.scheme(), bytes });
    ExitCode::SUCCESS
}

fn random() -> Result<Zeroizing<[u32; 8]>, getrandom::Error> {
    let mut random = Zeroizing::new([0; 8]);
    for limb in random.iter_mut() {
        *limb = getrandom::u32()?;
    }
    Ok(random)
}
