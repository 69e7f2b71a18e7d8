//! The output against a server that answers by a script.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use wheatstone_output_influxdb::{Config, InfluxDb};
use wheatstone_plugin::Kind;
use wheatstone_plugin::conf::{Size, Table};
use wheatstone_plugin::prelude::*;
use wheatstone_testkit::plugin::context;
use wheatstone_testkit::{Answer, HttpDouble, Request};

fn build(config: Config) -> InfluxDb {
    let cx = context(Kind::Output, "influxdb", Table::default());
    InfluxDb::new(config, &cx).unwrap()
}

/// An output for one server that makes no databases.
async fn output(url: &str, change: impl FnOnce(&mut Config)) -> InfluxDb {
    let mut config = Config {
        urls: vec![url.to_owned()],
        skip_database_creation: true,
        ..Config::default()
    };
    change(&mut config);
    let mut output = build(config);
    output.connect().await.map_err(|e| e.error).unwrap();
    output
}

fn metrics(values: &[Value]) -> Vec<Metric> {
    let metric = |(i, value): (usize, &Value)| {
        let mut m = Metric::new("cpu", i as i64 + 1);
        m.set_field("v", value.clone());
        m
    };
    values.iter().enumerate().map(metric).collect()
}

async fn write(output: &mut InfluxDb, metrics: &[Metric]) -> Result<(), WriteError> {
    output.write(&metrics.iter().collect::<Vec<_>>()).await
}

