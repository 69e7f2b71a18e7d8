use proptest::prelude::*;

use super::*;
use crate::testing::{NOW, build};

fn with(patterns: &[&str], custom: &str) -> GrokConfig {
    GrokConfig {
        grok_patterns: patterns.iter().map(|p| (*p).to_owned()).collect(),
        grok_custom_patterns: custom.to_owned(),
        ..GrokConfig::default()
    }
}

fn parse(config: GrokConfig, payload: &str) -> Result<Vec<String>, String> {
    crate::testing::parse::<Grok>(config, payload)
}

#[test]
fn access_logs_are_read_without_options() {
    let line = r#"127.0.0.1 - bob [10/Oct/2000:13:55:36 -0700] "GET /x.gif HTTP/1.0" 200 2326 "-" "curl""#;
    let want = r#"m,resp_code=200,verb=GET client_ip=Str("127.0.0.1"),ident=Str("-"),auth=Str("bob"),request=Str("/x.gif"),http_version=Float(1.0),resp_bytes=Int(2326),referrer=Str("-"),agent=Str("curl") 971211336000000000"#;
    assert_eq!(parse(GrokConfig::default(), line), Ok(vec![want.to_owned()]));
    assert_eq!(parse(GrokConfig::default(), "no such line\n\n"), Ok(vec![]));
}

#[test]
fn every_modifier() {
    let pattern = "%{WORD:n:measurement} %{WORD:t:tag} %{DATA:i:int} %{NUMBER:f:float} %{NOTSPACE:d:duration} %{WORD:s:string} %{WORD:x:drop} %{WORD}";
    let line = "disk a 0x10 1e0 1.5ms yes no gone\n";
    // NUMBER takes no exponents.
    assert_eq!(parse(with(&[pattern], ""), line), Ok(vec![]));
    let line = "disk a 0x10 1.0 1.5ms yes no gone\r\n";
    assert_eq!(
        parse(with(&[pattern], ""), line),
        Ok(vec![
            r#"disk,t=a i=Int(16),f=Float(1.0),d=Int(1500000),s=Str("yes")"#.to_owned()
        ])
    );
}

#[test]
fn the_first_pattern_that_fits_is_taken() {
    let config = with(
        &["%{A}", "  ", "%{WORD:w}"],
        "A %{B} %{INT:n:int}\n# comment\nB %{WORD:b:tag}",
    );
    assert_eq!(
        parse(config, "x 1\ny\n-"),
        Ok(vec!["m,b=x n=Int(1)".to_owned(), r#"m w=Str("y") 43"#.to_owned()])
    );
}

#[test]
fn a_value_that_does_not_fit_its_type_is_left_out() {
    assert_eq!(
        parse(with(&["%{WORD:a:int} %{WORD:b}"], ""), "x y"),
        Ok(vec![r#"m b=Str("y")"#.to_owned()])
    );
}

#[test]
fn a_payload_can_be_one_line() {
    let config = GrokConfig {
        grok_multiline: true,
        grok_unique_timestamp: "disable".to_owned(),
        ..with(&[r"%{WORD:a}\s%{MULTILINEDATA:rest}"], "")
    };
    assert_eq!(
        parse(config, "x\ny\nz\n"),
        Ok(vec!["m a=Str(\"x\"),rest=Str(\"y\\nz\\n\")".to_owned()])
    );
}

#[test]
fn what_is_wrong_with_patterns_is_said() {
    let message = |config| build::<Grok>(config).err().unwrap_or_default();
    assert_eq!(message(with(&[" "], "")), "pattern required");
    assert_eq!(message(with(&["%{NONE}"], "")), "no pattern found for %{NONE}");
    let file = GrokConfig {
        grok_custom_pattern_files: vec!["no/such/file".to_owned()],
        ..GrokConfig::default()
    };
    assert_eq!(message(file), "open no/such/file: no such file or directory");
    assert_eq!(
        parse(with(&["%{WORD:w}", "(?!a)"], ""), "x\n-\n"),
        Err("error parsing regexp: invalid or unsupported Perl syntax: `(?!`".to_owned())
    );
    let zone = GrokConfig {
        grok_timezone: "Mars".to_owned(),
        ..GrokConfig::default()
    };
    assert!(build::<Grok>(zone).is_ok());
}

proptest! {
    // Each case compiles some of the longest patterns.
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_payload_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200), pattern in "[%{}a-zA-Z:\\[\\]()\\\\?<>*.é]{0,30}") {
        let mut out = Vec::new();
        let _ = build::<Grok>(GrokConfig::default()).expect("valid options").parse(&bytes, NOW, &mut out);
        if let Ok(mut grok) = build::<Grok>(with(&[&pattern], "")) {
            let _ = grok.parse(&bytes, NOW, &mut out);
        }
    }
}
