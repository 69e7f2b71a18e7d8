//! Metrics in, MessagePack out: a map with name, time, tags and fields for each, one behind the other.

use wheatstone_plugin::prelude::*;

/// `data_format = "msgpack"` has no options.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct MsgpackConfig {}

/// The serializer of `data_format = "msgpack"`.
pub struct Msgpack;

impl Plugin for Msgpack {
    type Config = MsgpackConfig;

    fn new(_: MsgpackConfig, _: &Context) -> Result<Msgpack> {
        Ok(Msgpack)
    }
}

register!(serializer "msgpack" = Msgpack);

impl Serializer for Msgpack {
    fn serialize(&mut self, metric: &Metric, out: &mut Vec<u8>) -> Result<()> {
        push_map(4, out);
        push_text("name", out);
        push_text(metric.name(), out);
        push_text("time", out);
        push_time(metric.time(), out);
        push_text("tags", out);
        push_map(metric.tag_count(), out);
        for (key, value) in metric.tags() {
            push_text(key, out);
            push_text(value, out);
        }
        push_text("fields", out);
        push_map(metric.field_count(), out);
        for (key, value) in metric.fields() {
            push_text(key, out);
            match value {
                Value::Float(v) => push(0xcb, &v.to_be_bytes(), out),
                Value::Int(v) => push_int(*v, out),
                Value::Uint(v) => push_uint(*v, out),
                Value::Bool(v) => out.push(0xc2 + u8::from(*v)),
                Value::Str(v) => push_text(v, out),
            }
        }
        Ok(())
    }
}

fn push(mark: u8, bytes: &[u8], out: &mut Vec<u8>) {
    out.push(mark);
    out.extend_from_slice(bytes);
}

fn push_map(entries: usize, out: &mut Vec<u8>) {
    match entries {
        0..=15 => out.push(0x80 | entries as u8),
        16..=0xffff => push(0xde, &(entries as u16).to_be_bytes(), out),
        _ => push(0xdf, &(entries as u32).to_be_bytes(), out),
    }
}

fn push_text(text: &str, out: &mut Vec<u8>) {
    match text.len() {
        length @ 0..=31 => out.push(0xa0 | length as u8),
        length @ 32..=0xff => push(0xd9, &[length as u8], out),
        length @ 0x100..=0xffff => push(0xda, &(length as u16).to_be_bytes(), out),
        length => push(0xdb, &(length as u32).to_be_bytes(), out),
    }
    out.extend_from_slice(text.as_bytes());
}

/// The shortest form of a signed number.
fn push_int(value: i64, out: &mut Vec<u8>) {
    if let Ok(small) = i8::try_from(value) {
        if small >= -32 {
            out.push(small as u8);
        } else {
            push(0xd0, &small.to_be_bytes(), out);
        }
    } else if let Ok(value) = i16::try_from(value) {
        push(0xd1, &value.to_be_bytes(), out);
    } else if let Ok(value) = i32::try_from(value) {
        push(0xd2, &value.to_be_bytes(), out);
    } else {
        push(0xd3, &value.to_be_bytes(), out);
    }
}

/// The shortest form of a number without sign.
fn push_uint(value: u64, out: &mut Vec<u8>) {
    match value {
        0..=0x7f => out.push(value as u8),
        0x80..=0xff => push(0xcc, &[value as u8], out),
        0x100..=0xffff => push(0xcd, &(value as u16).to_be_bytes(), out),
        0x1_0000..=0xffff_ffff => push(0xce, &(value as u32).to_be_bytes(), out),
        _ => push(0xcf, &value.to_be_bytes(), out),
    }
}

/// MessagePack's own type for times, in the shortest of its three forms.
fn push_time(time: Timestamp, out: &mut Vec<u8>) {
    let seconds = time.div_euclid(1_000_000_000);
    let nanos = time.rem_euclid(1_000_000_000) as u32;
    const KIND: u8 = 0xff;
    match u64::try_from(seconds) {
        Ok(seconds) if nanos == 0 && seconds < 1 << 32 => {
            out.extend([0xd6, KIND]);
            out.extend((seconds as u32).to_be_bytes());
        }
        Ok(seconds) if seconds < 1 << 34 => {
            out.extend([0xd7, KIND]);
            out.extend((u64::from(nanos) << 34 | seconds).to_be_bytes());
        }
        _ => {
            out.extend([0xc7, 12, KIND]);
            out.extend(nanos.to_be_bytes());
            out.extend(seconds.to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::metric;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut out = Vec::new();
        write(&mut out);
        out
    }

    #[test]
    fn a_metric() {
        let sample = metric(
            "m",
            &[("t", "v")],
            &[("f", Value::Float(1.5)), ("b", Value::Bool(true))],
            2_000_000_000,
        );
        let mut out = Vec::new();
        Msgpack.serialize_batch(&[&sample], &mut out).expect("bytes");
        let mut expected =
            b"\x84\xa4name\xa1m\xa4time\xd6\xff\0\0\0\x02\xa4tags\x81\xa1t\xa1v\xa6fields\x82\xa1f\xcb"
                .to_vec();
        expected.extend(1.5f64.to_be_bytes());
        expected.extend(b"\xa1b\xc3");
        assert_eq!(out, expected);
    }

    #[test]
    fn numbers_take_the_least_room() {
        for (value, bytes) in [
            (0, &[0][..]),
            (127, &[127]),
            (128, &[0xd1, 0, 128]),
            (-32, &[0xe0]),
            (-33, &[0xd0, 0xdf]),
            (-32768, &[0xd1, 0x80, 0]),
            (70000, &[0xd2, 0, 1, 0x11, 0x70]),
            (i64::MIN, &[0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0]),
        ] {
            assert_eq!(written(|out| push_int(value, out)), bytes, "{value}");
        }
        for (value, bytes) in [
            (127, &[127][..]),
            (255, &[0xcc, 255]),
            (256, &[0xcd, 1, 0]),
            (65536, &[0xce, 0, 1, 0, 0]),
            (1 << 32, &[0xcf, 0, 0, 0, 1, 0, 0, 0, 0]),
        ] {
            assert_eq!(written(|out| push_uint(value, out)), bytes, "{value}");
        }
    }

    #[test]
    fn texts_and_maps_say_their_length() {
        for (length, head) in [
            (31, &[0xbf][..]),
            (32, &[0xd9, 32]),
            (256, &[0xda, 1, 0]),
            (65536, &[0xdb, 0, 1, 0, 0]),
        ] {
            let bytes = written(|out| push_text(&"x".repeat(length), out));
            assert_eq!(&bytes[..head.len()], head);
            assert_eq!(bytes.len(), head.len() + length);
        }
        assert_eq!(written(|out| push_map(16, out)), [0xde, 0, 16]);
        assert_eq!(written(|out| push_map(65536, out)), [0xdf, 0, 1, 0, 0]);
    }

    #[test]
    fn times_in_three_forms() {
        assert_eq!(
            written(|out| push_time(1_000_000_000, out)),
            [0xd6, 0xff, 0, 0, 0, 1]
        );
        assert_eq!(
            written(|out| push_time(1_000_000_003, out)),
            [0xd7, 0xff, 0, 0, 0, 12, 0, 0, 0, 1]
        );
        assert_eq!(
            written(|out| push_time(5_000_000_000_000_000_000, out))[..2],
            [0xd7, 0xff]
        );
        let before = written(|out| push_time(-1, out));
        assert_eq!(before[..3], [0xc7, 12, 0xff]);
        assert_eq!(before[3..7], 999_999_999u32.to_be_bytes());
        assert_eq!(before[7..], (-1i64).to_be_bytes());
    }
}
