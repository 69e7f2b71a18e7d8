//! Metrics in; what patterns make of their tags, fields and names out.

mod rename;
mod replace;

use wheatstone_plugin::prelude::*;

use rename::Rename;
use replace::Replace;

/// Changes values and names by regular expressions, in Go's syntax.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RegexConfig {
    /// Conversions of tag values, applied first and in this order. Only `key` and `pattern` are needed.
    tags: Vec<ConversionConfig>,
    /// Conversions of the values of fields that are strings; other fields are left alone.
    fields: Vec<ConversionConfig>,
    /// Renames tags whose keys match `pattern`; `key` is not used. `result_key` says what happens where a tag bears the new
    /// name already: `"keep"` (default) leaves both, `"overwrite"` replaces it.
    tag_rename: Vec<ConversionConfig>,
    /// Renames fields, likewise.
    field_rename: Vec<ConversionConfig>,
    /// Renames measurements that match `pattern`; `key` and `result_key` are not used.
    metric_rename: Vec<ConversionConfig>,
}

/// One conversion.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ConversionConfig {
    /// Which tag or field; may contain `*`, `?` and `[...]`.
    key: String,
    /// What to look for; a value that does not match is left alone.
    pattern: String,
    /// What every match is replaced by. `${1}` and `${name}` stand for groups, `$$` for a dollar sign. Where both this and
    /// `result_key` are empty and all groups have names, each group becomes a tag or field of its name.
    replacement: String,
    /// Which tag or field the result is written to; the one that matched where it is empty.
    result_key: String,
    /// Tags: puts the result behind the value that is there, instead of replacing it.
    append: bool,
}

struct Regex {
    tags: Vec<Replace>,
    fields: Vec<Replace>,
    tag_rename: Vec<Rename>,
    field_rename: Vec<Rename>,
    metric_rename: Vec<Rename>,
}

impl Plugin for Regex {
    type Config = RegexConfig;

    fn new(config: RegexConfig, cx: &Context) -> Result<Self> {
        let log = cx.log();
        for (section, conversions) in [
            ("tag_rename", &config.tag_rename),
            ("field_rename", &config.field_rename),
            ("metric_rename", &config.metric_rename),
        ] {
            for c in conversions {
                if !c.key.is_empty() {
                    info!(
                        log,
                        "'{section}' section contains a key which is ignored during processing"
                    );
                }
                if section == "metric_rename" && !c.result_key.is_empty() {
                    info!(
                        log,
                        "'{section}' section contains a 'result_key' which is ignored: the name is always replaced"
                    );
                }
            }
        }
        Ok(Regex {
            tags: each("tags", &config.tags, |c| Replace::new("tags", c, log))?,
            fields: each("fields", &config.fields, |c| Replace::new("fields", c, log))?,
            tag_rename: each("tag_rename", &config.tag_rename, Rename::with_policy)?,
            field_rename: each("field_rename", &config.field_rename, Rename::with_policy)?,
            metric_rename: each("metric_rename", &config.metric_rename, Rename::new)?,
        })
    }
}

fn each<T>(
    section: &str,
    configs: &[ConversionConfig],
    make: impl Fn(&ConversionConfig) -> Result<T>,
) -> Result<Vec<T>> {
    configs
        .iter()
        .map(|c| make(c).map_err(|e| anyhow!("'{section}' {e:#}")))
        .collect()
}

impl Processor for Regex {
    fn process(&mut self, metrics: &mut Vec<Metric>) {
        for m in metrics {
            self.tags.iter_mut().for_each(|c| c.tags(m));
            self.fields.iter_mut().for_each(|c| c.fields(m));
            self.tag_rename.iter_mut().for_each(|c| c.tag_keys(m));
            self.field_rename.iter_mut().for_each(|c| c.field_keys(m));
            self.metric_rename.iter_mut().for_each(|c| c.name(m));
        }
    }
}

register!(processor "regex" = Regex);

#[cfg(test)]
mod tests;
