//! Nanoseconds per metric of the formats that devices send, beside `serde_json` and the crate `influxdb-line-protocol`:
//! `cargo bench -p wheatstone-parsers --bench formats`.

#![allow(clippy::print_stdout, reason = "a program for people at a terminal")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use wheatstone_parsers::binary::Binary;
use wheatstone_parsers::csv::Csv;
use wheatstone_parsers::influx::Influx;
use wheatstone_parsers::json::Json;
use wheatstone_parsers::json_v2::JsonV2;
use wheatstone_parsers::sparkplug_b::Sparkplug;
use wheatstone_parsers::value::ValueParser;
use wheatstone_plugin::conf::Table;
use wheatstone_plugin::prelude::*;
use wheatstone_plugin::{AgentInfo, Kind};

const NOW: i64 = 1_700_000_000_000_000_000;
/// How long a round takes, and how many there are; the middle one counts.
const ROUND: Duration = Duration::from_millis(20);
const ROUNDS: usize = 25;

const SMALL: &str = r#"{"sensor_id":"s1","value":21.5,"ts":1731931200123}"#;
const NESTED: &str = r#"{"sensor_id":"s1","ts":1731931200123,"state":{"power":12.25,"ok":true,"phases":[{"u":230.1,"i":1.25},{"u":229.8,"i":0.75}]},"fw":"1.2.3"}"#;
const LINE: &str = "weather,area=hall3,building=north,host=gateway7,room=r7 humidity=47.3,temperature=21.5 1700000000000000000\n";

/// What `SMALL` is, for those who know it at compile time.
#[derive(serde::Deserialize)]
struct Small<'a> {
    sensor_id: &'a str,
    value: f64,
    ts: i64,
}

fn main() {
    println!(
        "{:<34} {:>9} {:>12} {:>9}",
        "format", "metrics", "ns/metric", "MB/s"
    );
    let json = r#"{"tag_keys":["sensor_id"],"json_time_key":"ts","json_time_format":"unix_ms"}"#;
    ours::<Json>("json, small", json, SMALL.as_bytes());
    time("  serde_json, a struct", 1, SMALL.len(), || {
        let small: Small<'_> = serde_json::from_str(black_box(SMALL)).expect("JSON");
        black_box((small.sensor_id, small.value, small.ts));
    });
    time("  serde_json, a Value", 1, SMALL.len(), || {
        black_box(serde_json::from_str::<serde_json::Value>(black_box(SMALL)).expect("JSON"));
    });
    ours::<Json>("json, nested", json, NESTED.as_bytes());
    time("  serde_json, a Value", 1, NESTED.len(), || {
        black_box(serde_json::from_str::<serde_json::Value>(black_box(NESTED)).expect("JSON"));
    });
    let list = format!("[{}]", vec![SMALL; 100].join(","));
    ours::<Json>("json, a list of 100", json, list.as_bytes());

    let fields = r#"{"json_v2":[{"timestamp_path":"ts","timestamp_format":"unix_ms","tag":[{"path":"sensor_id"}],"field":[{"path":"value"}]}]}"#;
    ours::<JsonV2>("json_v2, three paths", fields, SMALL.as_bytes());
    let object = r#"{"json_v2":[{"object":[{"path":"@this","tags":["sensor_id"],"timestamp_key":"ts","timestamp_format":"unix_ms"}]}]}"#;
    ours::<JsonV2>("json_v2, an object", object, SMALL.as_bytes());

    ours::<Influx>("influx, a line", "{}", LINE.as_bytes());
    let lines = LINE.repeat(1000);
    ours::<Influx>("influx, 1000 lines", "{}", lines.as_bytes());
    ours::<Influx>(
        "influx upstream, 1000 lines",
        r#"{"influx_parser_type":"upstream"}"#,
        lines.as_bytes(),
    );
    time("  influxdb-line-protocol", 1000, lines.len(), || {
        for line in influxdb_line_protocol::parse_lines(black_box(&lines)) {
            black_box(line.expect("a line"));
        }
    });

    ours::<ValueParser>("value, a float", r#"{"data_type":"float"}"#, b"21.5");
    ours::<ValueParser>("value, an integer", r#"{"data_type":"integer"}"#, b"2150\n");

    let csv = r#"{"csv_reset_mode":"always","csv_header_row_count":1,"csv_tag_columns":["host"],"csv_timestamp_column":"time","csv_timestamp_format":"unix_ms"}"#;
    let rows = "gateway7,47.3,21.5,ok,1731931200123\n".repeat(1000);
    let table = format!("host,humidity,temperature,state,time\n{rows}");
    ours::<Csv>("csv, 1000 rows", csv, table.as_bytes());
    let row = r#"{"csv_column_names":["host","humidity","temperature"],"csv_tag_columns":["host"]}"#;
    ours::<Csv>("csv, a row", row, b"gateway7,47.3,21.5");

    let entries = r#"{"endianness":"be","binary":[{"entries":[
        {"name":"unit","type":"uint16","assignment":"tag"},{"name":"state","type":"uint8"},{"bits":8,"omit":true},
        {"name":"level","type":"float32"},{"name":"flow","type":"float64"},{"type":"unix_ms","assignment":"time"}]}]}"#;
    let mut message = vec![0, 7, 1, 0];
    message.extend(21.5f32.to_be_bytes());
    message.extend(47.25f64.to_be_bytes());
    message.extend(1_731_931_200_123u64.to_be_bytes());
    ours::<Binary>("binary, six entries", entries, &message);

    sparkplug(1);
    sparkplug(100);
}

