//! `tollgate proxy …`

use clap::{Args, Subcommand};

use super::Asking;

/// What can be done about remote proxies.
#[derive(Debug, Subcommand)]
pub enum ProxyCommand {
    /// List the proxies that are registered, and how far behind each is
    List(Asking),
    /// Show all about proxies
    Status(ProxyNames),
    /// Take proxies off the list that are gone: nobody waits for them any more. One that is connected
    /// is cut off, and registered anew when it comes again
    Forget(ForgetProxies),
    /// Manage proxy access keys: what proxies subscribe to the key feed with
    Key {
        /// What to do
        #[command(subcommand)]
        command: AccessKeyCommand,
    },
}

/// What can be done about proxy access keys.
#[derive(Debug, Subcommand)]
pub enum AccessKeyCommand {
    /// Make an access key, and print it with its secret, if it has one: nobody sees that again
    Create(CreateAccessKey),
    /// List access keys
    List(Asking),
    /// Revoke access keys for good: what is connected through them is cut off at once. The proxies
    /// that came by them stay in the list of proxies
    Revoke(RevokeAccessKeys),
    /// Take access keys out of the list that were revoked; their ids are free again
    Delete(AccessKeyIds),
}

/// Which proxies.
#[derive(Args, Debug)]
pub struct ProxyNames {
    /// Who is asked.
    #[command(flatten)]
    pub asking: Asking,
    /// Their names
    #[arg(required = true, value_name = "NAME")]
    pub names: Vec<String>,
}

/// Which proxies are forgotten.
#[derive(Args, Debug)]
pub struct ForgetProxies {
    /// Which.
    #[command(flatten)]
    pub proxies: ProxyNames,
    /// Do not ask whether it is meant
    #[arg(long)]
    pub yes: bool,
}

/// What access key is made.
#[derive(Args, Debug)]
pub struct CreateAccessKey {
    /// Who is asked.
    #[command(flatten)]
    pub asking: Asking,
    /// What it is good for: enforce (subscribe to the key feed), observe (look at proxies) or automate
    /// (use the admin API)
    #[arg(long, value_parser = ["enforce", "observe", "automate"])]
    pub capability: String,
    /// Where it works; without this, in the region of the control plane
    #[arg(long)]
    pub region: Option<String>,
    /// What certificate is presented in the place of a secret: sha256:FINGERPRINT, or uri:NAME, dns:NAME
    /// or cn:NAME of its subject. Its authority stands in control.tls.client_ca_file
    #[arg(long, value_name = "MARK")]
    pub certificate: Option<String>,
    /// Its id, of 1 to 50 characters
    pub id: String,
}

/// Which access keys.
#[derive(Args, Debug)]
pub struct AccessKeyIds {
    /// Who is asked.
    #[command(flatten)]
    pub asking: Asking,
    /// Their ids
    #[arg(required = true, value_name = "ID")]
    pub ids: Vec<String>,
}

/// Which access keys are revoked.
#[derive(Args, Debug)]
pub struct RevokeAccessKeys {
    /// Which.
    #[command(flatten)]
    pub keys: AccessKeyIds,
    /// Do not ask whether it is meant
    #[arg(long)]
    pub yes: bool,
}
