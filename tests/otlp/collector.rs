//! A collector: what it gets by OTLP/HTTP, by the field numbers of opentelemetry-proto.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::SocketAddr;

use crate::protobuf::Fields;
use crate::support::{Config, Message, Origin, wait_for};

pub(crate) const SERVER: u64 = 2;
pub(crate) const CLIENT: u64 = 3;

/// A span as it was exported.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    pub(crate) trace: String,
    pub(crate) id: String,
    /// Empty = the trace begins with it.
    pub(crate) parent: String,
    pub(crate) name: String,
    pub(crate) kind: u64,
    pub(crate) begin: u64,
    pub(crate) end: u64,
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) failed: bool,
    pub(crate) flags: u64,
}

impl Span {
    fn of(fields: &Fields) -> Self {
        let status = fields.has(15).then(|| fields.message(15).number(3));
        assert!(matches!(status, None | Some(2)), "{status:?}");
        Self {
            trace: hex(fields.bytes(1)),
            id: hex(fields.bytes(2)),
            parent: hex(fields.bytes(4)),
            name: fields.text(5),
            kind: fields.number(6),
            begin: fields.number(7),
            end: fields.number(8),
            attributes: attributes(&fields.messages(9)),
            failed: status.is_some(),
            flags: fields.number(16),
        }
    }

    pub(crate) fn get(&self, attribute: &str) -> Option<&str> {
        self.attributes.get(attribute).map(String::as_str)
    }

    /// Fails unless it says all of this.
    pub(crate) fn says(&self, attributes: &[(&str, &str)]) {
        for (name, value) in attributes {
            assert_eq!(self.get(name), Some(*value), "{name} of {self:?}");
        }
    }
}

/// A gate that exports to a collector, with what else is said of that.
pub(crate) fn house(config: Config, collector: &Origin, otlp: &str) -> Config {
    house_at(config, collector.address(), otlp)
}

/// The same with a collector at this address.
pub(crate) fn house_at(config: Config, collector: SocketAddr, otlp: &str) -> Config {
    let endpoint = format!("endpoint = \"http://{collector}\"\n{otlp}");
    config
        .section("tracing", "enabled = true\ntrust_parent = \"all\"")
        .section("tracing.otlp", &endpoint)
}

/// The spans of a message.
pub(crate) fn spans_of(message: &Message) -> Vec<Span> {
    assert_eq!((message.method(), message.target()), ("POST", "/v1/traces"));
    assert_eq!(message.header("content-type"), Some("application/x-protobuf"));
    let mut spans = Vec::new();
    for process in Fields::read(&message.body).messages(1) {
        for scope in process.messages(2) {
            assert_eq!(scope.message(1).text(1), "tollgate");
            spans.extend(scope.messages(2).iter().map(Span::of));
        }
    }
    spans
}

/// What the process says of itself.
pub(crate) fn resource(message: &Message) -> BTreeMap<String, String> {
    attributes(&Fields::read(&message.body).message(1).message(1).messages(1))
}

/// All spans so far.
pub(crate) fn spans(collector: &Origin) -> Vec<Span> {
    collector.requests().iter().flat_map(spans_of).collect()
}

/// Waits until there are so many, and no more.
pub(crate) fn wait_for_spans(collector: &Origin, count: usize) -> Vec<Span> {
    let found = wait_for("spans", || Some(spans(collector)).filter(|spans| spans.len() >= count));
    assert_eq!(found.len(), count, "{found:?}");
    found
}

/// Those that are no attempts.
pub(crate) fn requests(spans: &[Span]) -> Vec<&Span> {
    spans.iter().filter(|span| span.kind == SERVER).collect()
}

fn attributes(fields: &[Fields]) -> BTreeMap<String, String> {
    let attribute = |field: &Fields| {
        let value = field.message(2);
        let value = if value.has(3) { value.number(3).to_string() } else { value.text(1) };
        (field.text(1), value)
    };
    let all: BTreeMap<_, _> = fields.iter().map(attribute).collect();
    assert_eq!(all.len(), fields.len(), "no attribute is there twice");
    all
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}
