//! Paths and path patterns.

use crate::document::kind::string;
use crate::document::{Kind, Misfit, Value};
use crate::model::{Name, Segment, literal_misfit};

/// A path of literal segments; none of them is `/`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LiteralPath;

impl Kind for LiteralPath {
    type Value = Vec<Segment>;

    fn expected(&self) -> String {
        "a path of literal segments such as \"/orders\", without a slash at its end".to_owned()
    }

    fn read(&self, value: &Value) -> Result<Vec<Segment>, Misfit> {
        segments(string(value)?, literal)
    }

    fn show(&self, value: &Vec<Segment>) -> String {
        format!("\"{}\"", shown(value))
    }
}

/// A path pattern; no segments are `/`, or the empty string where that stands for another path.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pattern {
    /// Whether the empty string is one.
    pub(crate) or_empty: bool,
}

impl Kind for Pattern {
    type Value = Vec<Segment>;

    fn expected(&self) -> String {
        let or_empty = if self.or_empty { "\"\" or " } else { "" };
        format!("{or_empty}a path pattern such as \"/items/{{id}}\" or \"/**\"")
    }

    fn read(&self, value: &Value) -> Result<Vec<Segment>, Misfit> {
        let text = string(value)?;
        if self.or_empty && text.is_empty() {
            return Ok(Vec::new());
        }
        let pattern = segments(text, part)?;
        let before_last = pattern.split_last().map_or(&[][..], |(_, before)| before);
        if before_last.contains(&Segment::Rest) {
            return Err(Misfit::because("in which ** is not the last segment"));
        }
        Ok(pattern)
    }

    fn show(&self, value: &Vec<Segment>) -> String {
        if self.or_empty && value.is_empty() {
            return "\"\"".to_owned();
        }
        format!("\"{}\"", shown(value))
    }
}

/// Segments as a path.
pub(crate) fn shown(path: &[Segment]) -> String {
    let segment = |segment: &Segment| match segment {
        Segment::Literal(literal) => format!("/{literal}"),
        Segment::Any(name) => format!("/{{{name}}}"),
        Segment::Rest => "/**".to_owned(),
    };
    if path.is_empty() { "/".to_owned() } else { path.iter().map(segment).collect() }
}

fn segments(
    text: &str,
    segment: impl Fn(&str) -> Result<Segment, Misfit>,
) -> Result<Vec<Segment>, Misfit> {
    let rest = text.strip_prefix('/');
    let rest = rest.ok_or_else(|| Misfit::because("which does not begin with a slash"))?;
    if rest.is_empty() {
        return Ok(Vec::new());
    }
    if rest.ends_with('/') {
        return Err(Misfit::because("which ends in a slash"));
    }
    rest.split('/').map(segment).collect()
}

fn literal(segment: &str) -> Result<Segment, Misfit> {
    match literal_misfit(segment) {
        Some(reason) => Err(Misfit::because(reason)),
        None => Ok(Segment::Literal(segment.into())),
    }
}

fn part(segment: &str) -> Result<Segment, Misfit> {
    if segment == "**" {
        return Ok(Segment::Rest);
    }
    let Some(name) = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
        return literal(segment);
    };
    match Name::new(name) {
        Some(name) => Ok(Segment::Any(name.as_str().into())),
        None => Err(Misfit::because("in which {name} has no proper name")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATTERN: Pattern = Pattern { or_empty: false };

    fn read(kind: impl Kind<Value = Vec<Segment>>, text: &str) -> Option<String> {
        let value = kind.read(&Value::String(text.to_owned())).ok()?;
        Some(kind.show(&value))
    }

    #[test]
    fn patterns_are_read() {
        for right in ["/", "/**", "/items/{id}", "/a/{b}/**", "/v1.0/@me"] {
            assert_eq!(read(PATTERN, right), Some(format!("\"{right}\"")));
        }
        for wrong in
            ["", "items", "/items/", "//a", "/**/a", "/*", "/{}", "/{a b}", "/a{b}", "/a?b", "/.."]
        {
            assert_eq!(read(PATTERN, wrong), None, "{wrong}");
        }
        assert_eq!(read(Pattern { or_empty: true }, ""), Some("\"\"".to_owned()));
    }

    #[test]
    fn prefixes_are_literal() {
        assert_eq!(read(LiteralPath, "/a/b"), Some("\"/a/b\"".to_owned()));
        for wrong in ["", "/{a}", "/**", "/a/"] {
            assert_eq!(read(LiteralPath, wrong), None, "{wrong}");
        }
    }
}
