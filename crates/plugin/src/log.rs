//! A plugin's voice: lines carry its name and alias, are filtered by its `log_level`, and its errors are counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::stats::Stat;

/// How loud a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    /// Something failed.
    Error = 1,
    /// Something is odd.
    Warn = 2,
    /// What a user wants to know.
    Info = 3,
    /// What a developer wants to know.
    Debug = 4,
    /// Everything.
    Trace = 5,
}

impl Level {
    /// Reads the names that `log_level` takes.
    pub fn parse(name: &str) -> Option<Level> {
        Some(match name {
            "error" => Level::Error,
            "warn" => Level::Warn,
            "info" => Level::Info,
            "debug" => Level::Debug,
            "trace" => Level::Trace,
            _ => return None,
        })
    }
}

/// The level of all that has none of its own.
static AGENT_LEVEL: AtomicU8 = AtomicU8::new(Level::Info as u8);

/// A plugin's logger; cloning is cheap. Use the macros [`error!`](crate::error), [`warn!`](crate::warn),
/// [`info!`](crate::info), [`debug!`](crate::debug) and [`trace!`](crate::trace) with it.
#[derive(Clone, Debug)]
pub struct Log(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: String,
    level: Option<Level>,
    errors: Option<Stat>,
}

impl Log {
    /// A logger that prints `[name]`; `level` overrides the agent's; `errors` counts the error lines.
    pub fn new(name: impl Into<String>, level: Option<Level>, errors: Option<Stat>) -> Log {
        Log(Arc::new(Inner {
            name: name.into(),
            level,
            errors,
        }))
    }
    /// The logger of a part of the plugin: its own name, the plugin's level.
    pub fn part(&self, name: String) -> Log {
        Log::new(name, self.0.level, None)
    }
    /// What stands between the brackets, such as `inputs.file::alias`.
    pub fn name(&self) -> &str {
        &self.0.name
    }
    /// Whether lines of this level are shown.
    pub fn enabled(&self, level: Level) -> bool {
        match self.0.level {
            Some(own) => level <= own,
            None => level as u8 <= AGENT_LEVEL.load(Ordering::Relaxed),
        }
    }
    /// Sets the agent's level.
    pub fn set_agent_level(level: Level) {
        AGENT_LEVEL.store(level as u8, Ordering::Relaxed);
    }
    /// Writes one line: what the macros call.
    pub fn write(&self, level: Level, text: std::fmt::Arguments<'_>) {
        if level == Level::Error
            && let Some(errors) = &self.0.errors
        {
            errors.add(1);
        }
        if !self.enabled(level) {
            return;
        }
        let plugin = self.0.name.as_str();
        match level {
            Level::Error => tracing::error!(target: "wheatstone", plugin, "{text}"),
            Level::Warn => tracing::warn!(target: "wheatstone", plugin, "{text}"),
            Level::Info => tracing::info!(target: "wheatstone", plugin, "{text}"),
            Level::Debug => tracing::debug!(target: "wheatstone", plugin, "{text}"),
            Level::Trace => tracing::trace!(target: "wheatstone", plugin, "{text}"),
        }
    }
}

/// Logs an error line: `error!(log, "format", …)`.
#[macro_export]
macro_rules! error { ($log:expr, $($t:tt)+) => { $log.write($crate::Level::Error, format_args!($($t)+)) }; }
/// Logs a warning: `warn!(log, "format", …)`.
#[macro_export]
macro_rules! warn { ($log:expr, $($t:tt)+) => { $log.write($crate::Level::Warn, format_args!($($t)+)) }; }
/// Logs an information line: `info!(log, "format", …)`.
#[macro_export]
macro_rules! info { ($log:expr, $($t:tt)+) => { $log.write($crate::Level::Info, format_args!($($t)+)) }; }
/// Logs a debug line: `debug!(log, "format", …)`. The arguments are only formatted where it is shown.
#[macro_export]
macro_rules! debug { ($log:expr, $($t:tt)+) => { if $log.enabled($crate::Level::Debug) { $log.write($crate::Level::Debug, format_args!($($t)+)) } }; }
/// Logs a trace line: `trace!(log, "format", …)`.
#[macro_export]
macro_rules! trace { ($log:expr, $($t:tt)+) => { if $log.enabled($crate::Level::Trace) { $log.write($crate::Level::Trace, format_args!($($t)+)) } }; }
