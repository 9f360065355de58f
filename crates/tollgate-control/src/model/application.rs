//! Applications.

use super::{Member, MemberStatus, Name, Owner};

/// A program that calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// What keys call it.
    pub name: Name,
    /// Who may change it.
    pub owner: Owner,
    /// The member whose it is.
    pub member: Name,
    /// For people.
    pub description: String,
    /// Keys of a suspended application are refused.
    pub status: ApplicationStatus,
}

/// Where an application is in life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApplicationStatus {
    /// Its keys work.
    Active,
    /// All its keys are refused.
    Suspended,
}

impl Application {
    /// Whether its keys work, as far as it and its member go.
    #[must_use]
    pub fn is_active(&self, member: Option<&Member>) -> bool {
        let member_is_active = member.is_some_and(|member| member.status == MemberStatus::Active);
        self.status == ApplicationStatus::Active && member_is_active
    }
}
