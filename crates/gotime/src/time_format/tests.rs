use super::*;
use proptest::prelude::*;

fn read(format: &str, zone: &str, text: &str) -> Result<Nanos, String> {
    TimeFormat::new(format, zone)
        .map_err(|e| e.to_string())?
        .parse_str(text)
        .map_err(|e| e.to_string())
}

const SECOND: i64 = 1_000_000_000;

#[test]
fn named_layouts() {
    // 2006-01-02 15:04:05 UTC
    let time = 1_136_214_245 * SECOND;
    for (name, text, expected) in [
        ("ANSIC", "Mon Jan  2 15:04:05 2006", time),
        ("unixdate", "Mon Jan  2 15:04:05 UTC 2006", time),
        (
            "RubyDate",
            "Mon Jan 02 15:04:05 -0700 2006",
            time + 7 * 3600 * SECOND,
        ),
        ("RFC822", "02 Jan 06 15:04 UTC", time - 5 * SECOND),
        ("RFC822Z", "02 Jan 06 15:04 +0100", time - 3605 * SECOND),
        ("RFC850", "Monday, 02-Jan-06 15:04:05 GMT", time),
        ("RFC1123", "Mon, 02 Jan 2006 15:04:05 CET", time - 3600 * SECOND),
        ("RFC1123Z", "Mon, 02 Jan 2006 15:04:05 +0000", time),
        ("RFC3339", "2006-01-02T15:04:05Z", time),
        ("RFC3339", "2006-01-02T15:04:05.5+00:00", time + SECOND / 2),
        (
            "RFC3339Nano",
            "2006-01-02T15:04:05.123456789Z",
            time + 123_456_789,
        ),
        ("2006-01-02T15:04:05Z07:00", "2006-01-02T16:34:05+01:30", time),
    ] {
        assert_eq!(read(name, "", text), Ok(expected), "{name} {text}");
    }
}

#[test]
fn every_element_is_read() {
    for (layout, text, expected) in [
        ("January 2, 2006", "march 5, 2024", "2024-03-05T00:00:00Z"),
        ("Monday, Jan _2 06", "Sunday, MAR  5 24", "2024-03-05T00:00:00Z"),
        (
            "1/2/2006 3:04:05 PM",
            "3/5/2024 12:00:07 AM",
            "2024-03-05T00:00:07Z",
        ),
        (
            "02/01/06 03:04:05 pm",
            "05/03/69 11:00:07 pm",
            "1969-03-05T23:00:07Z",
        ),
        ("2006 __2", "2024  65", "2024-03-05T00:00:00Z"),
        ("2006-002", "2024-366", "2024-12-31T00:00:00Z"),
        ("20060102150405", "20240305070809", "2024-03-05T07:08:09Z"),
        (
            "2006-01-02 15:04:05,000",
            "2024-03-05 07:08:09,012",
            "2024-03-05T07:08:09.012Z",
        ),
        (
            "2006-01-02 15:04:05.999 -07",
            "2024-03-05 07:08:09.0123 +02",
            "2024-03-05T05:08:09.0123Z",
        ),
        (
            "2006-01-02 15:04:05.999",
            "2024-03-05 07:08:09",
            "2024-03-05T07:08:09Z",
        ),
        (
            "2006-01-02 15:04:05",
            "2024-03-05 07:08:09.123456789123",
            "2024-03-05T07:08:09.123456789Z",
        ),
        (
            "2006-01-02T15:04:05-07:00:00",
            "2024-03-05T07:08:09-00:00:09",
            "2024-03-05T07:08:18Z",
        ),
        (
            "2006-01-02T15:04:05Z070000",
            "2024-03-05T07:08:09Z",
            "2024-03-05T07:08:09Z",
        ),
        ("2006   01 02", "2024 03      05", "2024-03-05T00:00:00Z"),
    ] {
        let show = read(layout, "", text)
            .map(|ns| Layout::new("2006-01-02T15:04:05.999999999Z07:00").format(ns, UTC));
        assert_eq!(show.as_deref(), Ok(expected), "{layout} {text}");
    }
}

