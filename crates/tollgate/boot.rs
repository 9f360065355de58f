//! What a process is made of, and how it starts and ends.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use hyper::header::HeaderValue;
use prometheus::Registry;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tollgate_control::admin::{Admin, Ending, Handshake, Stream};
use tollgate_control::document::Warnings;
use tollgate_control::webhooks::WebhookMetrics;
use tollgate_control::{Publisher, PublisherMetrics};
use tollgate_core::{Clock, Strangers, handoff};
use tollgate_proxy::explain::Explainer;
use tollgate_proxy::{
    Acceptor, AccessLog, DataPlane, Listener, Plan, Upstreams, WorkerSettings, watch_strangers,
};

use crate::certificates::Certificates;
use crate::commands::CUT;
use crate::config::{self, Config, Settings};
use crate::control::{self, Started};
use crate::explain::Socket;
use crate::ops::Ops;
use crate::post::Courier;
use crate::reload::{ReloadMetrics, Reloader, Snapshots, log_warnings};
use crate::trust::Trust;

pub(crate) type Failure = Box<dyn std::error::Error>;

/// How often the workers are looked at.
const HEALTH_LOOK: Duration = Duration::from_secs(1);

/// Serves until told to end.
///
/// # Errors
/// Whatever kept the process from starting, or ended it before its time.
pub(crate) fn run(
    path: &Path,
    config: Config,
    warnings: &Warnings,
    clock: Arc<dyn Clock>,
) -> Result<ExitCode, Failure> {
    crate::telemetry::init(&config.settings.log);
    log_warnings(warnings);
    if let Some(fresh) = &config.objects.fresh_pepper {
        let file = fresh.keep().map_err(|error| format!("control.pepper_file: {error}"))?;
        tracing::info!(file = %file.display(), "made a pepper; keep a copy of it");
    }
    // The control runtime: reloads, ops and signals, apart from every data worker.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(serve(path, config, clock))
}

async fn serve(path: &Path, config: Config, clock: Arc<dyn Clock>) -> Result<ExitCode, Failure> {
    let settings = config.settings.clone();
    let registry = Registry::new();
    let (mut writer, reader) = handoff();

    let strangers = settings.strangers.map(|budget| Arc::new(Strangers::new(budget)));
    let certificates = Certificates::load(&settings, &registry, Arc::clone(&clock))?;

    let upstreams = Upstreams::default();
    let mut trust = Trust::new(upstreams.tls().clone());
    trust.prepare(&config.objects.objects)?;
    trust.settle(&config.objects.objects);
    let keeper = trust.keeper(&registry, Arc::clone(&clock))?;

    // Every address is taken before anything starts.
    let plan = Plan {
        workers: workers(&settings),
        listeners: settings
            .listeners
            .iter()
            .map(|listener| Listener {
                name: listener.name.to_string(),
                address: listener.address,
                settings: listener.settings.clone(),
                tls: certificates.acceptor(&listener.name),
            })
            .collect(),
        settings: worker_settings(&settings)?,
        reader: reader.clone(),
        clock: Arc::clone(&clock),
        strangers: strangers.clone(),
        access_log: access_log(&settings.access_log)?,
        upstreams: upstreams.clone(),
    };
    let mut bound = plan.bind()?;
    let ops_address = settings.ops.address;
    let ops_listener = TcpListener::bind(ops_address)
        .await
        .map_err(|error| format!("cannot listen on {ops_address}: {error}"))?;
    let admin_listener = match &settings.control {
        Some(control) => Some(
            TcpListener::bind(control.address)
                .await
                .map_err(|error| format!("cannot listen on {}: {error}", control.address))?,
        ),
        None => None,
    };
    let explaining = explain_socket(&settings)?;
    let signals = Signals::listen()?;

    if let Some(strangers) = strangers {
        tokio::spawn(watch_strangers(strangers, Arc::clone(&clock)));
    }

    // The first snapshot is there before the first request.
    registry.register(Box::new(bound.metrics().clone()))?;
    writer.remember_signatures(settings.process.remembered_signatures);
    bound.mailboxes().for_each(|mailbox| writer.add_worker(mailbox));
    let epoch = clock.now().unix_ms;
    let publisher = Publisher::new(writer, epoch, PublisherMetrics::register(&registry)?);
    let metrics = ReloadMetrics::register(&registry)?;
    let path = path.to_owned();
    let explainer = Explainer::new(reader.clone(), Arc::clone(&clock), worker_settings(&settings)?);
    let enforced = publisher.enforced();
    let (admin, snapshots) = match settings.control.clone().zip(admin_listener) {
        Some((control, listener)) => {
            let file = Arc::clone(&config.objects.objects);
            let courier = Courier::new(control.ca_file.as_deref());
            let courier = courier.map_err(|error| format!("control.webhooks.ca_file: {error}"))?;
            let parts = control::Parts {
                publisher,
                file,
                clock: Arc::clone(&clock),
                reader,
                key_events: bound.key_events(),
                post: Arc::new(courier),
                webhooks: WebhookMetrics::register(&registry)?,
            };
            let started = control::start(control.settings, parts).await?;
            let Started { plane, reloads, again } = started;
            let handshake = certificates.control_acceptor().map(handshake);
            let admin = Admin::new(plane, listener, handshake);
            (Some(admin), Snapshots::OfFileAndStore(reloads, again))
        }
        None => (None, Snapshots::OfFile(Box::new(publisher))),
    };
    let mut reloader =
        Reloader { path, settings: settings.clone(), snapshots, clock, metrics, trust };
    match &admin {
        Some(_) => reloader.note_start(),
        None if reloader.apply(&config, Instant::now()).await => {}
        None => return Err("the configuration cannot be published".into()),
    }
    announce(&settings, bound.addresses(), &ops_listener, admin.as_ref())?;
    let plane = bound.start()?;

    let draining = Arc::new(AtomicBool::new(false));
    let ops = Ops { registry, enforced, draining: Arc::clone(&draining) };
    let ops = tokio::spawn(ops.serve(ops_listener));
    let ending = Ending::new();
    let admin = admin.map(|admin| tokio::spawn(admin.serve(ending.clone())));
    let Signals { hang_up, certificates_hang_up, trust_hang_up, end } = signals;
    let explaining = explaining.map(|socket| tokio::spawn(socket.serve(Arc::new(explainer))));
    let reloads = tokio::spawn(reloader.watch(config, hang_up));
    let certificates = tokio::spawn(certificates.watch(certificates_hang_up));
    let keeper = tokio::spawn(keeper.watch(trust_hang_up));
    let ended = end.wait(&plane).await;
    draining.store(true, Relaxed);
    ended?;

    // Swaps are enforced to the last request, and whoever asks is told that we are going.
    let patience = settings.process.drain_timeout;
    tracing::info!(?patience, "draining");
    let cut = tokio::task::spawn_blocking(move || plane.drain(patience)).await??;
    ending.end();
    if let Some(admin) = admin {
        admin.await?;
    }
    reloads.abort();
    certificates.abort();
    keeper.abort();
    ops.abort();
    if let Some(explaining) = explaining {
        explaining.abort();
    }
    if cut > 0 {
        tracing::warn!(cut, "the drain timeout has passed; requests were cut");
        return Ok(ExitCode::from(CUT));
    }
    tracing::info!("all requests have ended");
    Ok(ExitCode::SUCCESS)
}

