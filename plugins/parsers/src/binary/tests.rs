use proptest::prelude::*;

use super::*;
use crate::testing::{build, feed, lines};

fn entry(name: &str, kind: &str, assignment: &str) -> EntryConfig {
    EntryConfig {
        name: name.to_owned(),
        kind: kind.to_owned(),
        assignment: assignment.to_owned(),
        ..EntryConfig::default()
    }
}

fn config(endianness: &str, entries: Vec<EntryConfig>) -> BinaryConfig {
    BinaryConfig {
        endianness: endianness.to_owned(),
        binary: vec![MessageConfig {
            entries,
            ..MessageConfig::default()
        }],
        ..BinaryConfig::default()
    }
}

fn read(config: BinaryConfig, payload: &[u8]) -> Result<Vec<String>, String> {
    feed(&mut build::<Binary>(config)?, payload)
}

fn numbers() -> Vec<EntryConfig> {
    vec![
        entry("a", "int8", ""),
        entry("b", "UINT16", "Field"),
        entry("c", "int32", "tag"),
        entry("d", "float32", ""),
        entry("e", "float32", "tag"),
        entry("f", "float64", ""),
        entry("", "unix_ms", "time"),
    ]
}

#[test]
fn numbers_in_both_orders_of_bytes() {
    let mut big = vec![0xfe, 0x01, 0x02, 0xff, 0xff, 0xff, 0xfd];
    let mut little = vec![0xfe, 0x02, 0x01, 0xfd, 0xff, 0xff, 0xff];
    for x in [0.1f32, 0.1] {
        big.extend(x.to_be_bytes());
        little.extend(x.to_le_bytes());
    }
    big.extend(2.5f64.to_be_bytes());
    little.extend(2.5f64.to_le_bytes());
    big.extend(1_700_000_000_123i64.to_be_bytes());
    little.extend(1_700_000_000_123i64.to_le_bytes());
    let wanted = lines(&[
        "m,c=-3,e=0.1 a=Int(-2),b=Uint(258),d=Float(0.10000000149011612),f=Float(2.5) 1700000000123000000",
    ]);
    assert_eq!(read(config("be", numbers()), &big), wanted);
    assert_eq!(read(config("little", numbers()), &little), wanted);
    assert_eq!(
        read(config("be", numbers()), &big[..20]),
        Err("out-of-bounds @120 with 64 bits".to_owned())
    );
}

#[test]
fn bits_that_fill_no_bytes() {
    let bits = |name: &str, kind: &str, bits| EntryConfig {
        bits,
        ..entry(name, kind, "")
    };
    let entries = vec![
        bits("a", "uint8", 3),
        EntryConfig {
            bits: 2,
            omit: true,
            ..EntryConfig::default()
        },
        entry("b", "bool", ""),
        bits("c", "bool", 4),
        bits("d", "int16", 12),
        bits("e", "uint32", 10),
        EntryConfig {
            bits: 5,
            omit: true,
            ..EntryConfig::default()
        },
        bits("f", "uint8", 6),
    ];
    // 101 00 1 0000 100000000001 0100000010 00000 110001 00000
    let payload = [
        0b1010_0100,
        0b0010_0000,
        0b0000_0101,
        0b0000_0010,
        0b0000_0110,
        0b0010_0000,
    ];
    assert_eq!(
        read(config("be", entries), &payload),
        lines(&["m a=Uint(5),b=Bool(true),c=Bool(false),d=Int(2049),e=Uint(258),f=Uint(49)"])
    );
}

#[test]
fn texts_end_in_four_ways() {
    let until = |name: &str, terminator: &str, assignment: &str| EntryConfig {
        terminator: terminator.to_owned(),
        ..entry(name, "string", assignment)
    };
    let fixed = EntryConfig {
        bits: 16,
        ..entry("s", "", "tag")
    };
    let entries = vec![
        until("", "null", "measurement"),
        fixed,
        until("crlf", "0x0D0A", ""),
        until("nothing", "00", ""),
    ];
    let payload = b"name\0xyline\r\n\0";
    assert_eq!(
        read(config("", entries.clone()), payload),
        lines(&["name,s=xy crlf=Str(\"line\"),nothing=Str(\"\")"])
    );
    assert_eq!(
        read(config("", entries), &payload[..payload.len() - 1]),
        Err("terminator not found for \"nothing\"".to_owned())
    );
}

#[test]
fn texts_that_do_not_begin_at_a_byte() {
    let skip = EntryConfig {
        bits: 4,
        omit: true,
        ..EntryConfig::default()
    };
    let text = EntryConfig {
        terminator: "null".to_owned(),
        ..entry("s", "string", "")
    };
    let payload = [0xf4, 0x14, 0x20, 0x0f];
    assert_eq!(
        read(config("", vec![skip, text]), &payload),
        lines(&["m s=Str(\"AB\")"])
    );
}

