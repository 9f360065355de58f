use super::{both, house};
use crate::support::{Origin, Tollgate};

#[test]
fn what_is_too_short_or_too_long_is_no_key() {
    let origin = Origin::start();
    let config = house(&origin, "min_key_length = 4\nmax_key_length = 6")
        .key("acme-2", "abc", "")
        .key("acme-3", "abcdef", "")
        .key("acme-4", "abcdefg", "");
    let gate = Tollgate::start(&config);
    for (key, fits) in [("abc", false), ("demo", true), ("abcdef", true), ("abcdefg", false)] {
        for response in both(&gate, &gate.get("/orders").key(key)) {
            if fits {
                response.admitted();
            } else {
                response.refused(401, "key_malformed");
            }
        }
    }
    gate.get("/orders").send().refused(401, "key_missing");
    gate.apply(&config.service(super::SERVICE));
    gate.get("/orders").key("abc").send().admitted();
    gate.get("/orders").key(&"k".repeat(256)).send().refused(401, "key_malformed");
}
