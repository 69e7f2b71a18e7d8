//! Metrics in, the same with a tag whose name and value a Go template made out.

use wheatstone_gotemplate::Template as GoTemplate;
use wheatstone_plugin::anyhow::anyhow;
use wheatstone_plugin::prelude::*;

/// Makes a tag with a Go template.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TemplateConfig {
    /// The tag's name, a template too; the dot is the metric.
    tag: String,
    /// The tag's value. Go's syntax with the functions of sprig; the dot is the metric.
    template: String,
}

struct Template {
    tag: GoTemplate,
    value: GoTemplate,
    log: Log,
}

fn parse(what: &str, source: &str) -> Result<GoTemplate> {
    GoTemplate::parse(&format!("{what} template"), source).map_err(|e| {
        let what = if what == "tag" { "tag name" } else { what };
        anyhow!("creating {what} template failed: {e}")
    })
}

impl Plugin for Template {
    type Config = TemplateConfig;

    fn new(config: TemplateConfig, cx: &Context) -> Result<Self> {
        Ok(Template {
            tag: parse("tag", &config.tag)?,
            value: parse("value", &config.template)?,
            log: cx.log().clone(),
        })
    }
}

impl Processor for Template {
    fn process(&mut self, metrics: &mut Vec<Metric>) {
        for metric in metrics {
            let tag = match self.tag.execute(&*metric) {
                Ok(tag) => tag,
                Err(error) => {
                    error!(self.log, "failed to execute tag name template: {error}");
                    continue;
                }
            };
            match self.value.execute(&*metric) {
                Ok(value) => metric.set_tag(tag, value),
                Err(error) => error!(self.log, "failed to execute value template: {error}"),
            }
        }
    }
}

register!(processor "template" = Template);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{build, metric, process};

    fn template(tag: &str, template: &str) -> Result<Template, String> {
        let config = TemplateConfig {
            tag: tag.to_owned(),
            template: template.to_owned(),
        };
        build("template", config)
    }

    fn pump() -> Metric {
        metric(
            "pump",
            &[("site", "north"), ("level", "2")],
            &[("kind", Value::from("sensor")), ("flow", Value::Float(2.5))],
            0,
        )
    }

    fn tag_of(tag: &str, value: &str, name: &str) -> String {
        let metrics = process(&mut template(tag, value).unwrap(), pump());
        metrics[0].tag(name).unwrap_or_default().to_owned()
    }

    #[test]
    fn a_tag_is_made_of_what_the_metric_has() {
        assert_eq!(
            tag_of("topic", "{{.Tag `site`}}/{{.Tag `level`}}", "topic"),
            "north/2"
        );
        assert_eq!(tag_of("{{.Field `kind`}}", "{{.Name | upper}}", "sensor"), "PUMP");
        assert_eq!(tag_of("site", "{{.Field `flow`}}", "site"), "2.5");
        assert_eq!(tag_of("year", "{{.Time.UTC.Year}}", "year"), "1970");
    }

    #[test]
    fn what_fails_leaves_the_metric_as_it_is() {
        for (tag, value) in [("{{.Nope}}", "x"), ("x", "{{.Field `none` | upper}}")] {
            assert_eq!(process(&mut template(tag, value).unwrap(), pump()), [pump()]);
        }
    }

    #[test]
    fn a_wrong_template_is_told_at_once() {
        assert_eq!(
            template("{{", "").err().unwrap_or_default(),
            "creating tag name template failed: template: tag template:1: unclosed action (at column 2)"
        );
        assert!(
            template("x", "{{end}}")
                .err()
                .unwrap_or_default()
                .starts_with("creating value template failed: ")
        );
    }
}
