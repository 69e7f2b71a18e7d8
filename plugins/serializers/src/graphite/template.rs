//! A metric in, its path out, with a place where the field's name goes.

use wheatstone_plugin::prelude::*;

pub(super) const DEFAULT: &str = "host.tags.measurement.field";

/// Stands for the field's name, which is put in later: a metric has one path and many fields.
const FIELD: &str = "FIELDNAME";
/// Stands for the tags that have no part of their own, which are known at the end.
const TAGS: &str = "TAGS";

/// How a path is made.
pub(super) struct Template {
    parts: Vec<String>,
}

impl Template {
    pub(super) fn new(text: &str) -> Template {
        Template {
            parts: text.split('.').map(str::to_owned).collect(),
        }
    }

    /// The path; none where nothing of the template is there.
    pub(super) fn apply(&self, metric: &Metric, prefix: &str) -> Option<String> {
        let mut path: Vec<String> = Vec::new();
        let mut used: Vec<&str> = Vec::new();
        for part in &self.parts {
            match part.as_str() {
                "measurement" => path.push(metric.name().to_string()),
                "tags" => path.push(TAGS.to_owned()),
                "field" => path.push(FIELD.to_owned()),
                tag => {
                    if let Some(value) = metric.tag(tag).filter(|_| !used.contains(&tag)) {
                        path.push(value.replace('.', "_"));
                        used.push(tag);
                    }
                }
            }
        }
        if path.is_empty() {
            return None;
        }
        if let Some(place) = path.iter_mut().find(|part| *part == TAGS) {
            let others = metric.tags().filter(|(key, _)| !used.contains(&key.as_str()));
            let values: Vec<String> = others.map(|(_, value)| value.replace('.', "_")).collect();
            *place = values.join(".");
        }
        let path = path.join(".");
        Some(if prefix.is_empty() {
            path
        } else {
            format!("{prefix}.{path}")
        })
    }
}

/// Puts the field's name into a path. A field called `value` has no part in it.
pub(super) fn insert_field(path: &str, field: &str) -> String {
    if field != "value" {
        return path.replacen(FIELD, field, 1);
    }
    let mut out = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(at) = rest.find(FIELD) {
        let (before, behind) = (&rest[..at], &rest[at + FIELD.len()..]);
        if let Some(before) = before.strip_suffix('.') {
            out.push_str(before);
            rest = behind;
        } else if let Some(behind) = behind.strip_prefix('.') {
            out.push_str(before);
            rest = behind;
        } else {
            out.push_str(&rest[..at + FIELD.len()]);
            rest = behind;
        }
    }
    out + rest
}
