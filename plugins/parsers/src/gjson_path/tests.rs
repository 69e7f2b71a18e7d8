use super::*;
use proptest::prelude::*;

const JSON: &str = r#"{"name":{"first":"Tom","la.st":"A\"b"},"age":37,"list":[{"n":1,"t":"a"},{"n":2,"t":"b"},{"n":2.5}],"deep":[[1,2],[3]],"ok":true,"none":null}"#;

fn raw(path: &str) -> String {
    get(JSON, path).raw.into_owned()
}

#[test]
fn paths_lead_to_values() {
    for (path, want) in [
        ("name.first", r#""Tom""#),
        (r"name.la\.st", r#""A\"b""#),
        ("n*e.f?rst", r#""Tom""#),
        ("list.#", "3"),
        ("list.1.n", "2"),
        ("list.9", ""),
        ("list.#.t", r#"["a","b"]"#),
        ("list.#(n=2).t", r#""b""#),
        ("list.#(n>1)#.n", "[2,2.5]"),
        ("list.#(n>9)#", "[]"),
        (r#"list.#(t%"*b")#|0.n"#, "2"),
        (r#"list.#(t=="a")|n"#, "1"),
        ("deep.#.0", "[1,3]"),
        ("deep.@flatten", "[1,2,3]"),
        ("deep|@reverse|0", "[3]"),
        ("name.@keys", r#"["first","la.st"]"#),
        ("[age,ok]", "[37,true]"),
        (r#"{age,"f":name.first}"#, r#"{"age":37,"f":"Tom"}"#),
        (
            r#"list.#.{n,"s":!"x"}"#,
            r#"[{"n":1,"s":"x"},{"n":2,"s":"x"},{"n":2.5,"s":"x"}]"#,
        ),
        ("list.@dig:n", "[1,2,2.5]"),
        ("list.@join", r#"{"n":2.5,"t":"b"}"#),
        ("none", "null"),
        ("..0.age", "37"),
        ("gone.at.all", ""),
    ] {
        assert_eq!(raw(path), want, "{path}");
    }
}

#[test]
fn places_are_known() {
    let place = |path: &str| get(JSON, path).index;
    assert_eq!(&JSON[place("name.first")..][..5], r#""Tom""#);
    assert_eq!(&JSON[place("list.#(n=2)")..][..5], r#"{"n":"#);
    let each = get(JSON, "list.#.n");
    let starts: Vec<_> = each
        .indexes
        .iter()
        .flatten()
        .map(|at| &JSON[*at..*at + 1])
        .collect();
    assert_eq!(starts, ["1", "2", "2"]);
    assert_eq!((each.index, place("@reverse"), place("age|@this")), (0, 0, 0));
}

#[test]
fn texts_of_values() {
    let text = |path: &str| get(JSON, path).string().into_owned();
    assert_eq!(
        (text("age"), text("ok"), text("none")),
        ("37".into(), "true".into(), String::new())
    );
    assert_eq!(
        (text(r"name.la\.st"), text("list.2.n")),
        ("A\"b".into(), "2.5".into())
    );
    assert_eq!(Found::parse("1e3").string(), "1000");
    assert_eq!(Found::parse("-1e999").string(), "-Inf");
}

proptest! {
    #[test]
    fn nothing_panics(json in "[\\[\\]{}()\",:\\\\#.|@a1é \\-]{0,40}", path in "[\\[\\]{}()\",:\\\\#.|@!~=<%*a1é \\-]{0,24}") {
        let _ = valid(&json);
        get(&json, &path).for_each(|_, _| true);
        let _ = get(JSON, &path).string();
        for name in ["this", "reverse", "flatten:{\"deep\":true}", "join", "keys", "values", "group", "ugly", "dig:a", "fromstr", "tostr"] {
            let _ = get(&json, &format!("@{name}|{path}"));
        }
    }
}
