//! One row of the table.

use serde::Deserialize;

use super::recorder::{Heard, Reply};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    pub(super) case: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Row {
    pub(super) name: String,
    /// Number and section.
    pub(super) rfc: String,
    /// The bytes of a client that speaks HTTP/1.1.
    pub(super) send: Option<String>,
    /// The client sends nothing after these bytes, and says so.
    #[serde(default)]
    pub(super) half_close: bool,
    /// The fields of a client that speaks HTTP/2, on stream 1.
    #[serde(default)]
    pub(super) h2: Vec<String>,
    /// The DATA frames behind them.
    #[serde(default)]
    pub(super) data: Vec<String>,
    /// The fields behind those.
    #[serde(default)]
    pub(super) trailers: Vec<String>,
    /// The last of these does not end the stream.
    #[serde(default)]
    pub(super) unended: bool,
    /// Frames as they are, in front of all that: type, flags, stream, payload.
    #[serde(default)]
    pub(super) frames: Vec<String>,
    /// What the upstream answers; absent, it tells method and target.
    reply: Option<String>,
    /// It closes the connection then.
    #[serde(default)]
    reply_closes: bool,
    /// What may be answered: statuses and the end.
    pub(super) answers: Vec<String>,
    /// What stands in the last response.
    #[serde(default)]
    says: Vec<String>,
    /// What does not.
    #[serde(default)]
    never_says: Vec<String>,
    /// All that the upstream sees.
    #[serde(default)]
    pub(super) upstream: Vec<Seen>,
}

/// A request as an upstream sees it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Seen {
    pub(super) start: String,
    #[serde(default)]
    body: String,
    /// Fields that it has, and has no second time.
    #[serde(default)]
    fields: Vec<String>,
    /// Names of fields that it has not.
    #[serde(default)]
    lacks: Vec<String>,
    /// It may also not show.
    #[serde(default)]
    pub(super) may: bool,
    /// It may show whenever it likes. Its target is no other row's.
    #[serde(default)]
    pub(super) late: bool,
    /// It may show, and never comes to its end.
    #[serde(default)]
    pub(super) aborted: bool,
}

impl Table {
    pub(super) fn read(file: &str, text: &str) -> Self {
        toml::from_str(text).unwrap_or_else(|error| panic!("{file}: {error}"))
    }
}

impl Row {
    pub(super) fn reply(&self) -> Option<Reply> {
        let bytes = unescape(self.reply.as_ref()?);
        Some(Reply { bytes, closes: self.reply_closes })
    }

    /// Holds the last response to what the row says of it.
    pub(super) fn holds_answer(&self, last: &str) -> Result<(), String> {
        let text = |words: &String| String::from_utf8_lossy(&unescape(words)).into_owned();
        let missing = self.says.iter().find(|words| !last.contains(&text(words)));
        let present = self.never_says.iter().find(|words| last.contains(&text(words)));
        match (missing, present) {
            (None, None) => Ok(()),
            (missing, present) => {
                Err(format!("missing {missing:?}, not to be there {present:?}: {last:?}"))
            }
        }
    }
}

impl Seen {
    pub(super) fn is(&self, heard: &Heard) -> Result<(), String> {
        let field = |line: &String| {
            let (name, value) = line.split_once(": ").unwrap_or((line, ""));
            heard.all(name) == [unescape(value)]
        };
        let same = self.start == heard.start
            && unescape(&self.body) == heard.body
            && self.fields.iter().all(field)
            && self.lacks.iter().all(|name| heard.all(name).is_empty());
        if same { Ok(()) } else { Err(format!("the upstream saw {heard:?}")) }
    }
}

/// The bytes that a text of the table stands for.
pub(super) fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((plain, escape)) = rest.split_once('\\') {
        bytes.extend(plain.as_bytes());
        let (mut length, kind) = (1, escape.chars().next().expect("what is escaped"));
        match kind {
            'r' => bytes.push(b'\r'),
            'n' => bytes.push(b'\n'),
            't' => bytes.push(b'\t'),
            '0' => bytes.push(0),
            '\\' => bytes.push(b'\\'),
            'x' => {
                bytes.push(u8::from_str_radix(&escape[1..3], 16).expect("two hex digits"));
                length = 3;
            }
            '{' => {
                let end = escape.find('}').expect("what closes a brace");
                bytes.extend(expand(&escape[1..end]));
                length = end + 1;
            }
            other => panic!("no escape: {other}"),
        }
        rest = &escape[length..];
    }
    bytes.extend(rest.as_bytes());
    bytes
}

fn expand(word: &str) -> Vec<u8> {
    match word.rsplit_once('*') {
        None if word == "key" => b"X-Api-Key: demo\r\n".to_vec(),
        Some((text, times)) => unescape(text).repeat(times.parse().expect("how often")),
        None => panic!("no word of the table: {word}"),
    }
}
