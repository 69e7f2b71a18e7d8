//! `adapter`: which messages go to which parser, and what their topics say.

use wheatstone_plugin::prelude::*;

use crate::template::{Template, filter_fits};
use crate::topic::{Edit, valid_filter};

/// One adapter (not in Telegraf): a parser of its own for some of the topics. The options of its `data_format` stand in its
/// table.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct AdapterConfig {
    /// Filters, with the wildcards + and #, of the topics whose messages the adapter takes. None: those that fit `topic`.
    pub topics: Vec<String>,
    /// What the levels of the topic mean: `sensors/{site}/{device}/{field}` makes the tags `site` and `device`. `{field}`
    /// names the field of a payload that has only one, `{measurement}` the metrics; `{_}`, `+` and, at the end, `#` pass
    /// levels over. A topic of another shape is left to the next adapter.
    pub topic: String,
    /// The name of all its metrics, whatever the payload says.
    pub measurement: String,
    /// The format of its payloads, with that format's own options beside it: "auto" to tell JSON, line protocol, plain
    /// values and Sparkplug B apart, message by message.
    pub data_format: String,
}

/// A parser with what its errors say about it.
pub(crate) struct Reader {
    pub parser: Box<dyn Parser>,
    pub data_format: String,
    /// The rule, for messages; nothing for the plugin's own format.
    pub rule: Option<String>,
}

/// An adapter as it is applied.
#[derive(Debug)]
pub(crate) struct Adapter {
    filters: Vec<String>,
    template: Option<Template>,
    measurement: Option<Key>,
    /// How messages name it.
    pub rule: String,
}

impl Adapter {
    /// The adapter with this number, counted from 0.
    pub fn new(number: usize, config: &AdapterConfig) -> Result<Adapter> {
        let place = format!("adapter {}", number + 1);
        if config.topics.is_empty() && config.topic.is_empty() {
            bail!("{place}: option \"topics\" or \"topic\" must say which messages it is for");
        }
        if let Some(wrong) = config.topics.iter().find(|t| !valid_filter(t)) {
            bail!("{place}: option \"topics\": invalid topic filter {wrong:?}");
        }
        let template = match config.topic.as_str() {
            "" => None,
            text => {
                let template = Template::new(text);
                Some(template.with_context(|| format!("{place}: option \"topic\": {text:?}"))?)
            }
        };
        if !config.measurement.is_empty() && template.as_ref().is_some_and(Template::names_measurement) {
            bail!("{place}: option \"measurement\" and {{measurement}} in \"topic\" exclude each other");
        }
        let shown = match config.topics.as_slice() {
            [] => config.topic.clone(),
            topics => topics.join(" "),
        };
        Ok(Adapter {
            filters: config.topics.clone(),
            template,
            measurement: (!config.measurement.is_empty()).then(|| Key::new(&config.measurement)),
            rule: format!("{place} ({shown})"),
        })
    }

    /// The filters to subscribe to, for an input that has none of its own.
    pub fn subscriptions(&self) -> Vec<String> {
        match &self.template {
            Some(template) if self.filters.is_empty() => vec![template.filter()],
            _ => self.filters.clone(),
        }
    }

    /// What the adapter makes of a topic; nothing where it does not take it.
    pub fn edits(&self, topic: &str) -> Option<Vec<Edit>> {
        if !self.filters.is_empty() && !self.filters.iter().any(|f| filter_fits(f, topic)) {
            return None;
        }
        let mut edits = match &self.template {
            Some(template) => template.edits(topic)?,
            None => Vec::new(),
        };
        edits.extend(self.measurement.clone().map(Edit::Name));
        Some(edits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adapter(topics: &[&str], topic: &str, measurement: &str) -> Result<Adapter> {
        let config = AdapterConfig {
            topics: topics.iter().map(|t| (*t).to_owned()).collect(),
            topic: topic.to_owned(),
            measurement: measurement.to_owned(),
            ..AdapterConfig::default()
        };
        Adapter::new(1, &config)
    }

    #[test]
    fn topics_and_template_must_both_fit() {
        let a = adapter(&["a/#", "b/+"], "{kind}/{id}", "m").unwrap();
        assert_eq!(
            a.edits("a/1"),
            Some(vec![
                Edit::Tag(Key::new("kind"), "a".into()),
                Edit::Tag(Key::new("id"), "1".into()),
                Edit::Name(Key::new("m"))
            ])
        );
        assert_eq!((a.edits("c/1"), a.edits("a/1/2")), (None, None));
        assert_eq!(a.rule, "adapter 2 (a/# b/+)");
        assert_eq!(a.subscriptions(), ["a/#", "b/+"]);
        let b = adapter(&[], "x/{id}/#", "").unwrap();
        assert_eq!(
            (b.rule.as_str(), b.subscriptions()),
            ("adapter 2 (x/{id}/#)", vec!["x/+/#".to_owned()])
        );
    }

    #[test]
    fn errors_name_the_adapter_and_the_option() {
        for (made, expected) in [
            (
                adapter(&[], "", "m"),
                "adapter 2: option \"topics\" or \"topic\" must say which messages it is for",
            ),
            (
                adapter(&["a/#/b"], "", ""),
                "adapter 2: option \"topics\": invalid topic filter \"a/#/b\"",
            ),
            (
                adapter(&[], "a/{", ""),
                "adapter 2: option \"topic\": \"a/{\": \"{\": a brace is not closed",
            ),
            (
                adapter(&[], "{measurement}", "m"),
                "adapter 2: option \"measurement\" and {measurement} in \"topic\" exclude each other",
            ),
        ] {
            assert_eq!(format!("{:#}", made.unwrap_err()), expected);
        }
    }
}
