use proptest::prelude::*;

use super::*;

fn entry(read_from: &str, name: &str, data_format: &str) -> EntryConfig {
    EntryConfig {
        read_from: read_from.to_owned(),
        name: name.to_owned(),
        data_format: data_format.to_owned(),
        ..EntryConfig::default()
    }
}

fn text(read_from: &str, name: &str, terminator: &str, length: u64) -> EntryConfig {
    EntryConfig {
        string_terminator: terminator.to_owned(),
        string_length: length,
        ..entry(read_from, name, "string")
    }
}

fn build(endianness: &str, entries: Vec<EntryConfig>) -> Result<Binary, String> {
    crate::testing::build(BinaryConfig {
        endianness: endianness.to_owned(),
        entries,
    })
}

fn metric() -> Metric {
    let mut metric = Metric::new("weather", -1_500_000_000);
    metric.set_tag("site", "north");
    metric.set_tag("id", "0x1f");
    metric.set_field("t", 21.5);
    metric.set_field("n", -2i64);
    metric.set_field("u", u64::MAX);
    metric.set_field("ok", true);
    metric
}

fn write(endianness: &str, entries: Vec<EntryConfig>) -> Result<Vec<u8>, String> {
    let mut out = b"before".to_vec();
    let written = build(endianness, entries)?.serialize(&metric(), &mut out);
    assert!(out.starts_with(b"before"));
    match written {
        Ok(()) => Ok(out.split_off(6)),
        Err(error) => {
            assert_eq!(out.len(), 6, "nothing is left");
            Err(format!("{error:#}"))
        }
    }
}

#[test]
fn values_are_written_in_both_orders_of_bytes() {
    let entries = vec![
        entry("", "n", "int16"),
        entry("Field", "t", "float32"),
        entry("field", "t", "int8"),
        entry("field", "ok", "uint8"),
        entry("field", "u", "uint64"),
        entry("tag", "id", "uint32"),
        entry("field", "n", "float64"),
    ];
    let mut big = vec![0xff, 0xfe];
    big.extend(21.5f32.to_be_bytes());
    big.extend([21, 1]);
    big.extend([0xff; 8]);
    big.extend(31u32.to_be_bytes());
    big.extend((-2f64).to_be_bytes());
    assert_eq!(write("be", entries.clone()), Ok(big));
    let mut little = vec![0xfe, 0xff];
    little.extend(21.5f32.to_le_bytes());
    little.extend([21, 1]);
    little.extend([0xff; 8]);
    little.extend(31u32.to_le_bytes());
    little.extend((-2f64).to_le_bytes());
    assert_eq!(write("little", entries), Ok(little));
}

#[test]
fn texts_are_filled_up_or_cut() {
    let entries = vec![
        text("name", "", "", 9),
        text("name", "", "null", 4),
        text("tag", "site", "0x20", 6),
        text("tag", "site", "2E", 5),
        text("field", "t", "", 5),
        text("field", "ok", "", 5),
        text("tag", "site", "0x21", 1),
    ];
    assert_eq!(
        write("", entries).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
        Ok("weather\0\0wea\0north nort.21.5\0true\0!".to_owned())
    );
}

#[test]
fn times_are_counted_towards_the_past() {
    for (format, count) in [
        ("", -2i64),
        ("unix", -2),
        ("unix_ms", -1_500),
        ("unix_us", -1_500_000),
        ("unix_ns", -1_500_000_000),
    ] {
        let entry = EntryConfig {
            time_format: format.to_owned(),
            ..entry("time", "", "int64")
        };
        assert_eq!(
            write("be", vec![entry]),
            Ok(count.to_be_bytes().to_vec()),
            "{format}"
        );
    }
}

