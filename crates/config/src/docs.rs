//! A plugin's documentation out of its config struct: the sample configuration, and the table of its options.
//!
//! The schema of a registration is all that is needed: doc comments are the texts, [`Default`] gives the values. The order
//! is the schema's: that of the struct where `serde_json` keeps the order of keys (its feature `preserve_order`), else the
//! alphabet's. An option that must be set is written without `#` where its property has `x-required` or `x-sample`:
//! `#[schemars(extend("x-sample" = ["tcp://127.0.0.1:1883"]))]`.

use std::fmt::Write as _;

use serde_json::Value;
use wheatstone_plugin::{Kind, Registration};

use crate::AgentConfig;
use crate::schema::{Property, Shape, properties};

/// The block of `sample.conf` for a plugin: `## text`, then `# key = value`. Loading it gives the defaults.
pub fn sample(registration: &Registration) -> String {
    sample_of(
        registration.kind,
        registration.name,
        registration.data_format,
        &(registration.schema)(),
    )
}

/// The options of a plugin as a Markdown table: option, type, default, meaning.
pub fn option_table(registration: &Registration) -> String {
    table_of(&(registration.schema)())
}

pub(crate) fn sample_of(kind: Kind, name: &str, data_format: Option<(Kind, &str)>, schema: &Value) -> String {
    let mut out = String::new();
    let text = schema["description"].as_str().unwrap_or_default();
    comment(&mut out, "", "#", text);
    // Options of a data format stand in the plugin's own table.
    let part = matches!(kind, Kind::Parser | Kind::Serializer);
    let header = format!("{}.{name}", kind.plural());
    if part {
        let _ = writeln!(out, "data_format = {}", literal(&Value::from(name)));
    } else {
        let _ = writeln!(out, "[[{header}]]");
    }
    let (path, indent) = if part {
        ("inputs.x".to_owned(), "")
    } else {
        (header, "  ")
    };
    let mut format = String::new();
    if let Some((format_kind, default)) = data_format {
        let does = if format_kind == Kind::Parser {
            "read"
        } else {
            "written"
        };
        let text = format!("The format that is {does}; each has options of its own, which stand here too.");
        comment(&mut format, "\n  ", "##", &text);
        let _ = writeln!(format, "  data_format = {}", literal(&Value::from(default)));
    }
    options(
        &mut out,
        schema,
        schema,
        &Place {
            path: &path,
            indent,
            off: false,
            last: &format,
        },
    );
    out
}

/// `[agent]` with its options.
pub fn agent_sample() -> String {
    let schema = schemars::schema_for!(AgentConfig).to_value();
    let mut out = String::from("[agent]\n");
    options(
        &mut out,
        &schema,
        &schema,
        &Place {
            path: "agent",
            indent: "  ",
            off: false,
            last: "",
        },
    );
    out
}

/// Where the options of a table are written.
struct Place<'a> {
    path: &'a str,
    indent: &'a str,
    /// The table itself is commented out.
    off: bool,
    /// Stands behind the last value, before the first header.
    last: &'a str,
}

