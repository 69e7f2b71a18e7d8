use super::*;
use wheatstone_metric::Metric;

mod functions;
mod language;
mod limits;
mod printing;

/// A metric with a tag and a field of each type.
fn metric() -> Metric {
    let mut m = Metric::new("boiler", 1_709_622_489_012_300_000);
    m.set_tag("site", "north");
    m.set_tag("floor", "-1");
    m.set_field("temp", 81.25);
    m.set_field("count", 12i64);
    m.set_field("total", 12u64);
    m.set_field("on", true);
    m.set_field("note", "all <well>");
    m
}

fn template(text: &str) -> Template {
    Template::parse("t", text).unwrap()
}
/// What a template gives for that metric.
fn render(text: &str) -> String {
    template(text).execute(&metric()).unwrap()
}
/// What is wrong with it, when it is parsed or else when it is executed.
fn error(text: &str) -> String {
    match Template::parse("t", text) {
        Err(error) => error.to_string(),
        Ok(template) => template.execute(&metric()).unwrap_err().to_string(),
    }
}
/// Every template gives the text beside it.
fn all(cases: &[(&str, &str)]) {
    for (text, want) in cases {
        assert_eq!(render(text), *want, "{text}");
    }
}
