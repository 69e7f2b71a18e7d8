use proptest::prelude::*;

use super::*;
use crate::protobuf::Draft;
use crate::testing::{build, feed, lines};

fn draft() -> Draft {
    Draft::default()
}

fn labels(labels: &[(&str, &str)]) -> Draft {
    labels.iter().fold(draft(), |all, (name, value)| {
        all.message(1, draft().text(1, name).text(2, value))
    })
}

fn sample(value: f64, millis: i64) -> Draft {
    draft().double(1, value).uint(2, millis as u64)
}

fn request() -> Vec<u8> {
    let plain = labels(&[("__name__", "up"), ("job", "a")])
        .message(2, sample(1.0, 1500))
        .message(2, sample(f64::NAN, 1600))
        .message(2, sample(2.0, 0));
    let positive = draft().sint(1, 1).uint(2, 2);
    let negative = draft().sint(1, -1).uint(2, 1);
    // Differences: 3, then 3 - 2.
    let deltas = draft().varint(6).varint(3);
    let whole = draft()
        .uint(1, 9)
        .double(3, 4.5)
        .sint(4, 0)
        .double(5, 0.001)
        .uint(6, 4)
        .message(8, negative)
        .bytes(9, &draft().varint(2).0)
        .message(11, positive)
        .bytes(12, &deltas.0)
        .uint(14, 2)
        .uint(15, 2500);
    let histogram = labels(&[("__name__", "h"), ("host", "x")]).message(4, whole);
    draft()
        .message(1, plain)
        .message(1, histogram)
        .message(3, draft().uint(1, 1).text(2, "up"))
        .0
}

fn parse(version: i64, payload: &[u8]) -> Result<Vec<String>, String> {
    let config = PrometheusRemoteWriteConfig {
        prometheus_metric_version: version,
    };
    feed(&mut build::<PrometheusRemoteWrite>(config)?, payload)
}

#[test]
fn fields_named_by_the_series() {
    let expected = lines(&[
        "prometheus_remote_write,job=a up=Float(1.0) 1500000000",
        "prometheus_remote_write,job=a up=Float(2.0) 1500000000",
        "prometheus_remote_write,host=x h_sum=Float(4.5) 2500000000",
        "prometheus_remote_write,host=x h_count=Float(9.0) 2500000000",
        "prometheus_remote_write,h_le=-0.25,host=x h=Float(1.0) 2500000000",
        "prometheus_remote_write,h_le=0.001,host=x h=Float(5.0) 2500000000",
        "prometheus_remote_write,h_le=2,host=x h=Float(8.0) 2500000000",
        "prometheus_remote_write,h_le=4,host=x h=Float(9.0) 2500000000",
    ]);
    assert_eq!(parse(0, &request()), expected);
    let packed = snap::raw::Encoder::new()
        .compress_vec(&request())
        .expect("snappy");
    assert_eq!(parse(2, &packed), expected);
}

#[test]
fn metrics_named_by_the_series() {
    assert_eq!(
        parse(1, &request()),
        lines(&[
            "up,job=a value=Float(1.0) 1500000000",
            "up,job=a value=Float(2.0) 1500000000",
            "h,host=x counter_reset_hint=Uint(2),schema=Int(0),zero_threshold=Float(0.001),zero_count=Float(4.0),\
             count=Float(9.0),sum=Float(4.5),-0.25=Float(1.0),0.001=Float(5.0),2=Float(8.0),4=Float(9.0),\
             positive_span_0_offset=Int(1),positive_span_0_length=Uint(2),negative_span_0_offset=Int(-1),\
             negative_span_0_length=Uint(1),positive_bucket_0=Float(3.0),positive_bucket_1=Float(1.0),\
             negative_bucket_0=Float(1.0) 2500000000",
        ])
    );
}

#[test]
fn what_is_wrong_is_said() {
    let no_name = draft().message(1, labels(&[("job", "a")])).0;
    let error = Err("metric name \"__name__\" not found in tag-set or empty".to_owned());
    assert_eq!(parse(2, &no_name), error);
    assert_eq!(
        parse(3, &no_name),
        Err("unknown prometheus metric version 3".to_owned())
    );
    let whole = request();
    let error = parse(2, &whole[..whole.len() - 1]).expect_err("cut");
    assert!(
        error.starts_with("unable to unmarshal request body: protobuf: "),
        "{error}"
    );
    // A block of snappy that claims to be large.
    assert!(parse(2, b"\xff\xff\xff\xff\x0f\x00a").is_err());
    assert_eq!(parse(2, b""), lines(&[]));
}

proptest! {
    #[test]
    fn no_payload_panics(bytes: Vec<u8>, at in 0usize..200, byte: u8) {
        let mut changed = request();
        let at = at % changed.len();
        changed[at] = byte;
        for version in [1, 2] {
            let _ = (parse(version, &bytes), parse(version, &changed));
        }
    }
}
