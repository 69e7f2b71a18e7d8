//! What is written, what is left out, and what is an error.

use super::*;

fn metric() -> Metric {
    let mut m = Metric::new("weather", 1_700_000_000_000_000_000);
    m.set_tag("site", "north");
    m.set_field("temp", 21.5);
    m.set_field("count", 7i64);
    m
}

fn lines(options: Options, m: &Metric) -> Result<String, String> {
    let mut out = b"before\n".to_vec();
    let result = Encoder::new(options).encode(m, &mut out);
    let text = String::from_utf8(out).expect("text");
    let text = text.strip_prefix("before\n").expect("what was there").to_owned();
    match result {
        Ok(()) => Ok(text),
        Err(error) => {
            assert_eq!(text, "", "an error leaves nothing behind");
            Err(error.to_string())
        }
    }
}

#[test]
fn a_line_is_name_tags_fields_and_time() {
    let want = "weather,site=north temp=21.5,count=7i 1700000000000000000\n";
    assert_eq!(lines(Options::default(), &metric()).as_deref(), Ok(want));
}

#[test]
fn every_type_has_its_form() {
    let mut m = Metric::new("m", -1);
    m.set_field("f", -0.0);
    m.set_field("u", u64::MAX);
    m.set_field("b", false);
    m.set_field("s", "say \"hi\"\n\\o/");
    m.set_field("e", "");
    let text = lines(Options::default(), &m).expect("a line");
    assert_eq!(
        text,
        "m f=-0,u=9223372036854775807i,b=false,s=\"say \\\"hi\\\"\n\\\\o/\",e=\"\" -1\n"
    );
    let text = lines(
        Options {
            uint_support: true,
            ..Options::default()
        },
        &m,
    )
    .expect("a line");
    assert!(text.contains("u=18446744073709551615u"), "{text}");
}

#[test]
fn fields_are_sorted_and_times_left_out_where_asked() {
    let options = Options {
        sort_fields: true,
        omit_timestamp: true,
        ..Options::default()
    };
    assert_eq!(
        lines(options, &metric()).as_deref(),
        Ok("weather,site=north count=7i,temp=21.5\n")
    );
}

#[test]
fn what_line_protocol_cannot_hold_is_left_out() {
    let mut m = metric();
    m.set_tag("empty", "");
    m.set_tag("", "x");
    m.set_tag("path", "C:\\dir\\\\");
    m.set_tag("\\", "x");
    m.set_field("nan", f64::NAN);
    m.set_field("inf", f64::NEG_INFINITY);
    m.set_field("", 1i64);
    let want = "weather,path=C:\\dir,site=north temp=21.5,count=7i 1700000000000000000\n";
    assert_eq!(lines(Options::default(), &m).as_deref(), Ok(want));
}

#[test]
fn a_metric_without_a_line_is_an_error() {
    let mut m = metric();
    m.set_name("");
    assert_eq!(lines(Options::default(), &m), Err("invalid name".into()));
    let mut m = metric();
    m.retain_fields(|_, _| false);
    m.set_field("nan", f64::NAN);
    for max_line_bytes in [0, 100] {
        let options = Options {
            max_line_bytes,
            ..Options::default()
        };
        assert_eq!(
            lines(options, &m),
            Err("\"weather,site=north\": no serializable fields".into())
        );
    }
}

#[test]
fn a_long_metric_is_split() {
    let mut m = Metric::new("cpu", 0);
    for key in ["abc", "def", "ghi"] {
        m.set_field(key, 123i64);
    }
    let split = |max_line_bytes| {
        lines(
            Options {
                max_line_bytes,
                ..Options::default()
            },
            &m,
        )
    };
    assert_eq!(
        split(15).as_deref(),
        Ok("cpu abc=123i 0\ncpu def=123i 0\ncpu ghi=123i 0\n")
    );
    assert_eq!(
        split(24).as_deref(),
        Ok("cpu abc=123i,def=123i 0\ncpu ghi=123i 0\n")
    );
    assert_eq!(split(14), Err("\"cpu\": need more space".into()));
}

#[test]
fn a_batch_goes_on_behind_a_metric_that_has_no_line() {
    let (good, bad) = (metric(), Metric::new("bad", 0));
    let mut out = Vec::new();
    let mut skipped = Vec::new();
    Encoder::new(Options::default()).encode_batch([&good, &bad, &good], &mut out, |i, error| {
        skipped.push((i, error))
    });
    assert_eq!(String::from_utf8(out).expect("text").lines().count(), 2);
    assert_eq!(skipped, [(1, EncodeError::NoFields { series: "bad".into() })]);
}

#[test]
fn one_encoder_writes_each_metrics_own_time() {
    let mut encoder = Encoder::new(Options::default());
    let mut out = Vec::new();
    for time in [1, 1, 2, i64::MIN, 1] {
        let mut m = Metric::new("m", time);
        m.set_field("v", true);
        assert_eq!(encoder.encode(&m, &mut out), Ok(()));
    }
    let want = "m v=true 1\nm v=true 1\nm v=true 2\nm v=true -9223372036854775808\nm v=true 1\n";
    assert_eq!(String::from_utf8(out).expect("text"), want);
}
