//! MessagePack payloads, written byte by byte.

use proptest::prelude::*;

use crate::testing::document;
use crate::tree::{Cursor, NodeId};

/// The JSON of a value, by way of a map that holds it.
fn json(value: &[u8]) -> Result<String, String> {
    let payload = [b"\x81\xa1v", value].concat();
    let doc = document("xpath_msgpack", &payload)?;
    let node = doc.first_child(NodeId::DOCUMENT).ok_or("empty")?;
    Ok(doc.string_value(Cursor::new(node)).into_owned())
}

#[test]
fn every_type_has_its_json() {
    for (value, text) in [
        (&b"\xc0"[..], "null"),
        (b"\xc2", "false"),
        (b"\xc3", "true"),
        (b"\x7f", "127"),
        (b"\xff", "-1"),
        (b"\xcc\xc8", "200"),
        (b"\xcd\x01\x00", "256"),
        (b"\xce\x00\x01\x00\x00", "65536"),
        (b"\xcf\x00\x00\x00\x01\x00\x00\x00\x00", "4294967296"),
        (b"\xd0\x80", "-128"),
        (b"\xd1\x80\x00", "-32768"),
        (b"\xd2\x80\x00\x00\x00", "-2147483648"),
        (b"\xd3\xff\xff\xff\xff\xff\xff\xff\xff", "-1"),
        (b"\xca\x3d\xcc\xcc\xcd", "0.1"),
        (b"\xcb\x3f\xb9\x99\x99\x99\x99\x99\x9a", "0.1"),
        (b"\xa2hi", "hi"),
        (b"\xd9\x02hi", "hi"),
        (b"\xda\x00\x02h\"", "h\""),
        (b"\xc4\x02\x01\xab", "Aas="),
        (b"\x92\x01\xa1x", "[1,\"x\"]"),
        (b"\xdc\x00\x01\x01", "[1]"),
        (b"\xde\x00\x01\xa1k\x01", "{\"k\":1}"),
        (b"\x82\x01\x02\xff\x03", "{\"-1\":3,\"1\":2}"),
        (b"\x81\xc4\x01\xab\x01", "{\"qw==\":1}"),
        (b"\xd4\x07\x01", "{\"data\":\"AQ==\",\"type\":7}"),
        (b"\xc7\x03\x07\x01\x02\x03", "{\"data\":\"AQID\",\"type\":7}"),
    ] {
        assert_eq!(json(value).as_deref(), Ok(text), "{value:x?}");
    }
}

#[test]
fn times_are_texts() {
    for value in [
        &b"\xd6\xff\x65\x53\xf1\x00"[..],
        b"\xd7\xff\x00\x00\x00\x00\x65\x53\xf1\x00",
        b"\xc7\x0c\xff\x00\x00\x00\x00\x00\x00\x00\x00\x65\x53\xf1\x00",
        b"\xc7\x0c\x05\x00\x00\x00\x00\x65\x53\xf1\x00\x00\x00\x00\x00",
    ] {
        // The zone is the machine's.
        let text = json(value).unwrap();
        assert!(text.starts_with("2023-11-1") && text.contains(":20"), "{text}");
    }
    assert!(json(b"\xd5\xff\x00\x00").is_err());
}

#[test]
fn what_is_short_or_no_messagepack_is_refused() {
    for payload in [
        &b"\x81"[..],
        b"\x81\xa1",
        b"\xcb\x00",
        b"\xd9",
        b"\xc7\x02",
        b"\xdd\xff\xff\xff\xff",
        b"\xdb\xff\xff\xff\xff",
    ] {
        let error = document("xpath_msgpack", payload).err();
        let expected =
            "unmarshalling to json failed: msgp: too few bytes left to read object, in the value at offset 0";
        assert_eq!(error.as_deref(), Some(expected), "{payload:x?}");
    }
    assert!(json(b"\xc1").is_err_and(|e| e.contains("unrecognized type prefix: 0xc1")));
    assert!(json(b"\x81\xc0\x01").is_err_and(|e| e.contains("attempted to decode type")));
    // Two values after one another are no JSON.
    let two = document("xpath_msgpack", b"\xc0\xc0").err();
    assert_eq!(
        two.as_deref(),
        Some("invalid character 'n' after top-level value")
    );
    assert!(json(b"\xca\x7f\x80\x00\x00").is_err_and(|e| e.contains("invalid character '+'")));
    let deep = [vec![0x91; 100_000], vec![0xc0]].concat();
    assert!(document("xpath_msgpack", &deep).is_err_and(|e| e.contains("recursion limit")));
}

proptest! {
    #[test]
    fn no_payload_panics(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        let _ = document("xpath_msgpack", &bytes);
    }

    #[test]
    fn integers_keep_their_digits(value in any::<u32>()) {
        let text = json(&[&b"\xce"[..], &value.to_be_bytes()].concat());
        prop_assert_eq!(text, Ok(value.to_string()));
    }
}
