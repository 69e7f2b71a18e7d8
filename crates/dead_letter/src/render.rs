//! Letters for eyes and for other programs.

use std::fmt::Write;

use serde::Serialize;
use wheatstone_gotime::{Layout, Zone};
use wheatstone_metric::{Metric, Timestamp};
use wheatstone_plugin::line_protocol::{Encoder, Options};

use crate::reader::Entry;
use crate::record::{MetricRecord, PayloadRecord, metric_record, payload_record};
use wheatstone_plugin::dead_letter::Body;

/// How much of a reason stands in a list.
const SHORT: usize = 120;

impl Entry {
    /// One line for a list: number, time, plugin, source, reason, size.
    pub fn line(&self) -> String {
        let letter = &self.letter;
        let source = letter.source.as_deref().unwrap_or("-");
        let what = match &letter.body {
            Body::Payload { bytes, .. } => format!("{} bytes", bytes.len()),
            Body::Metric(metric) => format!("metric {:?}", metric.name().as_str()),
        };
        let replayed = if self.replayed { ", replayed" } else { "" };
        let (plugin, source) = (plain(&letter.plugin), plain(source));
        let time = time_text(letter.time);
        format!(
            "{}  {time}  {plugin}  {source}  {} ({what}{replayed})",
            self.id,
            shortened(&letter.reason)
        )
    }

    /// Everything, on several lines, the last one ended: text where it is text, otherwise bytes in hexadecimal.
    pub fn text(&self) -> String {
        let letter = &self.letter;
        let mut out = format!("letter:  {}\ntime:    {}\n", self.id, time_text(letter.time));
        let mut head = |name: &str, text: &str| {
            if !text.is_empty() {
                let _ = writeln!(out, "{:<8} {}", format!("{name}:"), plain(text));
            }
        };
        head("plugin", &letter.plugin);
        head("source", letter.source.as_deref().unwrap_or_default());
        head("reason", &letter.reason);
        head("answer", letter.answer.as_deref().unwrap_or_default());
        head("state", if self.replayed { "replayed" } else { "" });
        match &letter.body {
            Body::Payload { bytes, data_format } => {
                head("format", data_format);
                let _ = writeln!(out, "payload, {} bytes:", bytes.len());
                match std::str::from_utf8(bytes) {
                    Ok(text) => text
                        .lines()
                        .for_each(|line| out.extend(["  ", &plain(line), "\n"])),
                    Err(_) => hex_dump(bytes, &mut out),
                }
            }
            Body::Metric(metric) => {
                let _ = writeln!(
                    out,
                    "metric:\n  {}",
                    line_protocol(metric).map_or("-".into(), |l| plain(&l))
                );
                // Line protocol hides some of what may be wrong with it.
                for (key, value) in metric.fields() {
                    let (key, value) = (plain(key), plain(&value.to_string()));
                    let _ = writeln!(out, "  {key} = {value}");
                }
            }
        }
        out
    }

    /// One line of JSON with everything; a payload that is no text is in base64.
    pub fn json(&self) -> String {
        let letter = &self.letter;
        let (payload, metric, line) = match &letter.body {
            Body::Payload { bytes, data_format } => (Some(payload_record(bytes, data_format)), None, None),
            Body::Metric(metric) => (None, Some(metric_record(metric)), line_protocol(metric)),
        };
        let json = Json {
            id: self.id,
            time: time_text(letter.time),
            plugin: &letter.plugin,
            source: letter.source.as_deref(),
            reason: &letter.reason,
            answer: letter.answer.as_deref(),
            replayed: self.replayed,
            payload,
            line,
            metric,
        };
        // Texts, numbers and lists: nothing in it can fail.
        serde_json::to_string(&json).unwrap_or_default()
    }
}

#[derive(Serialize)]
struct Json<'a> {
    id: u64,
    time: String,
    plugin: &'a str,
    source: Option<&'a str>,
    reason: &'a str,
    answer: Option<&'a str>,
    replayed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<PayloadRecord<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metric: Option<MetricRecord<'a>>,
}

fn time_text(time: Timestamp) -> String {
    match Zone::load("UTC") {
        Ok(utc) => Layout::new("2006-01-02T15:04:05.999999999Z07:00").format(time, &utc),
        Err(_) => time.to_string(),
    }
}

fn line_protocol(metric: &Metric) -> Option<String> {
    let options = Options {
        uint_support: true,
        ..Options::default()
    };
    let mut line = Vec::new();
    Encoder::new(options).encode(metric, &mut line).ok()?;
    String::from_utf8(line.trim_ascii_end().to_vec()).ok()
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHORT) {
        Some((end, _)) => plain(&text[..end]) + "…",
        None => plain(text),
    }
}

/// The text without what a terminal would obey: it came from strangers.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            out.extend(c.escape_default())
        } else {
            out.push(c)
        }
    }
    out
}

fn hex_dump(bytes: &[u8], out: &mut String) {
    for (i, row) in bytes.chunks(16).enumerate() {
        let hex: Vec<String> = row.iter().map(|b| format!("{b:02x}")).collect();
        let text: String = row
            .iter()
            .map(|b| {
                if b.is_ascii_graphic() || *b == b' ' {
                    char::from(*b)
                } else {
                    '.'
                }
            })
            .collect();
        let _ = writeln!(out, "  {:08x}  {:<47}  {text}", i * 16, hex.join(" "));
    }
}
