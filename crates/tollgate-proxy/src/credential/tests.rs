use super::*;
use crate::fixture::Unprinted;
use crate::proof::Proof;

fn header(name: &'static str) -> CredentialPlace {
    CredentialPlace::Header(HeaderName::from_static(name))
}

fn places() -> Vec<CredentialPlace> {
    vec![
        header("x-api-key"),
        CredentialPlace::Authorization("Bearer".into()),
        CredentialPlace::Query("api_key".into()),
    ]
}

fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
    let field = |(name, value): &(&'static str, &str)| {
        (HeaderName::from_static(name), value.parse().unwrap())
    };
    fields.iter().map(field).collect()
}

fn taken(fields: &[(&'static str, &str)], query: Option<&str>) -> Result<String, Refusal> {
    let mut headers = headers(fields);
    let taken =
        take(&places(), Brought { headers: &mut headers, query, segment: None, form: None })?;
    let key = taken.key.ok_or(Refusal::KeyMissing)?;
    Ok(String::from_utf8(key.bytes().to_vec()).unwrap())
}

#[test]
fn a_key_is_found_in_each_place() {
    assert_eq!(taken(&[("x-api-key", "k1")], None), Ok("k1".into()));
    assert_eq!(taken(&[("authorization", "bearer   k1")], None), Ok("k1".into()));
    assert_eq!(taken(&[], Some("a=1&api_key=k1")), Ok("k1".into()));
}

#[test]
fn nothing_is_left_of_it_and_other_credentials_stay() {
    let mut headers = headers(&[
        ("x-api-key", "k1"),
        ("authorization", "Basic dXNlcg=="),
        ("authorization", "Bearer k1"),
        ("accept", "*/*"),
    ]);
    let taken = take(
        &places(),
        Brought {
            headers: &mut headers,
            query: Some("api_key=k1&a=%41"),
            segment: None,
            form: None,
        },
    )
    .unwrap();
    assert_eq!(taken.query.as_deref(), Some("a=%41"));
    let mut left: Vec<_> = headers.iter().map(|(_, value)| value.to_str().unwrap()).collect();
    left.sort_unstable();
    assert_eq!(left, ["*/*", "Basic dXNlcg=="]);
}

#[test]
fn what_cannot_be_a_key_is_refused_before_any_look_up() {
    let long = "k".repeat(256);
    for value in ["", "two words", "caf\u{e9}", &long] {
        let given = [("x-api-key", value)];
        let mut headers = HeaderMap::new();
        headers.insert("x-api-key", HeaderValue::from_bytes(given[0].1.as_bytes()).unwrap());
        let refused = take(
            &places(),
            Brought { headers: &mut headers, query: None, segment: None, form: None },
        )
        .err();
        assert_eq!(refused, Some(Refusal::KeyMalformed), "{value}");
    }
    assert_eq!(taken(&[("authorization", "Bearer")], None), Err(Refusal::KeyMalformed));
    assert_eq!(taken(&[("authorization", "Bearerk1")], None), Err(Refusal::KeyMissing));
    assert_eq!(taken(&[("x-api-key", &"k".repeat(255))], None), Ok("k".repeat(255)));
    assert_eq!(taken(&[], None), Err(Refusal::KeyMissing));
}

#[test]
fn a_segment_is_a_key_once_it_is_decoded() {
    let segment = |segment| {
        let brought = Brought { headers: &mut HeaderMap::new(), query: None, segment, form: None };
        let taken = take(&[CredentialPlace::PathSegment(1)], brought)?;
        let key = taken.key.ok_or(Refusal::KeyMissing)?;
        Ok(String::from_utf8(key.bytes().to_vec()).unwrap())
    };
    assert_eq!(segment(Some("k1")), Ok("k1".into()));
    assert_eq!(segment(Some("k%7C1+%22")), Ok("k|1+\"".into()));
    assert_eq!(segment(Some("k%20")), Err(Refusal::KeyMalformed));
    assert_eq!(segment(Some("caf%C3%A9")), Err(Refusal::KeyMalformed));
    assert_eq!(segment(None), Err(Refusal::KeyMissing));
}

#[test]
fn two_keys_are_one_too_many_unless_they_are_the_same() {
    let two = [("x-api-key", "k1"), ("x-api-key", "k2")];
    assert_eq!(taken(&two, None), Err(Refusal::KeyAmbiguous));
    assert_eq!(taken(&two[..1], Some("api_key=k2")), Err(Refusal::KeyAmbiguous));
    assert_eq!(taken(&two[..1], Some("api_key=k1")), Ok("k1".into()));
}

#[test]
fn nothing_prints_what_a_request_brings() {
    <Credential as Unprinted<_>>::silent();
    <Brought<'_, '_> as Unprinted<_>>::silent();
    <Taken<'_> as Unprinted<_>>::silent();
    <Proof<'_> as Unprinted<_>>::silent();
}
