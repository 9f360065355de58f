use http::HeaderValue;
use proptest::prelude::*;

use super::*;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

fn headers(fields: &[(&HeaderName, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    headers
}

fn tracer(sample_one_in: u64) -> Tracer {
    Tracer::new(TraceSettings { trust: Trust::All, sample_one_in })
}

fn told(trace: &Trace, headers: &mut HeaderMap) -> String {
    trace.tell(headers, &mut Arena::default());
    assert_eq!(headers.get_all(PARENT).iter().count(), 1);
    headers[PARENT].to_str().unwrap().to_owned()
}

#[test]
fn a_parent_is_read_strictly() {
    let parse = |value: &str| Parent::parse(value.as_bytes());
    let parent = Parent {
        trace: u128::from_str_radix(TRACE, 16).unwrap(),
        id: u64::from_str_radix(SPAN, 16).unwrap(),
        flags: 1,
    };
    for right in [
        format!("00-{TRACE}-{SPAN}-01"),
        // Later versions may say more.
        format!("01-{TRACE}-{SPAN}-01"),
        format!("cc-{TRACE}-{SPAN}-01-what-the-future-holds"),
        format!("fe-{TRACE}-{SPAN}-01-"),
    ] {
        assert_eq!(parse(&right), Some(parent), "{right}");
    }
    let zeros = "0".repeat(32);
    let capitals = TRACE.to_uppercase();
    for wrong in [
        String::new(),
        "00".to_owned(),
        format!("00-{TRACE}-{SPAN}"),
        format!("00-{TRACE}-{SPAN}-"),
        format!("00-{TRACE}-{SPAN}-0"),
        format!("00-{TRACE}-{SPAN}-011"),
        format!("00-{TRACE}-{SPAN}-01-"),
        format!("00-{TRACE}-{SPAN}-01-more"),
        format!("cc-{TRACE}-{SPAN}-01.more"),
        format!("cc-{TRACE}-{SPAN}-011"),
        format!("ff-{TRACE}-{SPAN}-01"),
        format!("0-{TRACE}-{SPAN}-01"),
        format!("0g-{TRACE}-{SPAN}-01"),
        format!("00-{capitals}-{SPAN}-01"),
        format!("00-{TRACE}-{}-01", SPAN.to_uppercase()),
        format!("00-{TRACE}-{SPAN}-0A"),
        format!("00-{zeros}-{SPAN}-01"),
        format!("00-{TRACE}-{}-01", &zeros[..16]),
        format!("00-{}-{SPAN}-01", &TRACE[1..]),
        format!("00-{TRACE}0-{SPAN}-01"),
        format!("00-{SPAN}-{TRACE}-01"),
        format!("00_{TRACE}_{SPAN}_01"),
        format!("00-{TRACE}-{SPAN}-01,00-{TRACE}-{SPAN}-01"),
        format!("00-{}+-{SPAN}-01", &TRACE[1..]),
    ] {
        assert_eq!(parse(&wrong), None, "{wrong}");
    }
}

#[test]
fn a_trace_goes_on_with_another_span_and_what_was_noted_of_it() {
    let value = format!("00-{TRACE}-{SPAN}-ff");
    let mut fields = headers(&[(&PARENT, &value), (&STATE, "congo=t61"), (&STATE, "rojo=00f")]);
    let trace = tracer(0).trace(&fields, true);
    assert_eq!(trace.span.parent, u64::from_str_radix(SPAN, 16).ok());
    // Flags that are not known go no further.
    let expected = format!("00-{TRACE}-{:016x}-03", trace.span.id);
    assert_eq!(told(&trace, &mut fields), expected);
    assert_ne!(Some(trace.span.id), trace.span.parent);
    let state: Vec<_> = fields.get_all(STATE).iter().collect();
    assert_eq!(state, ["congo=t61", "rojo=00f"]);
}

#[test]
fn what_cannot_be_read_or_trusted_begins_a_new_trace_without_notes() {
    let good = format!("00-{TRACE}-{SPAN}-01");
    let other = format!("00-{TRACE}-{SPAN}-00");
    for (fields, trusted) in [
        (&[(&PARENT, &*good), (&STATE, "congo=t61")][..], false),
        (&[(&PARENT, &*good), (&PARENT, &*good), (&STATE, "congo=t61")], true),
        (&[(&PARENT, &*good), (&PARENT, &*other), (&STATE, "congo=t61")], true),
        (&[(&PARENT, "00-nonsense"), (&STATE, "congo=t61")], true),
        (&[(&STATE, "congo=t61")], true),
        (&[], true),
    ] {
        let mut fields = headers(fields);
        let trace = tracer(1).trace(&fields, trusted);
        let expected = format!("00-{:032x}-{:016x}-03", trace.span.trace, trace.span.id);
        assert_eq!(told(&trace, &mut fields), expected);
        assert!(
            trace.span.parent.is_none() && !expected.contains(TRACE) && !expected.contains(SPAN)
        );
        assert!(!fields.contains_key(STATE));
    }
}

#[test]
fn notes_that_cannot_be_read_are_dropped_and_the_trace_goes_on() {
    let parent = format!("00-{TRACE}-{SPAN}-01");
    let mut fields = headers(&[(&PARENT, &parent), (&STATE, "congo=t61"), (&STATE, "congo=t62")]);
    let trace = tracer(1).trace(&fields, true);
    assert!(told(&trace, &mut fields).starts_with(&format!("00-{TRACE}-")));
    assert!(!fields.contains_key(STATE));
}

#[test]
fn notes_are_members_with_keys_of_their_own() {
    let valid = |state: &str| is_valid_state(&headers(&[(&STATE, state)]));
    let many = |count: usize| (0..count).map(|n| format!("k{n}=v")).collect::<Vec<_>>().join(",");
    let long = "x".repeat(256);
    for right in [
        "",
        " ",
        ",",
        "a=1",
        "a=1,b=2",
        "a=1 , \tb=2\t,,",
        "1a-b_c*d/e@f=1",
        "tenant@system=!#$%&'()*+-./:;<>?@[]^_`{|}~ x",
        &format!("{long}={long}"),
        &many(32),
    ] {
        assert!(valid(right), "{right}");
    }
    for wrong in [
        "a",
        "a=",
        "=1",
        "A=1",
        "@a=1",
        "_a=1",
        "a b=1",
        "a =1",
        "a=b=c",
        "a=\u{e9}",
        "a=1,a=2",
        "a=1;b=2=3",
        &format!("{long}x=1"),
        &format!("a={long}x"),
        &many(33),
    ] {
        assert!(!valid(wrong), "{wrong}");
    }
}

#[test]
fn a_share_of_new_traces_is_sampled_and_all_others_as_their_parents_are() {
    let sampled = |one_in: u64| {
        let tracer = tracer(one_in);
        let sampled = |_: &i32| tracer.trace(&HeaderMap::new(), true).span.flags & SAMPLED != 0;
        (0..10_000).filter(sampled).count()
    };
    assert_eq!((sampled(0), sampled(1)), (0, 10_000));
    // 2,500 are due; the standard deviation is 43.
    assert!((2200..2800).contains(&sampled(4)), "{}", sampled(4));
    assert!(sampled(u64::MAX) < 3);
    for (flags, one_in) in [("00", 1), ("01", 0)] {
        let fields = headers(&[(&PARENT, &format!("00-{TRACE}-{SPAN}-{flags}"))]);
        let span = tracer(one_in).trace(&fields, true).span;
        assert_eq!(format!("{:02x}", span.flags), flags);
    }
}

#[test]
fn ids_differ() {
    let ids = [SpanIds::new(), SpanIds::new()];
    let drawn: std::collections::HashSet<_> =
        (0..1000).flat_map(|_| ids.each_ref().map(|ids| ids.trace())).collect();
    assert_eq!(drawn.len(), 2000);
}

proptest! {
    #[test]
    fn what_is_written_is_read(trace in 1_u128.., id in 1_u64.., flags: u8) {
        let mut written = bytes::BytesMut::new();
        parent::write(trace, id, flags, &mut written);
        prop_assert_eq!(Parent::parse(&written), Some(Parent { trace, id, flags }));
    }

    #[test]
    fn whatever_comes_is_read_without_a_panic(value: Vec<u8>) {
        let _ = Parent::parse(&value);
        if let Ok(value) = HeaderValue::from_bytes(&value) {
            let mut fields = HeaderMap::new();
            fields.insert(STATE, value);
            let _ = is_valid_state(&fields);
        }
    }
}
