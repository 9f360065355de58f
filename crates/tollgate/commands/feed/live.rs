//! `tollgate feed tail URL`

use std::path::PathBuf;

use tollgate_feed::receive::At;

use super::{Failure, TailArguments, pieces, text};
use crate::config::{ConnectUrl, Reach};
use crate::feed::{Watched, watch};
use crate::output::print;

/// The URL, if what is to be printed is one.
pub(super) fn url(files: &[PathBuf]) -> Option<&str> {
    let [one] = files else { return None };
    one.to_str().filter(|one| one.starts_with("https://") || one.starts_with("http://"))
}

/// Prints what a control plane tells proxies, until it ends.
pub(super) fn follow(url: &str, arguments: &TailArguments) -> Result<(), Failure> {
    let wrong = || Failure::Wrong(format!("expected {}", ConnectUrl::EXPECTED));
    let url = ConnectUrl::read(url).ok_or_else(wrong)?;
    let TailArguments { access_key_file, ca_file, certificate_file, key_file, brief, .. } =
        arguments.clone();
    if access_key_file.is_none() && certificate_file.is_none() {
        let expected = "expected --access-key-file, or --certificate-file and --key-file";
        return Err(Failure::Wrong(expected.to_owned()));
    }
    let reach =
        Reach { url, access_key_file, ca_file, certificate: certificate_file.zip(key_file) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::Failed(error.to_string()))?;
    let mut failed = None;
    let ended = runtime.block_on(watch(reach, !brief, |watched| {
        tell(&watched).map_err(|failure| {
            let why = failure.to_string();
            failed = Some(failure);
            why
        })
    }));
    match failed {
        Some(failure) => Err(failure),
        None => ended.map_err(Failure::Failed),
    }
}

fn tell(watched: &Watched) -> Result<(), Failure> {
    match watched {
        Watched::Welcome(welcome) => {
            let (environment, software) = (&welcome.environment, &welcome.software);
            let newest = At(welcome.newest);
            print(&format!("{environment}, by tollgate {software}, newest revision {newest}\n"))
        }
        Watched::Offer(offer) => {
            let (revision, keys, bytes) = (At(offer.revision), offer.keys, offer.bytes);
            print(&format!("snapshot {revision} of {keys} keys, {bytes} bytes\n"))
        }
        Watched::Snapshot(file) => pieces(&**file, false)
            .map_err(|unshown| unshown.or(&|why| Failure::Failed(why.to_string()))),
        Watched::Batch(batch) => print(&text::batch(batch)),
    }
}
