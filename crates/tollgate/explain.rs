//! `tollgate explain` between two processes: the one that asks and the one that serves.

mod question;
mod socket;

pub(crate) use question::{Question, Reply};
pub(crate) use socket::{Explaining, LONGEST_QUESTION, Socket};