fn rejected(error: &WriteError) -> Vec<usize> {
    let mut all: Vec<usize> = error.rejected.iter().map(|r| r.index).collect();
    all.sort_unstable();
    all
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

fn answer(status: u16, error: &str) -> Answer {
    Answer::status(status).body(format!("{{\"error\":{error:?}}}"))
}

fn bodies(server: &HttpDouble) -> Vec<String> {
    server.requests().iter().map(Request::text).collect()
}

#[tokio::test]
async fn a_batch_is_one_packed_request() {
    let server = server([]);
    let mut output = output(&server.url(), |_| {}).await;
    for _ in 0..2 {
        write(&mut output, &metrics(&[Value::Int(1), Value::Float(2.5)]))
            .await
            .unwrap();
    }
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    for request in requests {
        assert_eq!(
            (request.method.as_str(), request.path.as_str()),
            ("POST", "/write")
        );
        assert_eq!(request.query, "db=telegraf");
        assert_eq!(request.header("content-encoding"), Some("gzip"));
        assert_eq!(request.header("content-type"), Some("text/plain; charset=utf-8"));
        assert!(
            request
                .header("user-agent")
                .is_some_and(|v| v.starts_with("Wheatstone/"))
        );
        assert_eq!(request.header("authorization"), None);
        assert_eq!(request.text(), "cpu v=1i 1\ncpu v=2.5 2\n");
    }
}

#[tokio::test]
async fn options_show_in_the_request() {
    let server = server([]);
    let mut output = output(&format!("{}/base/?gone=1", server.url()), |c| {
        c.database = "my db".into();
        c.retention_policy = "week".into();
        c.write_consistency = "all".into();
        c.username = Secret::new("u");
        c.password = Secret::new("p");
        c.content_encoding = "identity".into();
        c.user_agent = "agent/1".into();
        c.influx_omit_timestamp = true;
        c.influx_uint_support = true;
        c.http_headers = BTreeMap::from([("X-A".into(), "b".into()), ("Host".into(), "other".into())]);
    })
    .await;
    for _ in 0..2 {
        write(&mut output, &metrics(&[Value::Uint(7)])).await.unwrap();
    }
    assert_eq!(
        bodies(&server),
        ["cpu v=7u\n", "cpu v=7u\n"],
        "the memory of a body is used again"
    );
    let request = &server.requests()[0];
    assert_eq!(
        (request.path.as_str(), request.query.as_str()),
        ("/base/write", "consistency=all&db=my+db&rp=week")
    );
    assert_eq!(request.header("authorization"), Some("Basic dTpw"));
    assert_eq!(request.header("content-encoding"), None);
    assert_eq!(
        (request.header("x-a"), request.header("host")),
        (Some("b"), Some("other"))
    );
    assert_eq!(request.header("user-agent"), Some("agent/1"));
}

#[tokio::test]
async fn databases_are_made_at_start_and_for_tags() {
    let server = server([Answer::status(200)
        .body("{\"results\":[{}]}")
        .path("/query")
        .times(9)]);
    let mut output = output(&server.url(), |c| {
        c.skip_database_creation = false;
        c.database_tag = "db".into();
        c.exclude_database_tag = true;
    })
    .await;
    let mut metrics = metrics(&[Value::Int(1), Value::Int(2), Value::Int(3)]);
    metrics[0].set_tag("db", "a \"b\"");
    metrics[2].set_tag("db", "a \"b\"");
    write(&mut output, &metrics).await.unwrap();
    write(&mut output, &metrics[..1]).await.unwrap();
    let asked: Vec<_> = server
        .requests()
        .iter()
        .map(|r| (r.query.clone(), r.text()))
        .collect();
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    let expected = [
        pair("", "q=CREATE+DATABASE+%22telegraf%22"),
        pair("", "q=CREATE+DATABASE+%22a+%5C%22b%5C%22%22"),
        pair("db=a+%22b%22", "cpu v=1i 1\ncpu v=3i 3\n"),
        pair("db=telegraf", "cpu v=2i 2\n"),
        pair("db=a+%22b%22", "cpu v=1i 1\n"),
    ];
    assert_eq!(asked, expected);
}

#[tokio::test]
async fn a_line_that_cannot_be_parsed_does_not_take_the_others_along() {
    let partial = server([answer(
        400,
        "partial write: unable to parse 'cpu v=2i 2': bad dropped=0",
    )]);
    let mut first = output(&partial.url(), |_| {}).await;
    let points = metrics(&[Value::Int(1), Value::Int(2), Value::Int(3)]);
    let error = write(&mut first, &points).await.unwrap_err();
    assert_eq!(
        (error.accepted.as_slice(), rejected(&error)),
        (&[0, 2][..], vec![1])
    );
    assert_eq!(bodies(&partial).len(), 1, "the server has stored the others");

    let whole = server([answer(400, "unable to parse 'cpu v=2i 2': bad")]);
    let mut second = output(&whole.url(), |_| {}).await;
    let error = write(&mut second, &points).await.unwrap_err();
    assert_eq!(
        (error.accepted.as_slice(), rejected(&error)),
        (&[0, 2][..], vec![1])
    );
    assert_eq!(bodies(&whole)[1..], ["cpu v=1i 1\ncpu v=3i 3\n"]);
}

#[tokio::test]
async fn a_type_conflict_rejects_the_points_of_that_type() {
    let text = "partial write: field type conflict: input field \"v\" on measurement \"cpu\" is type string, already exists as type integer dropped=2";
    let server = server([answer(400, text)]);
    let mut output = output(&server.url(), |_| {}).await;
    let points = metrics(&[Value::from("a"), Value::Int(2), Value::from("b"), Value::Int(4)]);
    let error = write(&mut output, &points).await.unwrap_err();
    assert_eq!(
        (error.accepted.as_slice(), rejected(&error)),
        (&[1, 3][..], vec![0, 2])
    );
    assert_eq!(error.to_string(), format!("2 of 4 metrics were refused: {text}"));
}

#[tokio::test]
async fn a_refusal_that_names_no_point_holds_for_the_batch() {
    for text in [
        "partial write: field type conflict dropped=1",
        "authorization failed",
    ] {
        let server = stubborn(answer(400, text));
        let mut output = output(&server.url(), |_| {}).await;
        let error = write(&mut output, &metrics(&[Value::Int(1), Value::Int(2)]))
            .await
            .unwrap_err();
        assert_eq!(
            (error.accepted.len(), rejected(&error)),
            (0, vec![0, 1]),
            "{text}"
        );
        assert_eq!(bodies(&server).len(), 1);
    }
}

#[tokio::test]
async fn what_may_pass_is_kept() {
    for (status, body) in [
        (500, "{\"error\":\"internal\"}"),
        (400, "<html>"),
        (503, ""),
        (429, "{}"),
    ] {
        let server = stubborn(Answer::status(status).body(body).header("Retry-After", "7"));
        let mut output = output(&server.url(), |_| {}).await;
        let error = write(&mut output, &metrics(&[Value::Int(1)])).await.unwrap_err();
        assert!(error.accepted.is_empty() && error.rejected.is_empty(), "{status}");
        assert_eq!(error.to_string(), "could not write any address");
        assert_eq!(error.retry_after, Some(std::time::Duration::from_secs(7)));
    }
    let mut nobody = output("http://127.0.0.1:1", |_| {}).await;
    let error = write(&mut nobody, &metrics(&[Value::Int(1)])).await.unwrap_err();
    assert_eq!(error.to_string(), "could not write any address");
}

#[tokio::test]
async fn credentials_that_are_wrong_are_waited_for_where_it_is_asked() {
    let server = stubborn(answer(401, "authorization failed"));
    let mut output = output(&server.url(), |c| c.retry_unauthorized = true).await;
    let error = write(&mut output, &metrics(&[Value::Int(1)])).await.unwrap_err();
    assert!(error.rejected.is_empty());
}

#[tokio::test]
async fn a_missing_database_is_made_and_the_batch_kept() {
    let server = stubborn(answer(404, "database not found: \"telegraf\""));
    server.script([Answer::status(200)
        .body("{\"results\":[{}]}")
        .path("/query")
        .times(9)]);
    let mut making = output(&server.url(), |c| c.skip_database_creation = false).await;
    let error = write(&mut making, &metrics(&[Value::Int(1)])).await.unwrap_err();
    assert_eq!(
        (error.to_string().as_str(), error.rejected.len()),
        ("database created; retry write", 0)
    );

    let mut not_making = output(&server.url(), |_| {}).await;
    let error = write(&mut not_making, &metrics(&[Value::Int(1)]))
        .await
        .unwrap_err();
    assert_eq!(rejected(&error), [0]);
}

#[tokio::test]
async fn a_large_request_that_is_too_large_goes_in_halves() {
    let too_large = || answer(413, "Request Entity Too Large");
    let server = server([too_large()]);
    let mut output = output(&server.url(), |_| {}).await;
    let points = metrics(&vec![Value::from("x".repeat(1500).as_str()); 6]);
    write(&mut output, &points).await.unwrap();
    let lines: Vec<usize> = bodies(&server).iter().map(|b| b.lines().count()).collect();
    assert_eq!(lines, [6, 3, 3]);

    server.script([too_large().times(2)]);
    let huge = metrics(&[Value::from("y".repeat(6000).as_str()), Value::Int(1)]);
    let error = write(&mut output, &huge).await.unwrap_err();
    assert_eq!((error.accepted.as_slice(), rejected(&error)), (&[1][..], vec![0]));
}

#[tokio::test]
async fn another_server_takes_what_one_cannot() {
    let good = server([]);
    let bad = stubborn(Answer::status(500));
    let mut output = output(&good.url(), |c| {
        c.urls.push(bad.url());
        c.urls.push("http://127.0.0.1:1".into());
    })
    .await;
    for _ in 0..20 {
        write(&mut output, &metrics(&[Value::Int(1)])).await.unwrap();
    }
    assert_eq!(bodies(&good).len(), 20);
    assert!(!bodies(&bad).is_empty(), "the order is random");
}

#[tokio::test]
async fn a_metric_without_a_line_is_rejected_alone() {
    let server = server([]);
    let mut output = output(&server.url(), |_| {}).await;
    let error = write(&mut output, &metrics(&[Value::Float(f64::NAN), Value::Int(2)]))
        .await
        .unwrap_err();
    assert_eq!((error.accepted.as_slice(), rejected(&error)), (&[1][..], vec![0]));
    assert_eq!(bodies(&server), ["cpu v=2i 2\n"]);
}

#[cfg(unix)]
#[tokio::test]
async fn a_unix_socket_serves_as_well() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let path = std::env::temp_dir().join(format!("wheatstone-influxdb-{}.sock", std::process::id()));
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    let serving = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = [0; 4096];
        let n = stream.read(&mut head).await.unwrap();
        stream
            .write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
            .await
            .unwrap();
        String::from_utf8_lossy(&head[..n]).into_owned()
    });
    let mut output = output(&format!("unix://{}", path.display()), |_| {}).await;
    write(&mut output, &metrics(&[Value::Int(1)])).await.unwrap();
    assert!(
        serving
            .await
            .unwrap()
            .starts_with("POST /write?db=telegraf HTTP/1.1\r\n")
    );
    std::fs::remove_file(path).unwrap();
}

