use super::*;
use crate::testing::build;

const NOW: Timestamp = 7;

fn header() -> CsvConfig {
    CsvConfig {
        csv_header_row_count: 1,
        metric_name: "m".to_owned(),
        ..CsvConfig::default()
    }
}

fn strings(list: &[&str]) -> Vec<String> {
    list.iter().map(|s| (*s).to_owned()).collect()
}

fn show(m: &Metric) -> String {
    let tags: String = m.tags().map(|(k, v)| format!(",{k}={v}")).collect();
    let fields: Vec<String> = m.fields().map(|(k, v)| format!("{k}={v:?}")).collect();
    let time = if m.time() == NOW {
        String::new()
    } else {
        format!(" {}", m.time())
    };
    format!("{}{tags} {}{time}", m.name(), fields.join(","))
}

fn feed(parser: &mut Csv, payload: &str) -> Result<Vec<String>, String> {
    let mut out = Vec::new();
    parser
        .parse(payload.as_bytes(), NOW, &mut out)
        .map_err(|e| format!("{e:#}"))?;
    Ok(out.iter().map(show).collect())
}

fn parse(config: CsvConfig, payload: &str) -> Result<Vec<String>, String> {
    feed(&mut build(config)?, payload)
}

fn ok(lines: &[&str]) -> Result<Vec<String>, String> {
    Ok(strings(lines))
}

#[test]
fn values_decide_their_type() {
    let payload = "a,b,c,d\n1,2.5,true,x\n-3,1e3,T,\"1,5\"\n";
    let lines = [
        r#"m a=Int(1),b=Float(2.5),c=Bool(true),d=Str("x")"#,
        r#"m a=Int(-3),b=Float(1000.0),c=Bool(true),d=Str("1,5")"#,
    ];
    assert_eq!(parse(header(), payload), ok(&lines));
}

#[test]
fn types_can_be_set() {
    let typed = CsvConfig {
        csv_column_names: strings(&["a", "b", "c", "d"]),
        csv_column_types: strings(&["string", "float", "bool", "int"]),
        metric_name: "m".to_owned(),
        ..CsvConfig::default()
    };
    let line = r#"m a=Str("1"),b=Float(2.0),c=Bool(false),d=Int(4)"#;
    assert_eq!(parse(typed.clone(), "1,2,0,4"), ok(&[line]));
    let message = r#"column type: parse int error strconv.ParseInt: parsing "x": invalid syntax"#;
    assert_eq!(parse(typed.clone(), "1,2,0,x"), Err(message.to_owned()));
    assert_eq!(
        parse(
            CsvConfig {
                csv_skip_errors: true,
                ..typed
            },
            "1,2,0,x\n1,2,0,4"
        ),
        ok(&[line])
    );
    let few = CsvConfig {
        csv_column_types: strings(&["int"]),
        ..header()
    };
    assert_eq!(
        parse(few, "a,b\n1,2"),
        Err("column type: column count exceeded".to_owned())
    );
}

#[test]
fn headers_are_joined_skipped_or_overruled() {
    let two = CsvConfig {
        csv_header_row_count: 2,
        ..header()
    };
    assert_eq!(parse(two, "a,b\n1,2\n3,4"), ok(&["m a1=Int(3),b2=Int(4)"]));
    let skip = CsvConfig {
        csv_skip_columns: 1,
        csv_skip_rows: 2,
        csv_trim_space: true,
        ..header()
    };
    assert_eq!(
        parse(skip.clone(), "junk\n\"\nx, a , b\n9, 1 , 2 \n8\n"),
        ok(&["m a=Int(1),b=Int(2)", "m "])
    );
    assert_eq!(parse(skip, "junk"), Err("not enough data".to_owned()));
    let named = CsvConfig {
        csv_column_names: strings(&["x"]),
        csv_comment: "#".to_owned(),
        ..header()
    };
    assert_eq!(parse(named, "a,b\n#1\n2,3"), ok(&["m x=Int(2)"]));
}

#[test]
fn columns_become_tags_names_and_times() {
    let config = CsvConfig {
        csv_tag_columns: strings(&["t"]),
        csv_measurement_column: "n".to_owned(),
        csv_timestamp_column: "time".to_owned(),
        csv_timestamp_format: "02/01/06 03:04:05 PM".to_owned(),
        csv_skip_values: strings(&["", "nil"]),
        ..header()
    };
    let payload = "time,t,n,v,w\n23/05/09 04:05:06 PM,x,name,1,\n23/05/09 04:05:06 PM,y,,nil,2";
    let lines = [
        "name,t=x v=Int(1) 1243094706000000000",
        "m,t=y w=Int(2) 1243094706000000000",
    ];
    assert_eq!(parse(config.clone(), payload), ok(&lines));
    assert_eq!(
        parse(config.clone(), "a\n1"),
        Err("timestamp column: time could not be found".to_owned())
    );
    let message = r#"parsing time "x" as "02/01/06 03:04:05 PM": cannot parse "x" as "02""#;
    assert_eq!(parse(config.clone(), "time\nx"), Err(message.to_owned()));
    let no_format = CsvConfig {
        csv_timestamp_format: String::new(),
        ..config
    };
    assert_eq!(
        parse(no_format, "time\n1"),
        Err("timestamp format must be specified".to_owned())
    );
    let exact = CsvConfig {
        csv_timestamp_column: "t".to_owned(),
        csv_timestamp_format: "unix_ns".to_owned(),
        csv_measurement_column: "v".to_owned(),
        ..header()
    };
    assert_eq!(
        parse(exact, "t,v,w\n1731931200123457789,1.5e21,2"),
        ok(&["1.5e+21 w=Int(2) 1731931200123457789"])
    );
}

