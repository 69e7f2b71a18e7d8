//! CBOR payloads, written byte by byte.

use proptest::prelude::*;

use crate::Section;
use crate::testing::{document, fields, parse};
use crate::tree::{Cursor, NodeId};

/// The text of a value, by way of a map that holds it.
fn text(value: &[u8]) -> Result<String, String> {
    let payload = [b"\xa1\x61v", value].concat();
    let doc = document("xpath_cbor", &payload)?;
    let node = doc.first_child(NodeId::DOCUMENT).ok_or("empty")?;
    Ok(doc.string_value(Cursor::new(node)).into_owned())
}

/// The value as a field in its own type.
fn native(value: &[u8]) -> String {
    let payload = [b"\xa1\x61v", value].concat();
    let metrics = parse("xpath_cbor", fields(&[("v", "/v"), ("x", "1")]), true, &payload);
    metrics
        .unwrap()
        .concat()
        .replace("xpath_cbor ", "")
        .replace(",x=Float(1.0)", "")
}

#[test]
fn every_type_has_its_text_and_its_field() {
    for (value, shown, field) in [
        (&b"\x01"[..], "1", "v=Uint(1)"),
        (b"\x19\x01\x00", "256", "v=Uint(256)"),
        (
            b"\x1b\xff\xff\xff\xff\xff\xff\xff\xff",
            "18446744073709551615",
            "v=Uint(18446744073709551615)",
        ),
        (b"\x20", "-1", "v=Int(-1)"),
        (
            b"\x3b\x7f\xff\xff\xff\xff\xff\xff\xff",
            "-9223372036854775808",
            "v=Int(-9223372036854775808)",
        ),
        (
            b"\x3b\xff\xff\xff\xff\xff\xff\xff\xff",
            "-18446744073709551616",
            "x=Float(1.0)",
        ),
        (b"\xf9\x3c\x00", "1", "v=Float(1.0)"),
        (
            b"\xfb\x41\x32\xd6\x87\x00\x00\x00\x00",
            "1.234567e+06",
            "v=Float(1234567.0)",
        ),
        (b"\xf4", "false", "v=Bool(false)"),
        (b"\xf6", "<nil>", "x=Float(1.0)"),
        (b"\x62hi", "hi", "v=Str(\"hi\")"),
        (b"\x7f\x61h\x61i\xff", "hi", "v=Str(\"hi\")"),
        (b"\x42\x01\xab", "[1 171]", "v=Str(\"\u{1}\u{fffd}\")"),
        (b"\xa1\x61a\x01", "map[a:1]", "v=Str(\"map[a:1]\")"),
        (
            b"\xbf\x02\x61b\x01\x61a\xff",
            "map[1:a 2:b]",
            "v=Str(\"map[1:a 2:b]\")",
        ),
        (
            b"\xc1\x1a\x65\x53\xf1\x00",
            "2023-11-14 22:13:20 +0000 UTC",
            "x=Float(1.0)",
        ),
        (b"\xc0\x74\x32023-11-14T22:13:20Z", "", ""),
        (
            b"\xc2\x49\x01\x00\x00\x00\x00\x00\x00\x00\x00",
            "18446744073709551616",
            "x=Float(1.0)",
        ),
        (b"\xd8\x20\x61u", "{32 u}", "x=Float(1.0)"),
        (b"\xe0", "0", "x=Float(1.0)"),
    ] {
        if shown.is_empty() {
            continue;
        }
        assert_eq!(text(value).as_deref(), Ok(shown), "{value:x?}");
        assert_eq!(
            native(value).replace('\u{1}', "\\u{1}"),
            field.replace('\u{1}', "\\u{1}"),
            "{value:x?}"
        );
    }
    assert_eq!(
        text(b"\xc0\x74\x32\x30\x32\x33-11-14T22:13:20Z").as_deref(),
        Ok("2023-11-14 22:13:20 +0000 UTC")
    );
}

