use super::*;

#[test]
fn a_metric_shows_all_that_it_has() {
    all(&[
        (
            "{{.Name}} {{.Tag `site`}} {{.Field `temp`}}",
            "boiler north 81.25",
        ),
        ("[{{.Tag `x`}}] {{.Field `x`}}", "[] <no value>"),
        (
            "{{.Tags.floor}} {{.Fields.count}} {{.Tags.x}}",
            "-1 12 <no value>",
        ),
        ("{{.HasTag `site`}} {{.HasField `site`}}", "true false"),
        (
            "{{.}}",
            "boiler map[floor:-1 site:north] map[count:12 note:all <well> on:true temp:81.25 total:12] \
             1709622489012300000",
        ),
        (
            "{{range .TagList}}{{.Key}}={{.Value}} {{end}}{{len .FieldList}}",
            "floor=-1 site=north 5",
        ),
        ("{{.Type}} {{.MetricName}}", "3 boiler"),
        (
            "{{.Time.UTC.Format `2006-01-02T15:04:05.000`}} {{.Time.UnixMilli}}",
            "2024-03-05T07:08:09.012 1709622489012",
        ),
        (
            "{{(.Time.UTC.AddDate 0 0 -5).Month}} {{.Time.UTC.Weekday}} {{(.Time.Sub .Time).Seconds}}",
            "February Tuesday 0",
        ),
    ]);
    assert_eq!(
        error("{{.Nope}}"),
        "template: t:1:2: executing \"t\" at <.Nope>: can't evaluate field Nope in type *telegraf.TemplateMetric"
    );
    assert!(error("{{.SetName `x`}}").contains("a template changes no metric"));
}

#[test]
fn a_batch_is_a_list_of_metrics() {
    let (a, b) = (metric(), Metric::new("pump", 5));
    let batch: Value<'_> = [&a, &b].into_iter().collect();
    let template = template("{{range $i, $m := .}}{{if $i}}, {{end}}{{$m.Name}}{{end}} {{len .}}");
    assert_eq!(template.execute(batch).unwrap(), "boiler, pump 2");
}

#[test]
fn control_flow() {
    all(&[
        ("{{if .Tag `x`}}a{{else if eq 1 2}}b{{else}}c{{end}}", "c"),
        (
            "{{with .Tag `x`}}a{{else with .Name}}{{.}}{{else}}c{{end}}",
            "boiler",
        ),
        (
            "{{range $i, $x := list `a` `b`}}{{$i}}{{$x}}{{else}}none{{end}}",
            "0a1b",
        ),
        (
            "{{range list}}x{{else}}none{{end}}{{range 3}}{{.}}{{end}}",
            "none012",
        ),
        (
            "{{range list 1 2 3 4}}{{if eq . 2}}{{continue}}{{end}}{{if eq . 4}}{{break}}{{end}}{{.}}{{end}}",
            "13",
        ),
        (
            "{{range list 1 2}}{{range list 1 2}}{{break}}{{end}}{{.}}{{end}}",
            "12",
        ),
        (
            "{{$n := 1}}{{range list 1 2 3}}{{$n = mul $n .}}{{end}}{{$n}}",
            "6",
        ),
        ("{{$n := 1}}{{if true}}{{$n := 2}}{{end}}{{$n}}", "1"),
        (
            "{{define `d`}}<{{.}}>{{end}}{{template `d` .Name}}{{block `e` 3}}{{.}}{{end}}",
            "<boiler>3",
        ),
        ("a {{- 1 -}} b {{/* gone */}}|{{- /* gone */ -}} c", "a1b |c"),
        (
            "{{range $k, $v := .Tags}}{{$k}}={{$v}};{{end}}",
            "floor=-1;site=north;",
        ),
    ]);
}

#[test]
fn a_template_sees_none_of_its_callers_variables() {
    assert_eq!(
        error("{{$x := 1}}{{define `d`}}{{$x}}{{end}}{{template `d`}}"),
        "template: t:1: undefined variable \"$x\" (at column 27)"
    );
    all(&[(
        "{{$x := 1}}{{define `d`}}{{$x := 2}}{{end}}{{template `d`}}{{$x}}",
        "1",
    )]);
}

