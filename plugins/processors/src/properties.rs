//! What every processor of this crate must hold: no metric makes it panic, and no message loses its answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::collection::vec;
use proptest::prelude::*;
use wheatstone_plugin::conf::{Node, NodeKind, Table};
use wheatstone_plugin::metric::Settle;
use wheatstone_plugin::prelude::*;
use wheatstone_plugin::{Ack, AgentInfo, Build, Kind, Outcome, registrations};

#[derive(Default)]
struct Counted {
    delivered: AtomicUsize,
    rejected: AtomicUsize,
}
impl Settle for Counted {
    fn settle(&self, _: u64, outcome: Outcome) {
        let count = match outcome {
            Outcome::Delivered => &self.delivered,
            Outcome::Rejected => &self.rejected,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }
}

fn text(s: &str) -> Node {
    Node::bare(NodeKind::String(s.to_owned()))
}
fn list(items: &[&str]) -> Node {
    Node::bare(NodeKind::Array(items.iter().map(|s| text(s)).collect()))
}
fn table(entries: &[(&str, Node)]) -> Table {
    let mut table = Table::default();
    entries
        .iter()
        .for_each(|(key, value)| table.set(key, value.clone()));
    table
}
fn tables(each: &[&[(&str, Node)]]) -> Node {
    Node::bare(NodeKind::Array(
        each.iter()
            .map(|t| Node::bare(NodeKind::Table(table(t))))
            .collect(),
    ))
}

/// A configuration of each plugin that touches what the metrics below have.
fn options(name: &str) -> Option<Table> {
    let sub = |entries: &[(&str, Node)]| Node::bare(NodeKind::Table(table(entries)));
    Some(match name {
        "clone" | "override" => table(&[
            ("name_prefix", text("p")),
            ("tags", sub(&[("a", text("x")), ("n", text("y"))])),
        ]),
        "converter" => {
            let kinds = [
                ("integer", list(&["a", "x?"])),
                ("float", list(&["b*"])),
                ("timestamp", list(&["c"])),
            ];
            let more = [
                ("string", list(&["d"])),
                ("unsigned", list(&["e"])),
                ("timestamp_format", text("unix")),
            ];
            let fields = [
                ("tag", list(&["f"])),
                ("measurement", list(&["g"])),
                ("base64_ieee_float32", list(&["h"])),
            ];
            let tags = sub(&[&kinds[..], &more[..]].concat());
            table(&[
                ("tags", tags),
                ("fields", sub(&[&kinds[..], &more[..], &fields[..]].concat())),
            ])
        }
        "dedup" => table(&[]),
        "pivot" => table(&[("tag_key", text("a")), ("value_key", text("b"))]),
        "rename" => {
            let one = [("tag", text("a")), ("dest", text("b"))];
            let two = [("field", text("b")), ("dest", text("a"))];
            table(&[("replace", tables(&[&one, &two]))])
        }
        "regex" => {
            let values = [
                ("key", text("*")),
                ("pattern", text("[a-d](.?)")),
                ("replacement", text("${1}a")),
            ];
            let groups = [("key", text("?")), ("pattern", text("(?P<a>.)(?P<z>.*)"))];
            let names = [
                ("pattern", text("[a-c]")),
                ("replacement", text("d")),
                ("result_key", text("overwrite")),
            ];
            let (values, names) = (tables(&[&values, &groups]), tables(&[&names]));
            table(&[
                ("tags", values.clone()),
                ("fields", values),
                ("tag_rename", names.clone()),
                ("field_rename", names.clone()),
                ("metric_rename", names),
            ])
        }
        "template" => table(&[
            ("tag", text("{{ .Name | trunc 2 }}")),
            (
                "template",
                text("{{ range $k, $v := .Fields }}{{ $k }}={{ $v }};{{ end }}{{ .Tag `a` }}"),
            ),
        ]),
        _ => return None,
    })
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<f64>().prop_map(Value::Float),
        any::<i64>().prop_map(Value::Int),
        any::<u64>().prop_map(Value::Uint),
        any::<bool>().prop_map(Value::Bool),
        "\\PC{0,8}|[0-9xX._+eEpP-]{0,8}".prop_map(Value::from),
    ]
}

fn metric() -> impl Strategy<Value = Metric> {
    let key = "[a-h]|x[0-9]|\\PC{0,3}";
    let tags = vec((key, "\\PC{0,6}|[0-9]{0,3}"), 0..6);
    (key, tags, vec((key, value()), 0..6), any::<i64>()).prop_map(|(name, tags, fields, time)| {
        let mut m = Metric::new(name, time);
        tags.into_iter().for_each(|(k, v)| m.set_tag(k, v));
        fields.into_iter().for_each(|(k, v)| m.set_field(k, v));
        m
    })
}

fn build(name: &str, build: Build) -> Box<dyn Processor> {
    let options = options(name).unwrap_or_else(|| panic!("give options() a configuration of {name}"));
    let log = Log::new(
        format!("processors.{name}"),
        Some(wheatstone_plugin::Level::Error),
        None,
    );
    let cx = Context::new(
        Kind::Processor,
        name,
        "",
        options,
        log,
        Arc::new(AgentInfo::default()),
    );
    let Build::Processor(build) = build else {
        panic!("{name} is no processor")
    };
    let processor = build(&cx).unwrap();
    assert_eq!(cx.unused(), [], "options of {name} that it does not have");
    processor
}

proptest! {
    #[test]
    fn no_metric_panics_and_every_message_is_answered(metrics in vec(metric(), 1..6)) {
        let mut seen = 0;
        for plugin in registrations().filter(|r| r.kind == Kind::Processor) {
            seen += 1;
            let mut processor = build(plugin.name, plugin.build);
            let counted = Arc::new(Counted::default());
            let mut batch = metrics.clone();
            for (i, m) in batch.iter_mut().enumerate() {
                m.set_ack(Some(Ack::new(counted.clone(), i as u64)));
            }
            processor.process(&mut batch);
            prop_assert!(batch.iter().all(|m| m.ack().is_some()), "{} took an acknowledgement", plugin.name);
            // Keys stay sorted and single, whatever was renamed.
            for m in &batch {
                prop_assert!(m.tags().zip(m.tags().skip(1)).all(|((a, _), (b, _))| a < b), "{}", plugin.name);
                let mut keys: Vec<_> = m.fields().map(|(k, _)| k.clone()).collect();
                keys.sort();
                keys.dedup();
                prop_assert_eq!(keys.len(), m.field_count(), "{}", plugin.name);
            }
            drop(batch);
            // What is not settled now is held by the processor: it must not.
            let settled = counted.delivered.load(Ordering::Relaxed);
            prop_assert_eq!(settled, metrics.len(), "{}", plugin.name);
            prop_assert_eq!(counted.rejected.load(Ordering::Relaxed), 0);
        }
        prop_assert!(seen >= 6);
    }
}
