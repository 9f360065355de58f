//! Path patterns as a tree of segments.

use http::Method;

use super::{Route, Segment};

/// A node: what ends here, and what goes on.
#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    /// Sorted by segment.
    pub(super) literals: Vec<(Box<str>, Tree)>,
    pub(super) any: Option<Box<Tree>>,
    pub(super) here: Vec<Leaf>,
    pub(super) rest: Vec<Leaf>,
    pub(super) keyed: Option<Box<Keyed>>,
}

/// Everything below a node, where it belongs to one service whose paths hold keys.
#[derive(Clone, Debug)]
pub(super) struct Keyed {
    /// How many segments stand between the node and the key.
    pub(super) before: usize,
    /// What is matched below the node once the key is taken out.
    pub(super) tree: Tree,
}

/// Where a pattern leads.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    pub(super) route: Route,
    pub(super) verbs: Box<[Method]>,
}

impl Tree {
    pub(super) fn add(&mut self, pattern: &[Segment], leaf: Leaf) {
        if let Some(keyed) = &mut self.keyed {
            return keyed.tree.add(pattern, leaf);
        }
        match pattern.split_first() {
            None => self.here.push(leaf),
            Some((Segment::Rest, _)) => self.rest.push(leaf),
            Some((Segment::Any, after)) => self.any.get_or_insert_default().add(after, leaf),
            Some((Segment::Literal(literal), after)) => self.literal(literal).add(after, leaf),
        }
    }

    /// Gives everything below `path` to one service, with a key after `before` more segments.
    pub(super) fn key(&mut self, path: &[Box<str>], before: usize) {
        match path.split_first() {
            None => self.keyed = Some(Box::new(Keyed { before, tree: Self::default() })),
            Some((literal, after)) => self.literal(literal).key(after, before),
        }
    }

    fn literal(&mut self, literal: &str) -> &mut Self {
        let at = self.literals.binary_search_by(|(known, _)| (**known).cmp(literal));
        let at = at.unwrap_or_else(|gap| {
            self.literals.insert(gap, (literal.into(), Self::default()));
            gap
        });
        &mut self.literals[at].1
    }

    /// The node on the way of `path` whose paths hold keys, and what of `path` is below it.
    pub(super) fn keyed<'p>(&self, path: &'p str) -> Option<(&Keyed, &'p str)> {
        let mut node = self;
        let mut below = path;
        loop {
            if let Some(keyed) = &node.keyed {
                return Some((keyed, below));
            }
            let (segment, after) = below.split_once('/').unwrap_or((below, ""));
            let at = node.literals.binary_search_by(|(known, _)| (**known).cmp(segment)).ok()?;
            (node, below) = (&node.literals[at].1, after);
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
