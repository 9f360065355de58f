//! Path patterns as a tree of segments.

use http::Method;

use super::{Route, Segment};

/// A node: what ends here, and what goes on.
#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    /// Sorted by segment.
    literals: Vec<(Box<str>, Tree)>,
    any: Option<Box<Tree>>,
    here: Vec<Leaf>,
    rest: Vec<Leaf>,
}

/// Where a pattern leads.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    pub(super) route: Route,
    pub(super) verbs: Box<[Method]>,
}

impl Tree {
    pub(super) fn add(&mut self, pattern: &[Segment], leaf: Leaf) {
        match pattern.split_first() {
            None => self.here.push(leaf),
            Some((Segment::Rest, _)) => self.rest.push(leaf),
            Some((Segment::Any, after)) => self.any.get_or_insert_default().add(after, leaf),
            Some((Segment::Literal(literal), after)) => {
                let at = self.literals.binary_search_by(|(known, _)| known.cmp(literal));
                let at = at.unwrap_or_else(|gap| {
                    self.literals.insert(gap, (literal.clone(), Self::default()));
                    gap
                });
                self.literals[at].1.add(after, leaf);
            }
        }
    }

    /// The leaves of the most specific pattern that matches. Goes back where a more specific
    /// branch ends without one; patterns, not callers, bound how often.
    pub(super) fn find(&self, path: &str) -> Option<&[Leaf]> {
        let rest = Some(&*self.rest).filter(|leaves| !leaves.is_empty());
        if path.is_empty() {
            return Some(&*self.here).filter(|leaves| !leaves.is_empty()).or(rest);
        }
        let (segment, after) = path.split_once('/').unwrap_or((path, ""));
        let literal = self.literals.binary_search_by(|(known, _)| (**known).cmp(segment));
        let literal = literal.ok().and_then(|at| self.literals[at].1.find(after));
        literal.or_else(|| self.any.as_ref()?.find(after)).or(rest)
    }
}
