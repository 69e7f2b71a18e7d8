use super::*;

#[test]
fn texts() {
    all(&[
        (
            "{{`  a b ` | trim | upper}} {{title `two words`}} {{swapcase `aB`}}",
            "A B Two Words Ab",
        ),
        (
            "{{substr 1 3 `abcd`}} {{trunc -2 `abcd`}} {{abbrev 6 `abcdefgh`}}",
            "bc cd abc...",
        ),
        (
            "{{snakecase `OneTwo3x`}} {{kebabcase `OneTWO`}} {{camelcase `one_two`}}",
            "one_two_3x one-two OneTwo",
        ),
        (
            "{{wrap 5 `aaa bbb ccc`}}|{{indent 1 `a\nb`}}",
            "aaa\nbbb\nccc| a\n b",
        ),
        (
            "{{replace `a` `bb` `xax`}} {{repeat 2 `ab`}} {{join `-` (list 1 nil `x`)}}",
            "xbbx abab 1-x",
        ),
        (
            "{{(split `,` `a,b`)._1}} {{splitList `,` `a,b` | last}} {{quote `a` 1}} {{squote `a`}}",
            "b b \"a\" \"1\" 'a'",
        ),
        (
            "{{trimAll `/` `/a/`}} {{trimPrefix `a` `ab`}} {{cat 1 nil `x`}} {{plural `one` `many` 2}}",
            "a b 1 x many",
        ),
    ]);
}

#[test]
fn half_a_character_is_replaced() {
    all(&[("{{trunc 1 `é`}}", "\u{fffd}")]);
}

#[test]
fn numbers() {
    all(&[
        (
            "{{add 1 `2` 3.9}} {{sub 1 2}} {{mul 2 3}} {{div 7 2}} {{mod -7 3}}",
            "6 -1 6 3 -1",
        ),
        (
            "{{addf 0.1 0.2}} {{divf 1 8}} {{max 1 9 3}} {{minf 1.5 2}}",
            "0.3 0.125 9 1.5",
        ),
        (
            "{{int `0x10`}} {{int `2.7`}} {{float64 `1e2`}} {{int `x`}}",
            "16 2 100 0",
        ),
        (
            "{{seq 3}} {{until 3}} {{untilStep 4 0 -2}} {{round 2.345 2}}",
            "1 2 3 [0 1 2] [4 2] 2.35",
        ),
    ]);
    assert!(error("{{div 1 0}}").contains("integer divide by zero"));
}

#[test]
fn lists_and_dicts() {
    all(&[
        (
            "{{list 1 2 | first}} {{append (list 1) 2}} {{reverse (list 1 2)}} {{slice (list 1 2 3) 1 2}}",
            "1 [1 2] [2 1] [2]",
        ),
        (
            "{{has 12 (list (.Field `count`))}} {{has (int64 12) (list (.Field `count`))}}",
            "false true",
        ),
        (
            "{{uniq (list 1 1 2)}} {{without (list 1 2) 1}} {{compact (list 0 1)}} {{chunk 2 (list 1 2 3)}}",
            "[1 2] [2] [1] [[1 2] [3]]",
        ),
        (
            "{{$d := dict `a` 1}}{{$_ := set $d `b` 2}}{{$d}} {{get $d `a`}} {{hasKey $d `x`}}",
            "map[a:1 b:2] 1 false",
        ),
        (
            "{{merge (dict `a` 1) (dict `a` 2 `b` 3)}} {{mergeOverwrite (dict `a` 1) (dict `a` 2)}}",
            "map[a:1 b:3] map[a:2]",
        ),
        (
            "{{dig `a` `b` 0 (dict `a` (dict `b` 7))}} {{keys .Fields | join `,`}}",
            "7 count,note,on,temp,total",
        ),
        (
            "{{pick .Fields `on`}} {{omit (dict `a` 1 `b` 2) `a`}} {{pluck `a` (dict `a` 1) (dict)}}",
            "map[on:true] map[b:2] [1]",
        ),
        (
            "{{default `d` (.Field `x`)}} {{coalesce 0 `` 5}} {{ternary 1 2 true}} {{empty 0}}",
            "d 5 1 true",
        ),
    ]);
}

