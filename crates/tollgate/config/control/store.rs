//! Where the control plane keeps objects, and how it gets there.

use std::path::PathBuf;

use tollgate_control::document::Section;
use tollgate_control::document::kind::{Choice, NonEmpty};
use tollgate_control::plane::StorePlace;
use tollgate_control::store::{ClientFiles, PostgresTls, PostgresUrl};

/// `sslmode` of libpq, as far as it keeps what it promises.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Disable,
    VerifyFull,
}

const MODE: Choice<Mode> =
    Choice::of(&[("disable", Mode::Disable), ("verify-full", Mode::VerifyFull)]).knowing(&[
        ("allow", "verify-full"),
        ("prefer", "verify-full"),
        ("require", "verify-full"),
        ("verify-ca", "verify-full"),
    ]);

/// What only a store on a server has.
const OF_SERVER: [&str; 5] = [
    "store_password_file",
    "store_tls",
    "store_ca_file",
    "store_certificate_file",
    "store_key_file",
];

/// What only a connection over TLS has.
const OF_TLS: [&str; 3] = ["store_ca_file", "store_certificate_file", "store_key_file"];

pub(super) fn read(section: &mut Section, check_files: bool) -> StorePlace {
    let kind = NonEmpty("the path of a file, or a postgresql:// URL");
    let place = section.or("store", kind, "tollgate.db".to_owned());
    let password = NonEmpty("the path of a file that holds the password");
    let password_file = path(section, "store_password_file", password);
    let mode = section.optional("store_tls", MODE);
    let authorities = NonEmpty("the path of a file with certificates of authorities");
    let ca_file = path(section, "store_ca_file", authorities);
    let certificate = NonEmpty("the path of a file with certificates");
    let certificate = path(section, "store_certificate_file", certificate);
    let key = path(section, "store_key_file", NonEmpty("the path of a file with a private key"));
    let scheme = ["postgresql://", "postgres://"];
    if !scheme.iter().any(|scheme| place.starts_with(scheme)) {
        for field in section.given(&OF_SERVER) {
            section.problem(field, "has no effect on a store in a file");
        }
        return StorePlace::File(section.resolve(&place));
    }
    let url = url(section, &place);
    let local = url.is_some_and(|url| url.local);
    let mode = mode.unwrap_or(if local { Mode::Disable } else { Mode::VerifyFull });
    let client = client(section, certificate, key);
    let tls = match mode {
        Mode::Disable => {
            if !section.is_misfit("store_tls") && url.is_some() {
                refuse_of_tls(section);
            }
            None
        }
        Mode::VerifyFull => Some(PostgresTls { ca_file, client }),
    };
    if tls.is_some() && url.is_some_and(|url| url.socket) {
        section.problem(
            "store",
            "found a Unix socket, over which PostgreSQL takes no TLS; expected hosts with TLS alone, \
             or store_tls = \"disable\"",
        );
    }
    if let Some(tls) = tls.as_ref().filter(|_| check_files)
        && let Err(wrong) = tls.load()
    {
        section.problem(wrong.field, wrong.message);
    }
    StorePlace::Postgres { url: place, password_file, tls }
}

fn path(section: &mut Section, field: &'static str, kind: NonEmpty) -> Option<PathBuf> {
    let file = section.optional(field, kind);
    file.map(|file| section.resolve(&file))
}

/// Looks at the URL, and says what may not stand in it.
fn url(section: &Section, place: &str) -> Option<PostgresUrl> {
    if let Some((parameter, field)) = PostgresUrl::misplaced(place) {
        let message = format_args!("found {parameter} in the URL, expected {field} beside it");
        section.problem("store", message);
        return None;
    }
    let url = PostgresUrl::read(place);
    match url {
        Some(PostgresUrl { password: false, .. }) => {}
        // What it found is not repeated: it is a password.
        Some(_) => section.problem(
            "store",
            "found a URL with a password, which this file would show to whoever reads it; \
             expected a URL without one, and store_password_file",
        ),
        None => section.problem(
            "store",
            "found a URL that names no database, expected one such as \
             \"postgresql://tollgate@db.internal/tollgate\"",
        ),
    }
    url
}

fn client(
    section: &Section,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
) -> Option<ClientFiles> {
    const PAIR: [&str; 2] = ["store_certificate_file", "store_key_file"];
    for (has, wants) in [(PAIR[0], PAIR[1]), (PAIR[1], PAIR[0])] {
        if section.has(has) && !section.has(wants) {
            section.problem(has, format_args!("has no effect without {wants}"));
        }
    }
    Some(ClientFiles { certificate: certificate?, key: key? })
}

fn refuse_of_tls(section: &Section) {
    let why = match section.has("store_tls") {
        true => "has no effect with store_tls = \"disable\"",
        false => {
            "has no effect: the host is this machine, with which no TLS is spoken unless store_tls \
             is \"verify-full\""
        }
    };
    for field in section.given(&OF_TLS) {
        section.problem(field, why);
    }
}
