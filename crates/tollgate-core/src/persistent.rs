//! A vector of shared values of which a new version copies only what changed.

use std::sync::Arc;

const BITS: u32 = 6;
const WIDTH: usize = 1 << BITS;

/// A sparse, persistent vector: a tree of 64-way nodes, as high as its greatest index needs. A
/// clone shares everything; setting one entry copies one node a level, even among millions.
#[derive(Debug)]
pub struct Chunked<T> {
    root: Arc<Node<T>>,
    height: u32,
}

#[derive(Debug)]
enum Node<T> {
    Inner([Option<Arc<Node<T>>>; WIDTH]),
    Leaf([Option<Arc<T>>; WIDTH]),
}

impl<T> Clone for Chunked<T> {
    fn clone(&self) -> Self {
        Self { root: Arc::clone(&self.root), height: self.height }
    }
}

impl<T> Clone for Node<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Inner(nodes) => Self::Inner(nodes.clone()),
            Self::Leaf(values) => Self::Leaf(values.clone()),
        }
    }
}

impl<T> Default for Chunked<T> {
    fn default() -> Self {
        Self { root: Arc::new(Node::leaf()), height: 0 }
    }
}

impl<T> Node<T> {
    fn leaf() -> Self {
        Self::Leaf([const { None }; WIDTH])
    }

    fn inner() -> Self {
        Self::Inner([const { None }; WIDTH])
    }
}

impl<T> Chunked<T> {
    /// The value at `index`.
    #[must_use]
    pub fn get(&self, index: u32) -> Option<&Arc<T>> {
        if self.height < levels(index) {
            return None;
        }
        let mut node = &*self.root;
        let mut height = self.height;
        loop {
            match node {
                Node::Inner(nodes) => node = nodes[slot(index, height)].as_deref()?,
                Node::Leaf(values) => return values[slot(index, 0)].as_ref(),
            }
            height = height.saturating_sub(1);
        }
    }

    /// Every value with its index, in the order of these.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &Arc<T>)> {
        let mut open = vec![(&*self.root, self.height, 0u32, 0usize)];
        std::iter::from_fn(move || {
            loop {
                let (node, height, first, next) = open.last_mut()?;
                let (at, below, first) = (*next, height.saturating_sub(1), *first);
                *next += 1;
                match node {
                    _ if at == WIDTH => drop(open.pop()),
                    Node::Inner(nodes) => {
                        if let Some(child) = &nodes[at] {
                            let first = first + ((at as u32) << (*height * BITS));
                            open.push((child, below, first, 0));
                        }
                    }
                    Node::Leaf(values) => {
                        if let Some(value) = &values[at] {
                            return Some((first + at as u32, value));
                        }
                    }
                }
            }
        })
    }

    /// Puts `value` at `index`, or clears it.
    pub fn set(&mut self, index: u32, value: Option<Arc<T>>) {
        while self.height < levels(index) {
            let mut above = Node::inner();
            if let Node::Inner(nodes) = &mut above {
                nodes[0] = Some(Arc::clone(&self.root));
            }
            self.root = Arc::new(above);
            self.height += 1;
        }
        let mut node = Arc::make_mut(&mut self.root);
        let mut height = self.height;
        loop {
            match node {
                Node::Inner(nodes) => {
                    let below = nodes[slot(index, height)].get_or_insert_with(|| {
                        Arc::new(if height == 1 { Node::leaf() } else { Node::inner() })
                    });
                    node = Arc::make_mut(below);
                }
                Node::Leaf(values) => {
                    values[slot(index, 0)] = value;
                    return;
                }
            }
            height = height.saturating_sub(1);
        }
    }
}

/// How many inner levels a tree needs to hold `index`.
fn levels(index: u32) -> u32 {
    (u32::BITS - index.leading_zeros()).saturating_sub(1) / BITS
}

fn slot(index: u32, height: u32) -> usize {
    (index >> (height * BITS)) as usize % WIDTH
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    #[test]
    fn an_older_version_does_not_see_a_later_change() {
        let mut now = Chunked::default();
        now.set(5, Some(Arc::new("five")));
        let before = now.clone();
        now.set(5, None);
        now.set(70_000, Some(Arc::new("far")));
        assert_eq!(before.get(5).map(|value| **value), Some("five"));
        assert_eq!(before.get(70_000), None);
        assert_eq!(now.get(5), None);
        assert_eq!(now.get(70_000).map(|value| **value), Some("far"));
    }

    proptest! {
        #[test]
        fn matches_a_map(
            steps in proptest::collection::vec(
                (prop_oneof![0u32..200, 0u32..300_000, prop::num::u32::ANY], prop::option::of(0u8..9)),
                1..200),
        ) {
            let mut chunked = Chunked::default();
            let mut map = HashMap::new();
            for (index, value) in steps {
                chunked.set(index, value.map(Arc::new));
                map.insert(index, value);
                for (index, value) in &map {
                    prop_assert_eq!(chunked.get(*index).map(|value| **value), *value);
                }
            }
            let mut present: Vec<_> =
                map.into_iter().filter_map(|(index, value)| Some((index, value?))).collect();
            present.sort_unstable();
            let all: Vec<_> = chunked.iter().map(|(index, value)| (index, **value)).collect();
            prop_assert_eq!(all, present);
        }
    }
}
