//! Numbers and truth values, as each engine takes them.

use super::*;

#[test]
fn numbers_are_exact() {
    let float = |text: &str, want: f64| {
        for m in both(&format!("m v={text} 1")) {
            assert!(
                matches!(m.field("v"), Some(Value::Float(v)) if v.to_bits() == want.to_bits()),
                "{text}: {m:?}"
            );
        }
    };
    for text in [
        "0",
        "-0",
        "1.5",
        "-.5",
        "1.",
        "00.25",
        "1e5",
        "1E+5",
        "-1.5e-3",
        "0.1",
        "9007199254740993",
        "123456789.123456789",
        "0.30000000000000004",
        "12345678901234567890",
        "1.7976931348623157e308",
        "5e-324",
        "1e-400",
        "3.14159265358979323846264338327950288",
    ] {
        float(text, text.parse().expect("a float"));
    }
    for (text, want) in [
        ("9223372036854775807i", Value::Int(i64::MAX)),
        ("-9223372036854775808i", Value::Int(i64::MIN)),
        ("-0i", Value::Int(0)),
        ("18446744073709551615u", Value::Uint(u64::MAX)),
    ] {
        for m in both(&format!("m v={text} 1")) {
            assert_eq!(m.field("v"), Some(&want));
        }
    }
}

#[test]
fn numbers_out_of_range_are_refused() {
    for text in [
        "9223372036854775808i",
        "-9223372036854775809i",
        "18446744073709551616u",
        "1e999",
    ] {
        let line = format!("m v={text}");
        assert_eq!(
            fault(internal(&line)),
            format!("value out of range at 1:{}: \"{line}\"", line.len() + 1)
        );
        let why = "cannot parse value for field key \"v\": line-protocol value out of range";
        assert_eq!(fault(upstream(&line)), format!("{why} at 1:5: \"{line}\""));
    }
}

#[test]
fn leading_zeros_make_no_integer_of_the_internal_engine() {
    assert_eq!(fault(internal("m v=007i")), "expected field at 1:8: \"m v=007i\"");
    assert_eq!(one(upstream("m v=007i")).field("v"), Some(&Value::Int(7)));
    assert_eq!(one(internal("m v=007")).field("v"), Some(&Value::Float(7.0)));
}

#[test]
fn what_is_no_number_is_refused() {
    for text in [
        "+1", "NaN", "nan", "inf", "-inf", ".", "-", "1e", "1e+", "1.5i", "-1u", "1x", "--1",
    ] {
        assert!(internal(&format!("m v={text} 1")).is_err(), "{text}");
        assert!(upstream(&format!("m v={text} 1")).is_err(), "{text}");
    }
    assert_eq!(
        fault(internal("m v=1e\"5")),
        "invalid syntax at 1:9: \"m v=1e\\\"5\""
    );
    let non_number = "cannot parse value for field key \"v\": non-number \"-inf\" cannot be represented as a line-protocol \
                      field value at 1:5: \"m v=-inf\"";
    assert_eq!(fault(upstream("m v=-inf")), non_number);
}

#[test]
fn underscores_between_the_digits_of_a_float_pass_upstream() {
    assert_eq!(
        one(upstream("m v=1_000.2_5e1_0")).field("v"),
        Some(&Value::Float(1000.25e10))
    );
    for text in ["1__0", "1_", "1_.5", "1._5", "1_e5", "1_0i"] {
        assert!(upstream(&format!("m v={text} 1")).is_err(), "{text}");
    }
    assert_eq!(fault(internal("m v=1_0")), "expected field at 1:6: \"m v=1_0\"");
}

#[test]
fn truth_values_have_five_forms_each() {
    for (text, want) in [("t T true True TRUE", true), ("f F false False FALSE", false)] {
        for text in text.split(' ') {
            for m in both(&format!("m v={text}")) {
                assert_eq!(m.field("v"), Some(&Value::Bool(want)));
            }
        }
    }
    assert_eq!(fault(internal("m v=tRue")), "expected field at 1:6: \"m v=tRue\"");
    assert_eq!(
        fault(internal("m v=truee")),
        "expected field at 1:9: \"m v=truee\""
    );
    let want = "cannot parse value for field key \"v\": invalid bool value \"tRue\" at 1:5: \"m v=tRue\"";
    assert_eq!(fault(upstream("m v=tRue")), want);
}
