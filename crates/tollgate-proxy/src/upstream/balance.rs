//! Which of several servers a request goes to.

use std::cell::Cell;

use tollgate_core::Balance;

/// A server to choose from.
pub(super) struct Candidate<'a> {
    /// Its number among all of the upstream.
    pub(super) number: usize,
    /// What it is known by.
    pub(super) id: u64,
    /// Its share.
    pub(super) weight: u16,
    /// Requests that it has open.
    pub(super) open: usize,
    /// How far its turn has come.
    pub(super) turn: &'a Cell<i64>,
}

/// Draws lots. They need not be good, only cheap.
#[derive(Debug, Default)]
pub(super) struct Lots(Cell<u64>);

impl Lots {
    fn below(&self, bound: usize) -> usize {
        self.0.set(self.0.get().wrapping_add(0x9e37_79b9_7f4a_7c15));
        let drawn = u128::from(mix(self.0.get())) * bound as u128;
        (drawn >> 64) as usize
    }
}

/// Spreads the bits of a number (the finisher of SplitMix64).
fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// The number of one of `candidates` for a request of the key with this `meter`. `None` if there are
/// none.
pub(super) fn choose(
    balance: Balance,
    candidates: &[Candidate<'_>],
    meter: u32,
    lots: &Lots,
) -> Option<usize> {
    let chosen = match balance {
        Balance::RoundRobin => in_turn(candidates),
        Balance::LeastRequests => least_busy(candidates, lots),
        Balance::HashKey => of_key(candidates, meter),
    };
    chosen.map(|chosen| chosen.number)
}

/// Each comes as often as its weight says, and as evenly as that goes (nginx's smooth round robin).
fn in_turn<'a, 'b>(candidates: &'b [Candidate<'a>]) -> Option<&'b Candidate<'a>> {
    let mut total = 0;
    for candidate in candidates {
        let weight = i64::from(candidate.weight);
        total += weight;
        candidate.turn.set(candidate.turn.get() + weight);
    }
    // The first of those whose turn has come as far.
    let chosen = candidates.iter().rev().max_by_key(|candidate| candidate.turn.get())?;
    chosen.turn.set(chosen.turn.get() - total);
    Some(chosen)
}

/// Of two that are drawn by their weights, the one with fewer open requests for its weight.
fn least_busy<'a, 'b>(candidates: &'b [Candidate<'a>], lots: &Lots) -> Option<&'b Candidate<'a>> {
    let one = draw(candidates, None, lots)?;
    let Some(other) = draw(candidates, Some(one.number), lots) else { return Some(one) };
    let load = |candidate: &Candidate<'_>, other: &Candidate<'_>| {
        candidate.open * usize::from(other.weight)
    };
    Some(if load(other, one) < load(one, other) { other } else { one })
}

fn draw<'a, 'b>(
    candidates: &'b [Candidate<'a>],
    but: Option<usize>,
    lots: &Lots,
) -> Option<&'b Candidate<'a>> {
    let others = || candidates.iter().filter(|candidate| Some(candidate.number) != but);
    let total: usize = others().map(|candidate| usize::from(candidate.weight)).sum();
    let mut drawn = lots.below(total);
    others().find(|candidate| {
        let weight = usize::from(candidate.weight);
        let found = drawn < weight;
        drawn = drawn.saturating_sub(weight);
        found
    })
}

/// The one for which the key draws the highest lot (rendezvous hashing, weighted by a logarithm). A
/// server that comes or goes moves only the keys that are its own.
fn of_key<'a, 'b>(candidates: &'b [Candidate<'a>], meter: u32) -> Option<&'b Candidate<'a>> {
    let lot = |candidate: &Candidate<'_>| {
        let drawn = mix(candidate.id ^ mix(u64::from(meter) + 1));
        // Within (0, 1).
        let part = ((drawn >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
        -f64::from(candidate.weight) / part.ln()
    };
    candidates.iter().max_by(|one, other| lot(one).total_cmp(&lot(other)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often each of some servers is chosen out of `count` times.
    fn shares(balance: Balance, weights: &[u16], open: &[usize], count: u32) -> Vec<usize> {
        let turns: Vec<_> = weights.iter().map(|_| Cell::new(0)).collect();
        let lots = Lots::default();
        let mut shares = vec![0; weights.len()];
        for meter in 0..count {
            let candidate = |number| Candidate {
                number,
                id: number as u64 * 77,
                weight: weights[number],
                open: open.get(number).copied().unwrap_or(0),
                turn: &turns[number],
            };
            let candidates: Vec<_> = (0..weights.len()).map(candidate).collect();
            shares[choose(balance, &candidates, meter, &lots).unwrap()] += 1;
        }
        shares
    }

    #[test]
    fn shares_follow_weights() {
        assert_eq!(shares(Balance::RoundRobin, &[5, 1, 1], &[], 7), [5, 1, 1]);
        for balance in [Balance::LeastRequests, Balance::HashKey] {
            let [one, two, three] = shares(balance, &[2, 1, 1], &[], 40_000)[..] else { panic!() };
            for (share, expected) in [(one, 20_000), (two, 10_000), (three, 10_000)] {
                let off = share.abs_diff(expected);
                assert!(balance == Balance::LeastRequests || off < 600, "{balance:?} {share}");
                assert!(share > 5_000, "{balance:?} {share}");
            }
        }
    }

    #[test]
    fn who_is_busy_is_left_alone() {
        let [one, two, _] = shares(Balance::LeastRequests, &[1, 1, 1], &[9, 0, 0], 900)[..] else {
            panic!()
        };
        assert_eq!(one, 0);
        assert!(two > 200, "{two}");
    }

    #[test]
    fn a_server_that_leaves_moves_only_its_own_keys() {
        let turn = Cell::new(0);
        let lots = Lots::default();
        let candidates = |numbers: &[usize]| -> Vec<Candidate<'_>> {
            let numbers = numbers.iter();
            numbers
                .map(|&number| Candidate {
                    number,
                    id: number as u64,
                    weight: 1,
                    open: 0,
                    turn: &turn,
                })
                .collect()
        };
        let (all, left) = (candidates(&[0, 1, 2, 3]), candidates(&[0, 1, 3]));
        for meter in 0..10_000 {
            let was = choose(Balance::HashKey, &all, meter, &lots).unwrap();
            let is = choose(Balance::HashKey, &left, meter, &lots).unwrap();
            assert!(was == is || was == 2, "{meter}: {was} {is}");
        }
    }
}
