use super::*;
use proptest::prelude::*;

#[test]
fn depth_is_bounded_everywhere() {
    let deep = |open: &str, close: &str| format!("{}1{}", open.repeat(5000), close.repeat(5000));
    for text in [
        format!("{{{{{}}}}}", deep("(", ")")),
        deep("{{if 1}}", "{{end}}"),
        deep("{{range 1}}", "{{end}}"),
        deep("{{with 1}}{{else}}", "{{end}}"),
    ] {
        assert!(
            error(&text).contains("max expression depth exceeded"),
            "{}",
            error(&text)
        );
    }
    assert!(
        error("{{define `r`}}{{template `r`}}{{end}}{{template `r`}}")
            .contains("exceeded maximum template depth")
    );
    let branches = "{{else if eq . 1}}x".repeat(5000);
    assert_eq!(
        template(&format!("{{{{if eq . 1}}}}{branches}{{{{else}}}}y{{{{end}}}}"))
            .execute(Value::int(2))
            .unwrap(),
        "y"
    );
}

#[test]
fn work_and_memory_are_bounded() {
    for (text, part) in [
        ("{{repeat 100000000 `abc`}}", "exceeded"),
        ("{{until 100000000}}", "exceeded"),
        (
            "{{$s := `0123456789abcdef`}}{{range 64}}{{$s = print $s $s}}{{end}}",
            "exceeded",
        ),
        (
            "{{$l := list 1}}{{range 64}}{{$l = concat $l $l}}{{end}}",
            "exceeded",
        ),
        ("{{$s := repeat 1000000 `a`}}{{replace `a` $s $s}}", "exceeded"),
        ("{{indent 100000000 `a`}}", "exceeded"),
        ("{{randBytes 100000000}}", "a count from 0"),
        ("{{range 100}}{{repeat 1000000 `a`}}{{end}}", "bytes of output"),
    ] {
        assert!(error(text).contains(part), "{text}: {}", error(text));
    }
    // A width or precision that is too large is none, and what follows it no verb.
    assert_eq!(
        render("{{printf `%.2000000f` 1.0}}"),
        "%!(NOVERB)%!(EXTRA float64=1)"
    );
}

#[test]
fn what_is_nested_deeply_is_printed_and_freed() {
    let text = "{{$l := list}}{{range 50000}}{{$l = list $l}}{{end}}{{len $l}}{{$s := print $l}}{{lt (len $s) 1000}}";
    assert_eq!(render(text), "1true");
    let text = "{{$d := dict}}{{range 50000}}{{$d = dict `x` $d}}{{end}}{{toJson $d}}{{deepEqual $d $d}}";
    assert_eq!(render(text), "false");
}

proptest! {
    #[test]
    fn no_text_panics(text in "(\\{\\{|\\}\\}|[-. |()$,:=\"`'0-9a-z\\\\/*]|if |end|range |with |else|define |template |printf |list |dict |\\.Name|\\.Tags|\\.Time\\.|nil){0,25}") {
        if let Ok(template) = Template::parse("t", &text) {
            let _ = template.execute(&metric());
        }
    }

    #[test]
    fn no_bytes_panic(text: String) {
        if let Ok(template) = Template::parse("t", &text) {
            prop_assert_eq!(template.execute(&metric()).unwrap_or_default(), text);
        }
    }

    #[test]
    fn no_argument_makes_a_function_panic(which in 0usize..250, text: String, n: i64, x: f64, order in 0usize..720) {
        let functions: Vec<_> = sprig::FUNCTIONS.iter().flat_map(|part| part.iter()).chain(builtin::FUNCTIONS).collect();
        let function = functions[which % functions.len()];
        prop_assume!(!matches!(function.name, "getHostByName"));
        let mut values = [
            Value::str(&text), Value::int(n), Value::Float(x), Value::list(vec![Value::str(&text), Value::int(n)]),
            Value::Map(Map::dict([("a".into(), Value::int(n))])), Value::Nil,
        ];
        let mut order = order;
        for i in 0..values.len() {
            let j = i + order % (values.len() - i);
            order /= values.len() - i;
            values.swap(i, j);
        }
        for count in 0..4 {
            // Numbers stay small where they say how much is made.
            let args: Option<Vec<_>> = (0..count.max(function.signature.fixed.len()))
                .map(|i| {
                    let param = function.signature.param(i);
                    match param {
                        Param::Int => Some(Value::int(n % 1000)),
                        Param::Str => Some(Value::str(&text)),
                        Param::Float => Some(Value::Float(x)),
                        Param::Time => Some(Value::time(n % (1 << 50), 5, wheatstone_gotime::Zone::UTC)),
                        _ => values.get(i % values.len()).cloned().filter(|v| param.check(v.clone()).is_ok()),
                    }
                })
                .collect();
            if let Some(args) = args {
                let _ = (function.run)(&args);
            }
        }
    }
}
