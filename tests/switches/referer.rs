use super::{both, house};
use crate::support::{Origin, Tollgate};

const REFERERS: &str = "allowed_referers = [\"https://example.com\", \"https://*.example.org\"]";

#[test]
fn a_page_is_known_by_its_referer_or_else_by_its_origin() {
    let origin = Origin::start();
    let gate = Tollgate::start(&house(&origin, REFERERS));
    let request = gate.get("/orders").key("demo");
    for (field, value, expected) in [
        ("Referer", "https://example.com/cart?a=b", true),
        ("Referer", "https://shop.example.org", true),
        ("Origin", "https://example.com", true),
        ("Referer", "https://example.com.evil.org/", false),
        ("Referer", "https://evil.org/?https://example.com/", false),
        ("Referer", "https://example.com@evil.org/", false),
        ("Referer", "http://example.com/", false),
        ("Origin", "https://evil.org", false),
        ("Origin", "null", false),
        ("X-Other", "https://example.com", false),
    ] {
        for response in both(&gate, &request.clone().header(field, value)) {
            if expected {
                response.admitted();
            } else {
                response.refused(403, "referer_not_allowed");
            }
        }
    }
    assert_eq!(origin.requests().len(), 6);
}

#[test]
fn it_is_asked_for_before_the_key_is() {
    let origin = Origin::start();
    let gate = Tollgate::start(&house(&origin, REFERERS));
    gate.get("/orders").send().refused(403, "referer_not_allowed");
    gate.get("/orders").key("unheard-of").send().refused(403, "referer_not_allowed");
    let page = gate.get("/orders").header("Referer", "https://example.com/");
    page.send().refused(401, "key_missing");
}
