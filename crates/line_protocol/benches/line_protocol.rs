//! Bytes of line protocol a second, one core: `cargo bench -p wheatstone-line-protocol`.

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use wheatstone_line_protocol::{Decoder, Encoder, Engine, Options};
use wheatstone_metric::Metric;

const NOW: i64 = 1_700_000_000_000_000_000;
const LINES: usize = 1000;

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// A measurement of a sensor: four tags, two floats.
    Sensor,
    /// The state of a machine: five tags, nine floats of full precision.
    Cpu,
    /// Nothing but integers.
    Counters,
    /// Escapes and texts.
    Text,
}

const KINDS: [Kind; 4] = [Kind::Sensor, Kind::Cpu, Kind::Counters, Kind::Text];

fn payload(kind: Kind) -> String {
    let line = |i: usize| {
        let time = NOW + i as i64 * 1_000_000;
        let (a, b) = (i % 97, i % 13);
        match kind {
            Kind::Sensor => format!(
                "weather,area=hall{b},building=north,host=gateway{a},room=r{a} humidity={a}.{b},temperature=2{b}.{a} {time}\n"
            ),
            Kind::Cpu => {
                let fields = [
                    "guest", "idle", "iowait", "irq", "nice", "softirq", "steal", "system", "user",
                ];
                let fields: Vec<String> = (3..)
                    .zip(fields)
                    .map(|(n, f)| format!("usage_{f}={}", (i + n) as f64 / (n as f64 * 7.0)))
                    .collect();
                format!(
                    "cpu,cpu=cpu{b},dc=eu-west-1,host=server{a},os=linux,rack=r{b} {} {time}\n",
                    fields.join(",")
                )
            }
            Kind::Counters => format!(
                "net,host=server{a},interface=eth{b} bytes_recv={time}i,bytes_sent={}i,drop_in=0i,drop_out={b}i,err_in=0i,packets_recv={i}i {time}\n",
                i * 7919 * 104_729
            ),
            Kind::Text => format!(
                "log,file=/var/log/app\\ {b}.log,host=server{a} level=\"info\",message=\"request {i} took {a} ms: \\\"GET /index.html\\\" from 10.0.{b}.{a}\",ok=true {time}\n"
            ),
        }
    };
    (0..LINES).map(line).collect()
}

fn metrics(kind: Kind) -> Vec<Metric> {
    let mut out = Vec::new();
    let read = Decoder::new(Engine::Internal, 1).decode(payload(kind).as_bytes(), NOW, &mut out);
    assert_eq!(read, Ok(()));
    out
}

fn decode(bencher: Bencher, engine: Engine, kind: Kind) {
    let text = payload(kind);
    let mut decoder = Decoder::new(engine, 1);
    let mut out = Vec::with_capacity(LINES);
    bencher
        .counter(BytesCount::of_str(&text))
        .counter(ItemsCount::new(LINES))
        .bench_local(|| {
            out.clear();
            black_box(decoder.decode(black_box(text.as_bytes()), NOW, &mut out))
        });
}

#[divan::bench(args = KINDS)]
fn decode_internal(bencher: Bencher, kind: Kind) {
    decode(bencher, Engine::Internal, kind);
}

#[divan::bench(args = KINDS)]
fn decode_upstream(bencher: Bencher, kind: Kind) {
    decode(bencher, Engine::Upstream, kind);
}

#[divan::bench(args = KINDS)]
fn encode(bencher: Bencher, kind: Kind) {
    let metrics = metrics(kind);
    let mut encoder = Encoder::new(Options::default());
    let mut out = Vec::new();
    encoder.encode_batch(&metrics, &mut out, |_, _| {});
    bencher
        .counter(BytesCount::of_slice(&out))
        .counter(ItemsCount::new(LINES))
        .bench_local(|| {
            let mut out = Vec::with_capacity(out.len());
            encoder.encode_batch(black_box(&metrics), &mut out, |_, _| {});
            out
        });
}

#[divan::bench(args = KINDS)]
fn encode_split(bencher: Bencher, kind: Kind) {
    let metrics = metrics(kind);
    let mut encoder = Encoder::new(Options {
        max_line_bytes: 512,
        ..Options::default()
    });
    let mut out = Vec::new();
    encoder.encode_batch(&metrics, &mut out, |_, _| {});
    bencher.counter(BytesCount::of_slice(&out)).bench_local(|| {
        let mut out = Vec::with_capacity(out.len());
        encoder.encode_batch(black_box(&metrics), &mut out, |_, _| {});
        out
    });
}

fn main() {
    divan::main();
}
