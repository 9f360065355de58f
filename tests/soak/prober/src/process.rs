//! A gate as a process that can be killed.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::Failure;
use crate::connection::{Connection, Protocol};

/// A gate that is not ready by then never will be.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is started, and how.
pub(crate) struct Program {
    pub(crate) binary: PathBuf,
    /// Where `tollgate.toml` is, and everything that the gate keeps.
    pub(crate) folder: PathBuf,
}

/// A gate that runs.
pub(crate) struct Process {
    child: Child,
    pub(crate) data: SocketAddr,
    pub(crate) ops: SocketAddr,
    pub(crate) admin: SocketAddr,
}

impl Program {
    pub(crate) fn new(binary: &str, folder: &str) -> Self {
        Self { binary: binary.into(), folder: folder.into() }
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
        let began = Instant::now();
        let mut child = self.spawn()?;
        let stdout = child.stdout.take().ok_or("no output")?;
        let (data, ops, admin) = match addresses(stdout) {
            Some(found) => found,
            None => return Err(format!("tollgate did not start: {}", self.log()).into()),
        };
        let process = Process { child, data, ops, admin };
        loop {
            let mut connection = Connection::open(ops, Protocol::Http1).await?;
            if connection.get("/readyz", &[]).await.is_ok_and(|(status, _)| status == 200) {
                return Ok((process, began.elapsed()));
            }
            if began.elapsed() > PATIENCE {
                return Err("tollgate is not ready".into());
            }
            sleep(Duration::from_millis(2)).await;
        }
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
        let mut command = Command::new(&self.binary);
        command.args([Path::new("run"), Path::new("--config"), &self.configuration()]);
        Ok(command.stdout(Stdio::piped()).stderr(log).spawn()?)
    }
}

impl Process {
    /// Ends it without a warning.
    pub(crate) fn kill(mut self) -> Result<(), Failure> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where a gate listens: for data, ops and admin.
fn addresses(stdout: ChildStdout) -> Option<(SocketAddr, SocketAddr, SocketAddr)> {
    let mut lines = BufReader::new(stdout).lines();
    let (mut data, mut ops) = (None, None);
    loop {
        let line = lines.next()?.ok()?;
        let (address, what) = line.strip_prefix("listening on http://")?.split_once(" (")?;
        let address = address.parse().ok()?;
        match what {
            "ops)" => ops = Some(address),
            "admin)" => {
                std::thread::spawn(move || lines.for_each(drop));
                return Some((data?, ops?, address));
            }
            _ => data = Some(address),
        }
    }
}