#[test]
fn arrays_in_maps_have_no_node_of_their_own() {
    // {"a": [1, {"b": 2}], "c": {1: 3}}
    let payload = b"\xa2\x61a\x82\x01\xa1\x61b\x02\x61c\xa1\x01\x03";
    let section = fields(&[
        ("a", "string-join(/a, ';')"),
        ("b", "/a/b"),
        ("c", "/c/n1"),
        ("n", "count(/*)"),
    ]);
    assert_eq!(
        parse("xpath_cbor", section, false, payload),
        Ok(vec![
            r#"xpath_cbor a=Str("1;map[b:2]"),b=Str("2"),c=Str("3"),n=Float(3.0)"#.to_owned()
        ])
    );
    // [[5, 6]]
    let section = Section {
        field_selection: "//*[not(*)]".to_owned(),
        field_name_expansion: true,
        ..Section::default()
    };
    assert_eq!(
        parse("xpath_cbor", section, true, b"\x81\x82\x05\x06"),
        Ok(vec![
            "xpath_cbor element_element=Uint(5),element_element_1=Uint(6)".to_owned()
        ])
    );
}

#[test]
fn bytes_as_hexadecimal_and_base64() {
    let section = Section {
        field_selection: "*".to_owned(),
        fields_bytes_as_hex: vec!["a*".to_owned()],
        fields_bytes_as_base64: vec!["b".to_owned()],
        ..Section::default()
    };
    assert_eq!(
        parse(
            "xpath_cbor",
            section,
            true,
            b"\xa2\x61a\x42\x01\xab\x61b\x42\x01\xab"
        ),
        Ok(vec!["xpath_cbor a=Str(\"01ab\"),b=Str(\"Aas=\")".to_owned()])
    );
}

#[test]
fn what_is_no_cbor_is_refused() {
    let error = |payload: &[u8]| document("xpath_cbor", payload).err().unwrap_or_default();
    assert_eq!(error(b""), "EOF");
    assert_eq!(error(b"\x82\x01"), "unexpected EOF");
    assert_eq!(
        error(b"\x01\x02"),
        "cbor: 1 bytes of extraneous data starting at index 1"
    );
    assert_eq!(error(b"\x5b\xff\xff\xff\xff\xff\xff\xff\xff"), "unexpected EOF");
    assert_eq!(error(b"\x62\xff\xff"), "cbor: invalid UTF-8 string");
    assert_eq!(
        error(b"\xa1\x80\x01"),
        "cbor: invalid map key type: []interface {}"
    );
    assert!(error(b"\xff").contains("unexpected \"break\" code"));
    assert!(error(b"\x1c").contains("invalid data at offset 0"));
    assert!(error(b"\x9b\x00\x00\x00\x00\x00\x02\x00\x01").contains("max number of elements"));
    // Times: -6.1e35 as a float of 32 bits, and 2 to the 63rd seconds.
    for time in [
        &b"\xc1\xfa\xfa\xeb\xf8\xb7"[..],
        b"\xc1\x1b\x80\0\0\0\0\0\0\0",
        b"\xc1\xf9\x7c\x00",
    ] {
        assert!(error(time).contains("does not fit"), "{}", error(time));
    }
    let deep = |depth: usize| [vec![0x81; depth], vec![0]].concat();
    assert_eq!(error(&deep(32)), "");
    assert_eq!(error(&deep(33)), "cbor: exceeded max nested level 32");
    assert_eq!(
        error(b"\xa1\xf6\x01"),
        "object key <nil>: type \"<nil>\" unsupported"
    );
}

#[test]
fn of_two_equal_keys_the_later_counts() {
    assert_eq!(text(b"\xa2\x61a\x01\x61a\x02").as_deref(), Ok("map[a:2]"));
}

proptest! {
    #[test]
    fn no_payload_panics(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        let _ = document("xpath_cbor", &bytes);
    }

    /// The digits of a large number are right: they are those of u128.
    #[test]
    fn large_numbers_in_digits(value in any::<u128>(), negative in any::<bool>()) {
        let value = value >> 1;
        let tag = if negative { 0xc3 } else { 0xc2 };
        let shown = text(&[&[tag, 0x50][..], &value.to_be_bytes()].concat());
        let wanted = if negative { -1 - value as i128 } else { value as i128 };
        prop_assert_eq!(shown, Ok(wanted.to_string()));
    }
}
