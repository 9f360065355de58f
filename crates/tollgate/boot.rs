//! What a process is made of, and how it starts and ends.

mod plan;
mod source;
mod stand;

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use prometheus::Registry;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tollgate_control::KeptMeters;
use tollgate_control::admin::{Handshake, NotSecure, SecureStream};
use tollgate_control::document::Warnings;
use tollgate_control::feed::FeedMetrics;
use tollgate_control::plane::ControlSettings;
use tollgate_control::webhooks::WebhookMetrics;
use tollgate_core::{SnapshotWriter, Strangers, handoff};
use tollgate_feed::sign::SigningKey;
use tollgate_proxy::explain::Explainer;
use tollgate_proxy::{
    Acceptor, Bound, ListenAddress, Listener, Plan, Upstreams, watch_strangers, watch_upstreams,
};

use crate::certificates::Certificates;
use crate::changes::{Control, Door, Still};
use crate::client::Server;
use crate::commands::{Around, CUT};
use crate::config::{self, Config, Settings};
use crate::control::{Parts, SharedRings};
use crate::explain::{Explaining, Socket};
use crate::ops::Ops;
use crate::post::Courier;
use crate::quotas::Quotas;
use crate::refused::client_refused;
use crate::reload::{ReloadMetrics, Reloader, Snapshots, log_warnings};
use crate::signals::Signals;
use crate::signing::read_signing_key;
use crate::sockets::Sockets;
use crate::systemd::{self, Passed};
use crate::takeover::Standing;
use crate::trust::Trust;
pub(crate) use plan::worker_settings;
use plan::{access_log, workers};
use source::source;
use stand::{claimed, stand};

pub(crate) type Failure = Box<dyn std::error::Error>;

/// Serves until told to end. With `takeover` it takes the place of the process that serves already.
///
/// # Errors
/// Whatever kept the process from starting, or ended it before its time.
pub(crate) fn run(
    path: &Path,
    config: Config,
    warnings: &Warnings,
    around: Around,
    takeover: bool,
) -> Result<ExitCode, Failure> {
    let passed = Passed::take()?;
    crate::telemetry::init(&config.settings.log);
    log_warnings(warnings);
    let wanted = config.settings.process.huge_pages;
    if let Err(error) = allow_huge_pages(wanted) {
        let denied = match wanted {
            true => "huge pages cannot be allowed; a decision may take longer",
            false => "huge pages cannot be refused; connections may cost twice the memory",
        };
        tracing::warn!(%error, "{denied}");
    }
    if let Some(fresh) = &config.objects.fresh_pepper {
        let file = fresh.keep().map_err(|error| format!("control.pepper_file: {error}"))?;
        tracing::info!(file = %file.display(), "made a pepper; keep a copy of it");
    }
    // The control runtime: reloads, ops and signals, apart from every data worker.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(serve(path, config, around, (takeover, passed)))
}

/// Says whether the kernel may use huge pages for memory from here on. Without them it costs what is used of it: a
/// connection's is mostly room that stays empty.
///
/// # Errors
/// If the kernel does not let us.
pub(crate) fn allow_huge_pages(wanted: bool) -> rustix::io::Result<()> {
    rustix::thread::disable_transparent_huge_pages(!wanted)
}

