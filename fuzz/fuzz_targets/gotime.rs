#![no_main]
//! A format and a text, apart by a zero byte: what is read can be written, and in a layout with all parts read again.

use libfuzzer_sys::fuzz_target;
use wheatstone_gotime::{Layout, TimeFormat, Zone, named_layout, parse_duration, parse_go_duration};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (format, time) = text.split_once('\0').unwrap_or((text, text));
    let _ = parse_duration(time);
    if let Ok(nanos) = parse_go_duration(time) {
        let shown = wheatstone_gotime::format_duration(nanos);
        assert_eq!(parse_go_duration(&shown).ok(), Some(nanos), "{shown}");
    }
    let layout = Layout::new(named_layout(format).unwrap_or(format));
    for zone in ["UTC", "America/New_York"] {
        let Ok(reader) = TimeFormat::new(format, zone) else {
            continue;
        };
        let _ = reader.parse_number(time);
        if let Ok(nanos) = reader.parse_str(time) {
            let zone = Zone::load(zone).unwrap_or(Zone::UTC);
            let _ = layout.format(nanos, &zone);
            // With the seconds that offsets of old have.
            let whole = "2006-01-02T15:04:05.000000000Z07:00:00";
            let full = Layout::new(whole).format(nanos, &zone);
            let again = TimeFormat::new(whole, "UTC").and_then(|f| f.parse_str(&full));
            assert_eq!(again.ok(), Some(nanos), "{full}");
        }
    }
});