#[test]
fn times_in_layouts_and_zones() {
    let time = EntryConfig {
        timezone: "Europe/Berlin".to_owned(),
        ..entry("", "2006-01-02 15:04", "time")
    };
    let entries = vec![time, entry("v", "uint8", "")];
    assert_eq!(
        read(config("", entries.clone()), b"2022-07-25 20:41\x07"),
        lines(&["m v=Uint(7) 1658774460000000000"])
    );
    let wrong = read(config("", entries), b"2022-07-25 20:xx\x07").expect_err("no time");
    assert!(
        wrong.starts_with("time failed: parsing time \"2022-07-25 20:xx\""),
        "{wrong}"
    );
    // Bytes in front are zeros in either order of bytes.
    let short = EntryConfig {
        bits: 32,
        ..entry("", "unix", "time")
    };
    let entries = vec![short, entry("v", "uint8", "")];
    assert_eq!(
        read(config("be", entries), &[0, 0, 0, 1, 7]),
        lines(&["m v=Uint(7) 1000000000"])
    );
}

fn filtered(filter: FilterConfig) -> BinaryConfig {
    let mut config = config("be", vec![entry("v", "uint8", "")]);
    config.binary[0].filter = Some(filter);
    config
}

fn selection(offset: u64, bits: u64, wanted: &str) -> SelectionConfig {
    SelectionConfig {
        offset,
        bits,
        wanted: wanted.to_owned(),
    }
}

#[test]
fn filters_choose_by_length_and_bits() {
    let fits = |filter: FilterConfig, payload: &[u8]| {
        let config = BinaryConfig {
            allow_no_match: true,
            ..filtered(filter)
        };
        !read(config, payload).expect("a payload").is_empty()
    };
    let length = |length, length_min| FilterConfig {
        length,
        length_min,
        ..FilterConfig::default()
    };
    assert!(fits(length(0, 0), &[1]));
    assert!(fits(length(2, 0), &[1, 2]) && !fits(length(2, 0), &[1]) && !fits(length(2, 0), &[1, 2, 3]));
    assert!(fits(length(0, 2), &[1, 2, 3]) && !fits(length(0, 2), &[1]));
    let bits = |parts: &[(u64, u64, &str)]| FilterConfig {
        selection: parts.iter().map(|(o, b, w)| selection(*o, *b, w)).collect(),
        ..FilterConfig::default()
    };
    let payload = [0x12, 0xa5, 0x0f];
    assert!(fits(
        bits(&[(0, 8, "0x12"), (8, 4, "0x0A"), (13, 3, "05")]),
        &payload
    ));
    assert!(!fits(bits(&[(0, 8, "0x12"), (8, 4, "0x0B")]), &payload));
    assert!(
        !fits(bits(&[(0, 8, "0x0012")]), &payload),
        "two bytes are not one"
    );
    assert!(!fits(bits(&[(64, 8, "0x12")]), &payload));
    assert!(fits(bits(&[(6, 4, "0x000a")]), &payload), "they lie in two bytes");
    assert_eq!(
        read(filtered(bits(&[(0, 8, "0x13")])), &payload),
        Err("no matching configuration".to_owned())
    );
}

#[test]
fn every_message_that_fits_makes_a_metric() {
    let mut config = filtered(FilterConfig {
        selection: vec![selection(0, 8, "0x01")],
        ..FilterConfig::default()
    });
    config.binary.push(MessageConfig {
        metric_name: "all".to_owned(),
        entries: vec![entry("w", "int8", "")],
        ..MessageConfig::default()
    });
    assert_eq!(
        read(config.clone(), &[1]),
        lines(&["m v=Uint(1)", "all w=Int(1)"])
    );
    config.binary_encoding = "hex".to_owned();
    assert_eq!(read(config.clone(), b"0x FF"), lines(&["all w=Int(-1)"]));
    config.binary_encoding = "base64".to_owned();
    assert_eq!(read(config, b"/w==\n"), lines(&["all w=Int(-1)"]));
}