async fn serve(
    path: &Path,
    config: Config,
    around: Around,
    (takeover, passed): (bool, Passed),
) -> Result<ExitCode, Failure> {
    let Around { clock, resolver } = around;
    let settings = config.settings.clone();
    let environment = config.objects.objects.environment.0.to_string();
    let registry = Registry::new();
    let (writer, reader) = handoff();

    let strangers = settings.strangers.map(|budget| Arc::new(Strangers::new(budget)));
    let certificates = Certificates::load(&settings, &registry, Arc::clone(&clock))?;

    let upstreams = Upstreams::default();
    let mut trust = Trust::new(upstreams.tls().clone());
    trust.prepare(&config.objects.objects)?;
    trust.settle(&config.objects.objects);
    let keeper = trust.keeper(&registry, Arc::clone(&clock))?;

    // Every address is taken before anything starts.
    let mut claimed = if takeover { claimed(&settings, &environment).await? } else { None };
    let mut passed = passed.sort(&settings)?;
    let inherited = claimed.as_mut().map_or(&mut passed, |claimed| &mut claimed.inherited);
    let listeners = settings.listeners.iter().map(|listener| {
        let (inherited, foreign) = inherited.data(&listener.name, &listener.address);
        Listener {
            name: listener.name.to_string(),
            address: listener.address.clone(),
            settings: listener.settings.clone(),
            tls: certificates.acceptor(&listener.name),
            inherited,
            foreign,
        }
    });
    let (written, told) = watch::channel(());
    let plan = Plan {
        workers: workers(&settings),
        listeners: listeners.collect(),
        settings: worker_settings(&settings)?,
        reader: reader.clone(),
        clock: Arc::clone(&clock),
        strangers: strangers.clone(),
        access_log: access_log(&settings.access_log)?,
        #[cfg(feature = "otlp")]
        spans: settings.tracing.otlp.as_ref().map(|otlp| otlp.ring),
        upstreams: upstreams.clone(),
        kept: settings.process.checkpoint_file.as_ref().map(|_| told),
    };
    let mut bound = plan.bind()?;
    #[cfg(feature = "otlp")]
    let exporter =
        crate::otlp::exporter(&settings.tracing, &environment, bound.spans(), &registry)?;
    let sockets = Sockets::bind(&settings, inherited)?;
    let held = sockets.held(&settings, bound.sockets())?;
    let replaceable = settings.process.takeover_socket.is_some();
    let signals = Signals::listen(replaceable.then(|| path.to_owned()))?;

    if let Some(strangers) = strangers {
        tokio::spawn(watch_strangers(strangers, Arc::clone(&clock)));
    }
    registry.register(Box::new(bound.metrics().clone()))?;
    let explainer = Explainer::new(reader.clone(), Arc::clone(&clock), worker_settings(&settings)?);
    let writer = writer_for(writer, &bound, &settings);
    let control = match settings.control.as_ref().zip(sockets.admin.as_ref()) {
        Some((control, listener)) => Some(Control {
            parts: Parts {
                settings: at_bound_port(control, listener)?,
                clock: Arc::clone(&clock),
                reader: reader.clone(),
                key_events: SharedRings::new(bound.key_events()),
                post: Arc::new(courier(control)?),
                webhooks: WebhookMetrics::register(&registry)?,
                feed: FeedMetrics::register(&registry)?,
                signer: signer(control)?,
            },
            file: Arc::clone(&config.objects.objects),
            door: Door {
                listener: listener.try_clone()?,
                handshake: certificates.control_acceptor().map(handshake),
            },
        }),
        None => None,
    };
    let Signals { hang_up, certificates_hang_up, trust_hang_up, mut end } = signals;
    let of = (&settings, &*config.objects.objects);
    let (mut source, enforced, note) = source(writer, control, of, &clock, &registry)?;
    // Before the first meter is made.
    let quotas = settings.process.checkpoint_file.clone().map(|path| {
        let of = (path, environment.clone());
        Quotas::new(of, reader.meters(), source.counters(), Arc::clone(&clock), written)
    });
    let still = Still {
        reloader: Reloader {
            path: path.to_owned(),
            settings: settings.clone(),
            snapshots: Snapshots::Nothing,
            clock: Arc::clone(&clock),
            metrics: ReloadMetrics::register(&registry)?,
            trust,
        },
        config,
        hang_up,
        source,
        published: false,
    };
    // The first snapshot is there before the first request.
    let (open, successor, quotas) = match claimed {
        None => {
            let mut open = still.open().await?;
            let quotas = match quotas {
                Some(quotas) => Some(quotas.go_on(open.counters()?)?),
                None => None,
            };
            (open, None, quotas)
        }
        Some(mut claimed) => {
            claimed.prepared().await?;
            let mut open = still.open().await?;
            let take_over = |kept: &KeptMeters| quotas.map(|quotas| quotas.take_over(kept));
            let (successor, quotas) = claimed
                .succeed(open.counters()?, &*clock, |kept| take_over(kept).transpose())
                .await?;
            (open, Some(successor), quotas)
        }
    };
    let watching = tokio::spawn(watch_upstreams(upstreams, reader.clone(), resolver));
    announce(&settings, bound.addresses(), &sockets)?;
    let plane = bound.start()?;
    #[cfg(feature = "otlp")]
    let exporting = exporter.map(crate::otlp::Exporter::start).transpose()?;
    let meters = Arc::clone(reader.meters());
    if let Some(successor) = successor {
        tokio::spawn(successor.follow(Arc::clone(&meters)));
    }

    let draining = Arc::new(AtomicBool::new(false));
    let ops = Ops {
        registry,
        enforced,
        reader: reader.clone(),
        clock: Arc::clone(&clock),
        draining: Arc::clone(&draining),
        note,
    };
    let Sockets { ops: ops_listener, explain, takeover, .. } = sockets;
    let ops = tokio::spawn(ops.serve(TcpListener::from_std(ops_listener)?));
    let mut explaining = explain.map(|socket| Socket::new(socket).begin(Arc::new(explainer)));
    let certificates = tokio::spawn(certificates.watch(certificates_hang_up));
    let keeper = tokio::spawn(keeper.watch(trust_hang_up));
    let patience = settings.process.takeover_timeout;
    let changes = open.run()?;
    let mut standing =
        Standing::new((plane, held), environment, clock, patience, (changes, quotas));
    systemd::serving();
    let ended = stand(&mut standing, takeover.as_ref(), &mut end).await;
    draining.store(true, Relaxed);
    let taken = ended?;
    if taken.is_none() {
        systemd::stopping();
    }
    if let Some(predecessor) = taken {
        // New connections are the other process's, and so are the paths.
        ops.abort();
        standing.plane.leave();
        takeover.into_iter().for_each(|socket| socket.leave());
        explaining.take().into_iter().for_each(Explaining::leave);
        standing.follow_file().await;
        tokio::spawn(predecessor.report(meters));
    }

    // Swaps are enforced to the last request, and whoever asks is told that we are going.
    let patience = settings.process.drain_timeout;
    tracing::info!(?patience, "draining");
    let Standing { plane, held, changes, quotas, .. } = standing;
    drop(held);
    let cut = tokio::task::spawn_blocking(move || plane.drain(patience)).await??;
    #[cfg(feature = "otlp")]
    if let Some(exporting) = exporting {
        tokio::task::spawn_blocking(|| exporting.end()).await?;
    }
    if let Some(quotas) = quotas {
        quotas.end().await?;
    }
    if let Some(changes) = changes {
        changes.stop().await?;
    }
    certificates.abort();
    keeper.abort();
    watching.abort();
    ops.abort();
    if cut > 0 {
        tracing::warn!(cut, "the drain timeout has passed; requests were cut");
        return Ok(ExitCode::from(CUT));
    }
    tracing::info!("all requests have ended");
    Ok(ExitCode::SUCCESS)
}

