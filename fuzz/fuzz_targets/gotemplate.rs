#![no_main]
//! Any text as a template: it is none, or it is executed with a metric and ends.

use wheatstone_fuzz::libfuzzer_sys::fuzz_target;
use wheatstone_gotemplate::{Template, Value};
use wheatstone_plugin::Metric;

fuzz_target!(|data: &[u8]| {
    let Ok(source) = std::str::from_utf8(data) else {
        return;
    };
    let template = match Template::parse("fuzz", source) {
        Ok(template) => template,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let mut metric = Metric::new("pump", 1_700_000_000_000_000_000);
    metric.set_tag("a", "north");
    metric.set_field("a", -2.5);
    metric.set_field("b", i64::MIN);
    metric.set_field("c", "1,2");
    metric.set_field("d", u64::MAX);
    let mut out = b"before".to_vec();
    if template.execute_to(&mut out, &metric).is_err() {
        assert_eq!(out, b"before");
    }
    let _ = template.execute_to(&mut out, [&metric, &metric].into_iter().collect::<Value<'_>>());
});
