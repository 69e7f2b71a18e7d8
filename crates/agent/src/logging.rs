//! Log lines in Telegraf's form: `2026-11-21T09:18:19Z E! [agent] text`, or one JSON object per line.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Write;
use std::path::Path;

use anyhow::Context as _;
use parking_lot::Mutex;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use wheatstone_config::AgentConfig;
use wheatstone_plugin::Log;
use wheatstone_plugin::time::now;

/// Where lines go. It is set up twice: for what is said before the configuration is read, and by the configuration.
static TARGET: Mutex<Target> = Mutex::new(Target {
    file: None,
    json: None,
});

struct Target {
    file: Option<File>,
    /// The key of the message, where lines are JSON.
    json: Option<String>,
}

/// Lines as Telegraf writes them before it knows better: to stderr, `I!` and worse.
pub(crate) fn init(debug: bool, quiet: bool) {
    set_level(debug, quiet);
    // A second call finds the first one's in place.
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(Lines));
}

fn set_level(debug: bool, quiet: bool) {
    Log::set_agent_level(match (debug, quiet) {
        (_, true) => wheatstone_plugin::Level::Error,
        (true, _) => wheatstone_plugin::Level::Debug,
        _ => wheatstone_plugin::Level::Info,
    });
}

/// What `[agent]` says about the log.
pub(crate) fn configure(agent: &AgentConfig, debug: bool, quiet: bool) -> anyhow::Result<()> {
    set_level(debug || agent.debug, quiet || agent.quiet);
    let mut target = TARGET.lock();
    target.json = match agent.logformat.as_str() {
        "" | "text" => None,
        "structured" => Some(agent.structured_log_message_key.clone()),
        other => anyhow::bail!("invalid 'logformat' setting {other:?}: use text or structured"),
    };
    if !agent.logfile.is_empty() {
        let path = Path::new(&agent.logfile);
        if let Some(parent) = path.parent().filter(|p| !p.as_os_str().is_empty() && !p.exists()) {
            std::fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
        }
        let file = File::options()
            .create(true)
            .append(true)
            .open(path)
            .with_context(|| format!("cannot open the log file {}", path.display()))?;
        target.file = Some(file);
    }
    Ok(())
}

/// An error line before, or instead of, everything else.
pub(crate) fn early(text: &str) {
    write_line('E', "", text);
}

/// A line of the program itself.
pub(crate) fn say(level: wheatstone_plugin::Level, plugin: &str, text: &str) {
    Log::new(plugin, None, None).write(level, format_args!("{text}"));
}

struct Lines;

#[derive(Default)]
struct Fields {
    plugin: String,
    message: String,
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "plugin" => self.plugin.push_str(value),
            "message" => self.message.push_str(value),
            name => {
                let _ = write!(self.message, " {name}={value}");
            }
        }
    }
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        match field.name() {
            "message" => {
                let _ = write!(self.message, "{value:?}");
            }
            name => {
                let _ = write!(self.message, " {name}={value:?}");
            }
        }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Lines {
    fn enabled(&self, metadata: &tracing::Metadata<'_>, _: Context<'_, S>) -> bool {
        // Libraries are heard when they warn.
        metadata.target() == "wheatstone" || *metadata.level() <= Level::WARN
    }
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let metadata = event.metadata();
        if metadata.target() != "wheatstone" {
            // What a library finds worth a warning, the user need not.
            if !Log::new("", None, None).enabled(wheatstone_plugin::Level::Debug) {
                return;
            }
            fields.plugin = metadata.target().to_owned();
        }
        let letter = match *metadata.level() {
            Level::ERROR => 'E',
            Level::WARN => 'W',
            Level::INFO => 'I',
            Level::DEBUG => 'D',
            Level::TRACE => 'T',
        };
        write_line(letter, &fields.plugin, &fields.message);
    }
}

fn write_line(letter: char, plugin: &str, text: &str) {
    let mut target = TARGET.lock();
    let time = now();
    let line = match &target.json {
        None if plugin.is_empty() => format!("{} {letter}! {text}\n", timestamp(time)),
        None => format!("{} {letter}! [{plugin}] {text}\n", timestamp(time)),
        Some(key) => json_line(time, letter, plugin, key, text),
    };
    // A log that cannot be written leaves nowhere to say so.
    let _ = match &mut target.file {
        Some(file) => file.write_all(line.as_bytes()),
        None => std::io::stderr().lock().write_all(line.as_bytes()),
    };
}

fn json_line(time: i64, letter: char, plugin: &str, key: &str, text: &str) -> String {
    let level = match letter {
        'E' => "ERROR",
        'W' => "WARN",
        'I' => "INFO",
        _ => "DEBUG",
    };
    let mut object = serde_json::Map::new();
    object.insert(
        "time".into(),
        wheatstone_gotime::format(RFC3339_NANO, time, "UTC")
            .unwrap_or_default()
            .into(),
    );
    object.insert("level".into(), level.into());
    object.insert(key.into(), text.into());
    if let Some((category, name)) = plugin.split_once('.') {
        let (name, alias) = name.split_once("::").unwrap_or((name, ""));
        object.insert("category".into(), category.into());
        object.insert("plugin".into(), name.into());
        if !alias.is_empty() {
            object.insert("alias".into(), alias.into());
        }
    }
    format!("{}\n", serde_json::Value::Object(object))
}

const RFC3339_NANO: &str = "2006-01-02T15:04:05.999999999Z07:00";

const RFC3339: &str = "2006-01-02T15:04:05Z07:00";

fn timestamp(time: i64) -> String {
    wheatstone_gotime::format(RFC3339, time, "UTC").unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_rfc3339_in_utc() {
        assert_eq!(timestamp(0), "1970-01-01T00:00:00Z");
        assert_eq!(timestamp(1_731_931_200_123_456_789), "2024-11-18T12:00:00Z");
    }

    #[test]
    fn structured_lines_name_the_plugin() {
        let line = json_line(1_731_931_200_000_000_000, 'E', "inputs.file::x", "msg", "text");
        let object: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(object["category"], "inputs");
        assert_eq!(object["plugin"], "file");
        assert_eq!(object["alias"], "x");
        assert_eq!(object["msg"], "text");
    }
}
