//! The configuration of a process: its own settings, and the objects that it decides from.

mod access_log;
mod across;
mod control;
mod feed;
mod listeners;
mod log;
mod ops;
mod process;
mod strangers;
mod traces;

use std::path::{Path, PathBuf};

use tollgate_control::document::{Problems, Section, Warnings, read};
use tollgate_control::file::{Beside, FileObjects, OwnPepper, TlsFiles, read_objects_beside};
use tollgate_control::watch::Watched;
use tollgate_core::{ClientTls, StrangerBudget};

use crate::trust::Files;

pub use access_log::AccessLog;
pub use control::Control;
pub use feed::{ConnectUrl, Feed, Reach};
pub use listeners::{CertificateFiles, ClientCertificate, Listener, Tls};
pub use log::{Format, Log};
pub use ops::Ops;
pub use process::Process;
pub use traces::{Otlp, Tracing};

/// Everything that a file says.
#[derive(Debug)]
pub struct Config {
    /// What holds from start to end.
    pub settings: Settings,
    /// What may change while the process runs.
    pub objects: FileObjects,
}

/// What holds from a process's start to its end.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// `[log]`
    pub log: Log,
    /// `[access_log]`
    pub access_log: AccessLog,
    /// `[tracing]`
    pub tracing: Tracing,
    /// `[process]`
    pub process: Process,
    /// `[ops]`
    pub ops: Ops,
    /// `[strangers]`: what one source may fail; `None` = whatever it wants.
    pub strangers: Option<StrangerBudget>,
    /// `[control]`: the control plane, where the process is one.
    pub control: Option<Control>,
    /// `[feed]`: the control plane that feeds the process, where one does.
    pub feed: Option<Feed>,
    /// `[listeners]`
    pub listeners: Vec<Listener>,
}

impl Config {
    /// Reads a file, and none of the certificate files that it names. `now` is the present second
    /// since 1970.
    ///
    /// # Errors
    /// Every problem that the file has.
    pub fn load(path: &Path, now: i64) -> Result<(Self, Warnings), Problems> {
        read(path, |root| Self::read(root, now))
    }

    /// Reads a file as if to serve what it says: what is wrong with a certificate file is a problem,
    /// too. A [reload](Config::reload) leaves them alone: they change at times of their own, and a
    /// broken one keeps nobody from changing anything else.
    ///
    /// # Errors
    /// Every problem that there is.
    pub fn load_to_serve(path: &Path, now: i64) -> Result<(Self, Warnings), Problems> {
        read(path, |root| Self::read_all(root, now, Some(now), true, Some(&Files { known: &[] })))
    }

    /// Reads a file that has to hold the same settings as `running`: they cannot change while the
    /// process runs. Files that upstreams are spoken to with are looked into unless `trusted`
    /// names them: those are in use already.
    ///
    /// # Errors
    /// Every problem that the file has, or every section that would have to be the same.
    pub fn reload(
        path: &Path,
        now: i64,
        running: &Settings,
        trusted: &[ClientTls],
    ) -> Result<(Self, Warnings), Problems> {
        read(path, |root| {
            // What was there at the start is not made up now.
            let files = Files { known: trusted };
            let config = Self::read_all(root, now, None, false, Some(&files));
            config.settings.differences(running).for_each(|section| {
                root.problem(
                    section,
                    "has changed, expected the same as when the process started; \
                     restart it to apply, or change it back",
                );
            });
            config
        })
    }

    /// Reads the root section of a file, and no certificate.
    pub fn read(root: &mut Section, now: i64) -> Self {
        Self::read_all(root, now, None, true, None)
    }

    fn read_all(
        root: &mut Section,
        now: i64,
        certificates_at: Option<i64>,
        may_be_absent: bool,
        tls: Option<&dyn TlsFiles>,
    ) -> Self {
        let log = log::read(&mut root.table_or_empty("log"));
        let access_log = access_log::read(&mut root.table_or_empty("access_log"));
        let tracing = traces::read(&mut root.table_or_empty("tracing"));
        let feed = feed::read(root, certificates_at);
        let process = process::read(&mut root.table_or_empty("process"));
        let ops = ops::read(&mut root.table_or_empty("ops"));
        let strangers = strangers::read(&mut root.table_or_empty("strangers"));
        let control =
            root.table("control").map(|mut section| control::read(&mut section, certificates_at));
        let taken: Vec<_> = std::iter::once(("ops", ops.address))
            .chain(control.as_ref().map(|control| ("control", control.address)))
            .collect();
        let listeners = listeners::read(root, &taken, certificates_at);
        let settings = Settings {
            log,
            access_log,
            tracing,
            process,
            ops,
            strangers,
            control,
            feed,
            listeners,
        };
        let pepper = settings
            .control
            .as_ref()
            .map(|control| OwnPepper { file: &control.settings.pepper_file, may_be_absent });
        // Who serves nothing itself tells others, who have upstreams of their own.
        let elsewhere = root.has("control") && !root.has("listeners");
        let objects = read_objects_beside(root, now, Beside { pepper, tls, elsewhere });
        if root.has("feed") {
            feed::check_beside(root);
        }
        across::check(root, &settings, &objects.objects);
        Self { settings, objects }
    }

    /// The files that it was read from.
    #[must_use]
    pub fn watched(&self, path: &Path) -> Watched {
        Watched { files: vec![PathBuf::from(path)], folder: self.objects.keys_folder.clone() }
    }
}

impl Settings {
    /// The sections in which two settings differ.
    fn differences(&self, other: &Self) -> impl Iterator<Item = &'static str> {
        [
            ("log", self.log != other.log),
            ("access_log", self.access_log != other.access_log),
            ("tracing", self.tracing != other.tracing),
            ("process", self.process != other.process),
            ("ops", self.ops != other.ops),
            ("strangers", self.strangers != other.strangers),
            ("control", self.control != other.control),
            ("feed", self.feed != other.feed),
            ("listeners", self.listeners != other.listeners),
        ]
        .into_iter()
        .filter_map(|(section, differs)| differs.then_some(section))
    }
}
