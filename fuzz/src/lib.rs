//! What the fuzz targets share: a parser or serializer built from a configuration text by way of the registry, bytes in,
//! and the promises of the two traits checked on what comes out.
//!
//! A target is three lines, see `fuzz_targets/`. The first byte of the input chooses among the option texts.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use arbitrary::{Result as Taken, Unstructured};
use wheatstone_config::{EnvMode, LoadOptions, Source, load};
use wheatstone_parser_avro as _;
use wheatstone_parser_collectd as _;
use wheatstone_parser_parquet as _;
use wheatstone_parser_xpath as _;
use wheatstone_parsers as _;
use wheatstone_plugin::conf::Table;
use wheatstone_plugin::line_protocol::{Encoder, Options};
use wheatstone_plugin::{
    AgentInfo, Context, Kind, Log, Metric, Parser, Serializer, Value, ValueType, anyhow,
};
use wheatstone_serializers as _;

pub use libfuzzer_sys;

/// A target for a parser: its name and option texts, each a few lines of TOML.
#[macro_export]
macro_rules! parser {
    ($format:literal, [$($options:expr),+ $(,)?]) => {
        ::wheatstone_fuzz::libfuzzer_sys::fuzz_target!(|data: &[u8]| {
            ::wheatstone_fuzz::parse($format, &[$($options),+], data);
        });
    };
}

/// A target for a serializer, likewise.
#[macro_export]
macro_rules! serializer {
    ($format:literal, [$($options:expr),+ $(,)?]) => {
        ::wheatstone_fuzz::libfuzzer_sys::fuzz_target!(|data: &[u8]| {
            ::wheatstone_fuzz::serialize($format, &[$($options),+], data);
        });
    };
}

/// The time of arrival.
const NOW: i64 = 1_700_000_000_000_000_000;

/// The table of a plugin with this `data_format` and these options. Reading it takes longer than most payloads, so it is kept.
fn table(host: &str, format: &str, options: &str) -> Table {
    thread_local! {
        static TABLES: RefCell<HashMap<String, Table>> = RefCell::default();
    }
    TABLES.with_borrow_mut(|tables| match tables.get(options) {
        Some(table) => table.clone(),
        None => tables
            .entry(options.to_owned())
            .or_insert(read_table(host, format, options))
            .clone(),
    })
}

fn read_table(host: &str, format: &str, options: &str) -> Table {
    let source = Source {
        name: "fuzz.conf".to_owned(),
        text: format!("[[{host}.fuzz]]\n  data_format = \"{format}\"\n{options}\n"),
    };
    let loading = LoadOptions {
        plugins: |_| vec!["fuzz"],
        vars: Arc::new(|_| None),
        // A dollar that `quoted` has escaped stands for itself then.
        env: EnvMode::NonStrict,
        ..LoadOptions::default()
    };
    match load(vec![source], &loading) {
        Ok(loaded) => loaded
            .config
            .plugins
            .into_iter()
            .next()
            .map(|p| p.table)
            .unwrap_or_default(),
        Err(problems) => panic!("{format}: {:?}", problems.first().map(|p| p.render())),
    }
}

fn context(kind: Kind, host: &str, table: Table) -> Context {
    let log = Log::new(format!("{host}.fuzz"), None, None);
    Context::new(kind, "fuzz", "", table, log, Arc::new(AgentInfo::default()))
}

/// The options that the first byte chooses, and the rest.
fn chosen<'a>(options: &[&'a str], data: &'a [u8]) -> Option<(&'a str, &'a [u8])> {
    let (first, rest) = data.split_first()?;
    Some((options[usize::from(*first) % options.len()], rest))
}

/// Formats that keep something from one payload to the next: each input gets a parser or serializer of its own, so that what
/// was found can be found again. The others are built once, since that takes longer than most payloads.
const WITH_MEMORY: [&str; 2] = ["auto", "csv"];

fn parser(format: &str, table: Table) -> anyhow::Result<Box<dyn Parser>> {
    let cx = context(Kind::Input, "inputs", table);
    let parser = cx.parser(format)?;
    assert!(
        cx.unused().iter().all(|u| u.path == ["data_format"]),
        "{format}: {:?}",
        cx.unused()
    );
    Ok(parser)
}

fn serializer(format: &str, table: Table) -> anyhow::Result<Box<dyn Serializer>> {
    let cx = context(Kind::Output, "outputs", table);
    let serializer = cx.serializer(format)?;
    assert!(
        cx.unused().iter().all(|u| u.path == ["data_format"]),
        "{format}: {:?}",
        cx.unused()
    );
    Ok(serializer)
}

/// Feeds a payload of unknown origin.
pub fn parse(format: &str, options: &[&str], data: &[u8]) {
    parse_from("", format, options, data);
}

/// Feeds a payload from this topic or file.
pub fn parse_from(source: &str, format: &str, options: &[&str], data: &[u8]) {
    thread_local! {
        static PARSERS: RefCell<HashMap<String, Box<dyn Parser>>> = RefCell::default();
    }
    let Some((options, payload)) = chosen(options, data) else {
        return;
    };
    let mut parser = PARSERS
        .with_borrow_mut(|parsers| parsers.remove(options))
        .unwrap_or_else(|| {
            parser(format, table("inputs", format, options))
                .unwrap_or_else(|e| panic!("{format}: {options}: {e:#}"))
        });
    parser.set_source(source);
    read(parser.as_mut(), payload);
    if !WITH_MEMORY.contains(&format) {
        PARSERS.with_borrow_mut(|parsers| parsers.insert(options.to_owned(), parser));
    }
}

