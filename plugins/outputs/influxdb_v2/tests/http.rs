//! The output against a server that answers by a script.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::time::Duration as StdDuration;

use wheatstone_output_influxdb_v2::{Config, InfluxDbV2};
use wheatstone_plugin::Kind;
use wheatstone_plugin::conf::Table;
use wheatstone_plugin::prelude::*;
use wheatstone_testkit::{Answer, Ending, HttpDouble, Request};

fn context() -> Context {
    wheatstone_testkit::plugin::context(Kind::Output, "influxdb_v2", Table::default())
}

async fn output(url: &str, change: impl FnOnce(&mut Config)) -> InfluxDbV2 {
    let mut config = Config {
        urls: vec![url.to_owned()],
        token: Secret::new("tok"),
        organization: "org".into(),
        bucket: "bkt".into(),
        ..Config::default()
    };
    change(&mut config);
    let mut output = InfluxDbV2::new(config, &context()).unwrap();
    output.connect().await.map_err(|e| e.error).unwrap();
    output
}

fn server(script: impl IntoIterator<Item = Answer>) -> HttpDouble {
    HttpDouble::start(script).unwrap()
}

/// One that always gives the same answer.
fn stubborn(answer: Answer) -> HttpDouble {
    let server = server([]);
    server.otherwise(answer);
    server
}

fn answer(status: u16, message: &str) -> Answer {
    Answer::status(status).body(format!("{{\"code\":\"invalid\",\"message\":{message:?}}}"))
}

fn metrics(values: &[Value]) -> Vec<Metric> {
    let metric = |(i, value): (usize, &Value)| {
        let mut m = Metric::new("cpu", i as i64 + 1);
        m.set_field("v", value.clone());
        m
    };
    values.iter().enumerate().map(metric).collect()
}

/// So many integers.
fn count(n: i64) -> Vec<Metric> {
    metrics(&(1..=n).map(Value::Int).collect::<Vec<_>>())
}

async fn write(output: &mut InfluxDbV2, metrics: &[Metric]) -> Result<(), WriteError> {
    output.write(&metrics.iter().collect::<Vec<_>>()).await
}

fn bodies(server: &HttpDouble) -> Vec<String> {
    server.requests().iter().map(Request::text).collect()
}

/// Accepted and rejected points.
fn fate(error: &WriteError) -> (Vec<usize>, Vec<usize>) {
    let mut accepted = error.accepted.clone();
    accepted.sort_unstable();
    let mut rejected: Vec<usize> = error.rejected.iter().map(|r| r.index).collect();
    rejected.sort_unstable();
    (accepted, rejected)
}

