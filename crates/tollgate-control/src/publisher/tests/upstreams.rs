//! Generations of upstreams: connections are kept for as long as the definition stays.

use super::fixture::Gate;

fn text(a: &str, b: &str, path: &str) -> String {
    format!(
        "[upstreams.a]\n{a}\n[upstreams.b]\n{b}\n[services.s]\nupstream = \"a\"\n\
         path = \"{path}\"\nendpoints.all = {{}}\n"
    )
}

const ONE: &str = "url = \"http://127.0.0.1:9000\"";
const TWO: &str = "url = \"http://127.0.0.1:9001\"";

fn generations(gate: &Gate) -> [u64; 2] {
    let root = gate.root();
    ["a", "b"].map(|name| {
        let upstreams = root.routes.upstreams();
        upstreams.iter().find(|upstream| &*upstream.name == name).unwrap().generation
    })
}

#[test]
fn only_a_changed_definition_is_a_new_generation() {
    let mut gate = Gate::new();
    gate.publish(&text(ONE, TWO, "/x"));
    let [a, b] = generations(&gate);
    assert_ne!(a, b);
    gate.publish(&text(ONE, TWO, "/y"));
    assert_eq!(generations(&gate), [a, b], "a service was changed");
    let patient = format!("{TWO}\nconnect_timeout = \"9s\"");
    gate.publish(&text(ONE, &patient, "/y"));
    let [a_again, patient_b] = generations(&gate);
    assert_eq!(a_again, a);
    assert!(patient_b > b);
    gate.publish(&text(ONE, TWO, "/y"));
    let [_, last_b] = generations(&gate);
    assert!(last_b > patient_b, "what was closed is not opened again");
}
