//! `tollgate login` and `tollgate logout`

use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

use console::Term;
use tollgate_control::people::Secret;
use tollgate_control::secret::read_secret;
use toml::Table;

use crate::cli::{LoginArguments, ServerArguments};
use crate::client::{self, Credentials, Failure, Logins, Wire};
use crate::output;

pub(super) fn log_in(arguments: &LoginArguments) -> ExitCode {
    perform(arguments).map_or_else(|failure| failure.end(), |()| ExitCode::SUCCESS)
}

pub(super) fn log_out(arguments: &ServerArguments) -> ExitCode {
    let ended = Logins::open().and_then(|logins| {
        let (server, ca_file) = client::place(arguments, &logins)?;
        let there = client::end(&server, ca_file)?;
        let told = if there { "logged out of" } else { "nobody was logged in at" };
        output::print(&format!("{told} {server}\n"))
    });
    ended.map_or_else(|failure| failure.end(), |()| ExitCode::SUCCESS)
}

fn perform(arguments: &LoginArguments) -> Result<(), Failure> {
    let logins = Logins::open()?;
    let (server, ca_file) = client::place(&arguments.server, &logins)?;
    // Told by an absolute path, since it is kept.
    let ca_file = ca_file.map(std::path::absolute).transpose();
    let ca_file =
        ca_file.map_err(|error| Failure::Wrong(format!("--ca-file: no such path: {error}")))?;
    let wire = Wire::new(server.clone(), ca_file.as_deref())?;
    let credentials = match &arguments.credentials {
        Some(file) => of_file(file)?,
        None => asked(server.as_str())?,
    };
    client::log_in(&wire, credentials, ca_file)?;
    output::print(&format!("logged in at {server}; kept in {}\n", logins.place()))
}

/// What a file says, in the form in which the first administrator is written.
fn of_file(file: &Path) -> Result<Credentials, Failure> {
    let text = read_secret(file)?;
    let expected = || {
        Failure::Wrong(
            "--credentials: expected username, password, client and client_secret, \
             as in the file of the first administrator"
                .to_owned(),
        )
    };
    // What the library says could repeat a password.
    let text = str::from_utf8(&text).map_err(|_| expected())?;
    let table: Table = text.parse().map_err(|_| expected())?;
    let field = |name: &str| {
        let text = table.get(name).and_then(toml::Value::as_str).filter(|text| !text.is_empty());
        text.map(str::to_owned).ok_or_else(expected)
    };
    Ok(Credentials {
        username: field("username")?,
        password: Secret::brought(field("password")?),
        client: field("client")?,
        client_secret: Secret::brought(field("client_secret")?),
    })
}

/// What somebody types on the terminal.
fn asked(server: &str) -> Result<Credentials, Failure> {
    let terminal = Term::stderr();
    if !terminal.is_term() || !std::io::stdin().is_terminal() {
        return Err(Failure::Wrong(
            "there is no terminal to ask on, expected --credentials FILE".to_owned(),
        ));
    }
    let failed =
        |error: std::io::Error| Failure::Failed(format!("the terminal cannot be read: {error}"));
    let ask = |what: &str| -> Result<String, Failure> {
        terminal.write_str(&format!("{what}: ")).map_err(failed)?;
        terminal.read_line().map_err(failed)
    };
    let ask_unseen = |what: &str| -> Result<Secret, Failure> {
        terminal.write_str(&format!("{what} (it is not shown): ")).map_err(failed)?;
        terminal.read_secure_line().map(Secret::brought).map_err(failed)
    };
    let username = ask(&format!("User name at {server}"))?;
    let password = ask_unseen("Password")?;
    let client = ask("Client [tollgate]")?;
    let client = if client.is_empty() { "tollgate".to_owned() } else { client };
    let client_secret = ask_unseen("Secret of the client")?;
    Ok(Credentials { username, password, client, client_secret })
}
