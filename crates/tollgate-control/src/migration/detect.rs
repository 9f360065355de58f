//! Whose document it is, by what only that gateway writes.

use super::Format;

/// So much of a document is looked at: what tells it stands early.
const LOOKED_AT: usize = 64 << 10;

/// What stands in the JSON or YAML of one gateway and of no other.
const MARKS: [(Format, &[&str]); 4] = [
    (Format::Kong, &["_format_version", "keyauth_credentials"]),
    (Format::Apisix, &["/apisix/", "key-auth"]),
    (Format::Tyk, &["\"access_rights\"", "\"quota_max\"", "\"org_id\"", "\"key_hash\""]),
    (Format::V3, &["\"apikey\"", "\"rateLimitCeiling\""]),
];

/// The format of a document; `None` if it looks like none, or like several.
pub(super) fn detect(document: &[u8]) -> Option<Format> {
    let document = document.strip_prefix(b"\xef\xbb\xbf").unwrap_or(document);
    let early = document.get(..LOOKED_AT).unwrap_or(document);
    let early = String::from_utf8_lossy(early);
    let first = early.lines().next().unwrap_or_default();
    if first.starts_with("{\"tollgate\":") {
        return Some(Format::Tollgate);
    }
    if !first.starts_with(['{', '[']) {
        let mut heads = first.split(',').map(|head| head.trim().trim_matches('"'));
        if heads.clone().count() > 1 && heads.any(|head| head.eq_ignore_ascii_case("key")) {
            return Some(Format::Aws);
        }
    }
    let has = |(_, marks): &&(Format, &[&str])| marks.iter().any(|mark| early.contains(mark));
    let mut found = MARKS.iter().filter(has).map(|(format, _)| *format);
    match (found.next(), found.next()) {
        // Kong names its plugin as APISIX does; what only Kong has decides.
        (Some(Format::Kong), Some(Format::Apisix)) if found.next().is_none() => Some(Format::Kong),
        (Some(only), None) => Some(only),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! sample {
        ($file:literal) => {
            include_bytes!(concat!("../../../../tests/migration/", $file))
        };
    }

    #[test]
    fn every_sample_tells_whose_it_is() {
        for (sample, format) in [
            (&sample!("kong.yaml")[..], Format::Kong),
            (sample!("apisix.json"), Format::Apisix),
            (sample!("apisix.yaml"), Format::Apisix),
            (sample!("aws.csv"), Format::Aws),
            (sample!("tyk.json"), Format::Tyk),
            (sample!("tyk-hashed.json"), Format::Tyk),
            (sample!("v3.json"), Format::V3),
            (sample!("tollgate.jsonl"), Format::Tollgate),
        ] {
            assert_eq!(detect(sample), Some(format));
        }
    }

    #[test]
    fn what_could_be_anything_is_not_guessed_at() {
        for text in
            ["", "[]", "{}", "a,b\n", "key\n", "[{\"apikey\": 1, \"org_id\": 2}]", "\u{ff}\0"]
        {
            assert_eq!(detect(text.as_bytes()), None, "{text}");
        }
    }
}