/// What holds for every request.
pub(crate) fn worker_settings(settings: &Settings) -> Result<WorkerSettings, Failure> {
    Ok(WorkerSettings {
        via: via(settings)?,
        on_key_dead: settings.process.on_key_dead,
        error_dialect: settings.process.error_dialect,
        responder: responder(settings)?,
    })
}

fn explain_socket(settings: &Settings) -> Result<Option<Socket>, Failure> {
    let Some(path) = &settings.ops.explain_socket else { return Ok(None) };
    match Socket::bind(path) {
        Ok(socket) => Ok(Some(socket)),
        Err(error) => Err(format!("ops.explain_socket cannot be made: {error}").into()),
    }
}

/// What the admin API does with a connection that is to be secure.
fn handshake(acceptor: Acceptor) -> Handshake {
    Arc::new(move |stream| {
        let acceptor = acceptor.clone();
        Box::pin(async move {
            let stream = acceptor.handshake(stream).await?;
            Ok(Box::new(stream) as Box<dyn Stream>)
        })
    })
}

fn workers(settings: &Settings) -> usize {
    match settings.process.workers {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        workers => workers,
    }
}

fn access_log(settings: &config::AccessLog) -> Result<Option<AccessLog>, Failure> {
    let Some(path) = settings.path.clone() else { return Ok(None) };
    match AccessLog::open(path, settings.ring) {
        Ok(log) => Ok(Some(log)),
        Err(error) => Err(format!("access_log.path cannot be written to: {error}").into()),
    }
}

fn via(settings: &Settings) -> Result<Option<HeaderValue>, Failure> {
    let pseudonym = &settings.process.via;
    if pseudonym.is_empty() {
        return Ok(None);
    }
    Ok(Some(HeaderValue::try_from(format!("1.1 {pseudonym}"))?))
}

fn responder(settings: &Settings) -> Result<Option<HeaderValue>, Failure> {
    let name = Some(&settings.process.responder).filter(|name| !name.is_empty());
    Ok(name.map(|name| HeaderValue::from_str(name)).transpose()?)
}

#[expect(clippy::print_stdout, reason = "what listens where is the program's answer to `run`")]
fn announce(
    settings: &Settings,
    bound: &[(String, std::net::SocketAddr)],
    ops: &TcpListener,
    admin: Option<&Admin>,
) -> Result<(), Failure> {
    for (listener, (name, address)) in settings.listeners.iter().zip(bound) {
        let scheme = if listener.tls.is_some() { "https" } else { "http" };
        println!("listening on {scheme}://{address} (data, listener {name})");
    }
    println!("listening on http://{} (ops)", ops.local_addr()?);
    if let Some(admin) = admin {
        let tls = settings.control.as_ref().is_some_and(|control| control.tls.is_some());
        let scheme = if tls { "https" } else { "http" };
        println!("listening on {scheme}://{} (admin)", admin.address()?);
    }
    Ok(())
}

struct Signals {
    hang_up: Signal,
    /// The same signal, told to others.
    certificates_hang_up: Signal,
    trust_hang_up: Signal,
    end: End,
}

/// What ends a process.
struct End {
    terminate: Signal,
    interrupt: Signal,
    /// Ends nothing: the access log is opened again.
    user1: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
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
    async fn wait(mut self, plane: &DataPlane) -> Result<(), Failure> {
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
}
