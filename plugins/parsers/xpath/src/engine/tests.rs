//! Expressions on small documents. The results are those of the library that Telegraf uses.

use proptest::prelude::*;

use super::{Expression, Result as Found};
use crate::testing::document;
use crate::tree::{Cursor, Document, NodeId};

const TREE: &str = "<a><b>1</b><b>2</b><c><b>3</b><b>4</b><c><b>5</b></c></c><b>6</b></a>";
const BUS: &str =
    "<bus><car id='1' name='S A'>x<w>4</w></car><car id='2' name='S B'><w>3</w></car><bike/></bus>";
const NAMES: &str =
    "<r xmlns='urn:d' xmlns:p='urn:p' xmlns:q='urn:p'><p:a p:k='1'>x</p:a><q:a>y</q:a><d/></r>";

fn xml(text: &str) -> Document {
    document("xml", text.as_bytes()).unwrap()
}

/// The value of an expression at the top.
fn value(doc: &Document, expression: &str) -> String {
    let mut compiled = match Expression::compile(expression) {
        Ok(compiled) => compiled,
        Err(error) => return format!("error {error}"),
    };
    match compiled.evaluate(doc, Cursor::new(NodeId::DOCUMENT)) {
        Ok(Found::Bool(value)) => value.to_string(),
        Ok(Found::Number(value)) => format!("{value:?}"),
        Ok(Found::Text(text)) => format!("{text:?}"),
        Ok(Found::Node(node)) => format!("<{}>", doc.string_value(node)),
        Ok(Found::Nothing) => "nothing".to_owned(),
        Err(error) => format!("failure {error}"),
    }
}

/// The texts of the selected nodes.
fn selected(doc: &Document, expression: &str) -> String {
    let mut nodes = Vec::new();
    let mut compiled = Expression::compile(expression).unwrap();
    compiled
        .select(doc, Cursor::new(NodeId::DOCUMENT), &mut nodes)
        .unwrap();
    let texts: Vec<_> = nodes.iter().map(|node| doc.string_value(*node)).collect();
    texts.join(" ")
}

#[test]
fn paths_and_axes() {
    let doc = xml(TREE);
    for (expression, nodes) in [
        ("/a/b", "1 2 6"),
        ("a/c/b", "3 4"),
        ("//c/c/b", "5"),
        ("//b", "1 2 3 4 5 6"),
        ("/a/*[1]", "1"),
        ("//b/text()", "1 2 3 4 5 6"),
        ("//c/parent::a/b[1]", "1"),
        ("//b[.='4']/..", "345"),
        ("//b[.='4']/ancestor::*", "345 123456"),
        ("//b[.='4']/ancestor-or-self::*[1]", "4"),
        ("/a/c/following-sibling::*", "6"),
        ("/a/c/preceding-sibling::b", "2 1"),
        ("/a/c/preceding-sibling::b[1]", "2"),
        ("/a/b[2]/following::b", "3 4 5 6"),
        ("/a/c/b[1]/preceding::b", "2 1"),
        ("/a/c/self::c/b", "3 4"),
        ("/a/descendant::c", "345 5"),
        ("//c/descendant-or-self::c", "345 5 5"),
        ("/a/(b, c)", "1 2 6 345"),
        ("/a/c/c | /a/b", "5 1 2 6"),
        ("//nothing", ""),
    ] {
        assert_eq!(selected(&doc, expression), nodes, "{expression}");
    }
}

#[test]
fn predicates_count_within_each_parent_and_groups_over_all() {
    let doc = xml(TREE);
    for (expression, nodes) in [
        ("//b[1]", "1 3 5"),
        ("//b[last()]", "6 4 5"),
        ("(//b)[2]", "2"),
        ("(//b)[last()]", "6"),
        ("//b[position()=2]", "2 4"),
        ("/a/b[position()>1]", "2 6"),
        ("/a/b[.>1][1]", "2"),
        ("reverse(/a/b)", "6 2 1"),
        ("//c[b=5]", "5"),
        ("//*[count(b)=3]", "123456"),
        ("//*[not(*)][.>4]", "6 5"),
        ("//b[. mod 2 = 1]", "1 3 5"),
    ] {
        assert_eq!(selected(&doc, expression), nodes, "{expression}");
    }
}