#[test]
fn errors_read_as_gos() {
    for (layout, text, message) in [
        (
            "2006-01-02",
            "x",
            r#"parsing time "x" as "2006-01-02": cannot parse "x" as "2006""#,
        ),
        (
            "2006-01-02T15:04:05Z",
            "2022-07-25T18:41:XYZ",
            r#"parsing time "2022-07-25T18:41:XYZ" as "2006-01-02T15:04:05Z": cannot parse "XYZ" as "05""#,
        ),
        (
            "2006-01-02",
            "2006/01/02",
            r#"parsing time "2006/01/02" as "2006-01-02": cannot parse "/01/02" as "-""#,
        ),
        (
            "2006-01-02",
            "2006-13-02",
            r#"parsing time "2006-13-02": month out of range"#,
        ),
        (
            "2006-01-02",
            "2023-02-29",
            r#"parsing time "2023-02-29": day out of range"#,
        ),
        (
            "2006-01-02",
            "2023-02-28é",
            r#"parsing time "2023-02-28\xc3\xa9": extra text: "\xc3\xa9""#,
        ),
        ("15:04", "24:00", r#"parsing time "24:00": hour out of range"#),
        ("15:04", "23:60", r#"parsing time "23:60": minute out of range"#),
        (
            "2006 002",
            "2023 366",
            r#"parsing time "2023 366": day-of-year out of range"#,
        ),
        (
            "-0700",
            "+2500",
            r#"parsing time "+2500": time zone offset hour out of range"#,
        ),
        (
            "RFC3339",
            "",
            r#"parsing time "" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "2006""#,
        ),
        (
            "RFC822",
            "02 Jan 06 15:04 PST",
            r#"cannot resolve timezone abbreviation "PST": unknown time zone PST"#,
        ),
        ("unix", "yesterday", "invalid number"),
    ] {
        assert_eq!(
            read(layout, "", text),
            Err(message.to_string()),
            "{layout} {text}"
        );
    }
    assert_eq!(
        read("unix", "Mars/Olympus", "1"),
        Err("unknown time zone Mars/Olympus".to_string())
    );
}

#[test]
fn the_zone_counts_where_the_text_has_none() {
    assert_eq!(
        read("2006-01-02 15:04", "America/New_York", "2024-07-01 12:00"),
        Ok(1_719_849_600 * SECOND)
    );
    assert_eq!(
        read("2006-01-02 15:04Z07:00", "America/New_York", "2024-07-01 12:00Z"),
        Ok(1_719_835_200 * SECOND)
    );
    assert_eq!(
        read("unix", "America/New_York", "1719835200"),
        Ok(1_719_835_200 * SECOND)
    );
    assert_eq!(
        read("timestamp_tz", "America/New_York", "1719835200"),
        Ok(1_719_849_600 * SECOND)
    );
    assert_eq!(
        read("timestamp_tz_ms", "Asia/Kolkata", "1719835200500"),
        Ok(1_719_815_400_500_000_000)
    );
    assert!(read("2006-01-02", "Local", "2024-07-01").is_ok());
}

#[test]
fn unix_texts_and_numbers_are_exact() {
    assert_eq!(
        read("unix", "", "1568338208.123456789"),
        Ok(1_568_338_208_123_456_789)
    );
    assert_eq!(read("unix", "", "1568338208,5"), Ok(1_568_338_208_500_000_000));
    assert_eq!(
        read("unix_ns", "", "1731931200123457789"),
        Ok(1_731_931_200_123_457_789)
    );
    let ms = TimeFormat::new("unix_ms", "").expect("UTC");
    assert_eq!(ms.parse_number("1731931200123"), Ok(1_731_931_200_123_000_000));
    assert_eq!(ms.parse_int(-1), Ok(-1_000_000));
    assert_eq!(ms.parse_float(1.5), Ok(1_500_000));
    assert_eq!(ms.parse_float(f64::NAN), Err(TimeError::InvalidNumber));
    assert_eq!(ms.parse_float(f64::MAX), Err(TimeError::OutOfRange));
    let grouped = TimeFormat::new("unix", "").expect("UTC").with_separators(&[","]);
    assert_eq!(
        grouped.parse_str("1.568.338.208,5"),
        Ok(1_568_338_208_500_000_000)
    );
    let layout = TimeFormat::new("RFC3339", "").expect("UTC");
    assert_eq!(layout.parse_number("5"), Err(TimeError::UnsupportedType));
}

#[test]
fn a_time_without_a_year_lies_in_this_one() {
    let stamp = TimeFormat::new("Stamp", "America/New_York").expect("a known zone");
    assert_eq!(
        stamp.parse_str_in("Jul  1 12:00:00", || 2024),
        Ok(1_719_849_600 * SECOND)
    );
    assert_eq!(
        stamp.parse_str_in("Feb 29 12:00:00", || 2023),
        Ok(1_677_690_000 * SECOND),
        "1 March"
    );
    let dated = TimeFormat::new("2006-01-02", "").expect("UTC");
    assert_eq!(
        dated.parse_str_in("1971-01-01", || 2024),
        Ok(365 * 86_400 * SECOND)
    );
}

proptest! {
    #[test]
    fn what_a_layout_writes_it_reads(ns in any::<i64>(), zone in 0..4usize, layout in 0..4usize) {
        let zone = Zone::load(["", "Europe/Berlin", "Asia/Kolkata", "America/St_Johns"][zone]).expect("a known zone");
        let layout = [
            "2006-01-02T15:04:05.000000000-07:00:00",
            "Mon Jan _2 03:04:05.999999999 PM 2006 -070000",
            "06-002 2006 15h4m5s,000000000 Z07:00:00",
            "2 January 2006 3.04.05,999999999pm Z070000",
        ][layout];
        let text = Layout::new(layout).format(ns, &zone);
        let read = TimeFormat::with_zone(layout, zone).parse_str(&text);
        prop_assert_eq!(read, Ok(ns), "{}", text);
    }

    #[test]
    fn no_text_panics(layout in "\\PC{0,20}|[-0-9JanMoSTZPm_:. ,]{0,20}", text in "\\PC{0,20}|[-+0-9A-Za-z:. ,]{0,20}") {
        let format = TimeFormat::new(&layout, "").expect("UTC");
        let _ = format.parse_str(&text);
        let _ = format.parse_str_in(&text, || 2024);
        let _ = format.parse_number(&text);
        let _ = Layout::new(&layout).format(i64::MAX, &Zone::UTC);
    }
}
