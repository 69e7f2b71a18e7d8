use proptest::prelude::*;

use super::*;
use crate::testing::{batch, build, metric, one, text};

fn config() -> CsvConfig {
    CsvConfig::default()
}

fn sample() -> Metric {
    let fields = [
        ("z", Value::Float(1.5)),
        ("a", Value::from("x, \"y\"")),
        ("n", Value::Int(-3)),
    ];
    metric(
        "cpu",
        &[("host", "h"), ("dc", " d")],
        &fields,
        1_700_000_000_123_456_789,
    )
}

#[test]
fn rows_of_all_there_is() {
    let row = "1700000000,cpu,\" d\",h,\"x, \"\"y\"\"\",-3,1.5\n";
    assert_eq!(one::<Csv>(config(), &sample()), text(row));
    let headed = CsvConfig {
        csv_header: true,
        csv_column_prefix: true,
        ..config()
    };
    let header = "timestamp,measurement,tag_dc,tag_host,field_a,field_n,field_z\n";
    let all = batch::<Csv>(headed, &[&sample(), &sample()]);
    assert_eq!(all, Ok(format!("{header}{row}{row}")));
    assert_eq!(batch::<Csv>(config(), &[]), text(""));
}

#[test]
fn chosen_columns() {
    let columns = ["field.n", "name", "tag.host", "field.none", "timestamp"].map(str::to_owned);
    let chosen = CsvConfig {
        csv_header: true,
        csv_columns: columns.to_vec(),
        csv_separator: ";".to_owned(),
        csv_timestamp_format: "2006-01-02 15:04:05.000".to_owned(),
        ..config()
    };
    let row = "-3;cpu;h;;2023-11-14 22:13:20.123\n";
    assert_eq!(
        one::<Csv>(chosen.clone(), &sample()),
        Ok(format!("n;name;host;none;timestamp\n{row}"))
    );
    let prefixed = CsvConfig {
        csv_column_prefix: true,
        ..chosen
    };
    let header = "field_n;name;tag_host;field_none;timestamp\n";
    assert_eq!(one::<Csv>(prefixed, &sample()), Ok(format!("{header}{row}")));
}

#[test]
fn times_in_units() {
    for (format, time) in [
        ("", "1700000000"),
        ("unix_ms", "1700000000123"),
        ("unix_us", "1700000000123456"),
        ("unix_ns", "1700000000123456789"),
    ] {
        let config = CsvConfig {
            csv_timestamp_format: format.to_owned(),
            csv_columns: vec!["timestamp".to_owned()],
            ..config()
        };
        assert_eq!(one::<Csv>(config, &sample()), Ok(format!("{time}\n")));
    }
}

#[test]
fn options_are_checked() {
    let error = |config| build::<Csv>(config).err().unwrap_or_default();
    let separator = |text: &str| CsvConfig {
        csv_separator: text.to_owned(),
        ..config()
    };
    assert_eq!(error(separator(";;")), "invalid separator \";;\"");
    assert_eq!(error(separator("\"")), "invalid separator \"\\\"\"");
    let format = CsvConfig {
        csv_timestamp_format: "rfc".to_owned(),
        ..config()
    };
    assert_eq!(error(format), "invalid timestamp format \"rfc\"");
    let columns = CsvConfig {
        csv_columns: vec!["fields.a".to_owned()],
        ..config()
    };
    assert_eq!(error(columns), "invalid column reference \"fields.a\"");
}

proptest! {
    /// A row can be taken apart again.
    #[test]
    fn cells_come_back(cells in proptest::collection::vec("[a\",;\\\\.\n\r é]{0,8}", 1..4)) {
        let fields: Vec<_> = cells.iter().enumerate().map(|(n, cell)| (format!("f{n}"), Value::from(cell.as_str()))).collect();
        let fields: Vec<(&str, Value)> = fields.iter().map(|(k, v)| (k.as_str(), v.clone())).collect();
        let config = CsvConfig { csv_columns: fields.iter().map(|(k, _)| format!("field.{k}")).collect(), ..config() };
        let row = one::<Csv>(config, &metric("m", &[], &fields, 0)).expect("a row");
        let (mut read, mut rest) = (Vec::new(), row.strip_suffix('\n').expect("a line"));
        loop {
            if let Some(quoted) = rest.strip_prefix('"') {
                let inner = quoted.replace("\"\"", "\u{1}\u{1}");
                let end = inner.find('"').expect("a closing quote");
                read.push(quoted[..end].replace("\"\"", "\""));
                rest = &quoted[end + 1..];
            } else {
                let end = rest.find(',').unwrap_or(rest.len());
                read.push(rest[..end].to_owned());
                rest = &rest[end..];
            }
            match rest.strip_prefix(',') {
                Some(next) => rest = next,
                None => break,
            }
        }
        prop_assert_eq!(read, cells);
        prop_assert_eq!(rest, "");
    }
}
