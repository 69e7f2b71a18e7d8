//! Metrics into whatever a Go template makes of them.

use wheatstone_gotemplate::{Template as GoTemplate, Value as Data};
use wheatstone_plugin::anyhow::anyhow;
use wheatstone_plugin::prelude::*;

/// Writes what a Go template makes of each metric, or of each batch.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TemplateConfig {
    /// The template for one metric. Go's syntax with the functions of sprig; the dot is the metric.
    pub template: String,
    /// The template for a batch; the dot is the list of metrics. Where it is empty, `template` is applied to one after the other.
    pub batch_template: String,
}

/// The serializer `template`.
pub struct Template {
    /// Nothing where only batches have a template.
    metric: Option<GoTemplate>,
    batch: GoTemplate,
}

fn parse(name: &str, source: &str) -> Result<GoTemplate> {
    GoTemplate::parse(name, source).map_err(|e| anyhow!("creating {name} failed: {e}"))
}

impl Plugin for Template {
    type Config = TemplateConfig;

    fn new(config: TemplateConfig, _: &Context) -> Result<Template> {
        let source = &config.template;
        let metric = parse("template", source)?;
        let batch = match config.batch_template.as_str() {
            "" => parse("batch template", &format!("{{{{range .}}}}{source}{{{{end}}}}"))?,
            batch => parse("batch template", batch)?,
        };
        Ok(Template {
            metric: (!source.is_empty()).then_some(metric),
            batch,
        })
    }
}

impl Serializer for Template {
    fn serialize(&mut self, metric: &Metric, out: &mut Vec<u8>) -> Result<()> {
        match &self.metric {
            Some(template) => template
                .execute_to(out, metric)
                .map_err(|e| anyhow!("failed to execute template: {e}")),
            None => self.serialize_batch(&[metric], out),
        }
    }

    fn serialize_batch(&mut self, metrics: &[&Metric], out: &mut Vec<u8>) -> Result<()> {
        let data: Data<'_> = metrics.iter().copied().collect();
        self.batch
            .execute_to(out, data)
            .map_err(|e| anyhow!("failed to execute batch template: {e}"))
    }
}

register!(serializer "template" = Template);

#[cfg(test)]
mod tests {
    use super::*;

    fn build(template: &str, batch_template: &str) -> Result<Template, String> {
        crate::testing::build(TemplateConfig {
            template: template.to_owned(),
            batch_template: batch_template.to_owned(),
        })
    }

    fn metric(name: &str, level: f64) -> Metric {
        let mut m = Metric::new(name, 1_700_000_000_000_000_000);
        m.set_tag("site", "north");
        m.set_field("level", level);
        m
    }

    /// What one metric and what a batch of two become.
    fn both(template: &str, batch_template: &str) -> (String, String) {
        let mut serializer = build(template, batch_template).expect("valid options");
        let (a, b) = (metric("tank", 1.5), metric("well", 20.0));
        let (mut one, mut two) = (Vec::new(), b">".to_vec());
        serializer.serialize(&a, &mut one).expect("a text");
        serializer.serialize_batch(&[&a, &b], &mut two).expect("a text");
        (
            String::from_utf8(one).expect("text"),
            String::from_utf8(two).expect("text"),
        )
    }

    #[test]
    fn a_template_is_applied_to_each_metric() {
        let (one, two) = both("{{.Name}} {{.Tag `site` | upper}}={{.Field `level`}};", "");
        assert_eq!(one, "tank NORTH=1.5;");
        assert_eq!(two, ">tank NORTH=1.5;well NORTH=20;");
    }

    #[test]
    fn a_batch_has_a_template_of_its_own() {
        let batch = "{{len .}}:{{range $i, $m := .}}{{if $i}},{{end}}{{$m.Name}}{{end}}";
        assert_eq!(
            both("{{.Name}}", batch),
            ("tank".to_owned(), ">2:tank,well".to_owned())
        );
        // It serves for a single metric too where that has none.
        assert_eq!(both("", batch), ("1:tank".to_owned(), ">2:tank,well".to_owned()));
    }

    #[test]
    fn without_a_template_nothing_is_written() {
        assert_eq!(both("", ""), (String::new(), ">".to_owned()));
    }

    #[test]
    fn a_wrong_template_is_told_at_once() {
        let error = |template, batch| {
            build(template, batch)
                .err()
                .map(|e| e.to_string())
                .unwrap_or_default()
        };
        assert_eq!(
            error("{{.Name | shout}}", ""),
            "creating template failed: template: template:1: function \"shout\" not defined (at column 10)"
        );
        assert!(
            error("", "{{range .}}")
                .starts_with("creating batch template failed: template: batch template:1: unexpected EOF")
        );
    }

    #[test]
    fn what_a_metric_lacks_is_an_error_and_writes_nothing() {
        let mut serializer = build("{{.Name}}{{fail `no`}}", "").expect("valid options");
        let mut out = b"before".to_vec();
        let error = serializer
            .serialize(&metric("m", 0.0), &mut out)
            .expect_err("an error");
        assert!(
            error
                .to_string()
                .starts_with("failed to execute template: template: template:1:")
        );
        assert!(
            serializer
                .serialize_batch(&[&metric("m", 0.0)], &mut out)
                .is_err()
        );
        assert_eq!(out, b"before");
    }
}
