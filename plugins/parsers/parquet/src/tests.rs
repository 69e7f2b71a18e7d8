use std::sync::Arc;

use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DoubleType, FixedLenByteArray, FixedLenByteArrayType, FloatType,
    Int32Type, Int64Type, Int96, Int96Type,
};
use parquet::file::properties::{WriterProperties, WriterVersion};
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::parser::parse_message_type;
use proptest::prelude::*;
use wheatstone_plugin::conf::Table;
use wheatstone_plugin::{AgentInfo, Kind};

use super::*;

const NOW: Timestamp = 42;

fn build(config: ParquetConfig) -> Result<Parquet, String> {
    let log = Log::new("parsers.parquet::test", None, None);
    let cx = Context::new(
        Kind::Parser,
        "m",
        "",
        Table::default(),
        log,
        Arc::new(AgentInfo::default()),
    );
    Parquet::new(config, &cx).map_err(|error| format!("{error:#}"))
}

fn parse(config: ParquetConfig, payload: &[u8]) -> Result<Vec<String>, String> {
    let mut out = Vec::new();
    build(config)?
        .parse(payload, NOW, &mut out)
        .map_err(|error| format!("{error:#}"))?;
    Ok(out.iter().map(show).collect())
}

/// A metric as `name,tag=value field=Int(1) time`; the time of arrival is left out.
fn show(metric: &Metric) -> String {
    let mut text = metric.name().to_string();
    metric.tags().for_each(|(k, v)| text += &format!(",{k}={v}"));
    let fields: Vec<_> = metric.fields().map(|(k, v)| format!("{k}={v:?}")).collect();
    text += &format!(" {}", fields.join(","));
    if metric.time() != NOW {
        text += &format!(" {}", metric.time());
    }
    text
}

type Write = fn(usize, &mut SerializedColumnWriter<'_>);

/// A file with this schema, `write` being called for each column of each row group.
fn file(schema: &str, compression: Compression, groups: usize, write: Write) -> Vec<u8> {
    let properties = WriterProperties::builder().set_compression(compression).build();
    file_with(schema, properties, groups, write)
}

fn file_with(schema: &str, properties: WriterProperties, groups: usize, write: Write) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(schema).expect("a schema"));
    let mut file = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).expect("a writer");
    for _ in 0..groups {
        let mut group = file.next_row_group().expect("a row group");
        let mut at = 0;
        while let Some(mut column) = group.next_column().expect("a column") {
            write(at, &mut column);
            column.close().expect("a column");
            at += 1;
        }
        group.close().expect("a row group");
    }
    file.into_inner().expect("a file")
}

const TYPES: &str = "message t { required boolean b; required int32 i; required int64 l; required int96 n;
    required float f; required double d; required binary s (UTF8); required fixed_len_byte_array(2) x; }";

fn types(at: usize, column: &mut SerializedColumnWriter<'_>) {
    let mut day = Int96::new();
    day.set_data(5, 0, 2_440_589);
    match at {
        0 => column.typed::<BoolType>().write_batch(&[true, false], None, None),
        1 => column.typed::<Int32Type>().write_batch(&[-1, 2], None, None),
        2 => column
            .typed::<Int64Type>()
            .write_batch(&[1_700_000_000, 3], None, None),
        3 => column.typed::<Int96Type>().write_batch(&[day, day], None, None),
        4 => column.typed::<FloatType>().write_batch(&[0.5, 1.5], None, None),
        5 => column.typed::<DoubleType>().write_batch(&[1e21, 2.5], None, None),
        6 => column.typed::<ByteArrayType>().write_batch(
            &[ByteArray::from("cpu"), ByteArray::from("é")],
            None,
            None,
        ),
        _ => column.typed::<FixedLenByteArrayType>().write_batch(
            &[
                FixedLenByteArray::from(b"ab".to_vec()),
                FixedLenByteArray::from(b"cd".to_vec()),
            ],
            None,
            None,
        ),
    }
    .expect("values");
}

#[test]
fn every_type_in_every_compression() {
    let lines = [
        "m b=Bool(true),i=Int(-1),l=Int(1700000000),n=Int(86400000000005),f=Float(0.5),d=Float(1e21),s=Str(\"cpu\"),x=Str(\"ab\")",
        "m b=Bool(false),i=Int(2),l=Int(3),n=Int(86400000000005),f=Float(1.5),d=Float(2.5),s=Str(\"é\"),x=Str(\"cd\")",
    ];
    for compression in [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(Default::default()),
        Compression::ZSTD(ZstdLevel::default()),
        Compression::LZ4_RAW,
    ] {
        let payload = file(TYPES, compression, 1, types);
        let expected = lines.map(str::to_owned).to_vec();
        assert_eq!(
            parse(ParquetConfig::default(), &payload),
            Ok(expected),
            "{compression}"
        );
    }
    let twice = file(TYPES, Compression::SNAPPY, 2, types);
    assert_eq!(parse(ParquetConfig::default(), &twice).map(|l| l.len()), Ok(4));
}

