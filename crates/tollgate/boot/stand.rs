//! Beside other processes: in the place of one that serves already, and until another one takes it.

use std::time::Duration;

use super::Failure;
use crate::config::Settings;
use crate::private_socket::PrivateSocket;
use crate::signals::End;
use crate::takeover::{Claimed, Predecessor, Standing, claim};

/// How long accepting pauses after an error.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until a signal ends it, or another process has taken its place.
///
/// # Errors
/// If a worker ends on its own.
pub(super) async fn stand(
    standing: &mut Standing,
    takeover: Option<&PrivateSocket>,
    end: &mut End,
) -> Result<Option<Predecessor>, Failure> {
    loop {
        let claim = async {
            match takeover {
                Some(socket) => socket.listener.accept().await,
                None => std::future::pending().await,
            }
        };
        let stream = tokio::select! {
            ended = end.wait(&standing.plane) => return ended.map(|()| None),
            claim = claim => match claim {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection to takeover_socket");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            },
        };
        let handed = tokio::select! {
            handed = standing.hand_over(stream) => handed,
            () = end.asked() => return Ok(None),
        };
        match handed {
            Ok(predecessor) => {
                tracing::info!("another process has taken over");
                return Ok(Some(predecessor));
            }
            Err(error) => {
                tracing::error!(%error, "the takeover has failed; this process goes on serving");
                standing.go_on().await;
            }
        }
    }
}

/// The place of the process that serves already, if one does.
pub(super) async fn claimed(
    settings: &Settings,
    environment: &str,
) -> Result<Option<Claimed>, Failure> {
    let process = &settings.process;
    let Some(path) = &process.takeover_socket else { return Ok(None) };
    let claimed = claim(path, environment, process.takeover_timeout).await;
    let claimed = claimed.map_err(|error| format!("cannot take over: {error}"))?;
    if claimed.is_none() {
        tracing::info!("there is no process to take over from");
    }
    Ok(claimed)
}
