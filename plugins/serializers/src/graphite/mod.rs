//! Metrics in, Graphite's plaintext out: a line for each number, its path made by a template or, with tag support, of names
//! with tags behind them.

mod sanitize;
mod template;
#[cfg(test)]
mod tests;

use wheatstone_plugin::prelude::*;

use sanitize::{Strict, compatible_tag};
use template::{Template, insert_field};

/// Options of `data_format = "graphite"`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct GraphiteConfig {
    /// What all paths begin with.
    pub prefix: String,
    /// How a path is made: parts separated by dots, which are `measurement`, `tags` (the values of all tags that have no
    /// part of their own), `field`, or the name of a tag.
    pub template: String,
    /// Templates for some metrics, each as `"FILTER TEMPLATE"`; the first whose filter matches the metric's name is taken.
    /// One without a filter is the default for the others.
    pub templates: Vec<String>,
    /// Whether tags are written as such, `path;key=value`, which Graphite 1.1 and later understand. Templates are not used then.
    pub graphite_tag_support: bool,
    /// Which characters tags may have: `strict` those that Telegraf always allowed, `compatible` all that Graphite takes.
    pub graphite_tag_sanitize_mode: String,
    /// With tag support, what stands between prefix, name and field.
    pub graphite_separator: String,
    /// What is replaced by `_` in paths, as a regular expression. Without this: all but letters, digits and `-:._=`.
    pub graphite_strict_sanitize_regex: String,
}

impl Default for GraphiteConfig {
    fn default() -> GraphiteConfig {
        GraphiteConfig {
            prefix: String::new(),
            template: template::DEFAULT.to_owned(),
            templates: Vec::new(),
            graphite_tag_support: false,
            graphite_tag_sanitize_mode: "strict".to_owned(),
            graphite_separator: ".".to_owned(),
            graphite_strict_sanitize_regex: String::new(),
        }
    }
}

/// The serializer of `data_format = "graphite"`.
pub struct Graphite {
    prefix: String,
    /// `None` where tags are written as such.
    templates: Option<Templates>,
    compatible: bool,
    separator: String,
    strict: Strict,
}

struct Templates {
    filtered: Vec<(Glob, Template)>,
    default: Template,
}

impl Plugin for Graphite {
    type Config = GraphiteConfig;

    fn new(config: GraphiteConfig, _: &Context) -> Result<Graphite> {
        let templates = templates(&config)?;
        Ok(Graphite {
            prefix: config.prefix,
            templates: (!config.graphite_tag_support).then_some(templates),
            compatible: config.graphite_tag_sanitize_mode == "compatible",
            separator: match config.graphite_separator.as_str() {
                "" => ".".to_owned(),
                _ => config.graphite_separator,
            },
            strict: Strict::new(&config.graphite_strict_sanitize_regex)?,
        })
    }
}

register!(serializer "graphite" = Graphite);

fn templates(config: &GraphiteConfig) -> Result<Templates> {
    let mut default = config.template.as_str();
    let mut filtered = Vec::new();
    for (at, text) in config.templates.iter().enumerate() {
        let parts: Vec<&str> = text.split_whitespace().collect();
        match parts[..] {
            [] => bail!("missing template at position: {at}"),
            [_] => default = text,
            [filter, template] => {
                let glob = Glob::new(&[filter.to_owned()], "").map_err(|e| anyhow!(e))?;
                filtered.extend(glob.map(|glob| (glob, Template::new(template))));
            }
            _ => bail!("invalid template format: {text:?}"),
        }
    }
    Ok(Templates {
        filtered,
        default: Template::new(if default.is_empty() {
            template::DEFAULT
        } else {
            default
        }),
    })
}

impl Serializer for Graphite {
    fn serialize(&mut self, metric: &Metric, out: &mut Vec<u8>) -> Result<()> {
        let Some(templates) = &self.templates else {
            let tags = self.tags(metric);
            for (field, value) in metric.fields().filter(|(_, value)| is_number(value)) {
                let path = self.path_with_tags(metric, field);
                line(&format!("{path}{tags}"), value, metric.time(), out);
            }
            return Ok(());
        };
        let name = metric.name();
        let matching = templates.filtered.iter().find(|(filter, _)| filter.matches(name));
        let template = matching.map_or(&templates.default, |(_, template)| template);
        let Some(bucket) = template.apply(metric, &self.prefix) else {
            return Ok(());
        };
        for (field, value) in metric.fields().filter(|(_, value)| is_number(value)) {
            let path = self.strict.apply(&insert_field(&bucket, field));
            line(&path, value, metric.time(), out);
        }
        Ok(())
    }
}

impl Graphite {
    fn path_with_tags(&self, metric: &Metric, field: &str) -> String {
        let mut path = String::new();
        if !self.prefix.is_empty() {
            path = format!("{}{}", self.prefix, self.separator);
        }
        path += metric.name();
        if field != "value" {
            path += &self.separator;
            path += field;
        }
        self.strict.apply(&path)
    }

    fn tags(&self, metric: &Metric) -> String {
        let pair = |(key, value): (&Key, &str)| {
            // Graphite's own tag of this name is the path.
            let key = if *key == "name" { "_name" } else { key.as_str() };
            if self.compatible {
                compatible_tag(key, value)
            } else {
                self.strict.apply(&format!("{key}={value}"))
            }
        };
        let mut tags: Vec<String> = metric.tags().map(pair).collect();
        tags.sort_unstable();
        tags.into_iter().map(|tag| format!(";{tag}")).collect()
    }
}

/// Texts are left out, and what is no number.
fn is_number(value: &Value) -> bool {
    match value {
        Value::Str(_) => false,
        Value::Float(v) => v.is_finite(),
        _ => true,
    }
}

fn line(path: &str, value: &Value, time: Timestamp, out: &mut Vec<u8>) {
    out.extend_from_slice(path.as_bytes());
    out.push(b' ');
    match value {
        Value::Bool(v) => out.push(b'0' + u8::from(*v)),
        value => crate::number::push_plain(value, out),
    }
    out.push(b' ');
    wheatstone_line_protocol::push_int(time / 1_000_000_000, out);
    out.push(b'\n');
}
