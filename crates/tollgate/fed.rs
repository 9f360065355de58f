//! What a process is made of that a remote control plane feeds, from its listeners on.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use prometheus::Registry;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tollgate_core::{Clock, SnapshotReader, SnapshotWriter};
use tollgate_proxy::Bound;
use tollgate_proxy::explain::Explainer;

use crate::boot::{Failure, announce};
use crate::certificates::Certificates;
use crate::commands::CUT;
use crate::config::{self, Config};
use crate::explain::Socket;
use crate::feed::Feed;
use crate::ops::Ops;
use crate::reload::{ReloadMetrics, Reloader, Snapshots};
use crate::signals::Signals;
use crate::sockets::Sockets;
use crate::systemd;
use crate::trust::{Keeper, Trust};

/// What there is before anything is served.
pub(crate) struct Fed {
    pub(crate) path: PathBuf,
    pub(crate) config: Config,
    pub(crate) feed: config::Feed,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) registry: Registry,
    pub(crate) reader: SnapshotReader,
    pub(crate) trust: Trust,
    pub(crate) bound: Bound,
    pub(crate) sockets: Sockets,
    pub(crate) signals: Signals,
    pub(crate) watching: JoinHandle<()>,
    pub(crate) explainer: Explainer,
}

impl Fed {
    /// Serves until a signal ends it.
    ///
    /// # Errors
    /// Whatever kept the process from starting, or ended it before its time.
    pub(crate) async fn serve(
        self,
        writer: SnapshotWriter,
        certificates: Certificates,
        keeper: Keeper,
    ) -> Result<ExitCode, Failure> {
        let Self { path, config, feed, clock, registry, reader, trust, bound, .. } = self;
        let (sockets, signals) = (self.sockets, self.signals);
        let settings = config.settings.clone();
        let objects = Arc::clone(&config.objects.objects);
        let feed = Feed::open(feed, &objects, writer, Arc::clone(&clock), &registry)?;
        let (upstreams, changes) = mpsc::channel(1);
        let reloader = Reloader {
            path,
            settings: settings.clone(),
            snapshots: Snapshots::OfFeed(upstreams),
            clock: Arc::clone(&clock),
            metrics: ReloadMetrics::register(&registry)?,
            trust,
        };
        reloader.note_start();
        announce(&settings, bound.addresses(), &sockets)?;
        let plane = bound.start()?;
        let Signals { hang_up, certificates_hang_up, trust_hang_up, mut end } = signals;
        let draining = Arc::new(AtomicBool::new(false));
        let ops = Ops {
            registry,
            enforced: feed.enforced(),
            reader,
            clock,
            draining: Arc::clone(&draining),
            note: Some(feed.refusal()),
        };
        let Sockets { ops: ops_listener, explain, .. } = sockets;
        let ops = tokio::spawn(ops.serve(TcpListener::from_std(ops_listener)?));
        let explainer = Arc::new(self.explainer);
        let explaining = explain.map(|socket| Socket::new(socket).begin(explainer));
        let certificates = tokio::spawn(certificates.watch(certificates_hang_up));
        let keeper = tokio::spawn(keeper.watch(trust_hang_up));
        let (stop_feed, feed_stopped) = oneshot::channel();
        let following = tokio::spawn(feed.follow(changes, feed_stopped));
        let (stop_reloads, reloads_stopped) = oneshot::channel();
        let reloads = tokio::spawn(reloader.watch(config, hang_up, reloads_stopped));
        systemd::serving();
        let ended = end.wait(&plane).await;
        draining.store(true, Relaxed);
        ended?;
        systemd::stopping();

        // Revocations are enforced to the last request.
        let patience = settings.process.drain_timeout;
        tracing::info!(?patience, "draining");
        let cut = tokio::task::spawn_blocking(move || plane.drain(patience)).await??;
        // Either may have ended already.
        let _ = stop_reloads.send(());
        let _ = reloads.await?;
        let _ = stop_feed.send(());
        following.await?;
        drop(explaining);
        for task in [certificates, keeper, self.watching, ops] {
            task.abort();
        }
        if cut > 0 {
            tracing::warn!(cut, "the drain timeout has passed; requests were cut");
            return Ok(ExitCode::from(CUT));
        }
        tracing::info!("all requests have ended");
        Ok(ExitCode::SUCCESS)
    }
}