#[tokio::test]
async fn over_udp_a_line_is_a_datagram() {
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let url = format!("udp://{}", socket.local_addr().unwrap());
    let mut output = output(&url, |c| c.udp_payload = Size(30)).await;
    let mut points = metrics(&[Value::Int(1), Value::from("two\nlines"), Value::Float(f64::NAN)]);
    points[0].set_field("longer", 123_456_789i64);
    points[0].set_field("w", 2i64);
    let error = write(&mut output, &points).await.unwrap_err();
    assert_eq!(
        (error.accepted.as_slice(), rejected(&error)),
        (&[0, 1][..], vec![2])
    );
    let mut datagrams = Vec::new();
    for _ in 0..3 {
        let mut buffer = [0; 100];
        let n = socket.recv(&mut buffer).await.unwrap();
        datagrams.push(String::from_utf8_lossy(&buffer[..n]).into_owned());
    }
    assert_eq!(
        datagrams,
        [
            "cpu v=1i,longer=123456789i 1\n",
            "cpu w=2i 1\n",
            "cpu v=\"two\nlines\" 2\n"
        ]
    );
}

#[test]
fn what_is_wrong_with_the_options_is_told_before_anything_starts() {
    let cx = context(Kind::Output, "influxdb", Table::default());
    let error = |config: Config| format!("{:#}", InfluxDb::new(config, &cx).err().unwrap());
    let with = |url: &str| Config {
        urls: vec![url.into()],
        ..Config::default()
    };
    assert_eq!(
        error(with("ftp://h")),
        "unsupported scheme [\"ftp://h\"]: \"ftp\""
    );
    assert!(error(with("udp://h")).contains("a host and a port"));
    assert!(
        error(Config {
            http_proxy: "http://[".into(),
            ..Config::default()
        })
        .starts_with("error parsing proxy_url")
    );
    let headers = BTreeMap::from([("X A".into(), "b".into())]);
    assert!(
        error(Config {
            http_headers: headers,
            ..Config::default()
        })
        .starts_with("invalid HTTP header")
    );
}

#[test]
fn tls_options_are_known_and_misspelled_ones_are_not() {
    use wheatstone_plugin::conf::{Node, NodeKind, Span};
    let node = |start, kind| Node {
        kind,
        span: Span {
            start,
            ..Span::default()
        },
        from_env: false,
    };
    let mut table = Table::default();
    table.set("database", node(1, NodeKind::String("db".into())));
    table.set("insecure_skip_verify", node(2, NodeKind::Boolean(true)));
    table.set("tls_cs", node(3, NodeKind::String("ca.pem".into())));
    let cx = context(Kind::Output, "influxdb", table);
    InfluxDb::new(cx.config().unwrap(), &cx).unwrap();
    let unused: Vec<_> = cx.unused().into_iter().map(|u| u.path).collect();
    assert_eq!(unused, [["tls_cs"]]);

    let schema = wheatstone_plugin::find(Kind::Output, "influxdb")
        .map(|r| (r.schema)())
        .unwrap();
    assert_eq!(schema["properties"]["tls_ca"]["type"], "string");
    assert_eq!(schema["properties"]["database"]["default"], "telegraf");
}