fn build<P: Plugin>(options: &str) -> P {
    let config = serde_json::from_str(options).expect("options");
    let log = Log::new("bench", None, None);
    let agent = Arc::new(AgentInfo::default());
    let cx = Context::new(Kind::Parser, "bench", "", Table::default(), log, agent);
    P::new(config, &cx).expect("valid options")
}

/// A payload as it comes again and again.
fn ours<P: Plugin + Parser>(name: &str, options: &str, payload: &[u8]) {
    let mut parser: P = build(options);
    let mut out = Vec::new();
    parser.parse(payload, NOW, &mut out).expect("a payload");
    let metrics = out.len();
    time(name, metrics, payload.len(), || {
        out.clear();
        let read = parser.parse(black_box(payload), NOW, &mut out);
        assert!(read.is_ok() && out.len() == metrics);
    });
}

/// Values behind aliases, after the birth that tells their names; Sparkplug's metrics are counted.
fn sparkplug(values: u8) {
    let payload = |birth: bool| {
        let mut out = vec![0x08, 0x80, 0xd0, 0x95, 0xff, 0xbc, 0x31];
        for i in 0..values {
            let mut value = Vec::new();
            if birth {
                let name = format!("Motor {i}/Temperature");
                value.extend([0x0a, name.len() as u8]);
                value.extend(name.as_bytes());
            }
            value.extend([0x10, i | 0x80, 0]);
            if birth {
                value.extend([0x20, 10]);
            }
            value.push(0x69);
            value.extend((f64::from(i) + 0.5).to_le_bytes());
            out.extend([0x12, value.len() as u8]);
            out.extend(value);
        }
        out
    };
    let mut parser: Sparkplug = build("{}");
    let mut out = Vec::new();
    parser.set_source("spBv1.0/plant/NBIRTH/node");
    parser.parse(&payload(true), NOW, &mut out).expect("a birth");
    let data = payload(false);
    let name = format!("sparkplug_b, {values} by alias");
    time(&name, usize::from(values), data.len(), || {
        out.clear();
        parser.set_source("spBv1.0/plant/NDATA/node");
        parser.parse(black_box(&data), NOW, &mut out).expect("data");
    });
}

/// Prints the time of one metric, of the middle round.
fn time(name: &str, metrics: usize, bytes: usize, mut run: impl FnMut()) {
    let mut times = 1u32;
    loop {
        let start = Instant::now();
        (0..times).for_each(|_| run());
        if start.elapsed() >= ROUND / 2 {
            break;
        }
        times = times.saturating_mul(2);
    }
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            (0..times).for_each(|_| run());
            start.elapsed().as_secs_f64() / f64::from(times)
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    let seconds = rounds[ROUNDS / 2];
    println!(
        "{name:<34} {metrics:>9} {:>12.1} {:>9.0}",
        seconds * 1e9 / metrics as f64,
        bytes as f64 / seconds / 1e6
    );
}
