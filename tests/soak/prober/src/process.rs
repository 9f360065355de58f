//! A gate as a process that can be killed.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::Failure;
use crate::connection::{Connection, Protocol};

/// A gate with few keys that is not ready by then never will be.
const PATIENCE: Duration = Duration::from_secs(300);

/// No key takes longer than this to be loaded, by one of many proxies that share two cores.
const LOADED: Duration = Duration::from_micros(20);

/// Names what is loaded into every gate before it begins, such as another clock.
const PRELOADED: &str = "SOAK_PRELOADED";

/// What is started, and how.
pub(crate) struct Program {
    pub(crate) binary: PathBuf,
    /// Where `tollgate.toml` is, and everything that the gate keeps.
    pub(crate) folder: PathBuf,
    /// Whether it has an admin listener, which is told of last.
    administers: bool,
    /// How long it may take until it is ready.
    patience: Duration,
}

/// A gate that was started and may not be ready.
pub(crate) struct Starting {
    /// Until it is a [`Process`].
    child: Option<Child>,
    began: Instant,
    administers: bool,
}

/// A gate that runs.
pub(crate) struct Process {
    child: Child,
    data: Option<SocketAddr>,
    pub(crate) ops: SocketAddr,
    admin: Option<SocketAddr>,
}

/// Ticks of the kernel's clock in a second, by which it counts the time of processes.
const TICKS: f64 = 100.0;

impl Program {
    pub(crate) fn new(binary: &Path, folder: &Path) -> Self {
        let (binary, folder) = (binary.into(), folder.into());
        Self { binary, folder, administers: true, patience: PATIENCE }
    }

    /// One that is fed, and has no admin listener.
    pub(crate) fn fed(binary: &Path, folder: &Path) -> Self {
        Self { administers: false, ..Self::new(binary, folder) }
    }

    /// Waits longer for it: as many keys as this are loaded beside it, each by whoever needs it.
    pub(crate) fn among(&mut self, keys: usize) {
        self.patience = PATIENCE + LOADED.saturating_mul(u32::try_from(keys).unwrap_or(u32::MAX));
    }

    pub(crate) fn first_administrator(&self) -> PathBuf {
        self.folder.join("first-administrator.toml")
    }

    /// Starts a gate and kills it after a while, wherever it is by then.
    pub(crate) fn start_and_kill(&self, after: Duration) -> Result<(), Failure> {
        let mut child = self.spawn()?;
        std::thread::sleep(after);
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// Starts a gate and waits until it is ready. Returns how long that took, too.
    pub(crate) async fn start(&self) -> Result<(Process, Duration), Failure> {
        self.begin()?.ready(self).await
    }

    /// Starts a gate.
    pub(crate) fn begin(&self) -> Result<Starting, Failure> {
        let began = Instant::now();
        Ok(Starting { child: Some(self.spawn()?), began, administers: self.administers })
    }

    /// A command of the gate's own, about this configuration. Returns what it says.
    pub(crate) fn command(&self, arguments: &[&str]) -> Result<String, Failure> {
        let mut command = Command::new(&self.binary);
        command.args(arguments).arg("--config").arg(self.configuration());
        let output = command.output()?;
        let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        if output.status.success() {
            return Ok(said);
        }
        let error = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(format!("tollgate {}: {said} {error}", arguments.join(" ")).into())
    }

    /// What gates have logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    fn configuration(&self) -> PathBuf {
        self.folder.join("tollgate.toml")
    }

    fn spawn(&self) -> Result<Child, Failure> {
        let log = File::options().create(true).append(true).open(self.folder.join("log"))?;
        // However the prober ends, no gate outlives it.
        let mut command = Command::new("setpriv");
        if let Some(library) = std::env::var_os(PRELOADED) {
            command.env("LD_PRELOAD", library);
        }
        command.args(["--pdeathsig", "KILL", "--"]).arg(&self.binary);
        command.args([Path::new("run"), Path::new("--config"), &self.configuration()]);
        Ok(command.stdout(Stdio::piped()).stderr(log).spawn()?)
    }
}

