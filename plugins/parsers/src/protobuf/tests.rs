use proptest::prelude::*;

use super::*;

fn all(bytes: &[u8]) -> Result<Vec<(u64, Wire<'_>)>, String> {
    let (mut fields, mut found) = (Fields::of(bytes), Vec::new());
    while let Some(field) = fields.next().map_err(|e| e.describe(bytes))? {
        found.push(field);
    }
    Ok(found)
}

#[test]
fn every_kind_of_field_is_read() {
    let start = vec![0x0d, 1, 0, 0, 0, 0x11, 2, 0, 0, 0, 0, 0, 0, 0];
    let bytes = Draft(start).uint(3, u64::MAX).text(4, "text").0;
    assert_eq!(
        all(&bytes),
        Ok(vec![
            (1, Wire::Fixed32(1)),
            (2, Wire::Fixed64(2)),
            (3, Wire::Varint(u64::MAX)),
            (4, Wire::Bytes(b"text")),
        ])
    );
    assert_eq!(Wire::Bytes(b"x").number(), 0);
    assert_eq!(Wire::Varint(7).bytes(), b"");
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    for (bytes, message) in [
        (&[0x08][..], "a number that breaks off at byte 1 of 1"),
        (&[0x08, 1, 0x0b], "a field of an unknown kind at byte 2 of 3"),
        (
            &[0x12, 9, 1],
            "a field that ends beyond its message at byte 2 of 3",
        ),
        (&[0x00, 1], "a field without a number at byte 0 of 2"),
        (&[0x0d, 1], "a field that ends beyond its message at byte 1 of 2"),
        (
            &[0x08, 255, 255, 255, 255, 255, 255, 255, 255, 255, 2],
            "a number of more than 64 bits at byte 1 of 11",
        ),
    ] {
        assert_eq!(all(bytes), Err(message.to_owned()));
    }
}

#[test]
fn fields_come_in_their_order() {
    let draft = Draft::default()
        .uint(1, 300)
        .sint(2, -3)
        .double(3, 1.5)
        .text(4, "é");
    let mut message = Message::new(&draft.0);
    let mut seen = Vec::new();
    while let Some(field) = message.next().expect("a field") {
        seen.push(match field.number {
            1 => field.uint().map(|v| v.to_string()),
            2 => field.sint().map(|v| v.to_string()),
            3 => field.double().map(|v| v.to_string()),
            _ => field.text(),
        });
    }
    let seen: Vec<String> = seen.into_iter().flatten().collect();
    assert_eq!(seen, ["300", "-3", "1.5", "é"]);
}

#[test]
fn what_is_cut_or_wrong_is_an_error_with_its_place_in_the_payload() {
    let error = |bytes: &[u8]| Message::new(bytes).next().err().map(|e| e.to_string());
    assert_eq!(
        error(b"\x08").as_deref(),
        Some("protobuf: a number that breaks off at byte 1 of 1")
    );
    assert_eq!(
        error(b"\x0a\x05abc").as_deref(),
        Some("protobuf: a field that ends beyond its message at byte 2 of 5")
    );
    assert_eq!(
        error(b"\x0b").as_deref(),
        Some("protobuf: a field of an unknown kind at byte 0 of 1")
    );
    assert_eq!(
        error(b"\x00\x01").as_deref(),
        Some("protobuf: a field without a number at byte 0 of 2")
    );
    assert_eq!(
        error(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02").as_deref(),
        Some("protobuf: a number of more than 64 bits at byte 0 of 10")
    );
}

#[test]
fn a_part_of_a_message_knows_its_place_in_the_payload() {
    let inner = Draft::default().uint(1, 1).bytes(2, b"\xff").0;
    let bytes = Draft::default().text(9, "before").bytes(1, &inner).0;
    let mut message = Message::new(&bytes);
    message.next().expect("the text");
    let field = message.next().expect("a field").expect("a part");
    let mut part = field.message().expect("a message");
    part.next().expect("a number");
    let field = part.next().expect("a field").expect("some bytes");
    let errors = [
        field.sints(&mut Vec::new()),
        field.double().map(drop),
        field.text().map(drop),
    ];
    assert_eq!(
        errors.map(|e| e.map_err(|e| e.to_string())),
        [
            Err("protobuf: a number that breaks off at byte 14 of 15".to_owned()),
            Err("protobuf: field 2 at byte 12 is no double".to_owned()),
            Err("protobuf: field 2 at byte 12 is not UTF-8".to_owned()),
        ]
    );
}

proptest! {
    #[test]
    fn numbers_come_back(uint: u64, sints: Vec<i64>, double: f64) {
        let packed = sints.iter().fold(Draft::default(), |d, v| d.varint((v << 1 ^ v >> 63) as u64));
        let draft = Draft::default().uint(1, uint).bytes(2, &packed.0).double(3, double);
        let mut message = Message::new(&draft.0);
        let mut read = Vec::new();
        while let Some(field) = message.next().expect("a field") {
            match field.number {
                1 => prop_assert_eq!(field.uint().expect("a number"), uint),
                2 => field.sints(&mut read).expect("numbers"),
                _ => prop_assert_eq!(field.double().expect("a double").to_bits(), double.to_bits()),
            }
        }
        prop_assert_eq!(read, sints);
    }

    #[test]
    fn no_bytes_panic(bytes: Vec<u8>) {
        let mut message = Message::new(&bytes);
        while let Ok(Some(field)) = message.next() {
            let _ = (field.text(), field.doubles(&mut Vec::new()), field.sints(&mut Vec::new()));
        }
    }
}