fn with_metadata() -> CsvConfig {
    CsvConfig {
        csv_skip_rows: 1,
        csv_metadata_rows: 3,
        csv_metadata_separators: strings(&["=", ":="]),
        csv_metadata_trim_set: " #".to_owned(),
        csv_tag_columns: strings(&["t"]),
        defaulttags: [("t".to_owned(), "default".to_owned())].into(),
        ..header()
    }
}

#[test]
fn metadata_rows_are_tags() {
    let payload = "skipped\n# a := 1=2 \n=x\n# b=3\nt,v\nx,1\n";
    assert_eq!(
        parse(with_metadata(), payload),
        ok(&["m,a=1=2,b=3,t=default v=Int(1)"])
    );
    let overwrite = CsvConfig {
        csv_tag_overwrite: true,
        ..with_metadata()
    };
    assert_eq!(parse(overwrite, payload), ok(&["m,a=1=2,b=3,t=x v=Int(1)"]));
}

#[test]
fn a_stream_has_one_header_unless_reset() {
    let mut once = build::<Csv>(with_metadata()).expect("valid options");
    for part in ["skipped\n", "a=1\nb=2\n"] {
        assert_eq!(feed(&mut once, part), Err("not enough data".to_owned()));
    }
    assert_eq!(feed(&mut once, "c=3\nt,v\n"), ok(&[]));
    assert_eq!(
        feed(&mut once, "x,5\n"),
        ok(&["m,a=1,b=2,c=3,t=default v=Int(5)"])
    );
    let mut always = build(CsvConfig {
        csv_reset_mode: "always".to_owned(),
        ..header()
    })
    .expect("valid options");
    assert_eq!(feed(&mut always, "a\n1"), ok(&["m a=Int(1)"]));
    assert_eq!(feed(&mut always, "b\n2"), ok(&["m b=Int(2)"]));
}

#[test]
fn an_odd_delimiter_changes_places_with_the_comma() {
    let odd = CsvConfig {
        csv_delimiter: "\u{0}".to_owned(),
        ..header()
    };
    assert_eq!(
        parse(odd, "a\0b\n1\0x,y"),
        ok(&["m a=Int(1),b=Str(\"x\u{fffd}y\")"])
    );
    let tab = CsvConfig {
        csv_delimiter: "\t".to_owned(),
        ..header()
    };
    assert_eq!(parse(tab, "a\tb\n1\t2,3"), ok(&["m a=Int(1),b=Str(\"2,3\")"]));
}

#[test]
fn wrong_options_are_named() {
    let message = |config| build::<Csv>(config).err().unwrap_or_default();
    assert_eq!(
        message(CsvConfig::default()),
        "`csv_header_row_count` must be defined if `csv_column_names` is not specified"
    );
    for (config, text) in [
        (
            CsvConfig {
                csv_delimiter: ";;".into(),
                ..header()
            },
            "csv_delimiter must be a single character, got: ;;",
        ),
        (
            CsvConfig {
                csv_column_names: strings(&["a"]),
                csv_column_types: strings(&["int", "int"]),
                ..header()
            },
            "csv_column_names field count doesn't match with csv_column_types",
        ),
        (
            CsvConfig {
                csv_metadata_rows: 1,
                ..header()
            },
            "initializing separators failed: csv_metadata_separators required when specifying csv_metadata_rows",
        ),
        (
            CsvConfig {
                csv_timezone: "Mars".into(),
                ..header()
            },
            "invalid timezone: unknown time zone Mars",
        ),
        (
            CsvConfig {
                csv_reset_mode: "often".into(),
                ..header()
            },
            "unknown reset mode \"often\"",
        ),
    ] {
        assert_eq!(message(config), text);
    }
}

#[test]
fn an_error_leaves_what_was_there() {
    let mut out = vec![Metric::new("there", 1)];
    let mut parser = build::<Csv>(CsvConfig {
        csv_column_types: strings(&["int"]),
        ..header()
    })
    .expect("valid options");
    assert!(parser.parse(b"a\n1\nx\n", NOW, &mut out).is_err());
    assert!(parser.parse(b"1\n\"x\n", NOW, &mut out).is_err());
    assert_eq!(out.len(), 1);
}
