//! What is restored from what, by the kind of the store.

use std::path::PathBuf;

use tollgate_control::plane::StorePlace;
use tollgate_control::store::PostgresUrl;

use crate::cli::RestoreArguments;

/// How a store is restored.
#[derive(Debug)]
pub(super) enum Way {
    /// A backup takes the place of a file.
    File { store: PathBuf, backup: PathBuf },
    /// A database that pg_restore has filled is reconciled with the present one, if there is one.
    Database { present: Option<StorePlace> },
}

impl Way {
    /// The way that arguments ask for, or what is wrong with them.
    pub(super) fn of(arguments: &RestoreArguments, store: &StorePlace) -> Result<Self, String> {
        let RestoreArguments { from, present, forget_present, .. } = arguments;
        match (store, from, present) {
            (StorePlace::File(_), _, Some(_)) => Err("--present: has no effect on a store in a \
                 file, which is itself the present one; expected the file of a backup"
                .to_owned()),
            (StorePlace::File(_), None, None) => Err("expected the file of a backup".to_owned()),
            (StorePlace::File(store), Some(backup), None) => {
                Ok(Self::File { store: store.clone(), backup: backup.clone() })
            }
            (StorePlace::Postgres { .. }, Some(_), _) => Err("the store is a PostgreSQL database, \
                 which pg_restore fills: found the file of a backup, expected --present URL with the \
                 database that has the history since, or --forget-present where there is none"
                .to_owned()),
            (StorePlace::Postgres { .. }, None, None) if *forget_present => {
                Ok(Self::Database { present: None })
            }
            (StorePlace::Postgres { .. }, None, None) => Err("expected --present URL with the \
                 database that has the history since the dump, or --forget-present where there is \
                 none"
                .to_owned()),
            (StorePlace::Postgres { password_file, tls, .. }, None, Some(url)) => {
                let there = present_url(url)?;
                // What leaves this machine is over TLS, whatever is not said.
                let tls = match (there.local, there.socket) {
                    (_, true) => None,
                    (true, false) => tls.clone(),
                    (false, false) => Some(tls.clone().unwrap_or_default()),
                };
                let (url, password_file) = (url.clone(), password_file.clone());
                Ok(Self::Database { present: Some(StorePlace::Postgres { url, password_file, tls }) })
            }
        }
    }
}

/// Looks at a URL, which is not repeated: it may hold a password.
fn present_url(url: &str) -> Result<PostgresUrl, String> {
    if let Some((parameter, field)) = PostgresUrl::misplaced(url) {
        return Err(format!("--present: found {parameter} in the URL, expected control.{field}"));
    }
    match PostgresUrl::read(url) {
        Some(found) if !found.password => Ok(found),
        Some(_) => Err("--present: found a URL with a password, which the list of processes \
             would show; expected a URL without one: control.store_password_file holds it"
            .to_owned()),
        None => Err("--present: found a URL that names no database, expected one such as \
             postgresql://tollgate@db.internal/tollgate"
            .to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use tollgate_control::store::PostgresTls;

    use super::*;

    fn way(store: &str, tls: Option<PostgresTls>, present: &str) -> Result<Way, String> {
        let arguments = RestoreArguments {
            file: crate::cli::FileArgument { config: PathBuf::new() },
            yes: true,
            leave_revived: Vec::new(),
            forget_present: false,
            present: Some(present.to_owned()),
            from: None,
        };
        let store = StorePlace::Postgres { url: store.to_owned(), password_file: None, tls };
        Way::of(&arguments, &store)
    }

    #[test]
    fn a_present_store_elsewhere_is_asked_over_tls() {
        let here = "postgresql://t@localhost/t";
        for (present, is_plain) in [
            ("postgresql://t@localhost/old", true),
            ("postgresql://t@%2Frun%2Fpostgresql/old", true),
            ("postgresql://t@db/old", false),
        ] {
            let Ok(Way::Database { present: Some(StorePlace::Postgres { tls, .. }) }) =
                way(here, None, present)
            else {
                panic!("{present} was not taken")
            };
            assert_eq!(tls.is_none(), is_plain, "{present}");
        }
    }

    #[test]
    fn a_url_that_is_none_is_not_repeated() {
        for present in ["postgresql://t:canary@db/t", "postgresql://t:canary@[/"] {
            let problem = way("postgresql://t@db/t", None, present).unwrap_err();
            assert!(problem.starts_with("--present: found"), "{problem}");
            assert!(!problem.contains("canary"), "{problem}");
        }
        let problem = way("postgresql://t@db/t", None, "postgresql://t@db/t?sslkey=a");
        assert!(problem.unwrap_err().contains("control.store_key_file"));
    }
}