#[test]
fn attributes_and_names() {
    let doc = xml(BUS);
    for (expression, nodes) in [
        ("//@id", "1 2"),
        ("//car[@id='2']/@name", "S B"),
        ("//car/@*[1]", "1 S A 2 S B"),
        ("//*[@id=1 or w=3]/@id", "1 2"),
        ("//@id/..", "x4 3"),
    ] {
        assert_eq!(selected(&doc, expression), nodes, "{expression}");
    }
    let doc = xml(NAMES);
    for (expression, found) in [
        // The prefix that was declared last stands for the namespace.
        ("name(//q:a)", "\"q:a\""),
        ("//p:a", "nothing"),
        ("namespace-uri(/r)", "\"urn:d\""),
        ("local-name(//@q:k)", "\"k\""),
        ("//*[local-name()='a'][2]", "<y>"),
        ("//q:*", "nothing"),
    ] {
        assert_eq!(value(&doc, expression), found, "{expression}");
    }
}

#[test]
fn functions() {
    let doc = xml(BUS);
    for (expression, found) in [
        ("substring-before(//car/@name, ' ')", "\"S\""),
        ("substring-after('a-b', '-')", "\"b\""),
        ("substring('hello', 2, 3)", "\"ell\""),
        ("substring('hello', 2)", "\"ello\""),
        ("substring('hello', 0, 3)", "\"he\""),
        ("substring('hello', 4, 9)", "\"lo\""),
        ("string-length('héllo')", "6.0"),
        ("translate('bar', 'abc', 'AB')", "\"BAr\""),
        ("normalize-space('  a \t b ')", "\"a b\""),
        ("replace('abc', '(b)', '[$1x]')", "\"a[bx]c\""),
        ("matches('abc', '^a.c$')", "true"),
        ("lower-case('ABC')", "\"abc\""),
        ("ends-with('abc', 'bc')", "true"),
        ("starts-with(//car/@name, 'S')", "true"),
        ("contains('abc', 'd')", "false"),
        ("concat('a', 1, true())", "\"a1true\""),
        ("string-join(//car/@id, ',')", "\"1,2\""),
        ("count(//car)", "2.0"),
        ("sum(//w)", "7.0"),
        ("round(2.5) + floor(-1.5) + ceiling(1.2)", "3.0"),
        ("number('x')", "NaN"),
        ("string(1000000)", "\"1000000\""),
        ("string(1 div 0)", "\"Infinity\""),
        ("boolean(//bike)", "true"),
        ("not(//tram)", "true"),
        ("name(/*/*[last()])", "\"bike\""),
        ("-//w", "-4.0"),
        ("10 mod 4 * 2 - 1", "3.0"),
        ("//w > 3", "true"),
        ("//w = //car/@id", "false"),
        ("'2' > '10'", "false"),
        // Truth values are never equal to Telegraf.
        ("true() = true()", "false"),
    ] {
        assert_eq!(value(&doc, expression), found, "{expression}");
    }
}

#[test]
fn what_is_no_expression_is_said_in_telegrafs_words() {
    let doc = xml(BUS);
    for (expression, error) in [
        ("a[", "expression must evaluate to a node-set"),
        ("a[1", "a[1 has an invalid token"),
        ("foo::b", "unknown axe type: foo"),
        ("foo()", "not yet support this function foo()"),
        ("$x", "undeclared variable in XPath expression: $x"),
        ("'a", "xpath: scanString got unclosed string"),
        ("concat('a')", "xpath: concat() must have at least two arguments"),
        ("a:", "a: has an invalid qualified name."),
        ("", "expr expression is nil"),
    ] {
        assert_eq!(value(&doc, expression), format!("error {error}"), "{expression}");
    }
    let failure = value(&doc, "contains('a', 1)");
    assert_eq!(
        failure,
        "failure contains() function argument type must be string"
    );
    assert!(value(&doc, "true() = 1").starts_with("failure"));
}

#[test]
fn a_pattern_is_read_from_a_document() {
    let doc = xml("<a><p>b+</p><q>[</q></a>");
    assert_eq!(value(&doc, "replace('abbc', //p, 'x')"), "\"axc\"");
    assert!(
        value(&doc, "replace('abbc', //q, 'x')").starts_with("failure replace() function second argument")
    );
}

