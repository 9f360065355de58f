//! Members.

use super::{Name, Owner};

/// A person who owns applications.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The user name.
    pub name: Name,
    /// Who may change them.
    pub owner: Owner,
    /// For people; may be empty.
    pub email: String,
    /// Keys of a member that is not active are refused.
    pub status: MemberStatus,
}

/// Where a member is in life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberStatus {
    /// Registered, not let in yet.
    Waiting,
    /// Let in.
    Active,
    /// Shut out.
    Disabled,
}