#[test]
fn comparisons_follow_the_types() {
    all(&[
        (
            "{{eq (.Field `count`) 12}} {{eq (.Field `total`) 12}} {{lt -1 (.Field `total`)}}",
            "true true true",
        ),
        ("{{eq 3 1 2 3}} {{ne `a` `b`}} {{ge 2.5 2.5}}", "true true true"),
        (
            "{{and 1 0 (fail `x`)}} {{or `` 7 (fail `x`)}} {{not nil}}",
            "0 7 true",
        ),
    ]);
    for (text, part) in [
        (
            "{{eq 1 1.0}}",
            "incompatible types for comparison: int and float64",
        ),
        ("{{lt true false}}", "invalid type for comparison"),
        ("{{eq .Tags .Tags}}", "non-comparable type"),
        ("{{eq 1}}", "missing argument for comparison"),
    ] {
        assert!(error(text).contains(part), "{text}: {}", error(text));
    }
}

#[test]
fn arguments_have_types() {
    all(&[
        (
            "{{trunc 2 `abc`}} {{`abc` | trunc 2 | upper}} {{trunc 1e0 `abc`}}",
            "ab AB a",
        ),
        (
            "{{round 1.25 1}} {{.Time.UTC.Add 1000000000 | date `05`}}",
            "1.3 10",
        ),
    ]);
    for (text, part) in [
        ("{{upper 3}}", "expected string; found 3"),
        (
            "{{upper (.Field `count`)}}",
            "wrong type for value; expected string; got int64",
        ),
        ("{{upper (.Field `x`)}}", "invalid value; expected string"),
        ("{{upper}}", "wrong number of args for upper: want 1 got 0"),
        (
            "{{printf}}",
            "wrong number of args for printf: want at least 1 got 0",
        ),
        ("{{trunc nil `a`}}", "cannot assign nil to int"),
        (
            "{{get .Tags `a`}}",
            "expected map[string]interface {}; got map[string]string",
        ),
        ("{{3 | .Name}}", "wrong number of args for Name: want 0 got 1"),
        ("{{.Tags.site 3}}", "site is not a method but has arguments"),
        ("{{(dict `a` 1).a.b}}", "can't evaluate field b in type int"),
    ] {
        assert!(error(text).contains(part), "{text}: {}", error(text));
    }
}

#[test]
fn an_error_names_line_and_column() {
    let wrong = Template::parse("topic", "a\n  {{ nosuch }}").unwrap_err();
    assert_eq!(
        (wrong.line(), wrong.column(), wrong.to_string().as_str()),
        (
            2,
            5,
            "template: topic:2: function \"nosuch\" not defined (at column 5)"
        )
    );
    let wrong = template("x\n{{ len 3 }}").execute(&metric()).unwrap_err();
    assert_eq!((wrong.line(), wrong.column()), (2, 3));
    for (text, part) in [
        ("{{.Name", "unclosed action"),
        ("{{if}}{{end}}", "missing value for if"),
        ("{{if 1}}", "unexpected EOF"),
        ("{{end}}", "unexpected {{end}}"),
        ("{{break}}", "{{break}} outside {{range}}"),
        ("{{$x}}", "undefined variable \"$x\""),
        ("{{(1}}", "unclosed left paren"),
        ("{{1)}}", "unexpected right paren"),
        ("{{`a}}", "unterminated raw quoted string"),
        ("{{\"a}}", "unterminated quoted string"),
        ("{{1 | 2}}", "non executable command in pipeline stage 2"),
        ("{{08}}", "integer overflow"),
        ("{{/* x}}", "unclosed comment"),
        ("{{if 1}}{{else with 2}}{{end}}", "unexpected <with> in input"),
        (
            "{{define `a`}}x{{end}}{{define `a`}}y{{end}}",
            "multiple definition of template \"a\"",
        ),
        ("{{genCA `x` 3}}", "function \"genCA\" of sprig is not available"),
    ] {
        assert!(error(text).contains(part), "{text}: {}", error(text));
    }
}

#[test]
fn after_an_error_nothing_was_written() {
    let mut out = b"before".to_vec();
    let template = template("text {{fail `no`}}");
    assert!(template.execute_to(&mut out, &metric()).is_err());
    assert_eq!(out, b"before");
}
