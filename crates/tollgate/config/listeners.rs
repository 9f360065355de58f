//! `[listeners.*]`

mod address;
mod proxies;
pub(super) mod tls;

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use tollgate_control::document::Section;
use tollgate_control::document::kind::{Integer, Name, Size, Switch, Time};
use tollgate_proxy::{ListenAddress, ListenerSettings};

pub use tls::{CertificateFiles, ClientCertificate, Tls};

const CONNECTIONS: Integer<usize> = Integer::within(1, 10_000_000);
const WAIT: Time = Time::within(Duration::from_millis(100), Duration::from_secs(24 * 60 * 60));
const HEADER_BYTES: Size = Size::within(1024, 1 << 20);
const HEADERS: Integer<usize> = Integer::within(10, 1000);
const TARGET_BYTES: Size = Size::within(64, 64 << 10);
const BODY_BYTES: Size = Size::within(0, 1 << 50);
const PER_SOURCE: Integer<u32> = Integer::within(0, 10_000_000);
const AGE: Time = Time::within(Duration::ZERO, Duration::from_secs(24 * 60 * 60));
const RATE: Size = Size::within(0, 1 << 30);
const FRAMES: Integer<u32> = Integer::within(1, 10_000_000);
const STREAMS: Integer<u32> = Integer::within(1, 10_000);

/// Where traffic comes in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// What logs and metrics call it.
    pub name: Name,
    /// Where it listens.
    pub address: ListenAddress,
    /// What it takes.
    pub settings: ListenerSettings,
    /// How it takes TLS; `None` = it is a plain one.
    pub tls: Option<Tls>,
}

/// Reads the listeners; their certificates too, where it is told the present second since 1970. `taken`
/// are the addresses of other sections.
pub(super) fn read(
    root: &mut Section,
    taken: &[(&str, SocketAddr)],
    certificates_at: Option<i64>,
) -> Vec<Listener> {
    let mut listeners: Vec<Listener> = Vec::new();
    for (name, mut section) in root.tables("listeners") {
        let Some(listener) = listener(name, &mut section, certificates_at) else { continue };
        let twin = listeners.iter().find(|other| address::meet(&other.address, &listener.address));
        let other = taken
            .iter()
            .find(|(_, address)| address::meet(&ListenAddress::Tcp(*address), &listener.address));
        if let Some(twin) = twin {
            let message = format_args!("is the address of listeners.{} too", twin.name);
            section.problem("address", message);
        } else if let Some((owner, _)) = other {
            section.problem(
                "address",
                format_args!("is the address of {owner} too, expected another"),
            );
        }
        listeners.push(listener);
    }
    // A control plane may stand alone.
    if listeners.is_empty() && !root.has("listeners") && !root.has("control") {
        root.missing("listeners", "at least one table such as [listeners.public]");
    }
    listeners
}

fn listener(name: Name, section: &mut Section, certificates_at: Option<i64>) -> Option<Listener> {
    let address = address::read(section);
    let size = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
    let settings = ListenerSettings {
        proxies: proxies::read(section, address.as_ref()),
        max_connections: section.or("max_connections", CONNECTIONS, 16_384),
        max_connections_per_source: NonZeroU32::new(section.or(
            "max_connections_per_source",
            PER_SOURCE,
            0,
        )),
        http2: section.or("http2", Switch, true),
        header_timeout: section.or("header_timeout", WAIT, Duration::from_secs(10)),
        idle_timeout: section.or("idle_timeout", WAIT, Duration::from_secs(75)),
        write_timeout: section.or("write_timeout", WAIT, Duration::from_secs(60)),
        max_age: Some(section.or("max_age", AGE, Duration::ZERO)).filter(|age| !age.is_zero()),
        max_header_bytes: size(section.or("max_header_bytes", HEADER_BYTES, 32 << 10)),
        max_headers: section.or("max_headers", HEADERS, 100),
        max_target_bytes: size(section.or("max_target_bytes", TARGET_BYTES, 8 << 10)),
        max_body_bytes: match section.or("max_body_bytes", BODY_BYTES, 0) {
            0 => u64::MAX,
            bytes => bytes,
        },
        min_body_rate: section.or("min_body_rate", RATE, 0),
        min_response_rate: section.or("min_response_rate", RATE, 240),
        max_streams: section.or("max_streams", STREAMS, 100),
        max_resets: section.or("max_resets", FRAMES, 1000),
        max_control_frames: section.or("max_control_frames", FRAMES, 10_000),
    };
    let tls = section.table("tls").map(|mut section| tls::read(&mut section, certificates_at));
    Some(Listener { name, address: address?, settings, tls })
}