/// What publishes to all workers.
fn writer_for(mut writer: SnapshotWriter, bound: &Bound, settings: &Settings) -> SnapshotWriter {
    writer.remember_signatures(settings.process.remembered_signatures);
    bound.mailboxes().for_each(|mailbox| writer.add_worker(mailbox));
    writer
}

fn courier(control: &config::Control) -> Result<Courier, Failure> {
    let courier = Courier::new(control.ca_file.as_deref());
    Ok(courier.map_err(|error| format!("control.webhooks.ca_file: {error}"))?)
}

/// What the section says, where proxies and programs are told the port that was bound if none was chosen.
fn at_bound_port(
    control: &config::Control,
    listener: &std::net::TcpListener,
) -> Result<ControlSettings, Failure> {
    let mut settings = control.settings.clone();
    let (bound, tls) = (listener.local_addr()?, control.tls.is_some());
    let local = Server::local(control.address, tls);
    if control.address.port() == 0 && settings.regions.public_url == local.as_str() {
        let address = SocketAddr::new(control.address.ip(), bound.port());
        settings.regions.public_url = Server::local(address, tls).as_str().to_owned();
    }
    Ok(settings)
}

/// What signs the key feed, if anything does.
fn signer(control: &config::Control) -> Result<Option<Arc<SigningKey>>, Failure> {
    let Some(path) = &control.signing_key_file else { return Ok(None) };
    let key = read_signing_key(path);
    Ok(Some(Arc::new(key.map_err(|error| format!("control.signing_key_file: {error}"))?)))
}

/// What the admin API does with a connection that is to be secure.
fn handshake(acceptor: Acceptor) -> Handshake {
    Arc::new(move |stream| {
        let acceptor = acceptor.clone();
        Box::pin(async move {
            let stream = acceptor.handshake(stream).await.map_err(|error| {
                client_refused(&error).map_or(NotSecure::Failed(error), NotSecure::Refused)
            })?;
            let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
            let certificate = certificate.map(|certificate| certificate.to_vec());
            Ok(SecureStream { stream: Box::new(stream), certificate })
        })
    })
}

#[expect(clippy::print_stdout, reason = "what listens where is the program's answer to `run`")]
pub(crate) fn announce(
    settings: &Settings,
    bound: &[(String, ListenAddress)],
    sockets: &Sockets,
) -> Result<(), Failure> {
    for (listener, (name, address)) in settings.listeners.iter().zip(bound) {
        let scheme = match (address, &listener.tls) {
            (ListenAddress::Unix { .. }, _) => "",
            (ListenAddress::Tcp(_), Some(_)) => "https://",
            (ListenAddress::Tcp(_), None) => "http://",
        };
        println!("listening on {scheme}{address} (data, listener {name})");
    }
    println!("listening on http://{} (ops)", sockets.ops.local_addr()?);
    if let Some(admin) = &sockets.admin {
        let tls = settings.control.as_ref().is_some_and(|control| control.tls.is_some());
        let scheme = if tls { "https" } else { "http" };
        println!("listening on {scheme}://{} (admin)", admin.local_addr()?);
    }
    Ok(())
}
