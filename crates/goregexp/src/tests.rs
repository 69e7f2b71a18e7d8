use super::*;
use proptest::prelude::*;

fn replace(pattern: &str, text: &str, template: &str) -> String {
    let regexp = Regexp::new(pattern).unwrap();
    regexp.replace_all(text, &regexp.template(template)).into_owned()
}
fn error(pattern: &str) -> String {
    Regexp::new(pattern).unwrap_err().to_string()
}

/// What Go's package regexp does with these.
#[test]
fn matches_are_those_of_go() {
    let text = "aKſk1٣_é{b}<[&&";
    for (pattern, want) in [
        (r"(?P<n>a)(?P<n>K)", "<aK>ſk1٣_é{b}<[&&"),
        (r"(?P<1x>a)", "<a>Kſk1٣_é{b}<[&&"),
        (r"(?<n>a)", "<a>Kſk1٣_é{b}<[&&"),
        (r"{b}", "aKſk1٣_é<{b}><[&&"),
        (r"{,5}", "aKſk1٣_é{b}<[&&"),
        (r"\<", "aKſk1٣_é{b}<<>[&&"),
        (r"[[]", "aKſk1٣_é{b}<<[>&&"),
        (r"[&&]+", "aKſk1٣_é{b}<[<&&>"),
        (r"[\w]+", "<aK>ſ<k1>٣<_>é{<b>}<[&&"),
        (r"[^\W]+", "<aK>ſ<k1>٣<_>é{<b>}<[&&"),
        (r"(?i)\w+", "<aKſk1>٣<_>é{<b>}<[&&"),
        (r"(?i)k+", "a<K>ſ<k>1٣_é{b}<[&&"),
        (r"(?ii)K", "a<K>ſ<k>1٣_é{b}<[&&"),
        (r"(?i)(?s-i)k", "aKſ<k>1٣_é{b}<[&&"),
        (r"a(?i)?k", "<aK>ſ<k>1٣_é{b}<[&&"),
        (r"(?)a", "<a>Kſk1٣_é{b}<[&&"),
        (r"\d", "aKſk<1>٣_é{b}<[&&"),
        (r"\Q{b}\E", "aKſk1٣_é<{b}><[&&"),
        (r"\b", "<>aK<>ſ<>k1<>٣<>_<>é{<>b<>}<[&&"),
        (r"\B", "a<>Kſk<>1٣_é<>{b}<><<>[<>&<>&<>"),
        (r"x*", "<>a<>K<>ſ<>k<>1<>٣<>_<>é<>{<>b<>}<><<>[<>&<>&<>"),
        (r"[]a]+", "<a>Kſk1٣_é{b}<[&&"),
        (r"\141", "<a>Kſk1٣_é{b}<[&&"),
        (r"\p{^L}+", "aKſk<1٣_>é<{>b<}<[&&>"),
        (r"\p{Latin}+", "<aKſk>1٣_<é>{<b>}<[&&"),
        (r"\pN", "aKſk<1><٣>_é{b}<[&&"),
        (r"[[:^alpha:]]", "aK<ſ>k<1><٣><_><é><{>b<}><<><[><&><&>"),
        (r"\x{61}|\x6b", "<a>Kſ<k>1٣_é{b}<[&&"),
        (r"[a-b}-]+", "<a>Kſk1٣_é{<b}><[&&"),
    ] {
        assert_eq!(replace(pattern, text, "<$0>"), want, "{pattern}");
    }
    assert_eq!(replace("a*", "baaac", "X"), "XbXcX");
}

#[test]
fn replacements_are_expanded_as_in_go() {
    for (template, want) in [
        ("$1x", "k"),
        ("${1}x", "axk"),
        ("$$1", "$1k"),
        ("$", "$k"),
        ("${", "${k"),
        ("${1", "${1k"),
        ("$-", "$-k"),
        ("${n}", "ak"),
        ("$n-$m", "a-k"),
        ("$01", "k"),
        ("$10", "k"),
        ("$é1x", "k"),
        ("$0$0", "aKaKk"),
        ("a$", "a$k"),
        ("", "k"),
    ] {
        assert_eq!(replace("(?P<n>a)(K)", "aKk", template), want, "{template}");
    }
    assert_eq!(replace("(?P<n>a)|(?P<n>b)", "ab", "[$n]"), "[a][b]");
}

