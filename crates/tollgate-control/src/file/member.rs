//! `[members.*]`

use super::owner;
use crate::document::Section;
use crate::document::kind::{Choice, Name, Text};
use crate::model::{Member, MemberStatus};

const STATUS: Choice<MemberStatus> = Choice::of(&[
    ("waiting", MemberStatus::Waiting),
    ("active", MemberStatus::Active),
    ("disabled", MemberStatus::Disabled),
])
.knowing(&[("pending", "waiting"), ("enabled", "active"), ("suspended", "disabled")]);

pub(super) fn read(name: Name, section: &mut Section) -> Member {
    Member {
        name,
        owner: owner(section),
        email: section.or("email", Text, String::new()),
        status: section.or("status", STATUS, MemberStatus::Active),
    }
}
