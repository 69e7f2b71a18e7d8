//! How long a Sparkplug B payload takes to become metrics: `cargo bench -p wheatstone-parsers --bench sparkplug_b`.

use std::sync::Arc;

use divan::Bencher;
use divan::counter::ItemsCount;
use wheatstone_parsers::sparkplug_b::{Sparkplug, SparkplugConfig};
use wheatstone_plugin::conf::Table;
use wheatstone_plugin::prelude::*;
use wheatstone_plugin::{AgentInfo, Kind};

fn main() {
    divan::main();
}

fn bytes(out: &mut Vec<u8>, field: u8, bytes: &[u8]) {
    out.push(field << 3 | 2);
    let mut length = bytes.len();
    while length > 0x7f {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend_from_slice(bytes);
}

/// A payload of so many doubles; a birth has their names beside their aliases.
fn payload(metrics: usize, birth: bool) -> Vec<u8> {
    let mut out = vec![0x08, 0x80, 0xd0, 0x95, 0xff, 0xbc, 0x31];
    for i in 0..metrics {
        let mut metric = Vec::new();
        if birth {
            bytes(&mut metric, 1, format!("Line 1/Motor {i}/Temperature").as_bytes());
        }
        metric.extend([0x10, i as u8 | 0x80, (i >> 7) as u8]);
        if birth {
            metric.extend([0x20, 10]);
        }
        metric.push(0x69);
        metric.extend((i as f64 + 0.5).to_le_bytes());
        bytes(&mut out, 2, &metric);
    }
    out
}

fn run(bencher: Bencher<'_, '_>, metrics: usize, topic: &str, birth: bool) {
    let log = Log::new("parsers.sparkplug_b::bench", None, None);
    let agent = Arc::new(AgentInfo::default());
    let cx = Context::new(Kind::Parser, "sparkplug_b", "", Table::default(), log, agent);
    let mut parser = Sparkplug::new(SparkplugConfig::default(), &cx).expect("valid options");
    let mut out = Vec::new();
    parser.set_source("spBv1.0/plant/NBIRTH/node");
    parser
        .parse(&payload(metrics, true), 1, &mut out)
        .expect("a birth");
    let payload = payload(metrics, birth);
    bencher.counter(ItemsCount::new(metrics)).bench_local(|| {
        out.clear();
        parser.set_source(topic);
        parser
            .parse(divan::black_box(&payload), 1, &mut out)
            .expect("a payload");
        assert_eq!(out.last().map(Metric::field_count), Some(metrics));
    });
}

/// Values behind aliases, as nodes send them all day.
#[divan::bench(args = [1, 10, 100, 1000])]
fn data(bencher: Bencher<'_, '_>, metrics: usize) {
    run(bencher, metrics, "spBv1.0/plant/NDATA/node", false);
}

/// Names, aliases and values.
#[divan::bench(args = [10, 1000])]
fn birth(bencher: Bencher<'_, '_>, metrics: usize) {
    run(bencher, metrics, "spBv1.0/plant/NBIRTH/node", true);
}
