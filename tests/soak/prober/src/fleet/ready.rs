//! How soon a proxy with many keys is ready, and how much memory a key takes.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::feeder;
use super::figures::mebibytes;
use super::house::Site;
use crate::Failure;

/// What a proxy takes from its disk at most, of ten million keys.
const BOUND: Duration = Duration::from_secs(5);

const TIMES: usize = 3;

pub(super) async fn run(binary: &Path, folder: &Path, keys: u64) -> Result<bool, Failure> {
    let few = make(binary, &folder.join("few"), 1)?;
    let many = make(binary, &folder.join("many"), keys)?;
    let bytes = fs::metadata(&many)?.len();
    println!("file             {bytes} bytes, {:.1} a key", bytes as f64 / keys as f64);
    // One without keys shows what else a process takes.
    let empty = Site::fed_by(feeder::start(&few).await?, binary, folder)?.proxy("empty", SERVES)?;
    let base = empty.program.start().await?.0.resident()?;

    let site = Site::fed_by(feeder::start(&many).await?, binary, folder)?;
    let mut network = Vec::new();
    for number in 0..TIMES {
        let proxy = site.proxy(&format!("network-{number}"), "")?;
        network.push(proxy.program.start().await?.1);
        if number + 1 < TIMES {
            fs::remove_dir_all(&proxy.program.folder)?;
        }
    }
    println!("from the network {network:.2?}");
    let proxy = site.proxy(&format!("network-{}", TIMES - 1), SERVES)?;
    let (mut disk, mut resident) = (Vec::new(), 0);
    for _ in 0..TIMES {
        let (process, ready) = proxy.program.start().await?;
        disk.push(ready);
        resident = process.resident()?;
    }
    println!("from the disk    {disk:.2?}");
    let each = resident.saturating_sub(base) as f64 / keys as f64;
    println!("resident         {:.0} MiB, {each:.0} bytes a key", mebibytes(resident));
    disk.sort_unstable();
    let holds = disk.get(TIMES / 2).is_some_and(|median| *median <= BOUND);
    println!("ready: {}", if holds { "every bound held" } else { "BROKEN: not ready in time" });
    Ok(holds)
}

/// A lease is nobody's concern here.
const SERVES: &str = "on_lease_end = \"serve\"";

/// A snapshot of so many keys, as a file.
fn make(binary: &Path, folder: &Path, keys: u64) -> Result<std::path::PathBuf, Failure> {
    fs::create_dir_all(folder)?;
    fs::set_permissions(folder, Permissions::from_mode(0o700))?;
    let file = folder.join("snapshot");
    let made = Command::new(binary)
        .args(["feed", "make", "--upstream", "origin", "--keys", &keys.to_string(), "-o"])
        .arg(&file)
        .status()?;
    if made.success() { Ok(file) } else { Err("no snapshot was made".into()) }
}
