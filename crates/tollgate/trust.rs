//! What upstreams are spoken to with over TLS: read from its files, and read again when these change.
//!
//! A configuration that names new files is applied only once they were read, and one that is broken
//! later goes on as it was, so that it holds up no change of anything else.

use std::path::PathBuf;
use std::sync::Arc;

use prometheus::{IntCounterVec, Opts, Registry};
use rustls_native_certs::load_native_certs;
use tokio::signal::unix::Signal;
use tokio::sync::watch;
use tollgate_control::file::TlsFiles;
use tollgate_control::model::{Objects, Target};
use tollgate_control::watch::{Sight, Watched};
use tollgate_core::{ClientTls, Clock};
use tollgate_proxy::{Authorities, ClientTrust, UpstreamTls};

use crate::certificates::{Wrong, all, lapse, read_authorities, read_certificate};

/// Looks into the files that a document names.
pub(crate) struct Files<'a> {
    /// Those that are in use: they change at times of their own.
    pub(crate) known: &'a [ClientTls],
}

impl TlsFiles for Files<'_> {
    fn problems(&self, files: &ClientTls) -> Vec<(&'static str, String)> {
        if self.known.contains(files) {
            return Vec::new();
        }
        let wrongs = read(files).err().unwrap_or_default();
        wrongs.into_iter().map(|Wrong { field, message }| (field, message)).collect()
    }
}

/// Reads the files of `settings`.
fn read(settings: &ClientTls) -> Result<ClientTrust, Vec<Wrong>> {
    let authorities = match &settings.ca_file {
        Some(file) => read_authorities(file),
        None => Authorities::of_system(load_native_certs().certs).map_err(|_| {
            "this system has no certificates of authorities, expected ca_file".to_owned()
        }),
    };
    let authorities = authorities.map_err(|message| Wrong { field: "ca_file", message });
    let certificate = settings.certificate.as_ref();
    let certificate = certificate.map(|files| read_certificate(&files.certificate, &files.key));
    match (authorities, certificate.transpose()) {
        (Ok(authorities), Ok(certificate)) => Ok(ClientTrust { authorities, certificate }),
        (authorities, certificate) => {
            let mut wrongs = certificate.err().unwrap_or_default();
            wrongs.extend(authorities.err());
            Err(wrongs)
        }
    }
}

/// How the upstreams of `objects` are spoken to over TLS, each way once.
pub(crate) fn settings(objects: &Objects) -> Vec<ClientTls> {
    let mut all: Vec<ClientTls> = Vec::new();
    for upstream in objects.upstreams.values() {
        let Target::Server(server) = &upstream.target else { continue };
        for tls in server.targets.iter().filter_map(|target| target.tls.as_ref()) {
            if !all.contains(&tls.client) {
                all.push(tls.client.clone());
            }
        }
    }
    all
}

fn paths(settings: &[ClientTls]) -> Vec<PathBuf> {
    let paths = settings.iter().flat_map(|each| {
        let pair = each.certificate.iter().flat_map(|files| [&files.certificate, &files.key]);
        each.ca_file.iter().chain(pair).cloned()
    });
    paths.collect()
}

/// What upstreams are spoken to with, and where it comes from.
pub(crate) struct Trust {
    table: UpstreamTls,
    /// What was read for a configuration that is yet to be published.
    fresh: Vec<Held>,
    /// What is in use as it was read first, for whoever reads the files again.
    used: watch::Sender<Vec<Held>>,
}

/// What files held when they were read.
type Held = (ClientTls, ClientTrust);

impl Trust {
    pub(crate) fn new(table: UpstreamTls) -> Self {
        Self { table, fresh: Vec::new(), used: watch::Sender::default() }
    }

    /// What is in use now.
    pub(crate) fn used(&self) -> Vec<ClientTls> {
        self.used.borrow().iter().map(|(settings, _)| settings.clone()).collect()
    }

    /// Reads what `objects` ask for and is not in use yet. Nothing that is changes.
    ///
    /// # Errors
    /// The first file that is wrong.
    pub(crate) fn prepare(&mut self, objects: &Objects) -> Result<(), String> {
        self.fresh.clear();
        let used = self.used();
        for settings in settings(objects).into_iter().filter(|each| !used.contains(each)) {
            let trust = read(&settings).map_err(|wrongs| all(&wrongs))?;
            self.table.put(&settings, &trust).map_err(|error| error.to_string())?;
            self.fresh.push((settings, trust));
        }
        Ok(())
    }

