//! Logs.

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use crate::config::{Format, Log};

/// Writes events to standard error from now on, as `log` says. What libraries say below a warning
/// is left out: it may hold header fields.
pub(crate) fn init(log: &Log) {
    let level = LevelFilter::from_level(log.level);
    let libraries = level.min(LevelFilter::WARN);
    let targets = Targets::new().with_default(libraries).with_target("tollgate", level);
    let targets = ["tollgate_control", "tollgate_proxy", "tollgate_core"]
        .into_iter()
        .fold(targets, |targets, own| targets.with_target(own, level));
    let layer = fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    let layer = match log.format {
        Format::Text => layer.boxed(),
        Format::Json => layer.json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry().with(layer.with_filter(targets)).init();
}
