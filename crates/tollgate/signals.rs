//! What a process is told by signals.

use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tollgate_proxy::DataPlane;

use crate::boot::Failure;

/// How often the workers are looked at.
const HEALTH_LOOK: Duration = Duration::from_secs(1);

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
}

impl Signals {
    pub(crate) fn listen() -> std::io::Result<Self> {
        let end = End {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            user1: signal(SignalKind::user_defined1())?,
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
        let mut look = tokio::time::interval(HEALTH_LOOK);
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return Ok(()),
                _ = self.interrupt.recv() => return Ok(()),
                _ = self.user1.recv() => plane.reopen_access_log(),
                _ = look.tick() => {
                    if plane.is_broken() {
                        return Err("a data worker has ended".into());
                    }
                }
            }
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
