//! Names of objects.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use super::{Kind, Misfit, string};
use crate::document::Value;

/// What a name is, to follow the word "expected".
pub const NAME_EXPECTED: &str = "1 to 64 of A-Z a-z 0-9 _ - . :";

/// The name of an object: 1 to 64 of `A-Z a-z 0-9 _ - . :`. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

impl Name {
    /// The name, if it is one.
    pub fn new(name: &str) -> Option<Self> {
        let charset = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b':');
        let fits = (1..=64).contains(&name.len()) && name.bytes().all(charset);
        fits.then(|| Self(name.into()))
    }

    /// A name that is known to fit, or one that does not in a document that is refused.
    pub(crate) fn unchecked(name: &str) -> Self {
        Self(name.into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

/// A [`Name`]; the words say of what, such as "the name of a package".
#[derive(Clone, Copy, Debug)]
pub struct NameKind(pub &'static str);

impl Kind for NameKind {
    type Value = Name;

    fn expected(&self) -> String {
        format!("{} ({NAME_EXPECTED})", self.0)
    }

    fn read(&self, value: &Value) -> Result<Name, Misfit> {
        Name::new(string(value)?).ok_or_else(Misfit::plain)
    }

    fn show(&self, value: &Name) -> String {
        format!("{value:?}")
    }
}
