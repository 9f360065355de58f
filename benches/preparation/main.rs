//! What it costs to take a key out of a request, by the place it stands in, and to clean the head of a request of
//! what ends at a gateway.
//!
//!   cargo bench --features fuzzing --bench preparation
//!
//! Of each row the median of many rounds is told, and between which values half of them lie; the rows take
//! turns. `taken from nowhere` and the like are the same work with nothing to do. Taking includes a copy of the key.
#![expect(clippy::print_stdout, reason = "figures are its answer")]
#![expect(clippy::expect_used, reason = "a bench that fails ends")]

mod heads;
#[path = "../world/spread.rs"]
mod spread;

use std::hint::black_box;
use std::time::Instant;

use hyper::{HeaderMap, Version};
use tollgate_core::{BasicPart, CredentialPlace};
use tollgate_proxy::fuzzing::{clean_request, take_key};

use heads::{BROWSER, CURL, CURL_AUTHORIZED, CURL_BASIC, CURL_KEYED, PROXIED, head};
use spread::Spread;

/// As the gateway has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Requests that are timed together.
const BATCH: usize = 500;

const ROUNDS: usize = 400;

type Work = Box<dyn Fn(&mut HeaderMap)>;

struct Row {
    name: &'static str,
    head: HeaderMap,
    work: Work,
}

fn main() {
    let rows = rows();
    let mut rounds: Vec<Vec<f64>> = rows.iter().map(|_| Vec::new()).collect();
    for round in 0..ROUNDS + ROUNDS / 10 {
        for (row, measured) in rows.iter().zip(&mut rounds) {
            let took = row.round();
            if round >= ROUNDS / 10 {
                measured.push(took);
            }
        }
    }
    println!("{:<40} {:>8}  half of the rounds", "", "ns");
    for (row, measured) in rows.iter().zip(rounds) {
        println!("{:<40} {}", row.name, Spread::of(measured));
    }
}

impl Row {
    fn round(&self) -> f64 {
        let mut heads = vec![self.head.clone(); BATCH];
        let began = Instant::now();
        for head in &mut heads {
            (self.work)(black_box(head));
        }
        began.elapsed().as_nanos() as f64 / BATCH as f64
    }
}

fn rows() -> Vec<Row> {
    let header = || CredentialPlace::Header("x-api-key".parse().expect("a name"));
    let bearer = || CredentialPlace::Authorization("Bearer".into());
    let basic = || CredentialPlace::Basic(BasicPart::User);
    let cookie = || CredentialPlace::Cookie("key".into());
    let query = || CredentialPlace::Query("api_key".into());
    let form = || CredentialPlace::Form("api_key".into());
    let take = |name, lines, place, there| Row {
        name,
        head: head(lines),
        work: Box::new(move |head: &mut HeaderMap| {
            taken(std::slice::from_ref(&place), head, there);
        }),
    };
    let all = [header(), bearer(), basic(), cookie(), query(), form()];
    let clean = |name, lines| Row {
        name,
        head: head(lines),
        work: Box::new(|head: &mut HeaderMap| {
            let places = [CredentialPlace::Header("x-api-key".parse().expect("a name"))];
            clean_request(head, Version::HTTP_11, &places).expect("a clean head");
        }),
    };
    vec![
        take("key from a header", CURL_KEYED, header(), true),
        take("key from Authorization: Bearer", CURL_AUTHORIZED, bearer(), true),
        take("key from Authorization: Basic", CURL_BASIC, basic(), true),
        take("key from a cookie among three", BROWSER, cookie(), true),
        take("key from the query", CURL, query(), true),
        take("key from a form", CURL, form(), true),
        take("key from nowhere, header", CURL, header(), false),
        Row {
            name: "key from a header, six places",
            head: head(CURL_KEYED),
            work: Box::new(move |head| {
                let taken = take_key(black_box(&all), head, None, None, None);
                assert!(black_box(taken).is_ok());
            }),
        },
        clean("cleaned: of curl", CURL_KEYED),
        clean("cleaned: of a browser", BROWSER),
        clean("cleaned: by a proxy, with nominations", PROXIED),
    ]
}

/// Takes the key out, or sees that there is none.
fn taken(places: &[CredentialPlace], head: &mut HeaderMap, there: bool) {
    let (query, form) = match places {
        [CredentialPlace::Query(_)] => (Some("page=7&api_key=bench-key-0000007&sort=name"), None),
        [CredentialPlace::Form(_)] => {
            (None, Some(&b"page=7&api_key=bench-key-0000007&sort=name"[..]))
        }
        _ => (None, None),
    };
    let taken = take_key(black_box(places), head, query, None, form);
    assert_eq!(black_box(taken).is_ok(), there);
}