/// Feeds a payload to a parser with these options, which may be none.
pub fn parse_with(format: &str, options: &str, payload: &[u8]) {
    match parser(format, read_table("inputs", format, options)) {
        Ok(mut parser) => {
            let mut out = Vec::new();
            if parser.parse(payload, NOW, &mut out).is_err() {
                assert!(out.is_empty(), "an error leaves nothing behind");
            }
        }
        Err(error) => assert!(!format!("{error:#}").is_empty()),
    }
}

/// A text as TOML writes it, without anything that the loader gives a meaning to.
pub fn quoted(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' | '$' | '@' | '\x7f' | '\0'..='\x1f' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Feeds a payload twice: a parser may keep something from one to the next.
fn read(parser: &mut dyn Parser, payload: &[u8]) {
    let mut out = Vec::new();
    for _ in 0..2 {
        feed(parser, payload, &mut out);
    }
    let mut encoder = Encoder::new(Options::default());
    let mut lines = Vec::new();
    for metric in &out {
        let tags: Vec<_> = metric.tags().map(|(k, _)| k).collect();
        assert!(tags.windows(2).all(|w| w[0] < w[1]), "tags in order, each once");
        let mut fields: Vec<_> = metric.fields().map(|(k, _)| k).collect();
        fields.sort();
        assert!(fields.windows(2).all(|w| w[0] < w[1]), "each field once");
        let _ = encoder.encode(metric, &mut lines);
    }
}

fn feed(parser: &mut dyn Parser, payload: &[u8], out: &mut Vec<Metric>) {
    let before = out.len();
    if let Err(error) = parser.parse(payload, NOW, out) {
        assert_eq!(out.len(), before, "an error leaves nothing behind");
        // It can be shown, and shows no more of a payload than an excerpt.
        let text = format!("{error:#}");
        assert!(text.len() < 6_000, "{} bytes: {text:.300}", text.len());
    }
}

/// Makes metrics of the bytes and writes them, one by one and as a batch.
pub fn serialize(format: &str, options: &[&str], data: &[u8]) {
    thread_local! {
        static SERIALIZERS: RefCell<HashMap<String, Box<dyn Serializer>>> = RefCell::default();
    }
    let Some((options, rest)) = chosen(options, data) else {
        return;
    };
    let mut serializer = SERIALIZERS
        .with_borrow_mut(|serializers| serializers.remove(options))
        .unwrap_or_else(|| {
            serializer(format, table("outputs", format, options))
                .unwrap_or_else(|e| panic!("{format}: {options}: {e:#}"))
        });
    let metrics = metrics(rest);
    write(serializer.as_mut(), &metrics);
    if !WITH_MEMORY.contains(&format) {
        SERIALIZERS.with_borrow_mut(|serializers| serializers.insert(options.to_owned(), serializer));
    }
}

fn write(serializer: &mut dyn Serializer, metrics: &[Metric]) {
    let mut out = b"before".to_vec();
    for metric in metrics {
        let before = out.len();
        if serializer.serialize(metric, &mut out).is_err() {
            assert_eq!(out.len(), before, "an error leaves nothing behind");
        }
    }
    let all: Vec<&Metric> = metrics.iter().collect();
    let _ = serializer.serialize_batch(&all, &mut out);
    assert!(out.starts_with(b"before"));
}

/// Metrics made of bytes: any names, values and times.
pub fn metrics(data: &[u8]) -> Vec<Metric> {
    let mut bytes = Unstructured::new(data);
    let mut out = Vec::new();
    while out.len() < 8 && !bytes.is_empty() {
        match metric(&mut bytes) {
            Ok(metric) => out.push(metric),
            Err(_) => break,
        }
    }
    out
}

fn metric(bytes: &mut Unstructured<'_>) -> Taken<Metric> {
    let mut metric = Metric::new(bytes.arbitrary::<&str>()?, bytes.arbitrary()?);
    metric.set_kind(*bytes.choose(&[
        ValueType::Untyped,
        ValueType::Counter,
        ValueType::Gauge,
        ValueType::Summary,
        ValueType::Histogram,
    ])?);
    for _ in 0..bytes.int_in_range(0..=3)? {
        metric.set_tag(key(bytes)?, bytes.arbitrary::<&str>()?);
    }
    for _ in 0..bytes.int_in_range(0..=4)? {
        let key = key(bytes)?;
        let value = match bytes.int_in_range(0..=4)? {
            0 => Value::Float(bytes.arbitrary()?),
            1 => Value::Int(bytes.arbitrary()?),
            2 => Value::Uint(bytes.arbitrary()?),
            3 => Value::Bool(bytes.arbitrary()?),
            _ => Value::from(bytes.arbitrary::<&str>()?),
        };
        metric.set_field(key, value);
    }
    Ok(metric)
}

/// Any text, or one that some format gives a meaning to.
fn key<'a>(bytes: &mut Unstructured<'a>) -> Taken<&'a str> {
    const SPECIAL: &[&str] = &[
        "le",
        "quantile",
        "host",
        "source",
        "index",
        "name",
        "value",
        "x_bucket",
        "x_sum",
        "x_count",
        "count",
        "sum",
        "schema",
        "counter_reset_hint",
        "zero_threshold",
        "zero_count",
        "positive_span_0_offset",
        "positive_span_0_length",
        "positive_bucket_0",
    ];
    if bytes.arbitrary()? {
        bytes.choose(SPECIAL).copied()
    } else {
        bytes.arbitrary()
    }
}
