//! `[process]`

use std::path::PathBuf;
use std::time::Duration;

use tollgate_control::document::Section;
use tollgate_control::document::kind::{Choice, Integer, NonEmpty, Switch, Text, Time};
use tollgate_control::file::ERROR_DIALECT;
use tollgate_core::ErrorDialect;
use tollgate_proxy::OnKeyDead;

use super::ops::socket;

const WORKERS: Integer<usize> = Integer::within(0, 1024);
const SIGNATURES: Integer<usize> = Integer::within(1024, 1 << 30);
const IDLE_ROOM: Integer<u64> = Integer::within(0, 1 << 40);
const DRAIN: Time = Time::within(Duration::ZERO, Duration::from_secs(24 * 60 * 60));
const TAKEOVER: Time = Time::within(Duration::from_secs(1), Duration::from_secs(60 * 60));
const ON_KEY_DEAD: Choice<OnKeyDead> =
    Choice::of(&[("cut", OnKeyDead::Cut), ("finish", OnKeyDead::Finish)]);

/// How the process works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Threads that carry traffic; 0 = one for each CPU.
    pub workers: usize,
    /// How long open requests may take to end after SIGTERM.
    pub drain_timeout: Duration,
    /// What becomes of the open requests of a key that died.
    pub on_key_dead: OnKeyDead,
    /// The pseudonym in `Via`; empty = no such field.
    pub via: String,
    /// How refusals are worded where no service is known.
    pub error_dialect: ErrorDialect,
    /// How many signatures are remembered so that none is accepted twice.
    pub remembered_signatures: usize,
    /// The name in `X-Mashery-Responder`; empty = no such field.
    pub responder: String,
    /// Where a process that is to take over from this one asks; `None` = nowhere.
    pub takeover_socket: Option<PathBuf>,
    /// How long either waits for the other's next step.
    pub takeover_timeout: Duration,
    /// Where quotas are kept beyond the process; `None` = nowhere.
    pub checkpoint_file: Option<PathBuf>,
    /// Bytes that connections of HTTP/2 may hold in all for what they have once needed, beyond what every connection and
    /// each open body may.
    pub idle_room_bytes: u64,
    /// Whether the kernel may use huge pages.
    pub huge_pages: bool,
}

pub(super) fn read(section: &mut Section) -> Process {
    let via = section.or("via", Text, "tollgate".to_owned());
    // RFC 9110 §7.6.3: a pseudonym is a token.
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if !via.bytes().all(token) {
        section
            .problem("via", "cannot stand in a Via field, expected a name without spaces, or \"\"");
    }
    let responder = section.or("responder", Text, "tollgate".to_owned());
    if !responder.bytes().all(|byte| byte.is_ascii_graphic()) {
        section.problem(
            "responder",
            "cannot stand in a header field, expected a name without spaces, or \"\"",
        );
    }
    let checkpoint_file = section.optional("checkpoint_file", NonEmpty("the path of a file"));
    let checkpoint_file = checkpoint_file.map(|file| section.resolve(&file));
    Process {
        workers: section.or("workers", WORKERS, 0),
        drain_timeout: section.or("drain_timeout", DRAIN, Duration::from_secs(30)),
        on_key_dead: section.or("on_key_dead", ON_KEY_DEAD, OnKeyDead::Cut),
        via,
        error_dialect: section.or("error_dialect", ERROR_DIALECT, ErrorDialect::Problem),
        remembered_signatures: section.or("remembered_signatures", SIGNATURES, 1 << 21),
        responder,
        takeover_socket: socket(section, "takeover_socket"),
        takeover_timeout: section.or("takeover_timeout", TAKEOVER, Duration::from_secs(120)),
        checkpoint_file,
        idle_room_bytes: section.or("idle_room_bytes", IDLE_ROOM, 64 << 20),
        huge_pages: section.or("huge_pages", Switch, false),
    }
}