#[test]
fn what_does_not_fit_is_an_error_and_leaves_nothing() {
    for (entry, wanted) in [
        (entry("", "x", "int8"), "field x not found"),
        (entry("tag", "x", "int8"), "tag x not found"),
        (entry("", "n", "uint8"), "field n: value out of range"),
        (entry("", "u", "int64"), "field u: value out of range"),
        (entry("time", "", "uint32"), "time: value out of range"),
        (
            entry("tag", "site", "int8"),
            "tag site: \"north\" is no whole number: invalid digit found in string",
        ),
        (
            entry("tag", "site", "float32"),
            "tag site: \"north\" is no number",
        ),
    ] {
        let first = self::entry("", "t", "int8");
        assert_eq!(write("", vec![first, entry]), Err(wanted.to_owned()));
    }
    let mut batch = Vec::new();
    let mut serializer = build("", vec![entry("", "n", "int8")]).expect("valid options");
    let (good, bad) = (metric(), Metric::new("other", 1));
    serializer
        .serialize_batch(&[&good, &bad, &good], &mut batch)
        .expect("a batch");
    assert_eq!(batch, [0xfe, 0xfe], "the others are not taken along");
}

#[test]
fn wrong_options_are_named() {
    let error = |entry| build("", vec![entry]).err().unwrap_or_default();
    for (entry, wanted) in [
        (entry("", "", "int8"), "missing name"),
        (entry("label", "x", "int8"), "unknown assignment \"label\""),
        (entry("", "x", ""), "missing data format"),
        (
            entry("", "x", "int7"),
            "invalid data format \"int7\" for field \"x\"",
        ),
        (entry("name", "", "int8"), "name data format has to be string"),
        (entry("name", "", ""), "string length must be at least 1"),
        (
            text("", "x", "", 1 << 30),
            "string length 1073741824 is above 16777216",
        ),
        (
            text("", "x", "0x0001", 1),
            "terminator must be a single byte, got \"0001\"",
        ),
        (
            text("", "x", "0xz1", 1),
            "decoding terminator failed for \"x\": \"z1\" are no pairs of hexadecimal digits",
        ),
        (
            EntryConfig {
                time_format: "s".to_owned(),
                ..entry("time", "", "int8")
            },
            "invalid time format",
        ),
    ] {
        assert_eq!(error(entry), format!("entry 0 check failed: {wanted}"));
    }
    assert_eq!(
        build("middle", vec![]).err().as_deref(),
        Some("invalid endianness \"middle\"")
    );
}

proptest! {
    #[test]
    fn every_value_fits_or_is_an_error(n in any::<i64>(), u in any::<u64>(), x in any::<f64>(), text in "\\PC{0,20}") {
        let formats = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64"];
        let widths = [1, 2, 4, 8, 1, 2, 4, 8, 4, 8];
        for value in [Value::Int(n), Value::Uint(u), Value::Float(x), Value::from(text.as_str())] {
            let mut metric = Metric::new("m", n);
            metric.set_field("v", value);
            for (format, width) in formats.iter().zip(widths) {
                let mut out = Vec::new();
                let mut serializer = build("be", vec![entry("", "v", format)]).expect("valid options");
                let written = serializer.serialize(&metric, &mut out);
                prop_assert_eq!(out.len(), if written.is_ok() { width } else { 0 });
            }
            let mut out = Vec::new();
            build("", vec![self::text("", "v", "", 7)]).expect("valid options").serialize(&metric, &mut out).expect("a text");
            prop_assert!(out.len() == 7 && out[6] == 0);
        }
    }

    #[test]
    fn whole_numbers_survive(a in any::<i16>(), b in any::<u32>(), c in any::<i64>()) {
        let mut metric = Metric::new("m", 0);
        metric.set_field("a", i64::from(a));
        metric.set_field("b", u64::from(b));
        metric.set_field("c", c);
        let mut out = Vec::new();
        let entries = vec![entry("", "a", "int16"), entry("", "b", "uint32"), entry("", "c", "int64")];
        build("be", entries).expect("valid options").serialize(&metric, &mut out).expect("they fit");
        let wanted = [&a.to_be_bytes()[..], &b.to_be_bytes(), &c.to_be_bytes()].concat();
        prop_assert_eq!(out, wanted);
    }
}
