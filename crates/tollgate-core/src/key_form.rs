//! What keys look like (design decision 2). A generated key is
//! `<brand>_<environment>_<random><checksum>`: scanners for leaked secrets know it by its brand, and
//! a proxy refuses what is mistyped or made up before it digests it.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

/// In the order of their values.
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Whether a byte is one of them: looked up, as every call brings so many.
const IS_DIGIT: [bool; 256] = {
    let mut digits = [false; 256];
    let mut value = 0;
    while value < DIGITS.len() {
        digits[DIGITS[value] as usize] = true;
        value += 1;
    }
    digits
};

/// Random digits of a generated key: 178 bits.
const RANDOM: usize = 30;

/// Digits of the checksum, CRC-32 of everything before it.
const CHECKSUM: usize = 6;

/// What generated keys begin with: 1 to 32 letters and digits. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Brand(Arc<str>);

impl Brand {
    /// The brand of this name, if it can be one.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        let fits =
            (1..=32).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric());
        fits.then(|| Self(name.into()))
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }

    /// A fresh key for `environment`. All of its chance is in `random`, which nobody else may know:
    /// 256 uniform bits, so that none of the digits is likelier than another by more than 2⁻⁷⁰.
    #[must_use]
    pub fn generate(&self, environment: &str, random: &Zeroizing<[u32; 8]>) -> GeneratedKey {
        let length = self.0.len() + environment.len() + 2 + RANDOM + CHECKSUM;
        // With room for all of it, so that growing leaves no copy of a part behind.
        let mut key = Zeroizing::new(String::with_capacity(length));
        for part in [&self.0, "_", environment, "_"] {
            key.push_str(part);
        }
        let digits = Zeroizing::new(base62::<RANDOM>(&mut random.clone()[..]));
        key.extend(digits.iter().map(|digit| char::from(*digit)));
        let checksum = checksum(key.as_bytes());
        key.extend(checksum.map(char::from));
        GeneratedKey(key)
    }

    /// Whether `key` begins as the keys of this brand do, and cannot be one.
    #[must_use]
    pub fn disowns(&self, key: &[u8]) -> bool {
        let rest = key.strip_prefix(self.0.as_bytes()).and_then(|rest| rest.strip_prefix(b"_"));
        rest.is_some_and(|rest| !is_whole(key, rest))
    }
}

impl fmt::Debug for Brand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

/// A key that was just made. It cannot be printed by accident and is wiped when dropped.
pub struct GeneratedKey(Zeroizing<String>);

impl GeneratedKey {
    /// The key itself, for whoever is to have it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for GeneratedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GeneratedKey(..)")
    }
}

/// Whether `rest`, which is `key` after its brand, is an environment, enough digits and the checksum
/// of all that stands before it.
fn is_whole(key: &[u8], rest: &[u8]) -> bool {
    let digits = rest.iter().rev().take_while(|byte| IS_DIGIT[usize::from(**byte)]).count();
    let environment = rest.get(..rest.len() - digits).and_then(|rest| rest.strip_suffix(b"_"));
    let formed = digits >= RANDOM + CHECKSUM && environment.is_some_and(|name| !name.is_empty());
    let parts = key.split_last_chunk::<CHECKSUM>();
    formed && parts.is_some_and(|(before, given)| checksum(before) == *given)
}

fn checksum(of: &[u8]) -> [u8; CHECKSUM] {
    base62(&mut [crc32fast::hash(of)])
}

/// The last `N` digits of a number, whose `limbs` stand with the highest first and are used up.
fn base62<const N: usize>(limbs: &mut [u32]) -> [u8; N] {
    let mut digits = [0; N];
    for digit in digits.iter_mut().rev() {
        let mut rest = 0;
        for limb in &mut *limbs {
            let value = rest << 32 | u64::from(*limb);
            *limb = (value / 62) as u32;
            rest = value % 62;
        }
        *digit = DIGITS[rest as usize % 62];
    }
    digits
}

