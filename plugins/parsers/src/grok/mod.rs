//! Lines of text in, a metric out of each that fits a pattern: what the pattern captures becomes fields, tags and time.

mod config;
mod expand;
mod modifiers;
mod regex_go;
mod times;
mod unique;

use std::collections::{BTreeMap, HashMap};

use wheatstone_gotime::{Zone, parse_go_duration};
use wheatstone_plugin::prelude::*;

pub use config::GrokConfig;

use crate::value::number::{parse_float, parse_int_literal};
use expand::Library;
use modifiers::Modifiers;
use regex_go::GoRegex;
use times::Form;
use unique::UniqueTimes;

/// The parser of `data_format = "grok"`.
pub struct Grok {
    patterns: Vec<Pattern>,
    /// As in Telegraf, a line that names its metric names those after it too.
    name: Key,
    multiline: bool,
    unique: Option<UniqueTimes>,
    log: Log,
}

/// A pattern ready to be matched. One that is no regular expression is an error of the first line that comes to it.
struct Pattern {
    regex: Result<GoRegex, String>,
    captures: Vec<Capture>,
}

/// A named group and what becomes of its text.
struct Capture {
    group: usize,
    key: Key,
    role: Role,
}

enum Role {
    Text,
    Int,
    Float,
    Duration,
    Tag,
    Measurement,
    Drop,
    Time(Form),
}

impl Role {
    fn new(modifier: Option<&String>, zone: &Zone) -> Role {
        match modifier.map_or("string", String::as_str) {
            "string" => Role::Text,
            "int" => Role::Int,
            "float" => Role::Float,
            "duration" => Role::Duration,
            "tag" => Role::Tag,
            "measurement" => Role::Measurement,
            "drop" => Role::Drop,
            modifier => Role::Time(Form::from_modifier(modifier, zone)),
        }
    }
}

impl Plugin for Grok {
    type Config = GrokConfig;

    fn new(config: GrokConfig, cx: &Context) -> Result<Grok> {
        let mut patterns = BTreeMap::new();
        let mut read = |text: &str| expand::read(text, &mut patterns).map_err(|error| anyhow!(error));
        read(expand::TELEGRAF)?;
        read(&config.grok_custom_patterns)?;
        let mut named = Vec::new();
        for (place, pattern) in config.grok_patterns.iter().enumerate() {
            let name = format!("GROK_INTERNAL_PATTERN_{place}");
            match pattern.trim() {
                "" => continue,
                pattern => read(&format!("{name} {pattern}"))?,
            }
            named.push(name);
        }
        if named.is_empty() {
            bail!("pattern required");
        }
        for file in &config.grok_custom_pattern_files {
            let text = std::fs::read_to_string(file).map_err(|error| match error.kind() {
                std::io::ErrorKind::NotFound => anyhow!("open {file}: no such file or directory"),
                _ => anyhow!("open {file}: {error}"),
            })?;
            read(&text)?;
        }
        let zone = Zone::load(&config.grok_timezone).unwrap_or_else(|_| {
            warn!(
                cx.log(),
                "Improper timezone supplied ({}), setting loc to UTC", config.grok_timezone
            );
            Zone::default()
        });
        let modifiers = modifiers::take(&mut patterns).map_err(|error| anyhow!(error))?;
        let library = Library::new(patterns).map_err(|error| anyhow!(error))?;
        let none = Modifiers::new();
        let patterns = named.iter().map(|name| {
            let modifiers = modifiers.get(name).unwrap_or(&none);
            Pattern::new(name, &library, modifiers, &zone).map_err(|error| anyhow!(error))
        });
        Ok(Grok {
            patterns: patterns.collect::<Result<_>>()?,
            name: cx.metric_name().clone(),
            multiline: config.grok_multiline,
            unique: matches!(config.grok_unique_timestamp.as_str(), "" | "auto").then(UniqueTimes::default),
            log: cx.log().clone(),
        })
    }
}

register!(parser "grok" = Grok);

impl Pattern {
    fn new(name: &str, library: &Library, modifiers: &Modifiers, zone: &Zone) -> Result<Pattern, String> {
        let mut fields = HashMap::new();
        let regex = regex_go::compile(&library.expand(name, &mut fields)?);
        let mut captures: Vec<Capture> = Vec::new();
        for (group, name) in regex.iter().flat_map(|go| go.names.iter().enumerate()) {
            let Some(name) = name else { continue };
            let field = fields.get(name).unwrap_or(name);
            // Of two groups with one name the last one counts, even where it captures nothing.
            captures.retain(|capture| capture.key != field.as_str());
            captures.push(Capture {
                group,
                key: Key::new(field),
                role: Role::new(modifiers.get(field), zone),
            });
        }
        Ok(Pattern { regex, captures })
    }
}

impl Parser for Grok {
    fn parse(&mut self, payload: &[u8], now: Timestamp, out: &mut Vec<Metric>) -> Result<()> {
        let before = out.len();
        let text = String::from_utf8_lossy(payload);
        let parsed = if self.multiline {
            self.parse_line(&text, now, out)
        } else {
            text.split_inclusive('\n').try_for_each(|line| {
                let line = line.strip_suffix('\n').unwrap_or(line);
                self.parse_line(line.strip_suffix('\r').unwrap_or(line), now, out)
            })
        };
        if parsed.is_err() {
            out.truncate(before);
        }
        parsed
    }
}

impl Grok {
    fn parse_line(&mut self, line: &str, now: Timestamp, out: &mut Vec<Metric>) -> Result<()> {
        for pattern in &mut self.patterns {
            let go = pattern.regex.as_ref().map_err(|error| anyhow!(error.clone()))?;
            // A pattern that names nothing finds nothing.
            let Some(found) = go.regex.captures(line).filter(|_| !pattern.captures.is_empty()) else {
                continue;
            };
            let mut metric = Metric::with_capacity(self.name.clone(), now, pattern.captures.len());
            for capture in &mut pattern.captures {
                let text = found.get(capture.group).map_or("", |m| m.as_str());
                if !text.is_empty()
                    && let Err(error) = capture.put(text, now, &mut metric)
                {
                    error!(self.log, "{error}");
                }
            }
            self.name = metric.name().clone();
            if let Some(unique) = &mut self.unique {
                metric.set_time(unique.adjust(metric.time()));
            }
            out.push(metric);
            return Ok(());
        }
        debug!(
            self.log,
            "Grok no match found for or no data extracted from: {line:?}"
        );
        Ok(())
    }
}

impl Capture {
    /// Puts the text into the metric. The error is a sentence for the log.
    fn put(&mut self, text: &str, now: Timestamp, metric: &mut Metric) -> Result<(), String> {
        let key = || self.key.clone();
        let wrong =
            |kind: &str, error: &dyn std::fmt::Display| format!("Error parsing {text} to {kind}: {error}");
        match &mut self.role {
            Role::Text => metric.push_field(key(), Value::from(text)),
            Role::Int => {
                let value = parse_int_literal(text).map_err(|error| wrong("int", &error))?;
                metric.push_field(key(), Value::Int(value));
            }
            Role::Float => {
                let value = parse_float(text).map_err(|error| wrong("float", &error))?;
                metric.push_field(key(), Value::Float(value));
            }
            Role::Duration => {
                let value = parse_go_duration(text).map_err(|error| wrong("duration", &error))?;
                metric.push_field(key(), Value::Int(value));
            }
            Role::Tag => metric.set_tag(key(), text),
            Role::Measurement => metric.set_name(text),
            Role::Drop => {}
            Role::Time(form) => metric.set_time(form.read(text, now)?),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
