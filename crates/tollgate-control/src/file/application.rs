//! `[applications.*]`

use std::collections::BTreeMap;

use super::check::reference;
use super::owner;
use crate::document::Section;
use crate::document::kind::{Choice, Name, NameKind, Text};
use crate::model::{Application, ApplicationStatus, Member};

const STATUS: Choice<ApplicationStatus> = Choice::of(&[
    ("active", ApplicationStatus::Active),
    ("suspended", ApplicationStatus::Suspended),
])
.knowing(&[("enabled", "active"), ("disabled", "suspended"), ("inactive", "suspended")]);

pub(super) fn read(
    name: Name,
    section: &mut Section,
    members: &BTreeMap<Name, Member>,
) -> Application {
    let member = section.required("owner", NameKind("the name of a member"));
    if let Some(member) = &member {
        reference::find(section, "owner", "no member", member, members);
    }
    Application {
        name,
        owner: owner(section),
        member: member.unwrap_or_else(|| Name::unchecked("")),
        description: section.or("description", Text, String::new()),
        status: section.or("status", STATUS, ApplicationStatus::Active),
    }
}