#[test]
fn a_dict_never_holds_itself() {
    for text in [
        "{{$d := dict}}{{$_ := set $d `x` $d}}",
        "{{$d := dict}}{{$_ := set $d `x` (list (dict `y` $d))}}",
        "{{$d := dict}}{{$e := dict `d` $d}}{{$_ := set $d `e` $e}}",
    ] {
        assert!(error(text).contains("a dict cannot hold itself"), "{text}");
    }
}

#[test]
fn encodings() {
    all(&[
        (
            "{{b64enc `hi`}} {{b64dec `aGk=`}} {{sha1sum `x`}}",
            "aGk= hi 11f6ad8ec52a2984abaafd7c3b516503785c2072",
        ),
        (
            "{{toJson (dict `b` (list 1 nil 1.5) `a` `<`)}} {{toRawJson `<`}}",
            "{\"a\":\"\\u003c\",\"b\":[1,null,1.5]} \"<\"",
        ),
        (
            "{{(fromJson `{\"a\":[1,{\"b\":true}]}`).a}} {{fromJson `x`}}",
            "[1 map[b:true]] <no value>",
        ),
        (
            "{{regexReplaceAll `(o+)` `foo bo` `<$1>`}} {{regexFindAll `o` `foo` 1}} {{regexMatch `^f` `foo`}}",
            "f<oo> b<o> [o] true",
        ),
        (
            "{{html `<a>`}} {{urlquery `a b&`}} {{js `'`}} {{base `/a/b.c`}} {{ext `b.c`}}",
            "&lt;a&gt; a+b%26 \\' b.c .c",
        ),
        (
            "{{(urlParse `http://u@h:1/p?q#f`).hostname}} {{urlJoin (dict `scheme` `http` `host` `h` `path` `/a b`)}}",
            "h http://h/a%20b",
        ),
    ]);
}

#[test]
fn dates() {
    all(&[
        (
            "{{dateInZone `15:04 MST` .Time `Asia/Tokyo`}} {{htmlDateInZone .Time `UTC`}}",
            "16:08 JST 2024-03-05",
        ),
        (
            "{{unixEpoch .Time}} {{duration `90`}} {{durationRound `49h`}}",
            "1709622489 1m30s 2d",
        ),
        (
            "{{(toDate `2006-01-02` `x`).UTC.Year}} {{(.Time.UTC.Truncate 3600000000000).Minute}}",
            "1 0",
        ),
    ]);
    assert!(error("{{mustToDate `2006` `x`}}").contains("parsing time"));
}

#[test]
fn chance_has_the_right_length_and_letters() {
    let text = render("{{randAlphaNum 40}} {{randNumeric 5}} {{uuidv4}} {{randInt 3 4}} {{shuffle `aaa`}}");
    let parts: Vec<&str> = text.split(' ').collect();
    assert!(parts[0].len() == 40 && parts[0].bytes().all(|b| b.is_ascii_alphanumeric()));
    assert!(parts[1].len() == 5 && parts[1].bytes().all(|b| b.is_ascii_digit()));
    assert_eq!(
        (parts[2].len(), &parts[2][14..15], parts[3], parts[4]),
        (36, "4", "3", "aaa")
    );
    assert_ne!(render("{{uuidv4}}"), render("{{uuidv4}}"));
}

#[test]
fn every_function_is_found_once_and_takes_what_its_table_says() {
    let mut names: Vec<&str> = sprig::FUNCTIONS
        .iter()
        .flat_map(|part| part.iter().map(|f| f.name))
        .collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
    for name in names {
        assert_eq!(find(name).unwrap().name, name);
        // Whatever it says to no arguments at all, it does not panic.
        let _ = template(&format!("{{{{{name}}}}}")).execute(&metric());
    }
}