#[test]
fn columns_have_their_parts() {
    let config = ParquetConfig {
        measurement_column: "s".to_owned(),
        tag_columns: ["b", "d", "x", "none"].map(str::to_owned).to_vec(),
        timestamp_column: "l".to_owned(),
        ..ParquetConfig::default()
    };
    let payload = file(TYPES, Compression::SNAPPY, 1, types);
    assert_eq!(
        parse(config.clone(), &payload),
        Ok(vec![
            "cpu,b=true,d=1000000000000000000000,x=ab i=Int(-1),n=Int(86400000000005),f=Float(0.5) 1700000000000000000"
                .to_owned(),
            "é,b=false,d=2.5,x=cd i=Int(2),n=Int(86400000000005),f=Float(1.5) 3000000000".to_owned(),
        ])
    );
    let texts = ParquetConfig {
        timestamp_format: "2006-01-02".to_owned(),
        timestamp_timezone: "Europe/Berlin".to_owned(),
        ..config
    };
    assert_eq!(
        parse(texts, &payload),
        Err("row group 0: could not parse '1700000000' to '2006-01-02'".to_owned())
    );
    let zone = ParquetConfig {
        timestamp_timezone: "Nowhere".to_owned(),
        ..ParquetConfig::default()
    };
    assert!(build(zone).is_err_and(|e| e.starts_with("invalid location Nowhere: ")));
}

#[test]
fn cells_can_be_missing_and_of_lists_the_first_element_counts() {
    let schema = "message t { optional int32 a; optional group b { optional double c; } repeated int32 d; }";
    let payload = file(
        schema,
        Compression::ZSTD(ZstdLevel::default()),
        1,
        |at, column| {
            match at {
                0 => column
                    .typed::<Int32Type>()
                    .write_batch(&[1], Some(&[0, 1, 0]), None),
                1 => column
                    .typed::<DoubleType>()
                    .write_batch(&[2.5], Some(&[0, 1, 2]), None),
                _ => column.typed::<Int32Type>().write_batch(
                    &[7, 8, 9],
                    Some(&[0, 1, 1, 1]),
                    Some(&[0, 0, 1, 0]),
                ),
            }
            .expect("values");
        },
    );
    // The first row has nothing at all.
    let expected = ["m a=Int(1),d=Int(7)", "m c=Float(2.5),d=Int(9)"].map(str::to_owned);
    assert_eq!(parse(ParquetConfig::default(), &payload), Ok(expected.to_vec()));
}

#[test]
fn what_is_no_file_is_said() {
    for payload in [
        &b""[..],
        b"PAR1",
        b"no parquet at all, but long enough for a footer",
    ] {
        let error = parse(ParquetConfig::default(), payload).expect_err("no file");
        assert!(error.starts_with("unable to create parquet reader: "), "{error}");
    }
    let whole = file(TYPES, Compression::SNAPPY, 1, types);
    for cut in [1, 8, whole.len() / 2] {
        assert!(parse(ParquetConfig::default(), &whole[..whole.len() - cut]).is_err());
    }
}

proptest! {
    /// A damaged file gives some metrics or an error, and the parser reads on.
    #[test]
    fn damage_is_survived(at in 0usize..10_000, byte: u8, cut in 0usize..10_000) {
        let whole = file(TYPES, Compression::UNCOMPRESSED, 1, types);
        let mut damaged = whole.clone();
        let at = at % damaged.len();
        damaged[at] = byte;
        let _ = parse(ParquetConfig::default(), &damaged);
        let _ = parse(ParquetConfig::default(), &whole[cut % whole.len()..]);
    }
}

/// What is said of a file that may make only so many bytes.
fn parse_within(budget: usize, payload: Vec<u8>) -> Result<usize, String> {
    build(ParquetConfig::default())?
        .read(&payload.into(), NOW, &Budget::new(budget))
        .map(|metrics| metrics.len())
        .map_err(|error| format!("{error:#}"))
}

#[test]
fn a_few_bytes_that_stand_for_rows_without_end_are_refused() {
    let rows = file(
        "message t { required int32 i; }",
        Compression::UNCOMPRESSED,
        1,
        |_, column| {
            let values = vec![7; 200_000];
            column
                .typed::<Int32Type>()
                .write_batch(&values, None, None)
                .expect("values");
        },
    );
    assert!(rows.len() < 2_000, "{}", rows.len());
    assert_eq!(parse_within(64 << 20, rows.clone()), Ok(200_000));
    let error = parse_within(16 << 20, rows).expect_err("too many");
    assert!(error.contains("more than 16 MiB of memory"), "{error}");
}