    /// Forgets what only others than `objects`, which are published, asked for.
    pub(crate) fn settle(&mut self, objects: &Objects) {
        let now = settings(objects);
        self.table.retain(|settings| now.contains(settings));
        self.used.send_if_modified(|used| {
            let before = used.len();
            used.retain(|(settings, _)| now.contains(settings));
            let differs = used.len() < before || !self.fresh.is_empty();
            used.append(&mut self.fresh);
            differs
        });
    }

    /// What reads the files again.
    pub(crate) fn keeper(
        &self,
        registry: &Registry,
        clock: Arc<dyn Clock>,
    ) -> prometheus::Result<Keeper> {
        let reloads = IntCounterVec::new(
            Opts::new(
                "tollgate_upstream_tls_reloads_total",
                "Reads of the files that upstreams are spoken to with over TLS, by what came of them.",
            ),
            &["result"],
        )?;
        for result in ["applied", "unchanged", "refused"] {
            reloads.with_label_values(&[result]);
        }
        registry.register(Box::new(reloads.clone()))?;
        let used = self.used.subscribe();
        Ok(Keeper { table: self.table.clone(), used, held: Vec::new(), reloads, clock })
    }
}

/// Reads the files again whenever they change.
pub(crate) struct Keeper {
    table: UpstreamTls,
    used: watch::Receiver<Vec<Held>>,
    /// What was read last of each.
    held: Vec<Held>,
    reloads: IntCounterVec,
    clock: Arc<dyn Clock>,
}

impl Keeper {
    /// Reads the files again whenever they change, others are named or a hang-up asks for it, for ever.
    pub(crate) async fn watch(mut self, mut hang_up: Signal) {
        let mut seen = Sight::default();
        loop {
            let used = self.used.borrow_and_update().clone();
            self.held.retain(|(known, _)| used.iter().any(|(settings, _)| settings == known));
            for (settings, trust) in used {
                if !self.held.iter().any(|(known, _)| *known == settings) {
                    self.held.push((settings, trust));
                }
            }
            let used: Vec<_> = self.held.iter().map(|(settings, _)| settings.clone()).collect();
            let watched = Watched { files: paths(&used), folder: None };
            tokio::select! {
                _ = watched.changed(&seen), if !used.is_empty() => {}
                _ = hang_up.recv() => {}
                changed = self.used.changed() => match changed {
                    Ok(()) => continue,
                    // Nothing is applied any more.
                    Err(_) => return,
                },
            }
            // Looked at before they are read, so that a change in between is another change.
            seen = watched.look();
            self.reload(used).await;
        }
    }

    async fn reload(&mut self, used: Vec<ClientTls>) {
        let read = move || used.into_iter().map(|each| (read(&each), each)).collect::<Vec<_>>();
        // On a thread that may block.
        let read = match tokio::task::spawn_blocking(read).await {
            Ok(read) => read,
            Err(error) => {
                tracing::error!(%error, "what upstreams are spoken to with was not read");
                return;
            }
        };
        for (read, settings) in read {
            let result = self.take(&settings, read);
            self.reloads.with_label_values(&[result]).inc();
        }
    }

    /// Speaks as was read from now on, if it is right. Returns what came of it.
    fn take(
        &mut self,
        settings: &ClientTls,
        read: Result<ClientTrust, Vec<Wrong>>,
    ) -> &'static str {
        let refuse = |error: String| {
            tracing::error!(
                %error,
                "files for TLS to upstreams refused; what was read before goes on"
            );
            "refused"
        };
        let trust = match read {
            Ok(trust) => trust,
            Err(wrongs) => return refuse(all(&wrongs)),
        };
        let held = self.held.iter_mut().find(|(known, _)| known == settings);
        let Some((_, held)) = held.filter(|(_, held)| !held.is_same_as(&trust)) else {
            return "unchanged";
        };
        if let Err(error) = self.table.put(settings, &trust) {
            return refuse(error.to_string());
        }
        let now = i64::try_from(self.clock.now().unix()).unwrap_or(i64::MAX);
        if let Some(lapse) = trust.certificate.as_ref().and_then(|own| lapse(own, now)) {
            tracing::warn!("for upstreams: {lapse}");
        }
        tracing::info!("files for TLS to upstreams applied");
        *held = trust;
        "applied"
    }
}
