use crate::{LoadOptions, Problem, Source, load};

/// All problems of a text.
fn problems(text: &str) -> Vec<Problem> {
    let source = Source {
        name: "t.conf".into(),
        text: text.into(),
    };
    let options = LoadOptions {
        plugins: |_| vec!["mqtt", "rename", "file", "docker"],
        ..LoadOptions::default()
    };
    load(vec![source], &options).err().unwrap_or_default()
}

/// A text with the place and the help of its first problem.
fn check(cases: &[(&str, usize, usize, &str)]) {
    for (text, line, column, help) in cases {
        let found = problems(text);
        let first = found.first().unwrap_or_else(|| panic!("loaded: {text}"));
        let shown = first.render();
        let place = first.place.as_ref().map(|p| (p.line, p.column));
        assert_eq!(place, Some((*line, *column)), "{shown}");
        let said = first.help.clone().unwrap_or_default();
        assert!(said.contains(help), "{shown}");
    }
}

#[test]
fn brackets_and_headers() {
    check(&[
        (
            "[[inputs.mqtt]\nqos = 1",
            1,
            14,
            "a bracket is missing: [[inputs.mqtt]]",
        ),
        (
            "[inputs.mqtt]]\nqos = 1",
            1,
            14,
            "a bracket is missing: [[inputs.mqtt]]",
        ),
        ("[[inputs.mqtt]]]\n", 1, 16, "a bracket too many: [[inputs.mqtt]]"),
        ("[agent\ninterval = '1s'", 1, 7, "not closed: [agent]"),
        ("[[inputs. mqtt consumer]]", 1, 16, "names have no blanks"),
        ("[agent] = 1", 1, 9, "alone in its line: [agent]"),
        ("[[agent]]\ninterval = '1s'", 1, 3, "single brackets: [agent]"),
        ("[[global_tags]]\na = 'b'", 1, 3, "single brackets: [global_tags]"),
        ("agent = 'x'", 1, 1, "`agent` is a table"),
        (
            "[[inputs.mqtt]]\n[[processors.rename.replace]]\ntag = 'a'",
            2,
            14,
            "belongs to a [[processors.rename]], which must stand above it",
        ),
        (
            "[processors.rename]",
            1,
            1,
            "double brackets: [[processors.rename]]",
        ),
    ]);
}

#[test]
fn values() {
    check(&[
        ("[agent]\ninterval = \"10s\",", 2, 17, "delete the `,`"),
        ("[agent]\ninterval = \"10s\";", 2, 17, "delete the `;`"),
        ("a = [\"x\" \"y\"]", 1, 10, "a comma is missing"),
        ("a = \"C:\\Users\\x\"", 1, 8, "single quotes"),
        ("a = \"\\d\"", 1, 6, "single quotes"),
        (
            "\n\na = \"\"\"x\nb = 1\n",
            5,
            1,
            "on line 3 has no closing three quotes",
        ),
        ("a =\n  - \"x\"\n", 1, 4, "as YAML writes it: a = ["),
        ("a =\n", 1, 4, "the value is missing"),
        ("\u{a0}a = 1", 1, 1, "U+00A0 stands here: replace it by a blank"),
        ("a ＝ 1", 1, 3, "U+FF1D stands here: replace it by ="),
        ("a = “x”", 1, 5, "typographic"),
        ("ü = 1", 1, 1, "'ü' cannot stand outside of quotes"),
    ]);
}

#[test]
fn text_of_another_kind() {
    check(&[
        ("inputs:\n  mqtt:\n    - servers: x\n", 1, 7, "looks like YAML"),
        ("- name: x\n", 1, 3, "looks like YAML"),
        ("{\"agent\": {}}", 1, 1, "looks like JSON"),
        ("apiVersion: v1\ndata:\n", 1, 11, "Kubernetes"),
        ("<html>", 1, 1, "HTML"),
        ("{% if x %}\n[agent]\n{% endif %}", 1, 1, "template"),
        ("[agent]\ninterval = {{ interval }}", 2, 13, "template"),
        ("[agent]\n; how often\n", 2, 1, "a comment begins with #"),
        ("// x\n", 1, 1, "a comment begins with #"),
        ("export A=b\n", 1, 8, "shell script"),
    ]);
}

#[test]
fn a_merge_conflict_is_one_problem_and_what_follows_is_read() {
    let text =
        "[agent]\n<<<<<<< HEAD\ninterval = '1s'\n=======\ninterval = '2s'\n>>>>>>> b\nintervall = '3s'\n";
    let found = problems(text);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].help.as_ref().unwrap().contains("a merge conflict"));
    let both = problems(&text.replace("intervall = '3s'", "x = y"));
    assert_eq!(both.len(), 2, "{both:?}");
    for (open, count) in [
        ("<<<<<<<\n=======", 1),
        ("=======", 1),
        (">>>>>>>", 1),
        ("=======\n>>>>>>>", 1),
    ] {
        assert_eq!(problems(open).len(), count, "{open}");
    }
}

#[test]
fn common_options() {
    check(&[
        (
            "[[inputs.mqtt]]\nnamepass = 'cpu'",
            2,
            12,
            "write a list: namepass = [\"cpu\"]",
        ),
        (
            "[[inputs.mqtt]]\n[inputs.mqtt.tagpass]\nhost = 'a'",
            3,
            8,
            "write a list: host = [\"a\"]",
        ),
        (
            "[[inputs.mqtt]]\ntagpass = ['a']",
            2,
            11,
            "a table of its own: [inputs.mqtt.tagpass]",
        ),
        (
            "[[processors.rename]]\norder = '1'",
            2,
            9,
            "without quotes: order = 1",
        ),
        (
            "[[inputs.mqtt]]\ninterval = '10 s'",
            2,
            12,
            "write numbers with units",
        ),
        ("[[secretstores.docker]]\n", 1, 1, "id = \"mystore\""),
    ]);
    let twice = problems("[[inputs.mqtt]]\nnamepass = ['a[b']");
    assert_eq!(twice.len(), 1, "{twice:?}");
}

/// Telegraf's line about these blames no file, but the place is known.
#[test]
fn what_does_not_fit_together_has_its_place() {
    for (text, line) in [
        ("[agent]\ninterval = '0s'", 2),
        (
            "[agent]\nskip_processors_after_aggregators = true\nskip_processors_before_aggregators = true",
            3,
        ),
    ] {
        let found = problems(text);
        assert_eq!(found[0].place.as_ref().unwrap().line, line);
        assert!(!found[0].headline().contains("loading config file"));
        assert!(found[0].render().contains("--> t.conf"));
    }
}
