//! What stands in the URL of a database.

use std::net::IpAddr;

use postgres::Config;
use postgres::config::Host;

/// What the URL of a database says of how it is reached, if it is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PostgresUrl {
    /// It holds a password.
    pub password: bool,
    /// It leads nowhere but to this machine: to Unix sockets and loopback addresses.
    pub local: bool,
    /// It leads to a Unix socket, which takes no TLS.
    pub socket: bool,
}

/// What libpq reads of TLS in a URL, and the configuration says elsewhere.
const ELSEWHERE: [(&str, &str); 4] = [
    ("sslmode", "store_tls"),
    ("sslrootcert", "store_ca_file"),
    ("sslcert", "store_certificate_file"),
    ("sslkey", "store_key_file"),
];

impl PostgresUrl {
    /// Looks at a URL. `None` if it names no database.
    #[must_use]
    pub fn read(url: &str) -> Option<Self> {
        let config: Config = url.parse().ok()?;
        let socket = config.get_hosts().iter().any(|host| matches!(host, Host::Unix(_)));
        let local = config.get_hosts().iter().all(is_local)
            && config.get_hostaddrs().iter().all(IpAddr::is_loopback);
        Some(Self { password: config.get_password().is_some(), local, socket })
    }

    /// The first parameter of a URL that a field of the configuration is for, and that field.
    #[must_use]
    pub fn misplaced(url: &str) -> Option<(&'static str, &'static str)> {
        let (_, query) = url.split_once('?')?;
        let names = || query.split('&').filter_map(|pair| pair.split('=').next());
        ELSEWHERE.into_iter().find(|(parameter, _)| names().any(|name| name == *parameter))
    }
}

/// Whether a host is this machine by its very name, whatever a resolver says.
fn is_local(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            let address = name.parse::<IpAddr>();
            name == "localhost" || address.is_ok_and(|address| address.is_loopback())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_lead_elsewhere_is_not_local() {
        for (url, local) in [
            ("postgresql://t@localhost/t", true),
            ("postgresql://t@127.0.0.9,[::1]/t", true),
            ("postgresql://t@%2Frun%2Fpostgresql/t", true),
            ("postgresql://t@localhost/t?hostaddr=127.0.0.1", true),
            ("postgresql://t@db/t", false),
            ("postgresql://t@localhost,db/t", false),
            ("postgresql://t@localhost.example/t", false),
            ("postgresql://t@10.0.0.1/t", false),
            ("postgresql://t@db/t?hostaddr=127.0.0.1", false),
            ("postgresql://t@localhost/t?hostaddr=10.0.0.1", false),
        ] {
            assert_eq!(PostgresUrl::read(url).unwrap().local, local, "{url}");
        }
    }

    #[test]
    fn what_libpq_reads_of_tls_is_found_wherever_it_stands() {
        let misplaced = PostgresUrl::misplaced;
        assert_eq!(misplaced("postgresql://t@db/t?sslmode=require"), Some(ELSEWHERE[0]));
        assert_eq!(misplaced("postgresql://t@db/t?port=1&sslkey=a"), Some(ELSEWHERE[3]));
        assert_eq!(misplaced("postgresql://t@db/sslmode?options=sslmode"), None);
        assert_eq!(misplaced("postgresql://t@db/t"), None);
    }
}
