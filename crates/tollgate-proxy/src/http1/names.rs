//! Names of fields, which are the same in message after message.

use std::cell::RefCell;

use http::HeaderName;

use super::Malformed;

const PLACES: usize = 256;

/// The longest name that is remembered.
const LONGEST: usize = 30;

thread_local! {
    static NAMES: RefCell<Names> = const { RefCell::new(Names(None)) };
}

/// Names as they were written, each in the one place that it may have, where it takes that of another.
struct Names(Option<Box<[Option<Known>; PLACES]>>);

struct Known {
    length: usize,
    written: [u8; LONGEST],
    name: HeaderName,
}

/// The name that is written so.
///
/// # Errors
/// [`Malformed`] for what is no name.
pub(crate) fn name(written: &[u8]) -> Result<HeaderName, Malformed> {
    NAMES.with_borrow_mut(|names| names.name(written))
}

impl Names {
    fn name(&mut self, written: &[u8]) -> Result<HeaderName, Malformed> {
        let (&[first, ..], &[.., last]) = (written, written) else { return Err(Malformed) };
        let letters = usize::from(first) * 5 + usize::from(last) * 67;
        let place = (letters + written.len() * 37) % PLACES;
        let held = self.0.as_ref().and_then(|held| held.get(place)?.as_ref());
        if let Some(known) = held
            && known.length == written.len()
            && known.written.get(..known.length) == Some(written)
        {
            return Ok(known.name.clone());
        }
        self.learn(written, place)
    }

    fn learn(&mut self, written: &[u8], place: usize) -> Result<HeaderName, Malformed> {
        let name = HeaderName::from_bytes(written).map_err(|_| Malformed)?;
        let mut known = Known { length: written.len(), written: [0; LONGEST], name: name.clone() };
        let held = self.0.get_or_insert_with(|| Box::new([const { None }; PLACES]));
        if let Some(kept) = known.written.get_mut(..written.len())
            && let Some(held) = held.get_mut(place)
        {
            kept.copy_from_slice(written);
            *held = Some(known);
        }
        Ok(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_its_own_however_often_and_whoever_had_its_place() {
        let written = |number: usize| match number % 4 {
            0 => format!("x-{number}"),
            1 => format!("X-{number}-And-More-Than-Is-Remembered"),
            2 => format!("Content-{number}"),
            _ => ["Host", "host", "HOST", "Date", "x_a"][number % 5].to_owned(),
        };
        let mut names = Names(None);
        for number in (0..3000).chain(0..3000) {
            let written = written(number);
            let name = names.name(written.as_bytes());
            assert_eq!(name.unwrap().as_str(), written.to_ascii_lowercase());
        }
        for none in ["", "a b", "a:", "\u{e4}", &"x".repeat(70_000)] {
            assert_eq!(names.name(none.as_bytes()), Err(Malformed), "{none:.9}");
            assert_eq!(name(none.as_bytes()), Err(Malformed));
        }
    }
}
