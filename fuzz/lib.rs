//! What several targets need: requests out of text, and a naive reading of them.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use http::{HeaderMap, HeaderName, HeaderValue};
use prometheus::Registry;
use tollgate_control::document::{self, Problems};
use tollgate_control::file::read_objects;
use tollgate_control::model::Objects;
use tollgate_control::{Published, Publisher, PublisherMetrics};
use tollgate_core::{BasicPart, CredentialPlace, Routes, SnapshotReader, handoff};

/// Header fields out of lines `name: value`. Lines that are none are left out.
pub fn fields<'a>(lines: impl Iterator<Item = &'a [u8]>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in lines {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let name = HeaderName::from_bytes(&line[..colon]);
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    headers
}

/// Every kind of place.
pub fn places() -> Vec<CredentialPlace> {
    vec![
        CredentialPlace::Header(HeaderName::from_static("x-api-key")),
        CredentialPlace::Authorization("Bearer".into()),
        CredentialPlace::Query("api_key".into()),
        CredentialPlace::Basic(BasicPart::Password),
        CredentialPlace::Cookie("key".into()),
        CredentialPlace::PathSegment(1),
        CredentialPlace::Form("api_key".into()),
    ]
}

/// Percent-encodings decoded; `None` for a broken one.
pub fn decoded(text: impl AsRef<[u8]>) -> Option<Vec<u8>> {
    let mut parts = text.as_ref().split(|byte| *byte == b'%');
    let mut bytes = parts.next()?.to_vec();
    for part in parts {
        let (digits, after) = part.split_at_checked(2)?;
        let digits = std::str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'))?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend(after);
    }
    Some(bytes)
}

/// A field's name as a server sees it that takes `_` for `-`.
pub fn folded(name: &HeaderName) -> String {
    name.as_str().replace('_', "-")
}

/// All fields, in an order that is always the same.
pub fn listed(headers: &HeaderMap) -> Vec<(String, Vec<u8>)> {
    let all = headers.iter();
    let mut listed: Vec<_> =
        all.map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect();
    listed.sort();
    listed
}

/// 2026-01-01.
const NOW: u32 = 1_767_225_600;

/// Where a document is written to be read.
pub fn document_path() -> PathBuf {
    std::env::temp_dir().join(format!("tollgate-fuzz-{}.toml", std::process::id()))
}

/// The objects of a document.
///
/// # Errors
/// Its problems.
pub fn read(text: &[u8]) -> Result<Objects, Problems> {
    let path = document_path();
    fs::write(&path, text).expect("a folder that can be written to");
    let read = document::read(&path, |root| {
        ["log", "process", "ops", "control", "listeners"].iter().for_each(|section| root.ignore(section));
        read_objects(root, NOW.into()).objects
    });
    read.map(|(objects, _)| Arc::unwrap_or_clone(objects))
}

/// A publisher with the reader of what it publishes.
pub fn publisher() -> (Publisher, SnapshotReader) {
    let (writer, reader) = handoff();
    let metrics = PublisherMetrics::register(&Registry::new()).expect("a registry of its own");
    (Publisher::new(writer, 1, metrics), reader)
}

/// Publishes objects that were checked, which always succeeds.
pub fn publish(publisher: &mut Publisher, objects: &Objects) -> Published {
    publisher
        .publish(objects, None, NOW.into(), Instant::now())
        .expect("objects that were checked")
}

/// The routes of a document without problems.
pub fn routes(text: &str) -> Arc<Routes> {
    let (mut publisher, reader) = publisher();
    let objects = read(text.as_bytes()).unwrap_or_else(|problems| panic!("{problems}"));
    publish(&mut publisher, &objects);
    Arc::clone(&reader.current().expect("a snapshot").routes)
}
