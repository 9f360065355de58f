//! People: who they are, what they may do, and how they prove it.
//!
//! A member logs in with a password, through a registered client, and acts with tokens after that.
//! What a member may do follows from their roles by one table, [`Permissions`], and nothing else.

mod caller;
mod client;
mod first;
mod grant;
mod password;
mod permission;
mod random;
mod role;
mod token;

#[cfg(test)]
mod tests;

pub use caller::{Caller, Reach, Realm};
pub(crate) use caller::{grants, is_active};
pub use client::Client;
pub use first::{FIRST_USERNAME, First, FirstError, first_administrator};
pub use grant::RoleGrant;
pub use password::{Busy, Password, PasswordHash, Passwords};
pub use permission::{Action, Permissions, RoleName};
pub use random::random_text;
pub use role::Role;
pub use token::{Ended, Issued, Lifetimes, Login, NewLogin, Secret, TokenRefused};
