//! `tollgate key …`

use clap::{Args, Subcommand, ValueEnum};

use super::{FileArgument, ServerArguments};

/// What can be done about keys.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Print a fresh key of the configuration's brand and environment, and in a second line its
    /// digest. The key is kept nowhere
    Generate(FileArgument),
    /// List keys, without their values
    List(ListArguments),
    /// Show all about keys, without their values
    Show(ShowArguments),
    /// Make a package key, and print it: policy may be that nobody sees it again
    Create(CreateArguments),
    /// Suspend keys: they are refused from the answer on, until they are activated
    Suspend(IdsArguments),
    /// Activate keys that are waiting or suspended
    Activate(IdsArguments),
    /// Revoke keys for good: they are refused from the answer on. A package key is deleted by it
    #[command(visible_alias = "delete")]
    Revoke(FinalArguments),
    /// Print every change of keys as it happens, until it is interrupted
    Watch(WatchArguments),
}

/// Who is asked, and how answers are printed.
#[derive(Args, Debug)]
pub struct Asking {
    /// Who is asked.
    #[command(flatten)]
    pub server: ServerArguments,
    /// Print JSON, an object in each line, as the API has it
    #[arg(long)]
    pub json: bool,
}

/// Which keys.
#[derive(Args, Debug, Default)]
pub struct Filters {
    /// Only those of this status: waiting, active or disabled
    #[arg(long)]
    pub status: Option<Status>,
    /// Only those of this application, by id or name
    #[arg(long)]
    pub application: Option<String>,
    /// Only those of this member, by id or user name
    #[arg(long, conflicts_with = "application")]
    pub owner: Option<String>,
    /// Only those of this package, by id or name
    #[arg(long)]
    pub package: Option<String>,
    /// Only those of this plan of the package, by id or name
    #[arg(long, requires = "package")]
    pub plan: Option<String>,
    /// Only those whose application has this in its name, its description or its owner's user name
    #[arg(long)]
    pub text: Option<String>,
    /// Only those made on this day (UTC) or at this instant
    #[arg(long, value_name = "DATE")]
    pub created: Option<String>,
    /// Only those changed last on this day or at this instant
    #[arg(long, value_name = "DATE")]
    pub updated: Option<String>,
    /// Only those that end on this day or at this instant
    #[arg(long, value_name = "DATE")]
    pub expires: Option<String>,
    /// Only those of this organization, by id or name
    #[arg(long)]
    pub organization: Option<String>,
    /// Only those of this group of the organization, by id or name
    #[arg(long, requires = "organization")]
    pub group: Option<String>,
}

/// Where a package key is in life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Status {
    /// Not approved yet.
    Waiting,
    /// In use.
    Active,
    /// Suspended, or at its end.
    Disabled,
}

/// Which keys are listed, and how many.
#[derive(Args, Debug)]
pub struct ListArguments {
    /// Who is asked.
    #[command(flatten)]
    pub asking: Asking,
    /// Which keys.
    #[command(flatten)]
    pub filters: Filters,
    /// At most so many; without it, all
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: Option<u32>,
}

/// Which keys are shown.
#[derive(Args, Debug)]
pub struct ShowArguments {
    /// Who is asked.
    #[command(flatten)]
    pub asking: Asking,
    /// With their values, where policy and roles permit it; the audit log tells of it
    #[arg(long)]
    pub value: bool,
    /// Their ids
    #[arg(required = true, value_name = "ID")]
    pub ids: Vec<String>,
}

/// What key is made.
#[derive(Args, Debug)]
pub struct CreateArguments {
    /// Who is asked.
    #[command(flatten)]
    pub asking: Asking,
    /// Its application, by id or name
    #[arg(long)]
    pub application: String,
    /// Its package, by id or name
    #[arg(long)]
    pub package: String,
    /// Its plan, by id or name
    #[arg(long)]
    pub plan: String,
    /// Read the key itself from standard input, and its secret from a second line if there is one;
    /// without this they are generated
    #[arg(long)]
    pub custom: bool,
    /// Its status; without this, as the plan's moderation says
    #[arg(long)]
    pub status: Option<Status>,
    /// When it ends: a day, through its end (UTC), or an instant
    #[arg(long, value_name = "DATE")]
    pub expires: Option<String>,
    /// Its own calls a second
    #[arg(long, value_name = "CALLS")]
    pub qps: Option<u64>,
    /// No limit on its calls a second
    #[arg(long)]
    pub qps_exempt: bool,
    /// Its own calls in the plan's period
    #[arg(long, value_name = "CALLS")]
    pub quota: Option<u64>,
    /// No quota
    #[arg(long)]
    pub quota_exempt: bool,
}

/// Which keys something is done with.
#[derive(Args, Debug)]
pub struct IdsArguments {
    /// Who is asked.
    #[command(flatten)]
    pub asking: Asking,
    /// Their ids
    #[arg(required = true, value_name = "ID")]
    pub ids: Vec<String>,
}

/// Which keys something is done with that cannot be undone.
#[derive(Args, Debug)]
pub struct FinalArguments {
    /// Which keys.
    #[command(flatten)]
    pub keys: IdsArguments,
    /// Do not ask whether it is meant
    #[arg(long)]
    pub yes: bool,
}

/// Which keys are watched.
#[derive(Args, Debug)]
pub struct WatchArguments {
    /// Who is asked.
    #[command(flatten)]
    pub asking: Asking,
    /// Which keys.
    #[command(flatten)]
    pub filters: Filters,
    /// Ask every so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 2,
          value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub interval: u32,
    /// Their ids; without any, all that the filters let through
    #[arg(value_name = "ID")]
    pub ids: Vec<String>,
}

impl Status {
    /// Its word in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Active => "active",
            Self::Disabled => "disabled",
        }
    }
}