impl Starting {
    /// Waits until it says where it listens.
    pub(crate) async fn listening(mut self, program: &Program) -> Result<Process, Failure> {
        let stdout = self.child.as_mut().and_then(|child| child.stdout.take());
        let (stdout, administers) = (stdout.ok_or("no output")?, self.administers);
        let found = tokio::task::spawn_blocking(move || addresses(stdout, administers)).await?;
        let (Some((data, ops, admin)), Some(child)) = (found, self.child.take()) else {
            return Err(format!("tollgate did not start: {}", program.log()).into());
        };
        Ok(Process { child, data, ops, admin })
    }

    /// Waits until it is ready. Returns how long that took, too.
    pub(crate) async fn ready(self, program: &Program) -> Result<(Process, Duration), Failure> {
        let began = self.began;
        let process = self.listening(program).await?;
        loop {
            if process.is_ready().await {
                return Ok((process, began.elapsed()));
            }
            if began.elapsed() > program.patience {
                return Err(format!("tollgate is not ready: {}", program.log()).into());
            }
            sleep(Duration::from_millis(2)).await;
        }
    }
}

impl Process {
    /// Where it listens for data.
    pub(crate) fn data(&self) -> Result<SocketAddr, Failure> {
        self.data.ok_or("it has no listener for data".into())
    }

    /// Where it is administered.
    pub(crate) fn admin(&self) -> Result<SocketAddr, Failure> {
        self.admin.ok_or("it has no admin listener".into())
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether `/readyz` says so.
    pub(crate) async fn is_ready(&self) -> bool {
        let Ok(mut ops) = Connection::open(self.ops, Protocol::Http1).await else { return false };
        ops.get("/readyz", &[]).await.is_ok_and(|(status, _)| status == 200)
    }

    /// What the process has resident, in bytes.
    pub(crate) fn resident(&self) -> Result<u64, Failure> {
        resident(self.pid()).map_err(Into::into)
    }

    /// The time that it has had of a processor, in seconds.
    pub(crate) fn cpu(&self) -> Result<f64, Failure> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid()))?;
        let (_, rest) = stat.rsplit_once(')').ok_or("no name in stat")?;
        // utime and stime, which are columns 14 and 15 of all.
        let times = rest.split_whitespace().skip(11).take(2).map(str::parse::<f64>);
        Ok(times.sum::<Result<f64, _>>()? / TICKS)
    }

    /// Has it stand still, or go on.
    pub(crate) fn stand_still(&self, still: bool) -> Result<(), Failure> {
        let signal = if still { "-STOP" } else { "-CONT" };
        let status = Command::new("kill").args([signal, &self.pid().to_string()]).status()?;
        if status.success() { Ok(()) } else { Err(format!("kill {signal}: {status}").into()) }
    }

    /// Ends it as an operator does. Returns its exit code.
    pub(crate) fn end(mut self) -> Result<Option<i32>, Failure> {
        Command::new("kill").arg(self.pid().to_string()).status()?;
        Ok(self.child.wait()?.code())
    }

    /// Ends it without a warning.
    pub(crate) fn kill(mut self) -> Result<(), Failure> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a process has resident, in bytes.
pub(crate) fn resident(pid: u32) -> io::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kibibytes.map(|count| count * 1024).ok_or_else(|| io::Error::other("no VmRSS"))
}

type Addresses = (Option<SocketAddr>, SocketAddr, Option<SocketAddr>);

/// Where a gate listens: for data, ops and admin.
fn addresses(stdout: ChildStdout, administers: bool) -> Option<Addresses> {
    let mut lines = BufReader::new(stdout).lines();
    let (mut data, mut ops, mut admin) = (None, None, None);
    while ops.is_none() || (administers && admin.is_none()) {
        let line = lines.next()?.ok()?;
        let (_, line) = line.strip_prefix("listening on http")?.split_once("://")?;
        let (address, what) = line.split_once(" (")?;
        let address: SocketAddr = address.parse().ok()?;
        match what {
            "ops)" => ops = Some(address),
            "admin)" => admin = Some(address),
            _ => data = Some(address),
        }
    }
    std::thread::spawn(move || lines.for_each(drop));
    Some((data, ops?, admin))
}
