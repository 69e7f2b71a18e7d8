use super::*;
use crate::testing::{batch, build, metric, one, text};

fn config() -> GraphiteConfig {
    GraphiteConfig::default()
}

fn sample() -> Metric {
    let fields = [
        ("value", Value::Float(91.5)),
        ("idle time", Value::Int(-2)),
        ("text", Value::from("x")),
        ("bad", Value::Float(f64::NAN)),
        ("on", Value::Bool(true)),
        ("big", Value::Uint(u64::MAX)),
    ];
    let tags = [("host", "web.1"), ("dc", "us west"), ("name", "n")];
    metric("cpu", &tags, &fields, 1_700_000_000_999_999_999)
}

/// The lines with these paths in the order of the sample's numbers.
fn lines(paths: [&str; 4]) -> Result<String, String> {
    let values = ["91.5", "-2", "1", "18446744073709551615"];
    let line = |(path, value): (&str, &str)| format!("{path} {value} 1700000000\n");
    Ok(paths.into_iter().zip(values).map(line).collect())
}

#[test]
fn the_default_template() {
    assert_eq!(
        one::<Graphite>(config(), &sample()),
        lines([
            "web_1.us_west.n.cpu",
            "web_1.us_west.n.cpu.idle_time",
            "web_1.us_west.n.cpu.on",
            "web_1.us_west.n.cpu.big",
        ])
    );
    let bare = metric("m", &[], &[("f", Value::Int(1))], 0);
    assert_eq!(one::<Graphite>(config(), &bare), text(".m.f 1 0\n"));
}

#[test]
fn templates_are_chosen_by_name() {
    let templates = |list: &[&str]| GraphiteConfig {
        prefix: "p".to_owned(),
        templates: list.iter().map(|t| (*t).to_owned()).collect(),
        ..config()
    };
    let paths = [
        "p.cpu.web_1",
        "p.idle_time.cpu.web_1",
        "p.on.cpu.web_1",
        "p.big.cpu.web_1",
    ];
    let chosen = templates(&["mem* tags", "c?u field.measurement.host", "field"]);
    assert_eq!(one::<Graphite>(chosen, &sample()), lines(paths));
    let default = templates(&["mem* tags", "field.measurement.host"]);
    assert_eq!(batch::<Graphite>(default, &[&sample()]), lines(paths));
    let nothing = templates(&["none"]);
    assert_eq!(one::<Graphite>(nothing, &sample()), text(""));

    let error = |list: &[&str]| build::<Graphite>(templates(list)).err();
    assert_eq!(
        error(&["a", " "]),
        Some("missing template at position: 1".to_owned())
    );
    assert_eq!(
        error(&["a b c"]),
        Some("invalid template format: \"a b c\"".to_owned())
    );
}

#[test]
fn tags_as_tags() {
    let tagged = GraphiteConfig {
        graphite_tag_support: true,
        graphite_separator: "_".to_owned(),
        prefix: "p".to_owned(),
        ..config()
    };
    let tags = ";_name=n;dc=us_west;host=web.1";
    let [value, idle, on, big] =
        ["p_cpu", "p_cpu_idle_time", "p_cpu_on", "p_cpu_big"].map(|path| format!("{path}{tags}"));
    assert_eq!(
        one::<Graphite>(tagged.clone(), &sample()),
        lines([&value, &idle, &on, &big])
    );
    let compatible = GraphiteConfig {
        graphite_tag_sanitize_mode: "compatible".to_owned(),
        graphite_separator: String::new(),
        ..tagged
    };
    let tags = ";_name=n;dc=us west;host=web.1";
    let [value, idle, on, big] =
        ["p.cpu", "p.cpu.idle_time", "p.cpu.on", "p.cpu.big"].map(|path| format!("{path}{tags}"));
    assert_eq!(
        one::<Graphite>(compatible, &sample()),
        lines([&value, &idle, &on, &big])
    );
}

#[test]
fn fields_have_their_place() {
    for (path, field, expected) in [
        ("a.FIELDNAME.b", "value", "a.b"),
        ("FIELDNAME.a", "value", "a"),
        ("FIELDNAME", "value", "FIELDNAME"),
        ("a.FIELDNAME.FIELDNAME", "value", "a"),
        ("a.FIELDNAME.FIELDNAME", "f", "a.f.FIELDNAME"),
    ] {
        assert_eq!(insert_field(path, field), expected, "{path}");
    }
}
