//! What a key set's policy template says.

const SECONDS_A_DAY: u32 = 86_400;

/// Calendar months, from 1 to 1,200.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Months(u16);

impl Months {
    /// `None` if there are none or more than a hundred years of them.
    pub fn new(count: u16) -> Option<Self> {
        (1..=1_200).contains(&count).then_some(Self(count))
    }

    /// How many.
    pub fn get(self) -> u16 {
        self.0
    }
}

/// How a chain lives. It is the chain's; what is planned for a key is the key's, was worked out
/// when the key came to be, and does not move when the policy changes, unless that is asked for
/// ([`EnforceSchedule`](super::Event::EnforceSchedule)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// When a new key replaces the old one without anyone asking; `None` = never.
    pub rotation: Option<RotationPolicy>,
    /// When a key dies of age; `None` = never.
    pub expiration: Option<Months>,
    /// Whether a new key may be asked for.
    pub manual_regeneration: bool,
    /// For how many seconds the old key works beside the new one.
    pub overlap: u32,
}

/// When a key is rotated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RotationPolicy {
    after: Months,
    lead: u32,
}

impl RotationPolicy {
    /// So many months after the key was issued, and as many seconds of `lead` before that date.
    /// `None` if the lead could be as long as the months are: the chain would rotate for ever.
    pub fn new(after: Months, lead: u32) -> Option<Self> {
        let shortest = u32::from(after.get()).saturating_mul(28 * SECONDS_A_DAY);
        (lead < shortest).then_some(Self { after, lead })
    }

    /// The months from a key's issue to its planned rotation.
    pub fn after(self) -> Months {
        self.after
    }

    /// How many seconds before the planned date the rotation may run; with none, the actual date is
    /// never before the planned one.
    pub fn lead(self) -> u32 {
        self.lead
    }
}
