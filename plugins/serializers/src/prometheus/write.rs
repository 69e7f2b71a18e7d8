//! A family in, its lines out.

use wheatstone_plugin::prelude::*;

use super::Settings;
use super::collection::{Content, Family, Labels, Sample, part_label};
use super::convert::is_metric_name;
use crate::number::{push_short_float, short_float};

/// Appends a family.
pub(super) fn family(family: &Family, settings: &Settings, out: &mut Vec<u8>) {
    if family.samples.is_empty() {
        return;
    }
    if !settings.compact {
        out.extend_from_slice(b"# HELP ");
        push_name(&family.name, out);
        out.extend_from_slice(b" Telegraf collected metric\n");
    }
    out.extend_from_slice(b"# TYPE ");
    push_name(&family.name, out);
    out.extend_from_slice(match family.kind {
        ValueType::Counter => b" counter\n",
        ValueType::Gauge => b" gauge\n",
        ValueType::Untyped => b" untyped\n",
        ValueType::Summary => b" summary\n",
        ValueType::Histogram => b" histogram\n",
    });
    for sample in &family.samples {
        let mut lines = Lines {
            family,
            sample,
            times: settings.times,
            out: &mut *out,
        };
        lines.all();
    }
}

/// Writes the lines of a sample.
struct Lines<'a> {
    family: &'a Family,
    sample: &'a Sample,
    times: bool,
    out: &'a mut Vec<u8>,
}

impl Lines<'_> {
    fn all(&mut self) {
        let (parts, count, sum) = match &self.sample.content {
            Content::Number(value) => return self.line("", None, *value),
            Content::Distribution { parts, count, sum } => (parts, *count as f64, *sum),
        };
        let histogram = self.family.kind == ValueType::Histogram;
        let ending = if histogram { "_bucket" } else { "" };
        for (bound, value) in parts {
            self.line(ending, Some(*bound), *value);
        }
        // A histogram always has the bucket that holds everything.
        if histogram && !parts.iter().any(|(bound, _)| *bound == f64::INFINITY) {
            self.line(ending, Some(f64::INFINITY), count);
        }
        self.line("_sum", None, sum);
        self.line("_count", None, count);
    }

    fn line(&mut self, ending: &str, bound: Option<f64>, value: f64) {
        push_name(&self.family.name, self.out);
        self.out.extend_from_slice(ending.as_bytes());
        let mut separator = b'{';
        let labels: &Labels = &self.sample.labels;
        for (label, value) in labels {
            self.label(&mut separator, label, value);
        }
        if let (Some(bound), Some(label)) = (bound, part_label(self.family.kind)) {
            self.label(&mut separator, label, &short_float(bound));
        }
        if separator == b',' {
            self.out.push(b'}');
        }
        self.out.push(b' ');
        // Zero has no sign here.
        push_short_float(value + 0.0, self.out);
        if self.times {
            self.out.push(b' ');
            wheatstone_line_protocol::push_int(self.sample.time / 1_000_000, self.out);
        }
        self.out.push(b'\n');
    }

    fn label(&mut self, separator: &mut u8, label: &str, value: &str) {
        self.out.push(std::mem::replace(separator, b','));
        push_name(label, self.out);
        self.out.push(b'=');
        push_quoted(value, self.out);
    }
}

/// The text format has letters, digits, `_` and `:` in its names, those of labels too; in the place of others it has `_`. What
/// an option lets through, and a name that begins with a digit, is mended here, as Go's library does.
fn push_name(name: &str, out: &mut Vec<u8>) {
    if is_metric_name(name) {
        out.extend_from_slice(name.as_bytes());
        return;
    }
    out.extend(name.chars().enumerate().map(|(at, c)| match c {
        '_' | ':' => c as u8,
        c if c.is_ascii_alphabetic() || (at > 0 && c.is_ascii_digit()) => c as u8,
        _ => b'_',
    }));
}

fn push_quoted(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text.bytes() {
        match byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'"' => out.extend_from_slice(b"\\\""),
            b'\n' => out.extend_from_slice(b"\\n"),
            b => out.push(b),
        }
    }
    out.push(b'"');
}