#[test]
fn wrong_options_are_named() {
    let one = |entry: EntryConfig| {
        let error = read(config("", vec![entry, self::entry("v", "uint8", "")]), &[]).expect_err("wrong");
        error
            .strip_prefix("config 0 invalid: ")
            .unwrap_or(&error)
            .to_owned()
    };
    let with = |change: fn(&mut EntryConfig)| {
        let mut entry = entry("x", "string", "");
        change(&mut entry);
        one(entry)
    };
    for (error, wanted) in [
        (one(entry("", "uint8", "")), "entry \"\" (0): missing name"),
        (one(entry("x", "", "")), "entry \"x\" (0): no type for \"x\""),
        (
            one(entry("x", "int7", "")),
            "entry \"x\" (0): unknown type for \"x\"",
        ),
        (
            one(entry("x", "int8", "label")),
            "entry \"x\" (0): no assignment for \"x\"",
        ),
        (one(entry("v", "int8", "")), "multiple definitions of \"v\""),
        (
            one(entry("", "int8", "measurement")),
            "entry \"measurement\" (0): 'measurement' type has to be 'string'",
        ),
        (
            one(EntryConfig {
                omit: true,
                ..EntryConfig::default()
            }),
            "entry \"\" (0): neither type nor bits given",
        ),
        (
            one(EntryConfig {
                omit: true,
                ..entry("", "bool", "")
            }),
            "entry \"\" (0): cannot determine length for type \"bool\"",
        ),
        (
            with(|e| (e.kind, e.bits) = ("int8".to_owned(), 9)),
            "entry \"x\" (0): type overflow for \"x\"",
        ),
        (
            with(|_| {}),
            "entry \"x\" (0): require 'bits' for fixed-length string for \"x\"",
        ),
        (
            with(|e| e.bits = 9),
            "entry \"x\" (0): non-byte length for string field \"x\"",
        ),
        (
            with(|e| (e.bits, e.terminator) = (8, "null".to_owned())),
            "entry \"x\" (0): cannot use 'bits' and 'null' terminator together for \"x\"",
        ),
        (
            with(|e| (e.bits, e.terminator) = (8, "0x01".to_owned())),
            "entry \"x\" (0): cannot use 'bits' and terminator together for \"x\"",
        ),
        (
            with(|e| e.terminator = "0x1".to_owned()),
            "entry \"x\" (0): decoding terminator failed for \"x\": encoding/hex: odd length hex string",
        ),
        (
            with(|e| e.terminator = "0x".to_owned()),
            "entry \"x\" (0): decoding terminator failed for \"x\": it is empty",
        ),
        (
            one(EntryConfig {
                timezone: "Mars".to_owned(),
                ..entry("", "unix", "time")
            }),
            "entry \"time\" (0): unknown time zone Mars",
        ),
    ] {
        assert_eq!(error, wanted);
    }
    assert_eq!(
        read(BinaryConfig::default(), &[]),
        Err("no configuration given".to_owned())
    );
    let fields = read(config("", vec![entry("t", "int8", "tag")]), &[]);
    assert_eq!(fields, Err("config 0 invalid: no field defined".to_owned()));
    assert_eq!(
        read(config("middle", vec![]), &[]),
        Err("unknown endianness \"middle\"".to_owned())
    );
    let filter = |filter| read(filtered(filter), &[]).err().unwrap_or_default();
    assert_eq!(
        filter(FilterConfig {
            length: 1,
            length_min: 1,
            ..FilterConfig::default()
        }),
        "config 0 invalid: length and length_min cannot be used together"
    );
    assert_eq!(
        filter(FilterConfig {
            length: 1,
            selection: vec![selection(4, 8, "00")],
            ..FilterConfig::default()
        }),
        "config 0 invalid: filter length (2) larger than constraint (1)"
    );
    assert_eq!(
        filter(FilterConfig {
            selection: vec![selection(0, 8, "0xg0")],
            ..FilterConfig::default()
        }),
        "config 0 invalid: decoding match 0 failed: encoding/hex: invalid byte: U+0067 'g'"
    );
}

proptest! {
    #[test]
    fn no_payload_panics(payload in proptest::collection::vec(any::<u8>(), 0..60), bits in any::<u64>(), offset in any::<u64>()) {
        let mut all = numbers();
        all.insert(1, EntryConfig { bits: bits % 40, omit: bits % 40 > 0, ..entry("skip", "bool", "") });
        all.push(EntryConfig { terminator: "0x00ff".to_owned(), ..entry("s", "string", "") });
        for filter in [None, Some(FilterConfig { selection: vec![selection(offset, bits, "00")], ..FilterConfig::default() })] {
            let mut config = config("le", all.clone());
            config.binary[0].filter = filter;
            let _ = read(config, &payload);
        }
        for encoding in ["hex", "base64"] {
            let config = BinaryConfig { binary_encoding: encoding.to_owned(), ..config("", all.clone()) };
            let _ = read(config, &payload);
        }
        let huge = EntryConfig { bits, ..entry("x", "string", "") };
        let _ = read(config("", vec![huge]), &payload);
    }

    /// What was put together by hand comes out again.
    #[test]
    fn values_survive(a in any::<i16>(), b in any::<u32>(), c in any::<i64>(), little in any::<bool>()) {
        let mut payload = Vec::new();
        if little {
            payload.extend(a.to_le_bytes());
            payload.extend(b.to_le_bytes());
            payload.extend(c.to_le_bytes());
        } else {
            payload.extend(a.to_be_bytes());
            payload.extend(b.to_be_bytes());
            payload.extend(c.to_be_bytes());
        }
        let entries = vec![entry("a", "int16", ""), entry("b", "uint32", ""), entry("c", "int64", "")];
        let read = read(config(if little { "le" } else { "be" }, entries), &payload);
        prop_assert_eq!(read, Ok(vec![format!("m a=Int({a}),b=Uint({b}),c=Int({c})")]));
    }
}
