//! A control plane alone, and the proxies in front of one upstream.

use std::fs::{self, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;

use crate::admin::Admin;
use crate::process::{Process, Program, Starting};
use crate::random::Random;
use crate::{Failure, origin};

/// The control plane, with the fleet that it feeds.
pub(super) struct House {
    site: Site,
    pub(super) plane: Program,
    /// `None` = it does not run.
    pub(super) control: Option<Process>,
    pub(super) admin: Admin,
    pub(super) fleet: Vec<Proxy>,
    /// How many keys the store was made with.
    pub(super) keys: usize,
}

/// What every proxy of a fleet needs to know.
pub(super) struct Site {
    binary: PathBuf,
    folder: PathBuf,
    /// Where the control plane feeds proxies.
    feed: SocketAddr,
    upstream: SocketAddr,
    /// Id and secret of the access key.
    access_key: (String, String),
}

/// A proxy of the fleet.
pub(super) struct Proxy {
    pub(super) name: String,
    pub(super) program: Program,
    /// `None` = it does not run.
    pub(super) process: Option<Process>,
}

/// The folder of the control plane.
pub(super) const STORE: &str = "control";

impl Proxy {
    /// It, while it runs.
    pub(super) fn process(&self) -> Result<&Process, Failure> {
        self.process.as_ref().ok_or_else(|| format!("{} does not run", self.name).into())
    }
}

impl Site {
    /// One that something else than a control plane feeds.
    pub(super) fn fed_by(feed: SocketAddr, binary: &Path, folder: &Path) -> Result<Self, Failure> {
        Ok(Self {
            binary: binary.into(),
            folder: folder.into(),
            feed,
            upstream: origin::start("127.0.0.1:0")?,
            access_key: ("fleet".to_owned(), "none".to_owned()),
        })
    }

    /// A proxy that does not run yet. `more` is what `[feed]` says beside.
    pub(super) fn proxy(&self, name: &str, more: &str) -> Result<Proxy, Failure> {
        let folder = self.folder.join(name);
        fs::create_dir_all(&folder)?;
        let file = folder.join("access.key");
        let (id, secret) = &self.access_key;
        fs::write(&file, secret)?;
        fs::set_permissions(&file, Permissions::from_mode(0o600))?;
        let url = format!("http://{}/feed/v1/{id}", self.feed);
        fs::write(folder.join("tollgate.toml"), fed(&url, name, self.upstream, more))?;
        let program = Program::fed(&self.binary, &folder);
        Ok(Proxy { name: name.to_owned(), program, process: None })
    }
}

impl House {
    /// A control plane over whatever stands in its folder, in front of an upstream or of one that says yes.
    pub(super) async fn new(
        binary: &Path,
        folder: &Path,
        upstream: Option<SocketAddr>,
    ) -> Result<Self, Failure> {
        let upstream = upstream.map_or_else(|| origin::start("127.0.0.1:0"), Ok)?;
        // Below those that the kernel gives away.
        let port = 20_000 + u16::try_from(Random::new(Random::seed()).below(12_000))?;
        let feed = SocketAddr::from(([127, 0, 0, 1], port));
        let store = folder.join(STORE);
        fs::create_dir_all(&store)?;
        let plane = Program::new(binary, &store);
        fs::write(store.join("tollgate.toml"), control(feed, upstream))?;
        let (control, _) = plane.start().await?;
        let mut admin = Admin::log_in(control.admin()?, &plane.first_administrator()).await?;
        // A store that is used again has others.
        let id = format!("fleet-{}", Random::seed());
        let body = json!({ "id": id, "capability": "enforce" });
        let made = admin.native("POST", "/access-keys", &body).await?;
        let secret = made["secret"].as_str().ok_or("no secret")?.to_owned();
        let site = Site {
            binary: binary.into(),
            folder: folder.into(),
            feed,
            upstream,
            access_key: (id, secret),
        };
        Ok(Self { site, plane, control: Some(control), admin, fleet: Vec::new(), keys: 0 })
    }

    /// The control plane, while it runs.
    pub(super) fn control(&self) -> Result<&Process, Failure> {
        self.control.as_ref().ok_or_else(|| "the control plane does not run".into())
    }

    /// Starts the control plane again, and goes on with the login.
    pub(super) async fn start_control(&mut self) -> Result<(), Failure> {
        let (control, _) = self.plane.start().await?;
        self.admin = Admin::with_token(control.admin()?, self.admin.token()).await?;
        self.control = Some(control);
        Ok(())
    }

    /// Logs in anew, once a token has expired.
    pub(super) async fn log_in(&mut self) -> Result<(), Failure> {
        let admin = self.control()?.admin()?;
        self.admin = Admin::log_in(admin, &self.plane.first_administrator()).await?;
        Ok(())
    }

    /// Adds so many proxies, and waits until all are ready. `more` is what `[feed]` says beside.
    pub(super) async fn add_proxies(&mut self, count: usize, more: &str) -> Result<(), Failure> {
        let first = self.fleet.len();
        for number in first..first + count {
            let proxy = self.site.proxy(&format!("edge-{number}"), more)?;
            self.fleet.push(proxy);
        }
        self.start_proxies().await
    }

    /// Starts all proxies that do not run, at once, and waits until each is ready.
    pub(super) async fn start_proxies(&mut self) -> Result<(), Failure> {
        let stopped = self.fleet.iter_mut().filter(|proxy| proxy.process.is_none());
        let mut stopped: Vec<_> = stopped.collect();
        let loaded = stopped.len() * self.keys;
        stopped.iter_mut().for_each(|proxy| proxy.program.among(loaded));
        let starting = stopped.into_iter().map(|proxy| Ok((proxy.program.begin()?, proxy)));
        let starting: Vec<(Starting, &mut Proxy)> = starting.collect::<Result<_, Failure>>()?;
        for (starting, proxy) in starting {
            proxy.process = Some(starting.ready(&proxy.program).await?.0);
        }
        Ok(())
    }

    /// Waits until each proxy has its lease on the disk: one that is killed before is not ready without its control
    /// plane, however often it starts.
    pub(super) async fn wait_for_leases(&self) {
        for proxy in &self.fleet {
            while !proxy.program.folder.join("feed/contact").exists() {
                sleep(Duration::from_millis(50)).await;
            }
        }
    }

    /// Waits until every registered proxy enforces everything.
    pub(super) async fn settle(&mut self) -> Result<(), Failure> {
        // The connection may have been idle for too long.
        self.admin = Admin::with_token(self.control()?.admin()?, self.admin.token()).await?;
        let name = json!({ "name": format!("settled-{}", Random::seed()) });
        let target = "/organizations?wait=applied&timeout=45s";
        let answer = self.admin.native("POST", target, &name).await?;
        if answer["applied"] == true {
            Ok(())
        } else {
            Err(format!("not settled: {answer}").into())
        }
    }
}

fn control(feed: SocketAddr, upstream: SocketAddr) -> String {
    let steady = sha256("steady");
    format!(
        r#"[log]
level = "warn"
[digest]
scheme = "sha256"
[control]
address = "{feed}"
store = "store.db"
access_token_lifetime = "24h"
[ops]
address = "127.0.0.1:0"
[upstreams.origin]
url = "http://{upstream}"
[services.soak]
upstream = "origin"
[services.soak.endpoints.all]
[packages.soak.plans.soak]
qps_limit_ceiling = 1000000
qps_limit_key_override_allowed = true
rate_limit_ceiling = 1000000000
rate_limit_period = "day"
rate_limit_key_override_allowed = true
services.soak = {{}}
[packages.soak.plans.hourly]
qps_limit_ceiling = 1000000
rate_limit_ceiling = 1000000000
rate_limit_period = "hour"
rate_limit_key_override_allowed = true
services.soak = {{}}
[members.soak]
[applications.steady]
owner = "soak"
[keys.steady]
digest = "sha256:{steady}"
application = "steady"
package = "soak"
plan = "soak"
"#
    )
}

fn fed(url: &str, name: &str, upstream: SocketAddr, more: &str) -> String {
    format!(
        r#"[log]
level = "warn"
[digest]
scheme = "sha256"
[process]
workers = 1
checkpoint_file = "meters.checkpoint"
[ops]
address = "127.0.0.1:0"
[strangers]
throttle = false
[listeners.soak]
address = "127.0.0.1:0"
[upstreams.origin]
url = "http://{upstream}"
[feed]
url = "{url}"
access_key_file = "access.key"
name = "{name}"
{more}
"#
    )
}

fn sha256(text: &str) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}
