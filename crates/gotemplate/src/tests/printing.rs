use super::*;
use proptest::prelude::*;

#[test]
fn verbs() {
    all(&[
        (
            "{{printf `%d|%4d|%-4d|%04d|%+d|%x|%o|%b|%c|%q|%U` 42 42 42 42 42 42 42 42 65 65 65}}",
            "42|  42|42  |0042|+42|2a|52|101010|A|'A'|U+0041",
        ),
        (
            "{{printf `%f|%.1f|%7.2f|%07.2f|%e|%g|%.3g|%G` 3.5 3.25 3.5 -3.5 35.0 1e7 1234.5 1e-7}}",
            "3.500000|3.2|   3.50|-003.50|3.500000e+01|1e+07|1.23e+03|1E-07",
        ),
        (
            "{{printf `%s|%5s|%-5s|%.1s|%q|%x|% X` `ab` `ab` `ab` `ab` `a\"b` `ab` `ab`}}",
            "ab|   ab|ab   |a|\"a\\\"b\"|6162|61 62",
        ),
        (
            "{{printf `%v %v %v` (list 1 `a` nil) (dict `k` 2.5) nil}}",
            "[1 a <nil>] map[k:2.5] <nil>",
        ),
        (
            "{{printf `%#v %#v %T` (list 1) (dict `a` `b`) .Tags}}",
            "[]interface {}{1} map[string]interface {}{\"a\":\"b\"} map[string]string",
        ),
        (
            "{{printf `%d` `x`}} {{printf `%d`}} {{printf `x` 1}} {{printf `%`}} {{printf `%!` 1}}",
            "%!d(string=x) %!d(MISSING) x%!(EXTRA int=1) %!(NOVERB) %!!(int=1)",
        ),
        (
            "{{printf `%[2]d-%[1]d %*d|%.*f` 1 2}}",
            "2-1 %!d(MISSING)|%!(BADPREC)%!f(MISSING)",
        ),
        (
            "{{printf `%t %v %s` true .Time.UTC.Month .Time.UTC.Month}}",
            "true March March",
        ),
        ("{{print 1 2 `a` 3 nil}} {{println 1 `a`}}", "1 2a3 <nil> 1 a\n"),
        (
            "{{1e6}} {{100000.0}} {{1e21}} {{0.0001}} {{0.00001}} {{-0.5}}",
            "1e+06 100000 1e+21 0.0001 1e-05 -0.5",
        ),
    ]);
}

proptest! {
    #[test]
    fn a_float_reads_back_as_it_was(x: f64) {
        prop_assume!(x.is_finite());
        let mut m = Metric::new("m", 0);
        m.set_field("x", x);
        let shown = template("{{.Field `x`}}").execute(&m).unwrap();
        prop_assert_eq!(shown.parse::<f64>().unwrap(), x);
        // Fixed digits are those of Rust, and so is the width.
        let shown = template("{{printf `%12.3f` (.Field `x`)}}").execute(&m).unwrap();
        prop_assert_eq!(shown, format!("{x:12.3}"));
    }

    #[test]
    fn integers_are_padded_as_rust_pads_them(n: i64, width in 0usize..30) {
        let mut m = Metric::new("m", 0);
        m.set_field("n", n);
        for (verb, want) in [
            (format!("%{width}d"), format!("{n:width$}")),
            (format!("%-{width}d"), format!("{n:<width$}")),
            (format!("%0{width}d"), format!("{n:0width$}")),
        ] {
            let shown = template(&format!("{{{{printf `{verb}` (.Field `n`)}}}}")).execute(&m).unwrap();
            prop_assert_eq!(shown, if verb == "%00d" { n.to_string() } else { want });
        }
    }

    #[test]
    fn a_quoted_text_reads_back_as_it_was(text: String) {
        let quoted = format::quote(&text);
        let again = template(&format!("{{{{{quoted}}}}}")).execute(&metric()).unwrap();
        prop_assert_eq!(again, text);
    }

    #[test]
    fn no_format_panics(format in "[%#0+ \\-\\[\\]*.0-9vTtdxXobcqUeEfgGsp]{0,20}", text: String) {
        let values = [
            Value::str(&text), Value::int(-3), Value::Float(2.5), Value::Nil, Value::list(vec![Value::int(1)]), Value::Bool(true),
        ];
        let _ = format::sprintf(&format, &values);
    }
}