/// The options of one table: values first, since what follows a header belongs to it.
fn options(out: &mut String, root: &Value, schema: &Value, place: &Place<'_>) {
    let Place {
        path,
        indent,
        off,
        last,
    } = *place;
    let all = properties(root, schema);
    let (plain, tables): (Vec<_>, Vec<_>) = all
        .into_iter()
        .partition(|p| matches!(p.shape, Shape::Plain(_) | Shape::List(_)));
    for (i, option) in plain.iter().enumerate() {
        let gap = if i > 0 { "\n" } else { "" };
        comment(out, &format!("{gap}{indent}"), "##", option.text);
        let mark = if off || option.sample.is_none() { "# " } else { "" };
        let value = option
            .sample
            .filter(|v| !v.is_null())
            .or(option.default.filter(|v| !v.is_null()));
        let value = value.map_or_else(|| placeholder(option), literal);
        let _ = writeln!(out, "{indent}{mark}{} = {value}", option.name);
    }
    out.push_str(last);
    for option in tables {
        let inner = format!("{path}.{}", option.name);
        let deeper = format!("{indent}  ");
        comment(out, &format!("\n{indent}"), "##", option.text);
        match option.shape {
            Shape::Table(schema) | Shape::Tables(schema) => {
                let list = matches!(option.shape, Shape::Tables(_));
                let (open, close) = if list { ("[[", "]]") } else { ("[", "]") };
                let _ = writeln!(out, "{indent}# {open}{inner}{close}");
                options(
                    out,
                    root,
                    schema,
                    &Place {
                        path: &inner,
                        indent: &deeper,
                        off: true,
                        last: "",
                    },
                );
            }
            _ => {
                let _ = writeln!(out, "{indent}# [{inner}]");
                let entries = option.sample.or(option.default).and_then(Value::as_object);
                for (key, value) in entries.into_iter().flatten() {
                    let _ = writeln!(out, "{deeper}# {} = {}", bare_or_quoted(key), literal(value));
                }
            }
        }
    }
}

/// A comment, each line behind `first` and the mark.
fn comment(out: &mut String, first: &str, mark: &str, text: &str) {
    let indent = first.trim_start_matches('\n');
    out.push_str(&first[..first.len() - indent.len()]);
    for line in text.lines() {
        let _ = writeln!(out, "{}", format!("{indent}{mark} {line}").trim_end());
    }
}

fn placeholder(option: &Property<'_>) -> String {
    match &option.shape {
        Shape::List(_) => "[]",
        Shape::Plain(kind) => match kind.as_str() {
            "boolean" => "false",
            "integer" | "number" | "size" => "0",
            "duration" => "\"0s\"",
            _ => "\"\"",
        },
        _ => "{}",
    }
    .into()
}

/// A value as TOML writes it.
fn literal(value: &Value) -> String {
    match value {
        Value::Null => "\"\"".into(),
        Value::String(s) if s.contains('\\') && !s.contains(['\'', '\n', '\r']) => format!("'{s}'"),
        Value::String(s) => basic_string(s),
        Value::Array(items) => format!("[{}]", items.iter().map(literal).collect::<Vec<_>>().join(", ")),
        Value::Object(map) => {
            let pairs = map
                .iter()
                .map(|(k, v)| format!("{} = {}", bare_or_quoted(k), literal(v)));
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

pub(crate) fn basic_string(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

pub(crate) fn bare_or_quoted(key: &str) -> String {
    let bare = !key.is_empty()
        && key
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    if bare { key.to_owned() } else { basic_string(key) }
}

pub(crate) fn table_of(schema: &Value) -> String {
    let mut out = String::from("| Option | Type | Default | Meaning |\n|---|---|---|---|\n");
    rows(&mut out, schema, schema, "");
    out
}

fn rows(out: &mut String, root: &Value, schema: &Value, prefix: &str) {
    for option in properties(root, schema) {
        let name = format!("{prefix}{}", option.name);
        let (kind, inner) = match &option.shape {
            Shape::Plain(kind) => (kind.clone(), None),
            Shape::List(kind) => (format!("list of {kind}"), None),
            Shape::Map(kind) => (format!("table of {kind}"), None),
            Shape::Table(schema) => ("table".into(), Some((*schema, format!("{name}.")))),
            Shape::Tables(schema) => ("list of tables".into(), Some((*schema, format!("{name}[].")))),
        };
        let default = match (option.default, &inner) {
            (None | Some(Value::Null), _) | (_, Some(_)) => String::new(),
            (Some(value), _) => format!("`{}`", literal(value)),
        };
        let text = option.text.split_whitespace().collect::<Vec<_>>().join(" ");
        let cells = [format!("`{name}`"), kind, default, text].map(|cell| cell.replace('|', "\\|"));
        let _ = writeln!(out, "| {} |", cells.join(" | "));
        if let Some((schema, prefix)) = inner {
            rows(out, root, schema, &prefix);
        }
    }
}

#[cfg(test)]
mod tests;
