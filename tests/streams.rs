//! What is open for long: WebSockets and other upgrades, and how they end.

mod ceiling;
mod ends;
mod http2;
mod raw;
mod websocket;

use crate::support::{Config, Echo, Request, Tollgate};

/// A gate in front of a WebSocket server.
fn config(echo: &Echo) -> Config {
    Config::to(echo.address())
}

/// What opens a WebSocket with a key.
fn opening(gate: &Tollgate) -> Request {
    gate.get("/orders/socket").key("demo")
}
