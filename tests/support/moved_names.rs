//! Names that lead to where a test says, while a gate runs: each a line of a file beside its
//! configuration, the name and its addresses.

use std::fs;
use std::io::{self, ErrorKind};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use tollgate_proxy::Resolver;

/// Knows the names of the gate with this configuration, and no others.
pub(super) fn resolver(config: &Path) -> Resolver {
    let file = beside(config);
    Resolver::by(move |name| {
        let text = fs::read_to_string(&file).unwrap_or_default();
        let mut lines = text.lines().map(str::split_whitespace);
        let mut words = lines.find(|words| words.clone().next() == Some(name));
        let words = words.as_mut().ok_or_else(|| io::Error::from(ErrorKind::NotFound))?;
        Ok(words.skip(1).map(|address| address.parse::<IpAddr>().unwrap()).collect())
    })
}

/// Has these names lead to these addresses from now on, and all others nowhere.
pub(super) fn lead(config: &Path, names: &[(&str, &[&str])]) {
    let lines = names.iter().map(|(name, addresses)| format!("{name} {}\n", addresses.join(" ")));
    let (file, new) = (beside(config), config.with_extension("new-names"));
    fs::write(&new, lines.collect::<String>()).unwrap();
    fs::rename(new, file).unwrap();
}

fn beside(config: &Path) -> PathBuf {
    config.with_extension("names")
}
