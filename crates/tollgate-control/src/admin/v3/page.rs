//! `limit` and `offset`: which part of a list is returned (S3-18).

/// A part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    /// The first object, counted from 0.
    offset: usize,
    /// Objects.
    limit: usize,
}

/// Objects of a page that asks for none in particular.
const LIMIT: usize = 100;
/// The most that a page can have. One that asked for more would be skipped over by a client that
/// counts on with what it asked for, so it is refused and not cut.
const MOST: usize = 1000;

impl Page {
    /// Reads `limit`.
    pub(crate) fn limit(text: Option<&str>) -> Result<usize, String> {
        let Some(text) = text else { return Ok(LIMIT) };
        let limit = whole(text).filter(|limit| *limit <= MOST);
        limit.ok_or_else(|| format!("expected a whole number from 0 to {MOST}"))
    }

    /// Reads `offset`.
    pub(crate) fn offset(text: Option<&str>) -> Result<usize, String> {
        text.map_or(Some(0), whole).ok_or_else(|| "expected a whole number from 0".to_owned())
    }

    pub(crate) fn new(offset: usize, limit: usize) -> Self {
        Self { offset, limit }
    }

    /// Offset and limit of what is left of it behind the first `passed` objects of a list.
    pub(crate) fn beyond(self, passed: usize) -> (usize, usize) {
        let shown = passed.saturating_sub(self.offset).min(self.limit);
        (self.offset.saturating_sub(passed), self.limit - shown)
    }

    /// Offset and limit.
    pub(crate) fn bounds(self) -> (usize, usize) {
        (self.offset, self.limit)
    }

    /// That part of a list.
    pub(crate) fn of<T>(self, list: Vec<T>) -> Vec<T> {
        list.into_iter().skip(self.offset).take(self.limit).collect()
    }
}

fn whole(text: &str) -> Option<usize> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}
