#![no_main]
//! Several messages of a node and its device, one after the other: what one tells, the next ones use.

use std::sync::Arc;

use wheatstone_fuzz::libfuzzer_sys::fuzz_target;
use wheatstone_parsers::sparkplug_b::{Sparkplug, SparkplugConfig};
use wheatstone_plugin::conf::Table;
use wheatstone_plugin::{AgentInfo, Context, Kind, Log, Parser, Plugin};

const TOPICS: [&str; 10] = [
    "",
    "spBv1.0/G/NBIRTH/E",
    "spBv1.0/G/NDATA/E",
    "spBv1.0/G/NDEATH/E",
    "spBv1.0/G/NCMD/E",
    "spBv1.0/G/DBIRTH/E/D",
    "spBv1.0/G/DDATA/E/D",
    "spBv1.0/G/DDEATH/E/D",
    "spBv1.0/STATE/host",
    "STATE/host",
];

fn config(choice: u8) -> SparkplugConfig {
    let mut config = SparkplugConfig {
        sparkplug_rebirth: choice & 1 != 0,
        sparkplug_commands: choice & 2 != 0,
        ..SparkplugConfig::default()
    };
    if choice & 4 != 0 {
        config.sparkplug_properties = "tags".to_owned();
        config.sparkplug_arrays = "json".to_owned();
        config.sparkplug_datasets = "json".to_owned();
        config.metric_name = "{group}{edge_node}{device}{source}{metric}".to_owned();
        config.sparkplug_tags = ["metric", "datatype", "message_type"].map(str::to_owned).to_vec();
    }
    if choice & 8 != 0 {
        config.sparkplug_properties = "fields".to_owned();
        config.sparkplug_nulls = "flag".to_owned();
        config.sparkplug_historical = "tag".to_owned();
        config.sparkplug_bytes = "hex".to_owned();
    }
    config
}

// Of the input the first byte chooses options; then for each message: its topic, its length, itself.
fuzz_target!(|data: &[u8]| {
    let Some((choice, mut rest)) = data.split_first() else {
        return;
    };
    let log = Log::new("parsers.sparkplug_b::fuzz", None, None);
    let cx = Context::new(
        Kind::Parser,
        "fuzz",
        "",
        Table::default(),
        log,
        Arc::new(AgentInfo::default()),
    );
    let mut parser = Sparkplug::new(config(*choice), &cx).expect("valid options");
    let (mut out, mut now) = (Vec::new(), 0);
    while let [topic, length, tail @ ..] = rest {
        let (payload, tail) = tail.split_at(usize::from(*length).min(tail.len()));
        rest = tail;
        now += 1_000_000_000;
        let before = out.len();
        parser.set_source(TOPICS[usize::from(*topic) % TOPICS.len()]);
        if let Err(error) = parser.parse(payload, now, &mut out) {
            assert_eq!(out.len(), before, "an error leaves nothing behind");
            let _ = format!("{error:#}");
        }
    }
    assert!(parser.take_replies().len() <= 1024);
    for metric in &out {
        let tags: Vec<_> = metric.tags().map(|(k, _)| k).collect();
        assert!(tags.windows(2).all(|w| w[0] < w[1]), "tags in order, each once");
        let mut fields: Vec<_> = metric.fields().map(|(k, _)| k).collect();
        fields.sort();
        assert!(fields.windows(2).all(|w| w[0] < w[1]), "each field once");
    }
});
