//! An order that is another one each time, so that no state always comes after the same one.

use crate::house::STATES;

pub(crate) struct Order(u64);

impl Default for Order {
    fn default() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }
}

impl Order {
    pub(crate) fn shuffled(&mut self) -> [usize; STATES.len()] {
        let mut order = std::array::from_fn(|state| state);
        for last in (1..STATES.len()).rev() {
            order.swap(last, self.below(last + 1));
        }
        order
    }

    /// xorshift, which is as even as an order needs.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % bound
    }
}
