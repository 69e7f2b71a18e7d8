//! Footers and headers written byte by byte.

use super::*;

/// A footer with this list of elements in place of a schema, and nothing else.
fn schema(elements: &[&[u8]]) -> Vec<u8> {
    let mut out = vec![0x15, 0x02, 0x19, (elements.len() as u8) << 4 | 0x0c];
    elements.iter().for_each(|element| out.extend_from_slice(element));
    out.push(0);
    out
}

/// An element with a name of one byte and so many children.
const ROOT: &[u8] = b"\x48\x01r\x15\x04\x00";
const GROUP: &[u8] = b"\x48\x01g\x15\x02\x00";
const LEAF: &[u8] = b"\x15\x02\x25\x00\x18\x01l\x00";

#[test]
fn a_schema_is_a_tree() {
    assert!(is_footer(&schema(&[ROOT, LEAF, LEAF])));
    assert!(is_footer(&schema(&[ROOT, GROUP, LEAF, LEAF])));
    assert!(!is_footer(&schema(&[ROOT, LEAF])), "two children, one element");
    assert!(!is_footer(&schema(&[
        b"\x48\x01r\x15\xfe\xff\xff\xff\x0f\x00",
        LEAF
    ])));
    assert!(
        !is_footer(&schema(&[b"\x48\x01r\x15\x01\x00", LEAF])),
        "-1 children"
    );
    assert!(is_tree(&[1; 50].into_iter().chain([0]).collect::<Vec<_>>()));
    assert!(
        !is_tree(&[1; 200].into_iter().chain([0]).collect::<Vec<_>>()),
        "too deep"
    );
    // A second child closes what its sister opened.
    assert!(is_tree(&[2, 1, 0, 0]) && is_tree(&[0, 0]) && is_tree(&[]));
}

#[test]
fn known_fields_have_their_types() {
    assert!(is_footer(b"\x15\x02\x26\x00\x00"));
    for wrong in [
        &b"\x18\x01x\x00"[..],       // version as a text
        b"\x13\x02\x00",             // version as a byte
        b"\x11\x00",                 // version as a boolean
        b"\x15\x02\x1c\x00\x00",     // schema as a structure
        b"\x15\x02\x19\x15\x02\x00", // schema as a list of integers
        b"\x49\x15\x02\x00",         // row groups as a list of integers
    ] {
        assert!(!is_footer(wrong), "{wrong:x?}");
    }
    // Field 200 is unknown: a structure, a list of texts, a map of texts, a UUID.
    assert!(is_footer(b"\x0c\x90\x03\x15\x02\x11\x00\x00"));
    assert!(is_footer(b"\x09\x90\x03\x28\x01a\x01b\x00"));
    assert!(is_footer(b"\x0b\x90\x03\x01\x88\x01a\x01b\x00"));
    assert!(is_footer(b"\x0d\x90\x030123456789abcdef\x00"));
    assert!(!is_footer(b"\x0e\x90\x03\x00"), "no such type");
}

#[test]
fn nothing_has_more_elements_than_bytes() {
    for bad in [
        &b"\x09\x90\x03\xf1\xff\xff\xff\xff\x07\x00"[..], // 2^31 booleans
        b"\x09\x90\x03\x21\x01\x01\x00",                  // two of them
        b"\x09\x90\x03\xf5\x7f\x00",                      // 127 integers
        b"\x0b\x90\x03\xff\xff\xff\xff\x07\x11\x00",      // 2^31 booleans to booleans
        b"\x0b\x90\x03\x7f\x55\x00",                      // 127 integers to integers
        b"\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00", // a text of 2^63 bytes
        b"\x15\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00", // an integer of eleven bytes
        b"\x15\x02",                                      // no end
        b"",
    ] {
        assert!(!is_footer(bad), "{bad:x?}");
    }
    let deep: Vec<u8> = b"\x0c\x90\x03".iter().copied().chain([0x1c; 5000]).collect();
    assert!(!is_footer(&deep), "structures without end");
    let lists: Vec<u8> = b"\x09\x90\x03".iter().copied().chain([0x19; 5000]).collect();
    assert!(!is_footer(&lists), "lists without end");
}

#[test]
fn a_page_says_its_size() {
    // A data page of 300 bytes, 40 as it lies there, with its own header.
    let header = b"\x15\x00\x15\xd8\x04\x15\x50\x2c\x15\x02\x15\x00\x15\x06\x15\x06\x00\x00behind";
    assert_eq!(page_size(header), Some(300));
    // The order of fields does not matter.
    assert_eq!(page_size(b"\x35\x50\x05\x04\xd8\x04\x05\x02\x00\x00"), Some(300));
    assert_eq!(
        page_size(b"\x25\xfe\xff\xff\xff\x0f\x00"),
        Some(i32::MAX as usize)
    );
    assert_eq!(
        page_size(b"\x25\x01\x00"),
        Some(0),
        "-1, which the library refuses"
    );
    assert_eq!(page_size(b"\x25\x80\x80\x80\x80\x10\x00"), None, "2^31");
    assert_eq!(page_size(b"\x28\x01x\x00"), None, "a text");
}
