//! One of a few words.

use super::{Kind, Misfit, string};
use crate::document::Value;

/// One of a few words, each standing for a value.
#[derive(Clone, Copy, Debug)]
pub struct Choice<T: 'static> {
    words: &'static [(&'static str, T)],
    /// Words that others use, and the one that is meant.
    foreign: &'static [(&'static str, &'static str)],
}

impl<T> Choice<T> {
    /// Of these words.
    pub const fn of(words: &'static [(&'static str, T)]) -> Self {
        Self { words, foreign: &[] }
    }

    /// With a hint for each word that operators bring from elsewhere.
    pub const fn knowing(self, foreign: &'static [(&'static str, &'static str)]) -> Self {
        Self { words: self.words, foreign }
    }
}

impl<T: Copy + PartialEq> Kind for Choice<T> {
    type Value = T;

    fn expected(&self) -> String {
        let words: Vec<_> = self.words.iter().map(|(word, _)| format!("{word:?}")).collect();
        format!("one of {}", words.join(", "))
    }

    fn read(&self, value: &Value) -> Result<T, Misfit> {
        let text = string(value)?;
        if let Some((_, value)) = self.words.iter().find(|(word, _)| *word == text) {
            return Ok(*value);
        }
        let meant = self.foreign.iter().find(|(word, _)| *word == text).map(|(_, meant)| *meant);
        let near =
            || crate::document::hint::nearest(text, self.words.iter().map(|(word, _)| *word));
        Err(match meant.or_else(near) {
            Some(meant) => Misfit::because(format!("did you mean {meant:?}?")),
            None => Misfit::plain(),
        })
    }

    fn show(&self, value: &T) -> String {
        let word = self.words.iter().find(|(_, known)| known == value);
        format!("{:?}", word.map_or("", |(word, _)| *word))
    }
}
