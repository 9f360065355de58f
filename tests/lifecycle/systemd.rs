//! As a unit of systemd: with sockets that were made beforehand, and told how far it has come.

use std::fs;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::support::{Config, Connection, Finished, Http1, Origin, PATIENCE, Request, wait_for};

/// A gate that was started as systemd starts a service.
struct Unit {
    child: Child,
    told: UnixDatagram,
    folder: TempDir,
}

impl Unit {
    /// With one socket of this name, and the rest of the environment of a service.
    fn start(config: &Config, socket: impl Into<OwnedFd>, name: &str) -> Self {
        let (folder, mut command) = Self::prepare(config, socket, name);
        let path = folder.path().join("notify.sock");
        let told = UnixDatagram::bind(&path).unwrap();
        told.set_read_timeout(Some(PATIENCE)).unwrap();
        let child = command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "300000").spawn();
        Self { child: child.unwrap(), told, folder }
    }

    fn prepare(config: &Config, socket: impl Into<OwnedFd>, name: &str) -> (TempDir, Command) {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("tollgate.toml");
        fs::write(&file, config.to_string()).unwrap();
        // The descriptors of a service begin with 3.
        let script = "exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" \"$@\"";
        let mut command = Command::new("sh");
        command
            .args(["-c", script, env!("CARGO_BIN_EXE_tollgate"), "run", "--config"])
            .arg(file)
            .env("LISTEN_FDNAMES", name)
            .stdin(socket.into())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        (folder, command)
    }

    /// Hears until it is told this, and returns the whole of that.
    fn hears(&self, words: &str) -> String {
        wait_for(words, || {
            let mut room = [0; 4096];
            let length = self.told.recv(&mut room).unwrap();
            let said = String::from_utf8(room[..length].to_vec()).unwrap();
            said.contains(words).then_some(said)
        })
    }

    fn signal(pid: u32, signal: Signal) {
        kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), signal).unwrap();
    }
}

impl Drop for Unit {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn main_pid(said: &str) -> u32 {
    said.lines().find_map(|line| line.strip_prefix("MAINPID=")).unwrap().parse().unwrap()
}

#[test]
fn a_socket_that_was_made_beforehand_is_listened_on_and_every_step_is_told() {
    let origin = Origin::start();
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    // Before anybody is there to accept it.
    let mut waiting = Request::new(address, "GET", "/orders").key("demo").start();
    let mut unit = Unit::start(&Config::new(&origin), socket.try_clone().unwrap(), "public");
    waiting.read().admitted();
    assert_eq!(main_pid(&unit.hears("READY=1")), unit.child.id());
    unit.hears("WATCHDOG=1");
    Unit::signal(unit.child.id(), Signal::HUP);
    assert!(unit.hears("RELOADING=1").contains("MONOTONIC_USEC="));
    unit.hears("READY=1");
    Unit::signal(unit.child.id(), Signal::TERM);
    unit.hears("STOPPING=1");
    assert_eq!(unit.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_process_that_it_starts_takes_over_and_is_the_one_to_look_after() {
    let origin = Origin::start();
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let process = "workers = 2\ntakeover_socket = \"takeover.sock\"";
    let config = Config::new(&origin)
        .section("process", process)
        .section("listeners.public", &format!("address = \"{address}\""));
    let mut unit = Unit::start(&config, socket, "whatever");
    unit.hears("READY=1");
    let request = Request::new(address, "GET", "/orders").key("demo");
    request.send().admitted();
    Unit::signal(unit.child.id(), Signal::USR2);
    let successor = main_pid(&unit.hears("READY=1"));
    assert_ne!(successor, unit.child.id());
    assert_eq!(unit.child.wait().unwrap().code(), Some(0));
    request.send().admitted();
    Unit::signal(successor, Signal::TERM);
    unit.hears("STOPPING=1");
    assert!(unit.folder.path().exists());
}

#[test]
fn a_unix_socket_that_was_made_beforehand_is_listened_on_and_its_file_stays() {
    let (origin, folder) = (Origin::start(), TempDir::new().unwrap());
    let path = folder.path().join("data.sock");
    let socket = UnixListener::bind(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let process = "workers = 2\ntakeover_socket = \"takeover.sock\"";
    let address = format!("address = \"unix:{}\"\nsocket_mode = \"0666\"", path.display());
    let config =
        Config::new(&origin).section("process", process).section("listeners.public", &address);
    let mut unit = Unit::start(&config, socket.try_clone().unwrap(), "whatever");
    let anywhere = ([127, 0, 0, 1], 0).into();
    let request = Request::new(anywhere, "GET", "/orders").key("demo");
    let served = || {
        Http1::over(UnixStream::connect(&path).unwrap()).send(&request).admitted();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    };
    unit.hears("READY=1");
    served();
    Unit::signal(unit.child.id(), Signal::USR2);
    let successor = main_pid(&unit.hears("READY=1"));
    assert_eq!(unit.child.wait().unwrap().code(), Some(0));
    served();
    Unit::signal(successor, Signal::TERM);
    // Nobody may be there to take note of its end.
    wait_for("the end of the process", || {
        let status = fs::read_to_string(format!("/proc/{successor}/stat")).unwrap_or_default();
        (status.is_empty() || status.contains(") Z ")).then_some(())
    });
    assert!(path.exists(), "systemd goes on listening there");

    let elsewhere = Config::new(&origin);
    let (_folder, mut command) = Unit::prepare(&elsewhere, socket, "whatever");
    let finished = Finished::from(command.output().unwrap());
    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert!(finished.stderr.contains(&path.display().to_string()), "{finished:?}");
}

#[test]
fn a_socket_that_nothing_is_to_listen_on_is_an_error() {
    let origin = Origin::start();
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let (_folder, mut command) =
        Unit::prepare(&Config::new(&origin), socket.try_clone().unwrap(), "other");
    let finished = Finished::from(command.output().unwrap());
    assert_eq!(finished.code, Some(1), "{finished:?}");
    let address = socket.local_addr().unwrap().to_string();
    assert!(finished.stderr.contains(&address), "{finished:?}");
}
