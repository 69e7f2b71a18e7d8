//! A value to another type, where nothing is lost by it.
//!
//! - Numbers become each other where the same number exists there: 21 is 21.0, 21.5 is no integer, -1 is not unsigned.
//! - Booleans become 1 and 0, and of numbers only 1 and 0 become booleans.
//! - A text becomes the number that it is in decimal (`"21"`, `" -3.5 "`, `"1e3"`; the nearest float, but of an integer only
//!   a float that is it, or is printed like it), or a boolean if it is one of true, t, yes, y, on, 1 and their opposites in any case.
//! - Everything becomes a text, as it is printed.

use wheatstone_metric::{CompactString, Value};

use crate::FieldType;

/// The value as `wanted`, or nothing where something would be lost.
pub(crate) fn coerce(value: &Value, wanted: FieldType) -> Option<Value> {
    match wanted {
        FieldType::Float => float(value).map(Value::Float),
        FieldType::Integer => integer(value).and_then(|n| i64::try_from(n).ok()).map(Value::Int),
        FieldType::Unsigned => integer(value)
            .and_then(|n| u64::try_from(n).ok())
            .map(Value::Uint),
        FieldType::Boolean => boolean(value).map(Value::Bool),
        FieldType::String => Some(match value {
            Value::Str(_) => value.clone(),
            other => Value::Str(CompactString::from(other.to_string())),
        }),
    }
}

fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Float(v) => Some(*v),
        Value::Int(v) => exact(i128::from(*v)),
        Value::Uint(v) => exact(i128::from(*v)),
        Value::Bool(v) => Some(f64::from(u8::from(*v))),
        Value::Str(text) => {
            let v = decimal(text.trim())?;
            // A counter of 64 bits in a text must not lose its last digits.
            let same = |n: i128| v as i128 == n || v.to_string() == n.to_string();
            text.trim().parse().map_or(true, same).then_some(v)
        }
    }
}

/// The float that is this integer.
fn exact(n: i128) -> Option<f64> {
    let v = n as f64;
    (v as i128 == n).then_some(v)
}

/// A number in decimal; the words that Rust knows (inf, nan) are none.
fn decimal(text: &str) -> Option<f64> {
    text.parse().ok().filter(|v: &f64| v.is_finite())
}

fn integer(value: &Value) -> Option<i128> {
    // Beyond these a float is no integer of ours; between them the cast is exact.
    let whole = |v: f64| (v.fract() == 0.0 && v.abs() < 18_446_744_073_709_551_616.0).then_some(v as i128);
    match value {
        Value::Float(v) => whole(*v),
        Value::Int(v) => Some(i128::from(*v)),
        Value::Uint(v) => Some(i128::from(*v)),
        Value::Bool(v) => Some(i128::from(*v)),
        Value::Str(text) => match text.trim().parse::<i128>() {
            Ok(n) => Some(n),
            // Past 2^53 the nearest float may be another integer than the text says.
            Err(_) => decimal(text.trim())
                .filter(|v| v.abs() <= 9_007_199_254_740_992.0)
                .and_then(whole),
        },
    }
}

fn boolean(value: &Value) -> Option<bool> {
    const TRUE: [&str; 6] = ["true", "t", "yes", "y", "on", "1"];
    const FALSE: [&str; 6] = ["false", "f", "no", "n", "off", "0"];
    match value {
        Value::Bool(v) => Some(*v),
        Value::Str(text) => {
            let is = |words: [&str; 6]| words.iter().any(|w| text.trim().eq_ignore_ascii_case(w));
            if is(TRUE) {
                Some(true)
            } else {
                is(FALSE).then_some(false)
            }
        }
        number => match integer(number)? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_can_be_turned_into_what() {
        use FieldType::{Boolean, Float, Integer, String, Unsigned};
        let max = "18446744073709551615";
        let cases: &[(Value, FieldType, Option<Value>)] = &[
            ("21".into(), Float, Some(21.0.into())),
            (" -3.5\n".into(), Float, Some((-3.5).into())),
            ("1e3".into(), Float, Some(1000.0.into())),
            ("n/a".into(), Float, None),
            ("".into(), Float, None),
            ("nan".into(), Float, None),
            ("1e999".into(), Float, None),
            ("9007199254740993".into(), Float, None),
            (
                "1234567890123456800".into(),
                Float,
                Some(1_234_567_890_123_456_800.0.into()),
            ),
            (9_007_199_254_740_993i64.into(), Float, None),
            (i64::MIN.into(), Float, Some((i64::MIN as f64).into())),
            (i64::MAX.into(), Float, None),
            (true.into(), Float, Some(1.0.into())),
            (21.0.into(), Integer, Some(21i64.into())),
            (21.5.into(), Integer, None),
            (f64::NAN.into(), Integer, None),
            (f64::INFINITY.into(), Integer, None),
            (1e19.into(), Integer, None),
            (1e19.into(), Unsigned, Some(10_000_000_000_000_000_000u64.into())),
            (u64::MAX.into(), Integer, None),
            ((-1i64).into(), Unsigned, None),
            ("21.0".into(), Integer, Some(21i64.into())),
            ("21.5".into(), Integer, None),
            (max.into(), Unsigned, Some(u64::MAX.into())),
            (
                "9007199254740993.0".into(),
                Integer,
                Some(9_007_199_254_740_992i64.into()),
            ),
            ("9007199254740995.0".into(), Integer, None),
            ("ON".into(), Boolean, Some(true.into())),
            ("off".into(), Boolean, Some(false.into())),
            ("maybe".into(), Boolean, None),
            (1.0.into(), Boolean, Some(true.into())),
            (2i64.into(), Boolean, None),
            (1.5.into(), String, Some("1.5".into())),
            (u64::MAX.into(), String, Some(max.into())),
            (false.into(), String, Some("false".into())),
        ];
        for (value, wanted, expected) in cases {
            assert_eq!(coerce(value, *wanted), *expected, "{value:?} as {wanted}");
        }
    }

    proptest! {
        #[test]
        fn numbers_come_back_as_they_were(int in any::<i64>(), uint in any::<u64>(), float in any::<f64>()) {
            for value in [Value::Int(int), Value::Uint(uint), Value::Float(float)] {
                for wanted in FieldType::ALL {
                    if let Some(there) = coerce(&value, wanted) {
                        prop_assert_eq!(FieldType::of(&there), wanted);
                        let back = coerce(&there, FieldType::of(&value));
                        prop_assert!(back.as_ref() == Some(&value), "{:?}, {:?}, {:?}", value, there, back);
                    }
                }
            }
        }
    }
}
