//! `tollgate preview`

use std::path::PathBuf;

use clap::Args;

use super::Asking;

/// Which change, and which of the keys that it reaches are told.
#[derive(Args, Debug)]
pub struct PreviewArguments {
    /// Who is asked.
    #[command(flatten)]
    pub asking: Asking,
    /// Read the change from this file, - is standard input: {"method": "…", "path": "…", "body": {…}}, or
    /// up to 20 of them in order, {"changes": [{…}, …]}
    #[arg(long, value_name = "FILE", conflicts_with_all = ["method", "path", "body"])]
    pub changes: Option<PathBuf>,
    /// A key counts as used that was on this day or at this instant or later; without it, within 30
    /// days
    #[arg(long, value_name = "DATE")]
    pub used_since: Option<String>,
    /// List at most so many keys, those that were used last first
    #[arg(long, value_name = "NUMBER", default_value_t = 100,
          value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: u32,
    /// So many are left out in front
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub offset: u32,
    /// POST, PUT or DELETE
    #[arg(value_name = "METHOD", required_unless_present = "changes", requires = "path")]
    pub method: Option<String>,
    /// The path of a call of either API that changes something, such as
    /// /v3/rest/packages/ID/plans/ID
    #[arg(value_name = "PATH")]
    pub path: Option<String>,
    /// What the call is sent with, as JSON; - is standard input, where whatever is secret belongs
    #[arg(value_name = "BODY")]
    pub body: Option<String>,
}
