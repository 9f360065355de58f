//! nginx, as an upstream that real people have.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::wait_for;

/// A running nginx, and where its files are.
pub(crate) struct Nginx {
    child: Child,
    pub(crate) port: u16,
    folder: TempDir,
}

impl Nginx {
    /// Serves `server`, the inside of a `server` block, where `PORT` stands for its port.
    pub(crate) fn start(folder: TempDir, server: &str) -> Self {
        Self::start_with(folder, "master_process off;", server)
    }

    /// The same with worker processes, which a reload replaces.
    pub(crate) fn start_with_workers(folder: TempDir, server: &str) -> Self {
        Self::start_with(folder, "user root root; worker_processes 2;", server)
    }

    fn start_with(folder: TempDir, processes: &str, server: &str) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let config = format!(
            "daemon off; {processes} pid nginx.pid; error_log stderr;\n\
             events {{}}\n\
             http {{ access_log off; client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f;\n\
             uwsgi_temp_path u; scgi_temp_path s; server {{ {} }} }}",
            server.replace("PORT", &port.to_string())
        );
        fs::write(folder.path().join("nginx.conf"), config).unwrap();
        Self { child: run(folder.path(), port), port, folder }
    }

    /// What stands in a list of targets for it.
    pub(crate) fn target(&self) -> String {
        format!("{{ url = \"http://127.0.0.1:{}\" }},", self.port)
    }

    /// Where it finds its files.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Ends it in the middle of whatever it does.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Runs it again after it was killed.
    pub(crate) fn revive(&mut self) {
        self.child = run(self.folder.path(), self.port);
    }

    /// Has new worker processes take over from the present ones.
    pub(crate) fn reload(&self) {
        kill_process(Pid::from_child(&self.child), Signal::HUP).unwrap();
    }
}

fn run(folder: &Path, port: u16) -> Child {
    let mut command = Command::new("nginx");
    command.arg("-p").arg(folder).args(["-c", "nginx.conf", "-e", "stderr"]);
    let child = command.stderr(Stdio::null()).spawn().unwrap();
    wait_for("nginx", || TcpStream::connect(("127.0.0.1", port)).ok());
    child
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // With worker processes it ends these too, if it is asked.
        kill_process(Pid::from_child(&self.child), Signal::TERM).ok();
        self.child.wait().ok();
    }
}
