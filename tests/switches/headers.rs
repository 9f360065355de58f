use super::house;
use crate::support::{Answer, Origin, Tollgate};

const DROPPED: &str = "drop_request_headers = [\"X-Internal\", \"Origin\"]\n\
                       drop_response_headers = [\"Server\", \"Set-Cookie\", \"RateLimit\"]";

#[test]
fn dropped_fields_end_here_in_any_spelling() {
    let origin = Origin::answering(|_| {
        Answer::status(200)
            .header("Server", "origin/1.0")
            .header("Set-Cookie", "a=1")
            .header("set-cookie", "b=2")
            .header("RateLimit", "\"theirs\";r=1")
            .header("X-Served-By", "origin")
            .then("ok")
    });
    let plan = "qps_limit_ceiling = 100\nrate_limit_exempt = true";
    let gate = Tollgate::start(&house(&origin, DROPPED).plan(plan));
    let request = gate
        .get("/orders")
        .key("demo")
        .header("X-Internal", "1")
        .header("x-internal", "2")
        .header("X_Internal", "3")
        .header("X-Internals", "4")
        .header("Origin", "https://example.com");
    let response = request.send().admitted();
    assert!(!response.fields.has("server") && !response.fields.has("set-cookie"));
    assert_eq!(response.header("x-served-by"), Some("origin"));
    // Ours is told after theirs was taken out.
    assert!(response.header("ratelimit").unwrap().starts_with("\"qps\""));
    let upstream = origin.request();
    for gone in ["x-internal", "x_internal", "origin"] {
        assert!(!upstream.fields.has(gone), "{gone}");
    }
    assert_eq!(upstream.header("x-internals"), Some("4"));
}

#[test]
fn fields_of_a_built_in_response_are_dropped_too() {
    let origin = Origin::start();
    let fixed = "headers = { server = \"fixed\", x-a = \"b\" }";
    let config =
        house(&origin, DROPPED).without("upstreams.demo").section("upstreams.demo.response", fixed);
    let gate = Tollgate::start(&config);
    let response = gate.get("/orders").key("demo").send().admitted();
    assert!(!response.fields.has("server"));
    assert_eq!(response.header("x-a"), Some("b"));
}
