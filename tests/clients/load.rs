//! h2load, of nghttp2.

use std::process::Command;

use crate::support::{Authority, Config, Origin, finish};

#[test]
fn h2load_gets_every_answer() {
    let origin = Origin::start();
    let gate = super::gate(Config::new(&origin), &Authority::new(), &["localhost"]);
    let plain = format!("http://{}/orders", gate.listener("public"));
    let secure = format!("https://localhost:{}/orders", gate.listener("secure").port());
    for (options, url) in [
        (&["-m", "10"][..], &plain),
        (&["--h1"], &plain),
        (&["-m", "10"], &secure),
        (&["--h1"], &secure),
    ] {
        let mut load = Command::new("h2load");
        load.args(["-n", "1000", "-c", "4", "-H", "X-Api-Key: demo"]).args(options).arg(url);
        let said = finish(&mut load, "").stdout;
        assert!(said.contains("1000 succeeded, 0 failed, 0 errored"), "{options:?} {url}: {said}");
        assert!(said.contains("status codes: 1000 2xx"), "{options:?} {url}: {said}");
    }
    assert_eq!(origin.requests().len(), 4000);
}
