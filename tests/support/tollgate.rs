//! The running gate.

use std::{
    collections::BTreeMap,
    fmt::Display,
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::{Metrics, Request, moved_clock, moved_names, wait_for};

pub(crate) struct Tollgate {
    child: Child,
    /// By the names of the listeners.
    data: BTreeMap<String, SocketAddr>,
    ops: SocketAddr,
    /// Where its TOML stands; goes with it.
    folder: TempDir,
    config: PathBuf,
    log: Arc<Mutex<String>>,
}

impl Tollgate {
    /// Runs it with this TOML, until it is ready.
    pub(crate) fn start(config: &impl Display) -> Self {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("tollgate.toml"), config.to_string()).unwrap();
        Self::start_in(folder, "tollgate.toml")
    }

    /// Runs it with a file of a folder that a test has prepared, until it is ready.
    pub(crate) fn start_in(folder: TempDir, file: &str) -> Self {
        let config = folder.path().join(file);
        let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
        command.args(["run", "--config"]).arg(&config);
        Self::start_by(command, folder, config)
    }

    /// Runs it by a clock that can be moved, until it is ready.
    pub(crate) fn start_by_clock(config: &impl Display) -> Self {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("tollgate.toml"), config.to_string()).unwrap();
        Self::start_in_by_clock(folder, "tollgate.toml")
    }

    fn start_in_by_clock(folder: TempDir, file: &str) -> Self {
        let path = folder.path().join(file);
        Self::start_by(moved_clock::program(&path), folder, path)
    }

    /// Has names lead elsewhere. It has to run by a clock that can be moved.
    pub(crate) fn names_lead(&self, names: &[(&str, &[&str])]) {
        moved_names::lead(&self.config, names);
    }

    /// Moves its clock on by so many seconds.
    pub(crate) fn move_clock(&self, seconds: i64) {
        moved_clock::advance(&self.config, seconds);
    }

    fn start_by(mut command: Command, folder: TempDir, config: PathBuf) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let log = keep(child.stderr.take().unwrap());
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let Some((data, ops)) = listening(&mut lines) else {
            let code = child.wait().unwrap().code();
            panic!("it did not start ({code:?}): {}", log.lock().unwrap());
        };
        // Read on, so that a write to it never fails.
        let said = Arc::clone(&log);
        std::thread::spawn(move || lines.for_each(|line| *said.lock().unwrap() += &(line + "\n")));
        let gate = Self { child, data, ops, folder, config, log };
        wait_for("readiness", || (gate.ops_get("/readyz").send().status == 200).then_some(()));
        gate
    }

    /// Ends it at once and runs it again on the same folder.
    pub(crate) fn restart(self) -> Self {
        self.restart_after(|_| {})
    }

    /// Ends it at once, does something with its file, and runs it again on the same folder.
    pub(crate) fn restart_after(self, between: impl FnOnce(&Path)) -> Self {
        let (folder, file) = self.ended(between);
        Self::start_in(folder, &file)
    }

    /// The same, by a clock that can be moved.
    pub(crate) fn restart_by_clock_after(self, between: impl FnOnce(&Path)) -> Self {
        let (folder, file) = self.ended(between);
        Self::start_in_by_clock(folder, &file)
    }

    /// What is left of it, once something was done with its file: its folder, and the file's name.
    fn ended(mut self, between: impl FnOnce(&Path)) -> (TempDir, String) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        between(&self.config);
        let elsewhere = TempDir::new().unwrap();
        let folder = std::mem::replace(&mut self.folder, elsewhere);
        (folder, self.config.file_name().unwrap().to_str().unwrap().to_owned())
    }

    /// Runs another one on the same folder that takes its place, until that is ready.
    pub(crate) fn taken_over(&mut self) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
        command.args(["run", "--takeover", "--config"]).arg(&self.config);
        let folder = std::mem::replace(&mut self.folder, TempDir::new().unwrap());
        Self::start_by(command, folder, self.config.clone())
    }

    /// The address of the one listener.
    pub(crate) fn data(&self) -> SocketAddr {
        assert_eq!(self.data.len(), 1, "{:?}", self.data);
        *self.data.values().next().unwrap()
    }

    pub(crate) fn listener(&self, name: &str) -> SocketAddr {
        self.data[name]
    }

    pub(crate) fn ops(&self) -> SocketAddr {
        self.ops
    }

    /// Where the admin API is.
    pub(crate) fn admin(&self) -> SocketAddr {
        let said = |log: String| {
            let line = log.lines().find(|line| line.ends_with(" (admin)"))?;
            let (_, address) = line.strip_suffix(" (admin)")?.split_once("://")?;
            address.parse().ok()
        };
        wait_for("the address of the admin API", || said(self.log()))
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn config(&self) -> &Path {
        &self.config
    }

    pub(crate) fn get(&self, target: &str) -> Request {
        self.request("GET", target)
    }

    pub(crate) fn request(&self, method: &str, target: &str) -> Request {
        Request::new(self.data(), method, target)
    }

    pub(crate) fn ops_get(&self, target: &str) -> Request {
        Request::new(self.ops, "GET", target)
    }

    pub(crate) fn metrics(&self) -> Metrics {
        Metrics::new(self.ops_get("/metrics").send().admitted().text().to_owned())
    }

    /// Waits until a scrape shows it.
    pub(crate) fn wait_for(&self, what: &str, condition: impl Fn(&Metrics) -> bool) {
        wait_for(what, || condition(&self.metrics()).then_some(()));
    }

    /// Writes over the TOML, in place.
    pub(crate) fn write(&self, config: &impl Display) {
        fs::write(&self.config, config.to_string()).unwrap();
    }

    /// Writes over the TOML and waits until every worker enforces it.
    pub(crate) fn apply(&self, config: &impl Display) {
        self.enforced_after(|| self.write(config));
    }

    /// Makes a change and waits until every worker enforces it.
    pub(crate) fn enforced_after<T>(&self, change: impl FnOnce() -> T) -> T {
        let before = self.metrics().revision();
        let changed = change();
        wait_for("a new revision", || (self.metrics().revision() > before).then_some(()));
        changed
    }

    /// Writes over the TOML with what is to be refused and waits until it is.
    pub(crate) fn refuses(&self, config: &impl Display) {
        let before = self.metrics().reloads("refused");
        self.write(config);
        self.wait_for("a refused reload", |metrics| metrics.reloads("refused") > before);
    }

    /// SIGHUP, until the files have been read.
    pub(crate) fn reload(&self) {
        let reloads = |metrics: &Metrics| metrics.sum("tollgate_config_reloads_total", &[]);
        let before = reloads(&self.metrics());
        self.signal(Signal::HUP);
        self.wait_for("a reload", |metrics| reloads(metrics) > before);
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Bytes of memory that it has for itself alone, files left out.
    pub(crate) fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() << 10
    }

    /// Everything it has said so far, beside where it listens.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub(crate) fn wait_for_log(&self, words: &str) {
        wait_for(words, || self.log().contains(words).then_some(()));
    }

    /// Its exit code, once it has ended.
    pub(crate) fn exit_code(&mut self) -> i32 {
        let status = wait_for("the end of the process", || self.child.try_wait().unwrap());
        status.code().expect("an exit code")
    }
}

impl Drop for Tollgate {
    fn drop(&mut self) {
        // It may have ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The addresses of data, by listener, and of ops, which is told of last. Unix sockets have none.
fn listening(
    lines: &mut impl Iterator<Item = String>,
) -> Option<(BTreeMap<String, SocketAddr>, SocketAddr)> {
    let mut data = BTreeMap::new();
    loop {
        let line = lines.next()?;
        let Some(line) = line.strip_prefix("listening on ") else { continue };
        if line.starts_with("unix:") {
            continue;
        }
        let (_, place) = line.split_once("://")?;
        let (address, what) = place.split_once(" (")?;
        let address = address.parse().ok()?;
        match what.strip_prefix("data, listener ") {
            Some(name) => data.insert(name.trim_end_matches(')').to_owned(), address),
            None => return Some((data, address)),
        };
    }
}

fn keep(stderr: impl std::io::Read + Send + 'static) -> Arc<Mutex<String>> {
    let log = Arc::new(Mutex::new(String::new()));
    let kept = Arc::clone(&log);
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            *kept.lock().unwrap() += &(line + "\n");
        }
    });
    log
}
