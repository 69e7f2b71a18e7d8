//! `[agent]`, `[global_tags]` and `[wheatstone]`: the tables of several files become one, key by key.

use std::collections::BTreeMap;

use wheatstone_plugin::conf::{Duration, Entry, Node, NodeKind, Size, Table, deserialize};

use crate::deal::IGNORED_KEYS;
use crate::goerr::{cannot_unmarshal, read_duration};
use crate::load::Report;
use crate::suggest::did_you_mean;
use crate::tree::{Item, Slot, Tab};
use crate::unknown::NOT_USED;
use crate::{AgentConfig, Config, WheatstoneConfig, known};

#[derive(Clone, Copy, PartialEq)]
enum Type {
    Duration,
    Size,
    Int,
    /// An int that counts something.
    Count,
    Bool,
    Text,
}
use Type::{Bool, Count, Int, Text};

/// The keys, the names of their fields in Telegraf, and their types. The first eleven match in any case and with or
/// without underscores.
const KEYS: &[(&str, &str, Type)] = &[
    ("interval", "Interval", Type::Duration),
    ("round_interval", "RoundInterval", Bool),
    ("precision", "Precision", Type::Duration),
    ("collection_jitter", "CollectionJitter", Type::Duration),
    ("collection_offset", "CollectionOffset", Type::Duration),
    ("flush_interval", "FlushInterval", Type::Duration),
    ("flush_jitter", "FlushJitter", Type::Duration),
    ("metric_batch_size", "MetricBatchSize", Count),
    ("metric_buffer_limit", "MetricBufferLimit", Count),
    ("hostname", "Hostname", Text),
    ("omit_hostname", "OmitHostname", Bool),
    ("debug", "Debug", Bool),
    ("quiet", "Quiet", Bool),
    ("logtarget", "LogTarget", Text),
    ("logformat", "LogFormat", Text),
    ("logfile", "Logfile", Text),
    ("structured_log_message_key", "StructuredLogMessageKey", Text),
    (
        "logfile_rotation_interval",
        "LogfileRotationInterval",
        Type::Duration,
    ),
    ("logfile_rotation_max_size", "LogfileRotationMaxSize", Type::Size),
    ("logfile_rotation_max_archives", "LogfileRotationMaxArchives", Int),
    ("log_with_timezone", "LogWithTimezone", Text),
    ("snmp_translator", "SnmpTranslator", Text),
    ("statefile", "Statefile", Text),
    ("always_include_local_tags", "AlwaysIncludeLocalTags", Bool),
    ("always_include_global_tags", "AlwaysIncludeGlobalTags", Bool),
    (
        "skip_processors_after_aggregators",
        "SkipProcessorsAfterAggregators",
        Bool,
    ),
    (
        "skip_processors_before_aggregators",
        "SkipProcessorsBeforeAggregators",
        Bool,
    ),
    ("config_url_retry_attempts", "ConfigURLRetryAttempts", Int),
    ("buffer_strategy", "BufferStrategy", Text),
    ("buffer_directory", "BufferDirectory", Text),
    ("buffer_disk_sync", "BufferDiskSync", Bool),
];
const LOOSE: usize = 11;

/// Options of old versions that old files still have: nothing is lost without them, so that they keep no file from loading.
const GONE: &[&str] = &["flush_buffer_when_full", "utc"];

fn find(key: &str) -> Option<&'static (&'static str, &'static str, Type)> {
    let squeeze = |s: &str| s.replace('_', "").to_lowercase();
    KEYS.iter()
        .find(|k| k.0 == key)
        .or_else(|| KEYS[..LOOSE].iter().find(|k| squeeze(k.0) == squeeze(key)))
}

/// Whether `[agent]` has an option of this name.
pub(crate) fn is_option(key: &str) -> bool {
    find(key).is_some()
}

/// What the files have said so far.
#[derive(Default)]
pub(crate) struct Settings {
    agent: Table,
    wheatstone: Table,
    tables: usize,
}

impl Settings {
    pub fn global_tags(&self, slot: Slot, tags: &mut BTreeMap<String, String>, report: &mut Report<'_>) {
        let name = &slot.key;
        let Item::Table(table) = slot.item else {
            return report.help(
                slot.key_span,
                format!("invalid configuration, bad table name {name:?}"),
                known::top_help(name, matches!(slot.item, Item::Value(..))),
            );
        };
        for tag in table.entries {
            let line = tag.line;
            match tag.item.into_node() {
                Node {
                    kind: NodeKind::String(value),
                    ..
                } => {
                    tags.insert(tag.key, value);
                }
                node => {
                    let why = cannot_unmarshal(&node, "string");
                    let help = match &node.kind {
                        NodeKind::Integer(n) => format!("the values of tags are texts, in quotes: \"{n}\""),
                        NodeKind::Boolean(b) => format!("the values of tags are texts, in quotes: \"{b}\""),
                        _ => "the values of tags are texts, in quotes".to_owned(),
                    };
                    report.help(
                        node.span,
                        format!("error parsing table name {name:?}: line {line}: {why}"),
                        help,
                    );
                }
            }
        }
    }

