//! The log: lines of the program and of plugins in, Telegraf's text or JSON out, to stderr or to a file that is rotated.

mod line;
mod rotate;

use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;

use anyhow::{Context as _, anyhow, bail};
use parking_lot::Mutex;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use wheatstone_config::AgentConfig;
use wheatstone_gotime::Zone;
use wheatstone_plugin::Log;
use wheatstone_plugin::time::now;

use line::{Form, Line};
use rotate::LogFile;

/// Where lines go. It is set up twice: for what is said before the configuration is read, and by the configuration.
static TARGET: Mutex<Target> = Mutex::new(Target {
    file: None,
    form: Form::Text,
    zone: Zone::UTC,
    early: Some(Vec::new()),
});

struct Target {
    file: Option<LogFile>,
    form: Form,
    zone: Zone,
    /// What was said before the configuration named a file or a form: it is said there once more, as Telegraf does it.
    early: Option<Vec<Line>>,
}

/// As many early lines are kept.
const EARLY: usize = 1000;

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

/// What `[agent]` says about the log. It is called again when a changed configuration is loaded; an error changes nothing.
pub(crate) fn configure(agent: &AgentConfig, debug: bool, quiet: bool) -> anyhow::Result<()> {
    let (logfile, logformat) = old_target(agent)?;
    let form = form(agent, logformat)?;
    let zone = zone(agent)?;
    let file = match logfile {
        "" => None,
        path => Some(
            LogFile::open(Path::new(path), agent)
                .with_context(|| format!("opening the log file {path} failed"))?,
        ),
    };
    set_level(debug || agent.debug, quiet || agent.quiet);
    let mut target = TARGET.lock();
    let early = target.early.take().unwrap_or_default();
    let plain = file.is_none() && matches!(form, Form::Text);
    *target = Target {
        file,
        form,
        zone,
        early: None,
    };
    if !plain {
        let shown = |line: &Line| Log::new("", None, None).enabled(line.level());
        early
            .iter()
            .filter(|line| shown(line))
            .for_each(|line| target.write(line));
    }
    Ok(())
}

/// Whether what `[agent]` says about the log makes sense; nothing is opened. An error comes with its option.
pub(crate) fn check(agent: &AgentConfig) -> Result<(), (&'static str, anyhow::Error)> {
    let (_, logformat) = old_target(agent).map_err(|e| ("logtarget", e))?;
    // A file of Windows is right there.
    if logformat != "eventlog" {
        form(agent, logformat).map_err(|e| ("logformat", e))?;
    }
    zone(agent).map_err(|e| ("log_with_timezone", e))?;
    Ok(())
}

fn form(agent: &AgentConfig, logformat: &str) -> anyhow::Result<Form> {
    Ok(match logformat {
        "" | "text" => Form::Text,
        "structured" => Form::Json {
            key: match agent.structured_log_message_key.as_str() {
                "" => "msg".into(),
                key => key.into(),
            },
        },
        "eventlog" => {
            bail!("unsupported log-format: eventlog (it is Windows' own; use \"text\" or \"structured\")")
        }
        other => bail!("unsupported log-format: {other} (use \"text\" or \"structured\")"),
    })
}

fn zone(agent: &AgentConfig) -> anyhow::Result<Zone> {
    match agent.log_with_timezone.as_str() {
        name if name.eq_ignore_ascii_case("local") => Ok(Zone::local()),
        name => Zone::load(name).map_err(|e| anyhow!("setting logging timezone failed: {e}")),
    }
}

/// The file and the form, `logtarget` considered, which is deprecated.
fn old_target(agent: &AgentConfig) -> anyhow::Result<(&str, &str)> {
    let goes = "The setting will be removed in v1.40.0.";
    let warn = |text: String| say(wheatstone_plugin::Level::Warn, "", &format!("{text} {goes}"));
    let (file, form) = (agent.logfile.as_str(), agent.logformat.as_str());
    match agent.logtarget.as_str() {
        "" => Ok((file, form)),
        "stderr" => {
            warn("Agent setting \"logtarget\" is deprecated, please leave \"logfile\" empty and remove this setting!".into());
            Ok(("", form))
        }
        "file" => {
            warn("Agent setting \"logtarget\" is deprecated, please just set \"logfile\" and remove this setting!".into());
            Ok((file, form))
        }
        "eventlog" if !matches!(form, "" | "eventlog") => {
            bail!("contradicting setting between 'logtarget' and 'logformat'")
        }
        "eventlog" => Ok((file, "eventlog")),
        other => bail!("invalid deprecated 'logtarget' setting {other:?}"),
    }
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
    let line = Line {
        time: now(),
        letter,
        plugin: plugin.to_owned(),
        text: text.to_owned(),
    };
    let mut target = TARGET.lock();
    target.write(&line);
    if let Some(early) = target.early.as_mut().filter(|lines| lines.len() < EARLY) {
        early.push(line);
    }
}

impl Target {
    /// A log that cannot be written leaves nowhere to say so.
    fn write(&mut self, line: &Line) {
        let text = line.render(&self.form, &self.zone);
        let _ = match &mut self.file {
            Some(file) => file.write(text.as_bytes()),
            None => std::io::stderr().lock().write_all(text.as_bytes()),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agent(change: impl FnOnce(&mut AgentConfig)) -> AgentConfig {
        let mut agent = AgentConfig::default();
        change(&mut agent);
        agent
    }

    #[test]
    fn the_old_target_still_means_what_it_did() {
        let target = |target: &str, form: &str| {
            let agent = agent(|a| {
                (a.logtarget, a.logfile, a.logformat) = (target.into(), "f".into(), form.into());
            });
            old_target(&agent)
                .map(|(file, form)| format!("{file} {form}"))
                .map_err(|e| e.to_string())
        };
        assert_eq!(target("", "text").unwrap(), "f text");
        assert_eq!(target("stderr", "text").unwrap(), " text");
        assert_eq!(target("file", "structured").unwrap(), "f structured");
        assert_eq!(
            target("eventlog", "text").unwrap_err(),
            "contradicting setting between 'logtarget' and 'logformat'"
        );
        assert_eq!(
            target("x", "").unwrap_err(),
            "invalid deprecated 'logtarget' setting \"x\""
        );
    }

    #[test]
    fn what_cannot_be_a_log_is_refused() {
        for (agent, error) in [
            (
                agent(|a| a.logformat = "xml".into()),
                "unsupported log-format: xml",
            ),
            (
                agent(|a| a.log_with_timezone = "Mars/Olympus".into()),
                "setting logging timezone failed",
            ),
            (
                agent(|a| a.logfile = "/proc/nosuch/x.log".into()),
                "opening the log file /proc/nosuch/x.log failed",
            ),
        ] {
            let said = format!("{:#}", configure(&agent, false, false).unwrap_err());
            assert!(said.contains(error), "{said}");
        }
    }
}