/// Why a key that somebody chose is easy to guess, in words that follow "the key"; `None` if
/// nothing speaks against it at first sight. They repeat nothing of it.
#[must_use]
pub fn weakness(key: &[u8]) -> Option<&'static str> {
    let variety = (0..=u8::MAX).filter(|byte| key.contains(byte)).count();
    if key.len() < 16 {
        return Some("is short enough to be guessed, better are 16 characters or more");
    }
    (variety < 8).then_some("has so few different characters that it can be guessed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn acme() -> Brand {
        Brand::new("acme").unwrap()
    }

    fn generated(environment: &str, random: [u32; 8]) -> String {
        acme().generate(environment, &Zeroizing::new(random)).reveal().to_owned()
    }

    #[test]
    fn a_key_is_brand_environment_digits_and_checksum() {
        let key = generated("production", [0, 0, 0, 0, 0, 0, 1, 2]);
        // 4294967298 in base 62, and the CRC-32 that `gzip` and zlib make of what stands before it.
        assert_eq!(key, "acme_production_0000000000000000000000004gfFC64SdMx6");
    }

    #[test]
    fn only_letters_and_digits_make_a_brand() {
        for wrong in ["", "a_b", "a-b", "ä", "a b", &"x".repeat(33)] {
            assert_eq!(Brand::new(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_of_no_brand_is_nobodys_to_disown() {
        for key in ["", "acme", "acm_x", "Acme_production_x", "acmex_production_x", "other"] {
            assert!(!acme().disowns(key.as_bytes()), "{key}");
        }
        for key in ["acme_", "acme_x", "acme__x", "acme_production_", &format!("acme_{:036}", 0)] {
            assert!(acme().disowns(key.as_bytes()), "{key}");
        }
    }

    #[test]
    fn short_and_dull_keys_are_weak() {
        assert!(weakness(b"demo").is_some());
        assert!(weakness(b"abababababababababab").is_some());
        assert!(weakness(b"0123456789abcdef").is_none());
        assert!(weakness(generated("production", [7; 8]).as_bytes()).is_none());
    }

    #[test]
    fn nothing_prints_a_generated_key() {
        let key = acme().generate("production", &Zeroizing::new([9; 8]));
        assert_eq!(format!("{key:?}"), "GeneratedKey(..)");
    }

    proptest! {
        #[test]
        fn a_generated_key_is_whole_and_any_change_of_it_is_not(
            random in any::<[u32; 8]>(),
            environment in "[A-Za-z0-9_.:-]{1,64}",
            at in any::<prop::sample::Index>(),
            byte in b'!'..=b'~',
        ) {
            let key = generated(&environment, random);
            prop_assert!(!acme().disowns(key.as_bytes()));
            prop_assert!(key.len() <= 255);
            let mut changed = key.clone().into_bytes();
            let at = at.index(changed.len());
            let before = std::mem::replace(&mut changed[at], byte);
            // CRC-32 finds every change within 32 bits; what is of another brand is not ours.
            let ours = changed.starts_with(b"acme_");
            prop_assert_eq!(acme().disowns(&changed), ours && before != byte);
            prop_assert!(acme().disowns(&key.as_bytes()[..key.len() - 1]));
            prop_assert!(acme().disowns(&[key.as_bytes(), b"0"].concat()));
        }

        #[test]
        fn any_bytes_are_judged(key in proptest::collection::vec(any::<u8>(), 0..300)) {
            let branded = [b"acme_", &*key].concat();
            prop_assert!(acme().disowns(&branded), "but for a chance of 2⁻³²");
            prop_assert!(!acme().disowns(&key) || key.starts_with(b"acme_"));
        }

        #[test]
        fn different_chance_makes_different_keys(one in any::<[u32; 8]>(), other in any::<[u32; 8]>()) {
            prop_assert_eq!(generated("e", one) == generated("e", other), one == other);
        }
    }
}