#[tokio::test]
async fn a_batch_is_one_packed_request() {
    let server = server([]);
    let mut output = output(&format!("{}/base?x=1&org=old", server.url()), |c| {
        c.http_headers = BTreeMap::from([("X-A".into(), Secret::new("b"))]);
    })
    .await;
    for _ in 0..2 {
        write(&mut output, &count(2)).await.unwrap();
    }
    assert_eq!(bodies(&server), ["cpu v=1i 1\ncpu v=2i 2\n"; 2]);
    let request = &server.requests()[1];
    assert_eq!(
        (request.method.as_str(), request.path.as_str()),
        ("POST", "/base/api/v2/write")
    );
    assert_eq!(request.query, "bucket=bkt&org=org&x=1");
    assert_eq!(request.header("authorization"), Some("Token tok"));
    assert_eq!(request.header("content-encoding"), Some("gzip"));
    assert_eq!(request.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(request.header("x-a"), Some("b"));
    assert!(
        request
            .header("user-agent")
            .is_some_and(|v| v.starts_with("Wheatstone/"))
    );
}

#[tokio::test]
async fn without_packing_the_lines_are_the_body() {
    let server = server([]);
    let mut output = output(&server.url(), |c| {
        c.content_encoding = "identity".into();
        c.influx_omit_timestamp = true;
        c.influx_uint_support = true;
    })
    .await;
    for _ in 0..2 {
        write(&mut output, &metrics(&[Value::Uint(7)])).await.unwrap();
    }
    assert_eq!(bodies(&server), ["cpu v=7u\n"; 2]);
    assert_eq!(server.requests()[0].header("content-encoding"), None);
}

#[tokio::test]
async fn a_tag_chooses_the_bucket() {
    let server = server([]);
    let mut output = output(&server.url(), |c| {
        c.bucket_tag = "to".into();
        c.exclude_bucket_tag = true;
    })
    .await;
    let mut metrics = count(3);
    metrics[1].set_tag("to", "other");
    write(&mut output, &metrics).await.unwrap();
    let asked: Vec<_> = server
        .requests()
        .iter()
        .map(|r| (r.query.clone(), r.text()))
        .collect();
    assert_eq!(
        asked[0],
        ("bucket=bkt&org=org".into(), "cpu v=1i 1\ncpu v=3i 3\n".into())
    );
    assert_eq!(asked[1], ("bucket=other&org=org".into(), "cpu v=2i 2\n".into()));
}

#[tokio::test]
async fn parts_are_written_side_by_side() {
    // None is answered before all have been sent.
    let server = stubborn(Answer::status(204).once_asked(4));
    let mut output = output(&server.url(), |c| c.concurrent_writes = 4).await;
    write(&mut output, &count(8)).await.unwrap();
    assert_eq!(
        bodies(&server)
            .iter()
            .map(|b| b.lines().count())
            .collect::<Vec<_>>(),
        [2; 4]
    );
}

#[tokio::test]
async fn a_request_that_is_refused_as_a_whole_is_rejected_and_not_repeated() {
    for status in [400, 404, 406, 422, 451] {
        let server = stubborn(answer(status, "no"));
        let mut output = output(&server.url(), |_| {}).await;
        let error = write(&mut output, &count(3)).await.unwrap_err();
        assert_eq!(fate(&error), (vec![], vec![0, 1, 2]), "{status}");
        let text =
            format!("failed to write metrics to bkt (will be dropped: {status} Scripted): invalid: no");
        assert_eq!((error.to_string(), bodies(&server).len()), (text, 1));
    }
}

#[tokio::test]
async fn a_refused_point_does_not_take_the_others_along() {
    for refusal in [
        answer(400, "unable to parse 'cpu v=2i 2': bad timestamp"),
        answer(
            422,
            "failure writing points to database: partial write: field type conflict: input field \"v\" on measurement \"cpu\" is type integer, already exists as type float dropped=1",
        ),
        Answer::status(400).body("{\"code\":\"invalid\",\"message\":\"bad\",\"line\":2}"),
        Answer::status(400)
            .body("{\"error\":\"partial write\",\"data\":[{\"line_number\":2,\"error_message\":\"bad\"}]}"),
    ] {
        let server = server([refusal]);
        let mut output = output(&server.url(), |_| {}).await;
        let points = metrics(&[Value::Float(1.5), Value::Int(2), Value::Float(3.5)]);
        let error = write(&mut output, &points).await.unwrap_err();
        assert_eq!(fate(&error), (vec![0, 2], vec![1]));
        assert_eq!(bodies(&server)[1..], ["cpu v=1.5 1\ncpu v=3.5 3\n"]);
    }
}

#[tokio::test]
async fn credentials_and_failures_are_waited_for() {
    for (status, text) in [
        (401, "failed to write metrics to bkt (401 Scripted): invalid: no"),
        (403, "failed to write metrics to bkt (403 Scripted): invalid: no"),
        (
            500,
            "failed to write metrics to bucket \"bkt\": 500 Scripted: : invalid: no; odd",
        ),
    ] {
        let server = stubborn(answer(status, "no").header("X-Influx-Error", "odd"));
        let mut output = output(&server.url(), |_| {}).await;
        for _ in 0..2 {
            let error = write(&mut output, &count(2)).await.unwrap_err();
            assert_eq!(
                (error.to_string().as_str(), fate(&error)),
                (text, (vec![], vec![]))
            );
        }
        assert_eq!(bodies(&server).len(), 2);
    }
}

#[tokio::test]
async fn a_busy_server_is_left_alone_for_a_while() {
    let server = server([answer(429, "slow down").header("Retry-After", "30")]);
    let mut output = output(&server.url(), |c| c.concurrent_writes = 1).await;
    let error = write(&mut output, &count(2)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "failed to write to bkt; will retry in 30s. (429 Scripted)"
    );
    assert_eq!(error.retry_after, Some(StdDuration::from_secs(30)));
    let error = write(&mut output, &count(2)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "failed to send metrics to any configured server(s)"
    );
    assert!(error.retry_after.is_some_and(|d| d > StdDuration::from_secs(25)));
    assert_eq!(bodies(&server).len(), 1);
}

#[tokio::test]
async fn the_pause_grows_and_ends_with_the_first_success() {
    let server = server([answer(503, "busy").times(2)]);
    let mut output = output(&server.url(), |_| {}).await;
    for wait in [25, 100] {
        let error = write(&mut output, &count(1)).await.unwrap_err();
        assert_eq!(error.retry_after, Some(StdDuration::from_millis(wait)));
        tokio::time::sleep(StdDuration::from_millis(wait + 5)).await;
    }
    write(&mut output, &count(1)).await.unwrap();
    server.script([answer(503, "busy")]);
    let error = write(&mut output, &count(1)).await.unwrap_err();
    assert_eq!(error.retry_after, Some(StdDuration::from_millis(25)));
}

#[tokio::test]
async fn what_is_too_large_goes_in_halves() {
    let server = server([Answer::status(413)]);
    let mut output = output(&server.url(), |_| {}).await;
    // The user hears of it, and nothing is left to be written.
    let error = write(&mut output, &count(3)).await.unwrap_err();
    assert_eq!(fate(&error), (vec![0, 1, 2], vec![]));
    assert!(
        error.to_string().starts_with("not all metrics have been sent"),
        "{error}"
    );
    assert_eq!(bodies(&server)[1..], ["cpu v=1i 1\n", "cpu v=2i 2\ncpu v=3i 3\n"]);
}

#[tokio::test]
async fn one_metric_that_is_too_large_is_refused_only_where_the_size_is_the_reason() {
    // The first point alone, an empty request, the point again: the server takes the empty one only.
    let picky = server([
        Answer::status(413).times(2),
        Answer::status(204),
        Answer::status(413),
    ]);
    let mut first = output(&picky.url(), |_| {}).await;
    let error = write(&mut first, &count(2)).await.unwrap_err();
    assert_eq!(fate(&error), (vec![1], vec![0]));
    assert_eq!(
        bodies(&picky)[1..],
        ["cpu v=1i 1\n", "", "cpu v=1i 1\n", "cpu v=2i 2\n"]
    );

    let server = stubborn(Answer::status(413));
    let mut second = output(&server.url(), |_| {}).await;
    let error = write(&mut second, &count(3)).await.unwrap_err();
    assert_eq!(fate(&error), (vec![], vec![]));
    assert_eq!(bodies(&server).len(), 11);
}

#[tokio::test]
async fn a_rate_limit_keeps_what_exceeds_it() {
    let server = server([]);
    let mut output = output(&server.url(), |c| {
        // Two lines of eleven bytes.
        c.rate_limit = Size(25);
        c.rate_limit_period = Duration::from_millis(300);
    })
    .await;
    let error = write(&mut output, &count(3)).await.unwrap_err();
    assert_eq!(
        (error.to_string().as_str(), fate(&error)),
        ("size limit reached", (vec![0, 1], vec![]))
    );
    assert!(error.retry_after.is_some());
    assert_eq!(
        fate(&write(&mut output, &count(1)).await.unwrap_err()),
        (vec![], vec![])
    );
    tokio::time::sleep(StdDuration::from_millis(310)).await;
    let huge = metrics(&[Value::from("x".repeat(100).as_str())]);
    write(&mut output, &huge).await.unwrap();
    assert_eq!(bodies(&server).len(), 2);
}

#[tokio::test]
async fn another_server_takes_what_could_not_be_brought_to_the_first() {
    let good = server([]);
    let broken = stubborn(Answer::status(204).ending(Ending::NoAnswer));
    let mut output = output(&good.url(), |c| {
        c.urls.push(broken.url());
        c.urls.push("http://127.0.0.1:1".into());
    })
    .await;
    for _ in 0..20 {
        write(&mut output, &count(2)).await.unwrap();
    }
    assert_eq!(bodies(&good).len(), 20);
    assert!(!bodies(&broken).is_empty(), "the order is random");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    let mut output = output("http://127.0.0.1:1", |_| {}).await;
    let error = write(&mut output, &count(1)).await.unwrap_err();
    let text = "Post \"http://127.0.0.1:1/api/v2/write?bucket=bkt&org=org\": dial tcp 127.0.0.1:1: connect: connection refused";
    assert_eq!(
        (error.to_string().as_str(), fate(&error)),
        (text, (vec![], vec![]))
    );
}

#[tokio::test]
async fn a_metric_without_a_line_is_rejected_alone() {
    let server = server([]);
    let mut output = output(&server.url(), |_| {}).await;
    let error = write(&mut output, &metrics(&[Value::Float(f64::NAN), Value::Int(2)]))
        .await
        .unwrap_err();
    assert_eq!(fate(&error), (vec![1], vec![0]));
    assert_eq!(bodies(&server), ["cpu v=2i 2\n"]);
}

#[test]
fn what_is_wrong_with_the_options_is_told_before_anything_starts() {
    let error = |config: Config| format!("{:#}", InfluxDbV2::new(config, &context()).err().unwrap());
    assert_eq!(
        error(Config {
            urls: vec!["ftp://h".into()],
            ..Config::default()
        }),
        "unsupported scheme [\"ftp://h\"]: \"ftp\""
    );
    assert_eq!(
        error(Config {
            content_encoding: "zip".into(),
            ..Config::default()
        }),
        "invalid content encoding \"zip\""
    );
    assert_eq!(
        error(Config {
            rate_limit: Size(1),
            ..Config::default()
        }),
        "invalid period for rate-limit"
    );
}
