//! Networks of addresses.

use std::net::IpAddr;

use crate::document::kind::string;
use crate::document::{Kind, Misfit, Value};
use crate::model::Network;

/// A network in CIDR notation, written by its first address.
#[derive(Clone, Copy, Debug)]
pub struct Cidr;

impl Kind for Cidr {
    type Value = Network;

    fn expected(&self) -> String {
        "a network such as \"10.0.0.0/8\" or \"2001:db8::/32\"".to_owned()
    }

    fn read(&self, value: &Value) -> Result<Network, Misfit> {
        let text = string(value)?;
        let Some((address, prefix)) = text.split_once('/') else {
            let address: IpAddr = text.parse().map_err(|_| Misfit::plain())?;
            let bits = if address.is_ipv4() { 32 } else { 128 };
            return Err(Misfit::because(format!("did you mean \"{address}/{bits}\"?")));
        };
        let address: IpAddr = address.parse().map_err(|_| Misfit::plain())?;
        let digits = prefix.bytes().all(|byte| byte.is_ascii_digit());
        let plain = digits && (prefix == "0" || !prefix.starts_with('0'));
        let prefix = Some(prefix).filter(|_| plain).and_then(|prefix| prefix.parse().ok());
        let network = prefix.and_then(|prefix| Network::around(address, prefix));
        let network = network.ok_or_else(|| {
            let bits = if address.is_ipv4() { 32 } else { 128 };
            Misfit::because(format!("whose length is not from 0 to {bits}"))
        })?;
        // Bits behind the prefix, or an IPv4 network in the clothes of IPv6.
        if network.first() != address {
            return Err(Misfit::because(format!("did you mean \"{network}\"?")));
        }
        Ok(network)
    }

    fn show(&self, value: &Network) -> String {
        format!("\"{value}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, String> {
        let network = Cidr.read(&Value::String(text.to_owned()));
        network
            .map(|network| network.to_string())
            .map_err(|misfit| misfit.reason().unwrap_or_default().to_owned())
    }

    #[test]
    fn networks_are_read_as_they_are_meant_or_not_at_all() {
        for text in ["10.0.0.0/8", "0.0.0.0/0", "192.0.2.1/32", "::/0", "2001:db8::/32", "::1/128"]
        {
            assert_eq!(read(text).as_deref(), Ok(text));
        }
        for (wrong, reason) in [
            ("", ""),
            ("10.0.0.0", "did you mean \"10.0.0.0/32\"?"),
            ("::1", "did you mean \"::1/128\"?"),
            ("10.1.2.3/8", "did you mean \"10.0.0.0/8\"?"),
            ("2001:db8::1/32", "did you mean \"2001:db8::/32\"?"),
            ("::ffff:10.0.0.0/104", "did you mean \"10.0.0.0/8\"?"),
            ("10.0.0.0/33", "whose length is not from 0 to 32"),
            ("10.0.0.0/08", "whose length is not from 0 to 32"),
            ("10.0.0.0/+8", "whose length is not from 0 to 32"),
            ("10.0.0.0/", "whose length is not from 0 to 32"),
            ("::/129", "whose length is not from 0 to 128"),
            ("10.0.0/8", ""),
            ("010.0.0.0/8", ""),
            ("10.0.0.0/8/8", "whose length is not from 0 to 32"),
            ("fe80::1%eth0/64", ""),
            ("localhost/8", ""),
        ] {
            assert_eq!(read(wrong), Err(reason.to_owned()), "{wrong:?}");
        }
    }
}
