//! JSON lines on standard output.

use tracing::level_filters::LevelFilter;

use crate::settings::{SettingError, Settings, wrong};

/// Starts logging; a second call in one process (tests) changes nothing.
pub(crate) fn start(settings: &Settings) -> Result<(), SettingError> {
    let words = "error, warn, info, debug or trace";
    let text = settings.text("LOG_LEVEL", "info");
    let level: LevelFilter = text.parse().map_err(|_| wrong("LOG_LEVEL", &text, words))?;
    let _ = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_target(false)
        .with_max_level(level)
        .with_writer(std::io::stdout)
        .try_init();
    Ok(())
}
