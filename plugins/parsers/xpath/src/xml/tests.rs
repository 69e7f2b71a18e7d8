//! XML payloads: what becomes of them, and what Telegraf says of those that are none.

use proptest::prelude::*;

use crate::testing::{document, fields, parse};

fn read(payload: &str) -> Result<Vec<String>, String> {
    let section = fields(&[
        ("text", "string-join(//text(), '|')"),
        ("names", "string-join(//*[name()], '|')"),
    ]);
    parse("xml", section, false, payload.as_bytes())
}

fn text_of(payload: &str) -> Result<String, String> {
    let metrics = parse("xml", fields(&[("v", "string(//a)")]), false, payload.as_bytes())?;
    Ok(metrics
        .concat()
        .replace("xml v=Str(", "")
        .trim_end_matches(')')
        .to_owned())
}

#[test]
fn texts_entities_and_line_ends() {
    for (payload, text) in [
        (
            "<a>x &lt;&#65;&#x42;&amp;&quot;&apos;&gt; y</a>",
            r#""x <AB&\"'> y""#,
        ),
        ("<a>1\r\n2\r3</a>", r#""1\n2\n3""#),
        ("<a>b<![CDATA[<c>&amp;]]>d</a>", r#""b<c>&amp;d""#),
        ("<a>b<!-- c -->d<?pi e?>f</a>", r#""bdf""#),
        (
            "<?xml version=\"1.0\"?>\n<!DOCTYPE a [<!ELEMENT a (b)>]>\n<a>x</a>\n",
            r#""x""#,
        ),
        ("\u{feff}<a>x</a>", r#""x""#),
        ("<a k='1'k2 = \"<&#62;\"/>", ""),
    ] {
        if text.is_empty() {
            assert_eq!(
                text_of(payload),
                Err("XML syntax error on line 1: unescaped < inside quoted string".to_owned())
            );
        } else {
            assert_eq!(text_of(payload).as_deref(), Ok(text), "{payload}");
        }
    }
}

#[test]
fn several_roots_are_siblings() {
    let payload = "<?xml version=\"1.0\"?>\n<a>1</a>\n<b>2</b>\n<a>3</a>";
    let section = fields(&[("a", "string-join(/a, ',')"), ("b", "/b"), ("n", "count(/*)")]);
    assert_eq!(
        parse("xml", section, false, payload.as_bytes()),
        Ok(vec![r#"xml a=Str("1,3"),b=Str("2"),n=Float(3.0)"#.to_owned()])
    );
}

#[test]
fn an_encoding_that_is_declared_is_followed() {
    let payload = b"<?xml version='1.0' encoding='ISO-8859-1'?><a>gr\xfcn</a>";
    let section = fields(&[("v", "/a")]);
    assert_eq!(
        parse("xml", section.clone(), false, payload),
        Ok(vec!["xml v=Str(\"grün\")".to_owned()])
    );
    let error = parse(
        "xml",
        section.clone(),
        false,
        b"<?xml version='1.0' encoding='klingon'?><a/>",
    );
    assert_eq!(
        error,
        Err("xml: opening charset \"klingon\": unsupported charset: \"klingon\"".to_owned())
    );
    let error = parse("xml", section, false, b"<a>\n\xff</a>");
    assert_eq!(error, Err("XML syntax error on line 2: invalid UTF-8".to_owned()));
}

#[test]
fn what_is_no_xml_is_said_in_telegrafs_words() {
    let line = |line: usize, what: &str| format!("XML syntax error on line {line}: {what}");
    for (payload, error) in [
        ("<a", line(1, "unexpected EOF")),
        ("<a>\n<b>\n", line(3, "unexpected EOF")),
        ("<a></a", line(1, "unexpected EOF")),
        ("<a><!-- b", line(1, "unexpected EOF")),
        ("<a><![CDATA[b", line(1, "unexpected EOF in CDATA section")),
        ("<a><![CDA[b]]></a>", line(1, "invalid <![ sequence")),
        ("<a b>", line(1, "attribute name without = in element")),
        (
            "<a b=c/>",
            line(1, "unquoted or missing attribute value in element"),
        ),
        ("<a>&foo;</a>", line(1, "invalid character entity &foo;")),
        ("<a>& b</a>", line(1, "invalid character entity & (no semicolon)")),
        (
            "<a>&amp</a>",
            line(1, "invalid character entity &amp (no semicolon)"),
        ),
        ("<a b='&x;'/>", line(1, "invalid character entity &x;")),
        ("<a>\n</b>", line(2, "element <a> closed by </b>")),
        (
            "<p:a xmlns:p='u'></a>",
            line(1, "element <a> in space p closed by </a> in space \"\""),
        ),
        ("</a>", line(1, "unexpected end element </a>")),
        ("<a>\u{1}</a>", line(1, "illegal character code U+0001")),
        ("<a>]]></a>", line(1, "unescaped ]]> not in CDATA section")),
        (
            "<!-- a -- b --><a/>",
            line(1, "invalid sequence \"--\" not allowed in comments"),
        ),
        ("<1a/>", line(1, "invalid XML name: 1a")),
        ("<a></a b>", line(1, "invalid characters between </a and >")),
        ("<a/ >", line(1, "expected /> in element")),
        (
            "<?xml version='1.1'?><a/>",
            "xml: unsupported version \"1.1\"; only version 1.0 is supported".to_owned(),
        ),
        ("text only", "xmlquery: invalid XML document".to_owned()),
        ("", "xmlquery: invalid XML document".to_owned()),
    ] {
        assert_eq!(read(payload), Err(error), "{payload}");
    }
}

#[test]
fn depth_needs_no_stack() {
    let depth = 200_000;
    let payload = "<a>".repeat(depth) + "x" + &"</a>".repeat(depth);
    let metrics = parse(
        "xml",
        fields(&[("n", "count(//a)"), ("v", "string(/a)")]),
        false,
        payload.as_bytes(),
    );
    assert_eq!(metrics, Ok(vec![format!("xml n=Float({depth}.0),v=Str(\"x\")")]));
}

proptest! {
    #[test]
    fn no_payload_panics(text in "[<>/?!\\[\\]a-c:='\" &;#x1\\-\n]{0,60}", bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let _ = read(&text);
        let _ = document("xml", &bytes);
    }

    /// What is escaped comes back as it was.
    #[test]
    fn texts_round_trip(text in "[ -~äöü€\n\t]{1,40}") {
        let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
        let payload = format!("<a k=\"{escaped}\">{escaped}</a>");
        let doc = document("xml", payload.as_bytes()).unwrap();
        let root = doc.children(crate::tree::NodeId::DOCUMENT).last().unwrap();
        let value = doc.string_value(crate::tree::Cursor::new(root)).into_owned();
        prop_assert_eq!(&value, &text);
        let attribute = doc.attributes(root).next().map(|(_, _, value)| value.to_owned());
        prop_assert_eq!(attribute, Some(text));
    }
}
