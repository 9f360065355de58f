//! A control plane and proxies that it feeds, each a process of its own.

mod away;
mod change;
mod clock;
mod crowd;
mod day;
mod feeder;
mod figures;
mod house;
mod keys;
mod kill;
mod ready;
mod restore;
mod revoke;
mod shop;
mod spread;
mod stop;

use std::path::Path;

use crate::Failure;
use clock::MovedClock;
use house::House;

/// Whether every bound held. `folder` is where everything is kept that goes with the soak.
pub(crate) async fn run(
    binary: &Path,
    folder: &Path,
    what: &str,
    arguments: &[&str],
) -> Result<bool, Failure> {
    let house = |upstream| House::new(binary, folder, upstream);
    let with_keys = |keys, cache| House::with_keys(binary, folder, keys, Path::new(cache));
    match (what, arguments) {
        ("ready", [keys]) => ready::run(binary, folder, keys.parse()?).await,
        ("spread", [proxies, rate, keys, seconds, cache]) => {
            let house = with_keys(keys.parse()?, cache).await?;
            spread::run(house, proxies.parse()?, rate.parse()?, seconds.parse()?).await
        }
        ("stop", [proxies, seconds, keys, cache]) => {
            let house = with_keys(keys.parse()?, cache).await?;
            stop::run(house, proxies.parse()?, seconds.parse()?).await
        }
        ("start", [proxies, keys, cache]) => {
            crowd::run(with_keys(keys.parse()?, cache).await?, proxies.parse()?).await
        }
        ("revoke", [proxies, revocations, upstream, probes, judged_from]) => {
            let house = house(Some(upstream.parse()?)).await?;
            let (proxies, revocations) = (proxies.parse()?, revocations.parse()?);
            revoke::run(house, proxies, revocations, Path::new(probes), judged_from.parse()?).await
        }
        ("kill", [proxies, kills]) => {
            kill::run(house(None).await?, proxies.parse()?, kills.parse()?).await
        }
        ("restore", [proxies, times]) => {
            restore::run(house(None).await?, proxies.parse()?, times.parse()?).await
        }
        ("day", [clock]) => day::run(house(None).await?, &MovedClock::of(clock)?).await,
        ("away", [seconds]) => away::run(house(None).await?, seconds.parse()?).await,
        _ => Err("expected what tests/soak/fleet says".into()),
    }
}
