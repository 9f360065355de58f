//! A PostgreSQL server for the tests of this process, out of Debian's package.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use postgres::{Client, NoTls};

const PATIENCE: Duration = Duration::from_secs(60);

/// A server that lives as long as the process. It listens on a socket in its folder.
pub(crate) struct Server {
    folder: PathBuf,
    port: u16,
    databases: AtomicUsize,
}

impl Server {
    /// The server of this process.
    pub(crate) fn shared() -> &'static Self {
        static SERVER: OnceLock<Server> = OnceLock::new();
        SERVER.get_or_init(|| Self::start(5432, &["listen_addresses="], &[]))
    }

    /// The address of a new, empty database.
    pub(crate) fn database(&self) -> String {
        let name = format!("test{}", self.databases.fetch_add(1, Relaxed));
        let mut client = Client::connect(&self.address("postgres"), NoTls).unwrap();
        client.batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
        self.address(&name)
    }

    fn address(&self, database: &str) -> String {
        let (folder, port) = (self.folder.display(), self.port);
        format!("host={folder} port={port} user=postgres dbname={database}")
    }

    /// Starts a server with these settings, and these files in its data folder.
    pub(crate) fn start(port: u16, settings: &[&str], files: &[(&str, &str)]) -> Self {
        let folder = tempfile::Builder::new().prefix("postgres-").tempdir().unwrap().keep();
        let account = Account::of_the_server();
        account.own(&folder);
        let data = folder.join("data");
        let made = account.command("initdb").arg("-D").arg(&data).args(INITDB).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        for (name, text) in files {
            let file = data.join(name);
            fs::write(&file, text).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
            account.own(&file);
        }
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "TERM", "--", "sh", "-c", UNTIL_TOLD]).arg(&folder);
        let server = account.command("postgres");
        command.arg(server.get_program()).args(server.get_args());
        command.arg("-D").arg(&data).arg("-k").arg(&folder).args(SETTINGS);
        command.arg("-p").arg(port.to_string());
        command.args(settings.iter().flat_map(|setting| ["-c", setting]));
        command.env("LC_ALL", "C").current_dir("/");
        // It is told by the end of the thread that started it, which is that of the process.
        let log = fs::File::create(folder.join("log")).unwrap();
        thread::spawn(move || {
            let mut child = command.stdout(Stdio::null()).stderr(log).spawn().unwrap();
            child.wait()
        });
        let server = Self { folder, port, databases: AtomicUsize::new(0) };
        let began = Instant::now();
        while Client::connect(&server.address("postgres"), NoTls).is_err() {
            assert!(began.elapsed() < PATIENCE, "the server does not start");
            thread::sleep(Duration::from_millis(20));
        }
        server
    }
}

/// Runs a server until it is told to end, and removes its folder.
const UNTIL_TOLD: &str = r#""$@" & trap "kill -INT $!" TERM; wait; wait; rm -rf -- "$0""#;

const INITDB: [&str; 6] = ["-U", "postgres", "-A", "trust", "-E", "UTF8"];

/// Nothing survives a loss of power: it is gone with the test anyway.
const SETTINGS: [&str; 4] = ["-c", "fsync=off", "-c", "max_connections=200"];

/// Whom the server runs as. It refuses to run as root.
struct Account {
    root: bool,
}

impl Account {
    fn of_the_server() -> Self {
        Self { root: fs::metadata("/proc/self").unwrap().uid() == 0 }
    }

    fn own(&self, path: &Path) {
        if self.root {
            let home = fs::metadata("/var/lib/postgresql").unwrap();
            chown(path, Some(home.uid()), Some(home.gid())).unwrap();
        }
    }

    fn command(&self, program: &str) -> Command {
        let program = Path::new(PROGRAMS).join(program);
        if !self.root {
            return Command::new(program);
        }
        let mut command = Command::new("setpriv");
        command.args(["--reuid", "postgres", "--regid", "postgres", "--clear-groups", "--"]);
        command.arg(program);
        // Locales that are not installed would be an error.
        command.env("LC_ALL", "C").current_dir("/");
        command
    }
}

/// Where its programs are.
pub(crate) const PROGRAMS: &str = "/usr/lib/postgresql/15/bin";
