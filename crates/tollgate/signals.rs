//! What a process is told by signals.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tollgate_proxy::DataPlane;

use crate::boot::Failure;
use crate::systemd;

/// How often the workers are looked at, at least. A panic ends the process at once: this is for one that could not
/// begin.
const HEALTH_LOOK: Duration = Duration::from_secs(5);

/// Every signal that means something.
pub(crate) struct Signals {
    pub(crate) hang_up: Signal,
    /// The same signal, told to others.
    pub(crate) certificates_hang_up: Signal,
    pub(crate) trust_hang_up: Signal,
    pub(crate) end: End,
}

/// What ends a process.
pub(crate) struct End {
    terminate: Signal,
    interrupt: Signal,
    /// Ends nothing: the access log is opened again.
    user1: Signal,
    /// Starts the process that is to take over.
    user2: Signal,
    successor: Option<Successor>,
}

/// The program and the configuration that it takes over with.
struct Successor {
    program: PathBuf,
    config: PathBuf,
}

impl Signals {
    /// Listens to them. `config` is there where another process can take over, with this file.
    pub(crate) fn listen(config: Option<PathBuf>) -> std::io::Result<Self> {
        // As it stands now: the file can be another one by the time that it is started.
        let successor = match config {
            Some(config) => Some(Successor { program: std::env::current_exe()?, config }),
            None => None,
        };
        let end = End {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            user1: signal(SignalKind::user_defined1())?,
            user2: signal(SignalKind::user_defined2())?,
            successor,
        };
        Ok(Self {
            hang_up: signal(SignalKind::hangup())?,
            certificates_hang_up: signal(SignalKind::hangup())?,
            trust_hang_up: signal(SignalKind::hangup())?,
            end,
        })
    }
}

impl End {
    /// Waits for a signal to end.
    ///
    /// # Errors
    /// If a worker ends on its own.
    pub(crate) async fn wait(&mut self, plane: &DataPlane) -> Result<(), Failure> {
        let watchdog = systemd::watchdog();
        let often = watchdog.map_or(HEALTH_LOOK, |often| HEALTH_LOOK.min(often / 3));
        let mut look = tokio::time::interval(often.max(Duration::from_millis(1)));
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return Ok(()),
                _ = self.interrupt.recv() => return Ok(()),
                _ = self.user1.recv() => plane.reopen_access_log(),
                _ = self.user2.recv() => self.replace(),
                _ = look.tick() => {
                    if plane.is_broken() {
                        return Err("a data worker has ended".into());
                    }
                    if watchdog.is_some() {
                        systemd::well();
                    }
                }
            }
        }
    }

    /// Starts the process that is to take over. Whatever becomes of it, this one goes on until its place
    /// is taken.
    fn replace(&self) {
        let Some(Successor { program, config }) = &self.successor else {
            tracing::error!("SIGUSR2 wants process.takeover_socket, which there is none of");
            return;
        };
        let mut command = Command::new(program);
        command.args(["run", "--takeover", "--config"]).arg(config).stdin(Stdio::null());
        // It is the one to be watched then.
        command.env_remove("WATCHDOG_PID");
        match command.spawn() {
            Ok(mut child) => {
                tracing::info!(pid = child.id(), "started a process that is to take over");
                // Somebody has to wait for its end, if that comes before ours.
                std::thread::spawn(move || child.wait());
            }
            Err(error) => tracing::error!(%error, "no process can be started to take over"),
        }
    }

    /// The same, whatever the workers do.
    pub(crate) async fn asked(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