    pub fn agent(&mut self, slot: Slot, report: &mut Report<'_>) {
        let Item::Table(table) = slot.item else {
            let message = "invalid configuration, error parsing agent table";
            let help = known::top_help("agent", matches!(slot.item, Item::Value(..)));
            return report.help(slot.key_span, message.into(), help);
        };
        self.tables += 1;
        if self.tables == 2 {
            let message = "Overlapping settings in multiple agent tables are not supported: may cause undefined behavior";
            report.warn(table.span, message.into());
        }
        let mut unknown = Vec::new();
        for slot in table.entries {
            let Some((key, field, kind)) = find(&slot.key) else {
                if GONE.contains(&slot.key.as_str()) {
                    let message = format!(
                        "option {:?} of [agent] is long gone from Telegraf and passed over: delete it",
                        slot.key
                    );
                    report.warn(slot.key_span, message);
                } else if !IGNORED_KEYS.contains(&slot.key.as_str()) {
                    unknown.push(slot);
                }
                continue;
            };
            let (span, line) = (slot.key_span, slot.line);
            let node = slot.item.into_node();
            match check(key, &node, *kind) {
                Ok(()) => {
                    if *key == "snmp_translator" && node.as_str() == Some("netsnmp") {
                        report.deprecated(
                            span,
                            "Value \"netsnmp\" for option \"snmp_translator\" of plugin \"agent\" deprecated since \
                             version 1.25.0 and will be removed in 1.40.0: Use 'gosmi' instead",
                        );
                    }
                    let entry = Entry {
                        key: (*key).to_owned(),
                        key_span: span,
                        value: node,
                    };
                    self.agent.take(key);
                    self.agent.entries.push(entry);
                }
                Err(Wrong::Whole(message)) => report.problem(node.span, message),
                Err(Wrong::Type(why)) => report.push(
                    node.span,
                    format!("error parsing [agent]: line {line}: (config.AgentConfig.{field}) {why}"),
                    type_help(&node, *kind),
                ),
            }
        }
        for slot in unknown {
            let help = unknown_key_help(&slot.key);
            report.help(
                slot.key_span,
                format!(
                    "line 1: configuration specified the fields [{:?}], {NOT_USED}",
                    slot.key
                ),
                help,
            );
        }
    }

    pub fn wheatstone(&mut self, slot: Slot, report: &mut Report<'_>) {
        let Item::Table(table) = slot.item else {
            let message = "invalid configuration, error parsing field \"wheatstone\" as table";
            return report.problem(slot.key_span, message.into());
        };
        let known = serde_json::to_value(WheatstoneConfig::default()).unwrap_or_default();
        let known: Vec<&str> = known
            .as_object()
            .into_iter()
            .flatten()
            .map(|(k, _)| k.as_str())
            .collect();
        let table = Tab { ..table }.into_table();
        match deserialize::<WheatstoneConfig>(&table) {
            Err(e) => report.problem(
                e.span.unwrap_or(table.span),
                format!("error parsing [wheatstone]: {}", e.message),
            ),
            Ok((_, unused)) => {
                for key in unused {
                    let name = key.path.join(".");
                    let help = did_you_mean(&name, known.iter().copied()).unwrap_or_default();
                    let message =
                        format!("line 1: configuration specified the fields [{name:?}], {NOT_USED}");
                    report.help(key.span, message, help);
                }
            }
        }
        for entry in table.entries {
            self.wheatstone.take(&entry.key);
            self.wheatstone.entries.push(entry);
        }
    }

    /// Everything that the files said, and whether it fits together.
    pub fn finish(self, hostname: Option<&str>, config: &mut Config, report: &mut Report<'_>) {
        if let Ok((wheatstone, _)) = deserialize(&self.wheatstone) {
            config.wheatstone = wheatstone;
        }
        let mut agent = match deserialize::<AgentConfig>(&self.agent) {
            Ok((agent, _)) => agent,
            Err(e) => {
                let span = e.span.unwrap_or_default();
                return report.problem(span, format!("error parsing [agent]: {}", e.message));
            }
        };
        let defaults = AgentConfig::default();
        if agent.metric_batch_size == 0 {
            agent.metric_batch_size = defaults.metric_batch_size;
        }
        if agent.metric_buffer_limit == 0 {
            agent.metric_buffer_limit = defaults.metric_buffer_limit;
        }
        if agent.snmp_translator.is_empty() {
            agent.snmp_translator = defaults.snmp_translator;
        }
        let span = |key| self.agent.get(key).map(|node| node.span);
        if agent.interval == Duration::ZERO {
            report.unfit(span("interval"), "agent interval must be positive, found 0");
        }
        if agent.flush_interval == Duration::ZERO {
            report.unfit(
                span("flush_interval"),
                "agent flush_interval must be positive, found 0",
            );
        }
        if agent.skip_processors_before_aggregators == Some(true)
            && agent.skip_processors_after_aggregators == Some(true)
        {
            let message = "cannot set both skip_processors_before_aggregators and \
                           skip_processors_after_aggregators as true";
            report.unfit(span("skip_processors_before_aggregators"), message);
        }
        if !agent.omit_hostname {
            if agent.hostname.is_empty() {
                agent.hostname = hostname.map_or_else(system_hostname, str::to_owned);
            }
            config.global_tags.insert("host".into(), agent.hostname.clone());
        }
        config.agent = agent;
    }
}

