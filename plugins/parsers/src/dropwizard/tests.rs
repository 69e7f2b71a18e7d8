use proptest::prelude::*;

use super::*;
use crate::testing::{build, feed, lines, parse};

fn with(change: impl FnOnce(&mut DropwizardConfig)) -> DropwizardConfig {
    let mut config = DropwizardConfig::default();
    change(&mut config);
    config
}

#[test]
fn every_kind_is_a_metric() {
    let payload = r#"{"version": "3.0.0", "timers": {"t": {"p50": 2.5, "rate_units": "calls/second"}},
        "counters": {"requests,code=200,site=north": {"count": 7}}, "gauges": {"g": {"value": true, "list": [1], "none": null}},
        "meters": {"m m": {"m1_rate": 1e-3}}, "histograms": {"h": {"max": 9}}, "other": {"x": {"y": 1}}}"#;
    assert_eq!(
        parse::<Dropwizard>(DropwizardConfig::default(), payload),
        lines(&[
            "requests,code=200,metric_type=counter,site=north count=Float(7.0)",
            "m m,metric_type=meter m1_rate=Float(0.001)",
            "g,metric_type=gauge value=Bool(true)",
            "h,metric_type=histogram max=Float(9.0)",
            "t,metric_type=timer p50=Float(2.5),rate_units=Str(\"calls/second\")",
        ])
    );
    for nothing in ["{}", "null", r#"{"counters": 7, "gauges": {"g": 1, "h": {}}}"#] {
        assert_eq!(
            parse::<Dropwizard>(DropwizardConfig::default(), nothing),
            lines(&[]),
            "{nothing}"
        );
    }
}

#[test]
fn templates_take_names_apart() {
    let config = with(|c| {
        c.separator = "_".to_owned();
        c.templates = vec!["jvm.* measurement.measurement.pool.field.field".to_owned()];
    });
    let payload = r#"{"gauges": {"jvm.memory.heap.max.now": {"value": 3}, "plain": {"value": 4}}}"#;
    assert_eq!(
        parse::<Dropwizard>(config, payload),
        lines(&[
            "jvm_memory,metric_type=gauge,pool=heap max_now_value=Float(3.0)",
            "plain,metric_type=gauge value=Float(4.0)",
        ])
    );
    let wrong = with(|c| c.templates = vec!["a.b.c".to_owned()]);
    let error = build::<Dropwizard>(wrong).err();
    assert_eq!(
        error.as_deref(),
        Some("no measurement specified for template. \"a.b.c\"")
    );
    let both = with(|c| c.templates = vec!["measurement*.field*".to_owned()]);
    let error = parse::<Dropwizard>(both, r#"{"gauges": {"a.b": {"value": 1}}}"#).expect_err("both");
    assert!(
        error.starts_with("failed to apply template for type gauge: either 'field*'"),
        "{error}"
    );
}

const EMBEDDED: &str = r#"{"at": "2017-02-22T14:33:03.662+02:00", "meta": {"tags": {"site": "north", "metric_type": "mine"}, "n": 5},
    "data": {"registry": {"counters": {"a,site=own": {"count": 1}, "b": {"count": 2}}}}}"#;

fn embedded() -> DropwizardConfig {
    with(|c| {
        c.dropwizard_metric_registry_path = "data.registry".to_owned();
        c.dropwizard_time_path = "at".to_owned();
    })
}

#[test]
fn registries_times_and_tags_are_found_by_paths() {
    let mut config = embedded();
    config.dropwizard_tags_path = "meta.tags".to_owned();
    let time = 1_487_766_783_662_000_000i64;
    assert_eq!(
        parse::<Dropwizard>(config.clone(), EMBEDDED),
        lines(&[
            &format!("a,metric_type=counter,site=own count=Float(1.0) {time}"),
            &format!("b,metric_type=counter,site=north count=Float(2.0) {time}"),
        ])
    );
    // Where that path leads to no texts, the paths of single tags count.
    for path in ["meta", "nothing", "data.registry.none"] {
        config.dropwizard_tags_path = path.to_owned();
        config.dropwizard_tag_paths_map = [("n".to_owned(), "meta.n".to_owned())].into();
        let read = parse::<Dropwizard>(config.clone(), EMBEDDED).expect("a registry");
        assert_eq!(
            read[1],
            format!("b,metric_type=counter,n=5 count=Float(2.0) {time}"),
            "{path}"
        );
    }
}

#[test]
fn what_is_wrong_is_said() {
    let error = |config: DropwizardConfig, payload: &str| {
        parse::<Dropwizard>(config, payload).err().unwrap_or_default()
    };
    let start = "unable to parse dropwizard metric registry from JSON document";
    for (payload, wanted) in [
        (r#"{"a\ b": 1}"#, r#"invalid escape sequence "\\ " in string"#),
        (
            r#"{"a\u00g0": 1}"#,
            r#"invalid escape sequence "\\u00g" in string"#,
        ),
        (
            "[]",
            "json: cannot unmarshal array into Go value of type map[string]interface {}",
        ),
        ("{", "unexpected end of JSON input"),
        (
            "{]",
            "invalid character ']' looking for beginning of object key string",
        ),
    ] {
        assert_eq!(
            error(DropwizardConfig::default(), payload),
            format!("{start}, {wanted}"),
            "{payload}"
        );
    }
    let mut config = embedded();
    config.dropwizard_metric_registry_path = "none".to_owned();
    assert_eq!(
        error(config.clone(), EMBEDDED),
        "metric registry not found in JSON path none"
    );
    config.dropwizard_time_path = "none".to_owned();
    assert_eq!(
        error(config.clone(), EMBEDDED),
        "time not found in JSON path none"
    );
    config.dropwizard_time_path = "meta.n".to_owned();
    let message = error(config, EMBEDDED);
    assert!(
        message
            .starts_with("time 5 cannot be parsed with format 2006-01-02T15:04:05Z07:00, parsing time \"5\""),
        "{message}"
    );
}

proptest! {
    #[test]
    fn no_payload_panics(bytes in proptest::collection::vec(any::<u8>(), 0..80), cut in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut config = embedded();
        config.dropwizard_tags_path = "meta.tags".to_owned();
        let mut parser = build::<Dropwizard>(config).expect("valid options");
        let _ = feed(&mut parser, &bytes);
        let mut changed = EMBEDDED.as_bytes().to_vec();
        changed[cut.index(EMBEDDED.len())] = byte;
        let _ = feed(&mut parser, &changed);
    }
}