/// A thousand rows with the same text of 10,000 bytes.
fn same_texts(properties: WriterProperties) -> Vec<u8> {
    file_with(
        "message t { required binary s (UTF8); }",
        properties,
        1,
        |_, column| {
            let values = vec![ByteArray::from("x".repeat(10_000).as_str()); 1_000];
            column
                .typed::<ByteArrayType>()
                .write_batch(&values, None, None)
                .expect("values");
        },
    )
}

#[test]
fn a_text_counts_as_often_as_it_occurs() {
    let texts = same_texts(WriterProperties::builder().build());
    assert!(texts.len() < 32_000, "{}", texts.len());
    assert_eq!(parse_within(11 << 20, texts.clone()), Ok(1_000));
    let error = parse_within(8 << 20, texts).expect_err("too much");
    assert!(error.contains("more than 8 MiB of memory"), "{error}");
}

#[test]
fn a_page_that_becomes_too_large_is_refused() {
    for compression in [
        Compression::SNAPPY,
        Compression::GZIP(Default::default()),
        Compression::ZSTD(ZstdLevel::default()),
        Compression::LZ4_RAW,
    ] {
        let page = file(
            "message t { required binary s (UTF8); }",
            compression,
            1,
            |_, column| {
                let value = ByteArray::from(vec![b'x'; 4 << 20]);
                column
                    .typed::<ByteArrayType>()
                    .write_batch(&[value], None, None)
                    .expect("values");
            },
        );
        assert!(page.len() < 1 << 20, "{compression}: {}", page.len());
        assert_eq!(parse_within(16 << 20, page.clone()), Ok(1), "{compression}");
        let error = parse_within(3 << 20, page).expect_err("too large");
        assert!(
            error.contains("more than 3 MiB of memory"),
            "{compression}: {error}"
        );
    }
}

#[test]
fn texts_in_every_encoding_and_with_missing_ones() {
    for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
        for encoding in [
            Encoding::PLAIN,
            Encoding::DELTA_LENGTH_BYTE_ARRAY,
            Encoding::DELTA_BYTE_ARRAY,
        ] {
            let properties = WriterProperties::builder()
                .set_writer_version(version)
                .set_dictionary_enabled(false)
                .set_encoding(encoding)
                .build();
            let texts = file_with(
                "message t { optional binary s (UTF8); }",
                properties,
                1,
                |_, column| {
                    let values: Vec<_> = (0..300)
                        .map(|n| ByteArray::from(format!("{}{n}", "long".repeat(n % 40)).as_str()))
                        .collect();
                    let levels: Vec<_> = (0..600).map(|n| n % 2).collect();
                    column
                        .typed::<ByteArrayType>()
                        .write_batch(&values, Some(&levels), None)
                        .expect("values");
                },
            );
            let expected: Vec<_> = (0..300)
                .map(|n| format!("m s=Str(\"{}{n}\")", "long".repeat(n % 40)))
                .collect();
            assert_eq!(
                parse(ParquetConfig::default(), &texts),
                Ok(expected),
                "{version:?} {encoding}"
            );
        }
    }
}

#[test]
fn a_text_that_repeats_the_one_before_counts_whole() {
    let properties = WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_encoding(Encoding::DELTA_BYTE_ARRAY)
        .build();
    let texts = same_texts(properties);
    assert!(texts.len() < 64_000, "{}", texts.len());
    assert_eq!(parse_within(21 << 20, texts.clone()), Ok(1_000));
    let error = parse_within(8 << 20, texts).expect_err("too much");
    assert!(error.contains("more than 8 MiB of memory"), "{error}");
}

#[test]
fn a_footer_that_asks_for_room_without_end_is_refused() {
    // A schema whose root has 2^31 - 1 children.
    let mut file = b"PAR1\x15\x02\x19\x1c\x48\x01r\x15\xfe\xff\xff\xff\x0f\x00\x00".to_vec();
    let length = file.len() as u32 - 4;
    file.extend_from_slice(&length.to_le_bytes());
    file.extend_from_slice(b"PAR1");
    assert_eq!(
        parse(ParquetConfig::default(), &file),
        Err("unable to create parquet reader: the footer is damaged".to_owned())
    );
    // The library has its own words for footers that are encrypted.
    let end = file.len() - 1;
    file[end] = b'E';
    let error = parse(ParquetConfig::default(), &file).expect_err("encrypted");
    assert!(error.contains("encrypt"), "{error}");
}