/// How a value of the wrong type is written.
fn type_help(node: &Node, kind: Type) -> Option<String> {
    let text = match &node.kind {
        NodeKind::String(text) => text.as_str(),
        NodeKind::Integer(n) if kind == Text => return Some(format!("a text stands in quotes: \"{n}\"")),
        _ if kind == Text => return Some("a text stands in quotes".into()),
        _ => "",
    };
    if text.contains('$') {
        return Some("the variable was not replaced: is it set?".into());
    }
    match kind {
        Bool if matches!(text.to_lowercase().as_str(), "true" | "false") => Some(format!(
            "truth values stand without quotes: {}",
            text.to_lowercase()
        )),
        Bool => Some("write true or false, without quotes".into()),
        Int | Count if text.trim().parse::<i64>().is_ok() => {
            Some(format!("numbers stand without quotes: {}", text.trim()))
        }
        Int | Count => Some("write a whole number, without quotes".into()),
        Type::Duration => Some("write numbers with units, such as \"10s\", \"500ms\" or \"1h30m\"".into()),
        Type::Size => {
            Some("write a number of bytes, or one with a unit, such as \"10MB\" or \"1GiB\"".into())
        }
        Text => None,
    }
}

enum Wrong {
    /// The whole message.
    Whole(String),
    /// What stands behind the place.
    Type(String),
}

fn check(key: &str, node: &Node, kind: Type) -> Result<(), Wrong> {
    let fail = |go_type: &str| Err(Wrong::Type(cannot_unmarshal(node, go_type)));
    match kind {
        Type::Duration => {
            let (duration, negative) = read_duration(node).map_err(Wrong::Type)?;
            let found = duration.nanos();
            match (key, negative) {
                (_, false) => Ok(()),
                ("collection_offset", _) => Err(Wrong::Whole(format!(
                    "agent collection_offset must not be negative, found -{found}"
                ))),
                _ => Err(Wrong::Whole(format!(
                    "agent {key} must be positive, found -{found}"
                ))),
            }
        }
        Type::Size => match &node.kind {
            NodeKind::Integer(n) if *n >= 0 => Ok(()),
            NodeKind::String(s) if s.is_empty() => Ok(()),
            NodeKind::String(s) => Size::parse(s).map(|_| ()).map_err(Wrong::Type),
            _ => fail("config.Size"),
        },
        Int | Count => match &node.kind {
            NodeKind::Integer(n) if *n >= 0 || kind == Int => Ok(()),
            NodeKind::Integer(n) => Err(Wrong::Type(format!("must not be negative, found {n}"))),
            NodeKind::String(s) if node.from_env && s.trim().parse::<u32>().is_ok() => Ok(()),
            _ => fail("int"),
        },
        Bool => match &node.kind {
            NodeKind::Boolean(_) => Ok(()),
            NodeKind::String(s) if node.from_env && s.trim().parse::<bool>().is_ok() => Ok(()),
            _ => fail("bool"),
        },
        Text => {
            if node.as_str().is_some() {
                Ok(())
            } else {
                fail("string")
            }
        }
    }
}

fn unknown_key_help(key: &str) -> String {
    did_you_mean(key, KEYS.iter().map(|k| k.0)).unwrap_or_else(|| {
        "[agent] has no such option; those of a plugin stand under the plugin's own header".to_owned()
    })
}

/// The name that the system has for itself.
fn system_hostname() -> String {
    ["/proc/sys/kernel/hostname", "/etc/hostname"]
        .into_iter()
        .filter_map(|path| std::fs::read_to_string(path).ok())
        .chain(
            ["HOSTNAME", "COMPUTERNAME"]
                .into_iter()
                .filter_map(|name| std::env::var(name).ok()),
        )
        .map(|name| name.trim().to_owned())
        .find(|name| !name.is_empty())
        .unwrap_or_else(|| "localhost".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A key that the struct gains must be known here too.
    #[test]
    fn the_keys_are_those_of_the_struct() {
        let value = serde_json::to_value(AgentConfig::default()).unwrap();
        let mut fields: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
        let mut keys: Vec<_> = KEYS.iter().map(|k| k.0).collect();
        fields.sort_unstable();
        keys.sort_unstable();
        assert_eq!(fields, keys);
    }

    #[test]
    fn older_keys_match_loosely_and_newer_ones_exactly() {
        for key in [
            "interval",
            "Interval",
            "flushinterval",
            "flushInterval",
            "FLUSH_JITTER",
            "omitHostname",
        ] {
            assert!(find(key).is_some(), "{key}");
        }
        for key in ["Debug", "logFile", "state_file"] {
            assert!(find(key).is_none(), "{key}");
        }
    }
}
