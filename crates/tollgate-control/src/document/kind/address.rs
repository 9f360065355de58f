//! Socket addresses.

use std::net::SocketAddr;

use super::{Kind, Misfit, string};
use crate::document::Value;

/// An IP address with a port, such as `"127.0.0.1:8080"` or `"[::1]:8080"`. Port 0 is any free one.
#[derive(Clone, Copy, Debug)]
pub struct Address;

impl Kind for Address {
    type Value = SocketAddr;

    fn expected(&self) -> String {
        "an IP address with a port, such as \"127.0.0.1:8080\" or \"[::1]:8080\"".to_owned()
    }

    fn read(&self, value: &Value) -> Result<SocketAddr, Misfit> {
        let text = string(value)?;
        text.parse().map_err(|_| match text.rsplit_once(':') {
            Some(("", _)) => Misfit::because("which has no IP address; 0.0.0.0 is every one"),
            _ => Misfit::plain(),
        })
    }

    fn show(&self, value: &SocketAddr) -> String {
        format!("\"{value}\"")
    }
}
