//! The options, and what they come to: how names are put together and which forms values take.

use wheatstone_plugin::prelude::*;

/// Options of `data_format = "sparkplug_b"`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct SparkplugConfig {
    /// Name of the metrics; without it they bear the name of the input. `{group}`, `{edge_node}`, `{device}`, `{source}` (the
    /// device, or the edge node where there is none) and `{metric}` stand for what the message says.
    pub metric_name: String,
    /// Name of the field that a Sparkplug metric becomes, with the same words in braces.
    pub sparkplug_field_name: String,
    /// What becomes tags: `group_id`, `edge_node_id`, `device_id`, `message_type` (such as `DDATA`), `metric`, `datatype`.
    pub sparkplug_tags: Vec<String>,
    /// What joins names where a value has parts: elements of arrays, members of templates, columns, properties.
    pub sparkplug_separator: String,
    /// Name of the metrics that tell of births and deaths, and of the host applications' states; empty for none of them.
    pub sparkplug_state_name: String,
    /// Whether the values in births become metrics. Names and aliases are read from births in any case.
    pub sparkplug_births: bool,
    /// Whether commands (NCMD and DCMD) become metrics, too; they then have the tag `message_type`.
    pub sparkplug_commands: bool,
    /// Arrays: `fields` makes a field of each element, `json` one text of all, `skip` leaves them out.
    pub sparkplug_arrays: String,
    /// Datasets: `rows` makes a metric of each row, with the tag `row`; `json` makes one text, `skip` leaves them out.
    pub sparkplug_datasets: String,
    /// Bytes and files: texts in `base64` or `hex`, or `skip`.
    pub sparkplug_bytes: String,
    /// Properties of metrics, such as their units: `skip`, `fields`, or `tags`, which makes a metric of its own of each
    /// Sparkplug metric and remembers the properties of its birth.
    pub sparkplug_properties: String,
    /// Metrics whose value is null: `skip`, or `flag`, which sets a field `<name>_null` to true.
    pub sparkplug_nulls: String,
    /// Metrics marked as historical: `keep` them, `tag` them with `historical=true`, or `drop` them.
    pub sparkplug_historical: String,
    /// Metrics marked as transient, which are not meant to be stored: `keep` or `drop`.
    pub sparkplug_transient: String,
    /// Whether an edge node is asked for a rebirth (the command `Node Control/Rebirth`) where its birth is missing, an alias is
    /// not known or a message was lost. Only an input that can publish sends it: `mqtt_consumer`.
    pub sparkplug_rebirth: bool,
    /// An edge node is not asked again before this time is over.
    pub sparkplug_rebirth_interval: Duration,
}

impl Default for SparkplugConfig {
    fn default() -> SparkplugConfig {
        SparkplugConfig {
            metric_name: String::new(),
            sparkplug_field_name: "{metric}".to_owned(),
            sparkplug_tags: ["group_id", "edge_node_id", "device_id"]
                .map(str::to_owned)
                .to_vec(),
            sparkplug_separator: "/".to_owned(),
            sparkplug_state_name: "sparkplug_state".to_owned(),
            sparkplug_births: true,
            sparkplug_commands: false,
            sparkplug_arrays: "fields".to_owned(),
            sparkplug_datasets: "rows".to_owned(),
            sparkplug_bytes: "base64".to_owned(),
            sparkplug_properties: "skip".to_owned(),
            sparkplug_nulls: "skip".to_owned(),
            sparkplug_historical: "keep".to_owned(),
            sparkplug_transient: "keep".to_owned(),
            sparkplug_rebirth: false,
            sparkplug_rebirth_interval: Duration::from_secs(30),
        }
    }
}

/// Who speaks, for the words in braces.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Words<'a> {
    pub(super) group: &'a str,
    pub(super) node: &'a str,
    pub(super) device: Option<&'a str>,
    pub(super) metric: &'a str,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Group,
    Node,
    Device,
    Source,
    Metric,
}

/// A name with words in braces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern(Vec<Part>);

impl Pattern {
    /// Takes `text` apart; `option` is what an error names.
    pub(super) fn new(text: &str, option: &str) -> Result<Pattern> {
        let (mut parts, mut rest) = (Vec::new(), text);
        while let Some((before, after)) = rest.split_once('{') {
            let Some((word, after)) = after.split_once('}') else {
                bail!("{option}: a brace that does not close in {text:?}");
            };
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(match word {
                "group" => Part::Group,
                "edge_node" => Part::Node,
                "device" => Part::Device,
                "source" => Part::Source,
                "metric" => Part::Metric,
                _ => bail!(
                    "{option}: unknown word {{{word}}}; there are {{group}}, {{edge_node}}, {{device}}, {{source}} and {{metric}}"
                ),
            });
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Pattern(parts))
    }