#[test]
fn errors_are_in_gos_words() {
    for (pattern, want) in [
        (r"(?x)a", "invalid or unsupported Perl syntax: `(?x`"),
        (r"(?=a)", "invalid or unsupported Perl syntax: `(?=`"),
        (r"(?i", "invalid or unsupported Perl syntax: `(?i`"),
        (r"(?i-)a", "invalid or unsupported Perl syntax: `(?i-)`"),
        (r"(?-:a)", "invalid or unsupported Perl syntax: `(?-:`"),
        (r"(?P=n)", "invalid or unsupported Perl syntax: `(?P`"),
        (r"(?P<n", "invalid named capture: `(?P<n`"),
        (r"(?P<>a)", "invalid named capture: `(?P<>`"),
        (r"(?P<n>a", "missing closing ): `(?P<n>a`"),
        (r"a**", "invalid nested repetition operator: `**`"),
        (r"a*+", "invalid nested repetition operator: `*+`"),
        (r"a{2}{3}", "invalid nested repetition operator: `{2}{3}`"),
        (r"a{1001}", "invalid repeat count: `{1001}`"),
        (r"a{2,1}", "invalid repeat count: `{2,1}`"),
        (r"(*)", "missing argument to repetition operator: `*`"),
        (r"a|*", "missing argument to repetition operator: `*`"),
        (r"(?i)*", "missing argument to repetition operator: `*`"),
        (r"\y", "invalid escape sequence: `\\y`"),
        (r"\1", "invalid escape sequence: `\\1`"),
        (r"\C", "invalid escape sequence: `\\C`"),
        (r"\xg", "invalid escape sequence: `\\xg`"),
        (r"\x{110000}", "invalid escape sequence: `\\x{110000`"),
        ("a\\", "trailing backslash at end of expression: ``"),
        (r"[b-a]", "invalid character class range: `b-a`"),
        (r"[a", "missing closing ]: `[a`"),
        (r"[a-\d]", "invalid escape sequence: `\\d`"),
        (r"[[:foo:]]", "invalid character class range: `[:foo:]`"),
        (r"\p{foo}", "invalid character class range: `\\p{foo}`"),
        (r"\p{Greek", "invalid character class range: `\\p{Greek`"),
        (r"a)", "unexpected ): `a)`"),
        (r"(a", "missing closing ): `(a`"),
    ] {
        assert_eq!(
            error(pattern),
            format!("error parsing regexp: {want}"),
            "{pattern}"
        );
    }
}

proptest! {
    #[test]
    fn no_pattern_panics(
        any in "\\PC{0,12}",
        likely in r"[a\[\]\\^$.|?*+(){},:<>Pimsw0-9-]{0,16}",
        text in "\\PC{0,12}",
        template in r"[a${}0-9]{0,8}",
    ) {
        for pattern in [any, likely] {
            if let Ok(regexp) = Regexp::new(&pattern) {
                let template = regexp.template(&template);
                let replaced = regexp.replace_all(&text, &template);
                prop_assert!(regexp.is_match(&text) || replaced == text);
            }
        }
    }

    /// Every text quoted is found in itself.
    #[test]
    fn quoted_texts_are_literal(text in "[^\\\\]{0,12}") {
        let pattern = format!(r"^\Q{text}\E$");
        prop_assert!(Regexp::new(&pattern).is_ok_and(|r| r.is_match(&text)));
    }
}

#[test]
fn matches_do_not_overlap_and_meta_characters_are_quoted() {
    let found: Vec<_> = Regexp::new("a*").unwrap().matches("baac").collect();
    assert_eq!(found, [0..0, 1..3, 4..4]);
    let odd = r"a.b\c[1]{2}(x)|^$+*?";
    assert!(Regexp::new(&quote_meta(odd)).unwrap().is_match(odd));
    assert!(!Regexp::new(&quote_meta("a.b")).unwrap().is_match("axb"));
}
