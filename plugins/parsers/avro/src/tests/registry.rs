//! Schemas from a registry that answers by script.

use wheatstone_testkit::{Answer, HttpDouble};

use super::*;

fn registry(double: &HttpDouble) -> Avro {
    let address = double.url().replace("http://", "http://us%40er:pass@");
    let config = AvroConfig {
        avro_schema_registry: format!("{address}/base"),
        ..AvroConfig::default()
    };
    build(config).unwrap()
}

fn answer(schema: &str) -> Answer {
    Answer::status(200).json(&serde_json::json!({ "schema": schema }))
}

/// The message of a number, under a schema's number.
fn wire(id: u8) -> Vec<u8> {
    vec![0, 0, 0, 1, id, 14]
}

#[test]
fn schemas_are_asked_of_a_registry_once() {
    let double = HttpDouble::start([answer(ONE), answer(&ONE.replace("\"M\"", "\"Other\""))]).unwrap();
    let mut parser = registry(&double);
    for (id, wanted) in [
        (2, "M n=Int(7)"),
        (2, "M n=Int(7)"),
        (3, "Other n=Int(7)"),
        (2, "M n=Int(7)"),
    ] {
        assert_eq!(feed(&mut parser, &wire(id)), Ok(vec![wanted.to_owned()]));
    }
    let requests = double.requests();
    let shown: Vec<_> = requests
        .iter()
        .map(|r| format!("{} {}", r.method, r.path))
        .collect();
    assert_eq!(shown, ["GET /base/schemas/ids/258", "GET /base/schemas/ids/259"]);
    assert_eq!(
        requests[0].header("authorization"),
        Some("Basic dXNAZXI6cGFzcw==")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_registry_is_asked_from_within_a_runtime() {
    let double = HttpDouble::start([answer(ONE)]).unwrap();
    assert_eq!(
        feed(&mut registry(&double), &wire(2)),
        Ok(vec!["M n=Int(7)".to_owned()])
    );
}

#[tokio::test]
async fn a_registry_is_asked_from_within_a_runtime_of_one_thread() {
    let double = HttpDouble::start([answer(ONE)]).unwrap();
    assert_eq!(
        feed(&mut registry(&double), &wire(2)),
        Ok(vec!["M n=Int(7)".to_owned()])
    );
}

#[test]
fn a_registry_that_fails_is_asked_again_later() {
    let missing = serde_json::json!({"error_code": 40403, "message": "Schema 258 not found"});
    let double = HttpDouble::start([
        Answer::status(404).json(&missing),
        Answer::status(200).json(&serde_json::json!({"schema": 7})),
        Answer::status(502).body("<html>"),
        answer("{"),
        answer(ONE),
    ])
    .unwrap();
    let mut parser = registry(&double);
    let starts = "malformed response from schema registry";
    let first = feed(&mut parser, &wire(2)).unwrap_err();
    assert!(
        first.starts_with(&format!("{starts}: no 'schema' key: 404 Scripted")),
        "{first}"
    );
    assert_eq!(
        feed(&mut parser, &wire(2)),
        Err(first),
        "at once it is not asked again"
    );
    assert_eq!(double.requests().len(), 1);
    for (id, wanted) in [
        (3, format!("{starts}: the schema cannot be cast to string")),
        (4, format!("{starts}: 502 Scripted: expected value")),
        (5, "cannot unmarshal schema JSON: EOF".to_owned()),
    ] {
        let error = feed(&mut parser, &wire(id)).unwrap_err();
        assert!(error.starts_with(&wanted), "{error}");
    }
    std::thread::sleep(Span::from_millis(1_050));
    assert_eq!(feed(&mut parser, &wire(2)), Ok(vec!["M n=Int(7)".to_owned()]));

    for (message, wanted) in [
        (&[][..], "0 bytes are too few for Confluent Wire Protocol"),
        (
            &[1, 0, 0, 0, 1, 2],
            "first byte is not 0: not Confluent Wire Protocol",
        ),
    ] {
        assert_eq!(feed(&mut parser, message), Err(wanted.to_owned()));
    }
    drop(double);
    let refused = feed(&mut parser, &wire(9)).unwrap_err();
    assert!(
        refused.starts_with("Get \"http://127.0.0.1:") && !refused.contains("pass"),
        "{refused}"
    );
}