    /// Whether it differs from metric to metric.
    pub(super) fn has_metric(&self) -> bool {
        self.0.contains(&Part::Metric)
    }

    pub(super) fn render(&self, words: &Words<'_>, out: &mut String) {
        for part in &self.0 {
            out.push_str(match part {
                Part::Text(text) => text,
                Part::Group => words.group,
                Part::Node => words.node,
                Part::Device => words.device.unwrap_or_default(),
                Part::Source => words.device.unwrap_or(words.node),
                Part::Metric => words.metric,
            });
        }
    }
}

/// One of a few words as an option's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Skip,
    Keep,
    Tag,
    Drop,
    Flag,
    Fields,
    Tags,
    Rows,
    Json,
    Base64,
    Hex,
}

/// The options, checked.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) name: Pattern,
    pub(super) field: Pattern,
    pub(super) group_tag: bool,
    pub(super) node_tag: bool,
    pub(super) device_tag: bool,
    pub(super) message_tag: bool,
    pub(super) metric_tag: bool,
    pub(super) datatype_tag: bool,
    pub(super) separator: String,
    pub(super) arrays: Form,
    pub(super) datasets: Form,
    pub(super) bytes: Form,
    pub(super) properties: Form,
    pub(super) nulls: Form,
    pub(super) historical: Form,
    pub(super) transient: Form,
}

impl Shape {
    pub(super) fn new(config: &SparkplugConfig, default_name: &str) -> Result<Shape> {
        let name = match config.metric_name.as_str() {
            // The input's own name has no words in braces, whatever it contains.
            "" => Pattern(vec![Part::Text(default_name.to_owned())]),
            name => Pattern::new(name, "metric_name")?,
        };
        let known = [
            "group_id",
            "edge_node_id",
            "device_id",
            "message_type",
            "metric",
            "datatype",
        ];
        if let Some(wrong) = config
            .sparkplug_tags
            .iter()
            .find(|t| !known.contains(&t.as_str()))
        {
            bail!(
                "sparkplug_tags: unknown tag {wrong:?}; there are {}",
                known.join(", ")
            );
        }
        let tag = |name: &str| config.sparkplug_tags.iter().any(|tag| tag == name);
        if config.sparkplug_field_name.is_empty() {
            bail!("sparkplug_field_name: a field needs a name");
        }
        Ok(Shape {
            name,
            field: Pattern::new(&config.sparkplug_field_name, "sparkplug_field_name")?,
            group_tag: tag("group_id"),
            node_tag: tag("edge_node_id"),
            device_tag: tag("device_id"),
            message_tag: tag("message_type"),
            metric_tag: tag("metric"),
            datatype_tag: tag("datatype"),
            separator: config.sparkplug_separator.clone(),
            arrays: form(
                "sparkplug_arrays",
                &config.sparkplug_arrays,
                &[
                    ("fields", Form::Fields),
                    ("json", Form::Json),
                    ("skip", Form::Skip),
                ],
            )?,
            datasets: form(
                "sparkplug_datasets",
                &config.sparkplug_datasets,
                &[("rows", Form::Rows), ("json", Form::Json), ("skip", Form::Skip)],
            )?,
            bytes: form(
                "sparkplug_bytes",
                &config.sparkplug_bytes,
                &[("base64", Form::Base64), ("hex", Form::Hex), ("skip", Form::Skip)],
            )?,
            properties: form(
                "sparkplug_properties",
                &config.sparkplug_properties,
                &[
                    ("skip", Form::Skip),
                    ("fields", Form::Fields),
                    ("tags", Form::Tags),
                ],
            )?,
            nulls: form(
                "sparkplug_nulls",
                &config.sparkplug_nulls,
                &[("skip", Form::Skip), ("flag", Form::Flag)],
            )?,
            historical: form(
                "sparkplug_historical",
                &config.sparkplug_historical,
                &[("keep", Form::Keep), ("tag", Form::Tag), ("drop", Form::Drop)],
            )?,
            transient: form(
                "sparkplug_transient",
                &config.sparkplug_transient,
                &[("keep", Form::Keep), ("drop", Form::Drop)],
            )?,
        })
    }

    /// Whether every Sparkplug metric becomes a metric of its own; otherwise those of one time are fields of one.
    pub(super) fn apart(&self) -> bool {
        self.metric_tag || self.datatype_tag || self.properties == Form::Tags || self.name.has_metric()
    }
}

fn form(option: &str, value: &str, forms: &[(&str, Form)]) -> Result<Form> {
    match forms.iter().find(|(name, _)| *name == value) {
        Some((_, form)) => Ok(*form),
        None => {
            let names: Vec<&str> = forms.iter().map(|(name, _)| *name).collect();
            bail!("{option}: {value:?} is none of {}", names.join(", "));
        }
    }
}
