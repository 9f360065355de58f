//! `tollgate key …`

use std::path::PathBuf;

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
    /// Activate keys that are waiting, pending or suspended
    Activate(IdsArguments),
    /// Replace the key of key sets by a new one, beside which it works on for a while, and print it
    Rotate(RotateArguments),
    /// Replace the key of key sets by a new one, and print it. The old one is revoked for good
    Regenerate(RegenerateArguments),
    /// End the overlap of key sets now: the old key is refused from the answer on
    EndOverlap(IdsArguments),
    /// Revoke keys for good: they are refused from the answer on. A package key is deleted by it
    #[command(visible_alias = "delete")]
    Revoke(RevokeArguments),
    /// Print every change of keys as it happens, until it is interrupted
    Watch(WatchArguments),
    /// Import keys of another gateway, or of an export: all of a document, or nothing of it
    Import(ImportArguments),
    /// Write all package keys with their values, as lines that `import` reads
    Export(ExportArguments),
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
    /// Key sets, and not package keys
    #[arg(long)]
    pub key_sets: bool,
    /// Only those of this status: waiting, active or disabled; of key sets pending, active, suspended,
    /// revoked or expired
    #[arg(long)]
    pub status: Option<Status>,
    /// Only those of this application, by id or name
    #[arg(long)]
    pub application: Option<String>,
    /// Only those of this member, by id or user name
    #[arg(long, conflicts_with_all = ["application", "key_sets"])]
    pub owner: Option<String>,
    /// Only those of this package, by id or name
    #[arg(long, conflicts_with = "key_sets")]
    pub package: Option<String>,
    /// Only those of this plan of the package, by id or name
    #[arg(long, requires = "package")]
    pub plan: Option<String>,
    /// Only those whose application has this in its name, its description or its owner's user name;
    /// of key sets in its name, theirs or its owner's
    #[arg(long)]
    pub text: Option<String>,
    /// Only those made on this day (UTC) or at this instant
    #[arg(long, value_name = "DATE")]
    pub created: Option<String>,
    /// Only those changed last on this day or at this instant
    #[arg(long, value_name = "DATE", conflicts_with = "key_sets")]
    pub updated: Option<String>,
    /// Only those that end on this day or at this instant
    #[arg(long, value_name = "DATE")]
    pub expires: Option<String>,
    /// Key sets of this authentication type, such as api_key
    #[arg(long, requires = "key_sets", value_name = "TYPE")]
    pub auth_type: Option<String>,
    /// Key sets that are subscribed to this API, by id or name
    #[arg(long, requires = "key_sets", value_name = "SERVICE")]
    pub api: Option<String>,
    /// Key sets with a date within bounds: expiration, rotation, provisioned, revoked or created, and
    /// the days or instants, each of which may be left out
    #[arg(long, requires = "key_sets", value_name = "DATE=FROM..TO")]
    pub within: Vec<String>,
    /// Only those of this organization, by id or name
    #[arg(long)]
    pub organization: Option<String>,
    /// Only those of this group of the organization, by id or name
    #[arg(long, requires = "organization")]
    pub group: Option<String>,
}

/// Where a key is in life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Status {
    /// Not approved yet.
    Waiting,
    /// In use.
    Active,
    /// Suspended, or at its end.
    Disabled,
    /// Of key sets: not approved yet.
    Pending,
    /// Of key sets: refused until it is activated again.
    Suspended,
    /// Of key sets: refused for good.
    Revoked,
    /// Of key sets: refused for good, of age.
    Expired,
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

/// Which keys are revoked, and whether that is waited for.
#[derive(Args, Debug)]
pub struct RevokeArguments {
    /// Which keys.
    #[command(flatten)]
    pub keys: FinalArguments,
    /// Wait until every proxy refuses them, and say how long that took; else say which do not yet, and
    /// when each stops at the latest, and end with exit code 11
    #[arg(long)]
    pub wait: bool,
    /// How long to wait: at most 45s
    #[arg(long, requires = "wait", value_name = "TIME", default_value = "10s")]
    pub timeout: String,
}

/// Which key sets get a new key, beside which the old one works on.
#[derive(Args, Debug)]
pub struct RotateArguments {
    /// Which key sets.
    #[command(flatten)]
    pub keys: FinalArguments,
    /// For how many seconds the old key works on
    #[arg(long, value_name = "SECONDS")]
    pub overlap: u32,
}

/// Which key sets get a new key.
#[derive(Args, Debug)]
pub struct RegenerateArguments {
    /// Which key sets.
    #[command(flatten)]
    pub keys: FinalArguments,
    /// For how many seconds the old key works on; without this, as the policy says
    #[arg(long, value_name = "SECONDS")]
    pub overlap: Option<u32>,
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

/// What is imported, and where it goes.
#[derive(Args, Debug)]
pub struct ImportArguments {
    /// Who is asked.
    #[command(flatten)]
    pub asking: Asking,
    /// Whose document it is; without this, it is found out
    #[arg(long, value_parser = ["kong", "apisix", "aws", "tyk", "v3", "tollgate"])]
    pub format: Option<String>,
    /// Keys of this group of the document (a plan, a policy, a consumer group) come under this plan
    #[arg(long = "map", value_name = "GROUP=PACKAGE/PLAN")]
    pub groups: Vec<String>,
    /// All other keys come under this plan; without it, under what the document names
    #[arg(long, value_name = "PACKAGE/PLAN")]
    pub plan: Option<String>,
    /// The user name of whom keys belong to that name nobody
    #[arg(long, value_name = "USERNAME")]
    pub owner: Option<String>,
    /// The application of keys that name none; without it, one of their owner's name
    #[arg(long, value_name = "NAME")]
    pub application: Option<String>,
    /// Read all of that from this file: {"groups": {"…": {"package": "…", "plan": "…"}}, "plan":
    /// {…}, "owner": "…", "application": "…"}
    #[arg(long, value_name = "FILE", conflicts_with_all = ["groups", "plan", "owner", "application"])]
    pub destination: Option<PathBuf>,
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// The document; - is standard input
    pub file: PathBuf,
}

/// Where an export goes.
#[derive(Args, Debug)]
pub struct ExportArguments {
    /// Who is asked.
    #[command(flatten)]
    pub server: ServerArguments,
    /// Make this file, for its owner only; without it, standard output, if that is no terminal
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

impl Status {
    /// Its word in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::Pending => "pending",
            Self::Suspended => "suspended",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
        }
    }

    /// Whether it is a status of key sets, or of package keys.
    #[must_use]
    pub fn fits(self, key_sets: bool) -> bool {
        match self {
            Self::Active => true,
            Self::Waiting | Self::Disabled => !key_sets,
            Self::Pending | Self::Suspended | Self::Revoked | Self::Expired => key_sets,
        }
    }
}