#[test]
fn deep_expressions_are_refused_or_run() {
    let doc = xml(BUS);
    let long = |steps: usize| "a/".repeat(steps) + "a";
    assert_eq!(value(&doc, &long(500)), "nothing");
    assert_eq!(
        value(&doc, &long(100_000)),
        "error the xpath expressions is too complex"
    );
    let nested = |depth: usize| "not(".repeat(depth) + "a" + &")".repeat(depth);
    assert_eq!(value(&doc, &nested(180)), "false");
    assert!(value(&doc, &nested(100_000)).starts_with("error"));
    assert!(value(&doc, &"(".repeat(100_000)).starts_with("error"));
    assert!(value(&doc, &format!("a/{}", "(".repeat(100_000))).starts_with("error"));
    assert!(value(&doc, &format!("{}1", "-".repeat(100_000))).ends_with("1.0"));
    let predicates = |count: usize| "a".to_owned() + &"[1]".repeat(count);
    assert_eq!(value(&doc, &predicates(500)), "nothing");
    let both = "not(".repeat(190) + &long(300) + &")".repeat(190);
    assert_eq!(value(&doc, &both), "false");
    let alternatives = "a=1 or ".repeat(500) + "a=1";
    assert_eq!(value(&doc, &alternatives), "false");
    let last = "(".repeat(100) + "a" + &")[last()]".repeat(100);
    assert_eq!(value(&doc, &last), "error the xpath expressions is too complex");
}

proptest! {
    /// No text breaks the compiler, and what it makes breaks nothing when it runs.
    #[test]
    fn no_expression_panics(
        words in proptest::collection::vec(
            proptest::sample::select(vec![
                "a", "b", "/", "//", "[", "]", "(", ")", "1", "'x'", "..", ".", "@", "*", "|", "=", "<", "+", "-", ",",
                " and ", " or ", " div ", " mod ", "last()", "position()", "text()", "node()", "not(", "count(",
                "string(", "substring(", "concat(", "reverse(", "name(", "child::", "ancestor::", "following::",
                "preceding::", "descendant-or-self::", "p:a", "$", "sum(",
            ]),
            0..14,
        )
    ) {
        let doc = xml(TREE);
        let _ = value(&doc, &words.concat());
    }

    #[test]
    fn no_text_breaks_the_compiler(text in "\\PC{0,40}") {
        let _ = Expression::compile(&text);
    }

    /// `//*` finds every element once, in the order of the document.
    #[test]
    fn descendants_are_all_there_is(shape in proptest::collection::vec(0..4usize, 1..40)) {
        // Each number says how many elements are closed before the next one is opened.
        let (mut text, mut open) = (String::from("<n0>"), 1);
        for (i, close) in shape.iter().enumerate() {
            for _ in 0..(*close).min(open - 1) {
                text += &format!("</n{}>", stack_top(&text));
                open -= 1;
            }
            text += &format!("<n{}>", i + 1);
            open += 1;
        }
        while open > 0 {
            text += &format!("</n{}>", stack_top(&text));
            open -= 1;
        }
        let doc = xml(&text);
        prop_assert_eq!(value(&doc, "count(//*)"), format!("{:?}", (shape.len() + 1) as f64));
        let expected: Vec<String> = (0..=shape.len()).map(|i| format!("n{i}")).collect();
        let mut nodes = Vec::new();
        Expression::compile("//*").unwrap().select(&doc, Cursor::new(NodeId::DOCUMENT), &mut nodes).unwrap();
        let names: Vec<&str> = nodes.iter().map(|node| doc.local_name(*node)).collect();
        prop_assert_eq!(names, expected);
        prop_assert_eq!(value(&doc, "count(/*/descendant::node())"), format!("{:?}", shape.len() as f64));
    }
}

/// The number of the innermost element that is open.
fn stack_top(text: &str) -> usize {
    let mut open = Vec::new();
    for tag in text.split('<').skip(1) {
        match tag.strip_prefix("/n") {
            Some(_) => drop(open.pop()),
            None => open.push(tag.trim_start_matches('n').trim_end_matches('>').parse().unwrap()),
        }
    }
    open.pop().unwrap_or_default()
}
