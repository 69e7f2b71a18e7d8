//! Protocol Buffers: a definition of our own, and payloads written byte by byte.

use std::path::PathBuf;

use crate::testing::{build, feed, fields};
use crate::{Section, XpathConfig};

const DEFINITION: &str = r#"
syntax = "proto3";
package plant;
import "google/protobuf/timestamp.proto";
enum State { OFF = 0; ON = 1; }
message Report {
  string site = 1;
  repeated Pump pumps = 2;
  repeated int32 codes = 3;
  map<string, double> levels = 4;
  State state = 5;
  bytes key = 6;
  float load = 7;
  google.protobuf.Timestamp at = 8;
  optional bool ready = 9;
  map<string, Pump> spare = 10;
}
message Pump { string id = 1; uint64 hours = 2; }
"#;

/// site "n", two pumps, codes 1 and 2, a level, state ON, key 01ab, load 0.5, a time, ready false.
const REPORT: &[u8] = b"\x0a\x01n\x12\x05\x0a\x01a\x10\x07\x12\x03\x0a\x01b\x1a\x02\x01\x02\
    \x22\x0c\x0a\x01l\x11\x00\x00\x00\x00\x00\x00\xf8\x3f\x28\x01\x32\x02\x01\xab\x3d\x00\x00\x00\x3f\
    \x42\x06\x08\x80\xe2\xcf\xaa\x06\x48\x00";

/// A folder with the definition; it goes when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("xpath-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        std::fs::write(path.join("plant.proto"), DEFINITION).unwrap();
        Folder(path)
    }
    fn config(&self, section: Section) -> XpathConfig {
        XpathConfig {
            xpath_protobuf_files: vec!["plant.proto".to_owned()],
            xpath_protobuf_type: "plant.Report".to_owned(),
            xpath_protobuf_import_paths: vec![self.0.display().to_string()],
            xpath: vec![section],
            ..XpathConfig::default()
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn parse(folder: &Folder, section: Section, native: bool) -> Result<Vec<String>, String> {
    let config = XpathConfig {
        xpath_native_types: native,
        ..folder.config(section)
    };
    feed(&mut build("xpath_protobuf", config)?, REPORT)
}

#[test]
fn fields_become_elements() {
    let folder = Folder::new("fields");
    let queries = [
        ("at", "/at/seconds"),
        ("codes", "/codes"),
        ("first", "/codes/*[1]"),
        ("hours", "/pumps[id='a']/hours"),
        ("key", "/key"),
        ("level", "/levels/l"),
        ("load", "/load"),
        ("pumps", "count(/pumps)"),
        ("ready", "/ready"),
        ("site", "/site"),
        ("state", "/state"),
    ];
    assert_eq!(
        parse(&folder, fields(&queries), false),
        Ok(vec![
            concat!(
                r#"xpath_protobuf at=Str("1700000000"),codes=Str("12"),first=Str("1"),hours=Str("7"),key=Str("[1 171]"),"#,
                r#"level=Str("1.5"),load=Str("0.5"),pumps=Float(2.0),ready=Str("false"),site=Str("n"),state=Str("1")"#
            )
            .to_owned()
        ])
    );
    assert_eq!(
        parse(&folder, fields(&queries), true),
        Ok(vec![
            concat!(
                r#"xpath_protobuf at=Int(1700000000),first=Int(1),hours=Uint(7),key=Str("\u{1}�"),"#,
                r#"level=Float(1.5),load=Float(0.5),pumps=Float(2.0),ready=Bool(false),site=Str("n")"#
            )
            .to_owned()
        ])
    );
}

#[test]
fn selected_fields_are_named_by_their_places() {
    let folder = Folder::new("names");
    let section = Section {
        field_selection: "descendant::*[not(*)]".to_owned(),
        field_name_expansion: true,
        fields_bytes_as_hex: vec!["key".to_owned()],
        ..Section::default()
    };
    assert_eq!(
        parse(&folder, section, true),
        Ok(vec![
            concat!(
                r#"xpath_protobuf site=Str("n"),pumps_id=Str("a"),pumps_hours=Uint(7),pumps_id_1=Str("b"),codes_=Int(1),"#,
                r#"codes__1=Int(2),levels_l=Float(1.5),key=Str("01ab"),load=Float(0.5),at_seconds=Int(1700000000),"#,
                r#"ready=Bool(false)"#
            )
            .to_owned()
        ])
    );
}

#[test]
fn leading_bytes_are_skipped_and_broken_payloads_refused() {
    let folder = Folder::new("broken");
    let config = XpathConfig {
        xpath_protobuf_skip_bytes: 5,
        ..folder.config(fields(&[("site", "/site")]))
    };
    let mut parser = build("xpath_protobuf", config).unwrap();
    let payload = [b"\0\0\0\0\x03", &REPORT[..3]].concat();
    assert_eq!(
        feed(&mut parser, &payload),
        Ok(vec!["xpath_protobuf site=Str(\"n\")".to_owned()])
    );
    let short = feed(&mut parser, b"\0\0");
    assert_eq!(
        short,
        Err("a payload of 2 bytes is shorter than the 5 to skip".to_owned())
    );
    let broken = feed(&mut parser, b"\0\0\0\0\0\x0a\xff");
    assert!(broken.is_err_and(|e| e.starts_with("proto: cannot parse invalid wire-format data: ")));
    // A message within itself, a thousand times.
    let mut deep = Vec::new();
    for _ in 0..1000 {
        let mut outer = vec![0x52, 0, 0];
        outer.truncate(1);
        outer.push((deep.len() % 128) as u8);
        outer.extend(deep.iter().take(127));
        deep = outer;
    }
    let _ = feed(&mut parser, &deep);
}

#[test]
fn what_is_wrong_with_a_definition_is_said() {
    let folder = Folder::new("definition");
    let with = |change: fn(&mut XpathConfig)| {
        let mut config = folder.config(Section::default());
        change(&mut config);
        build("xpath_protobuf", config).err().unwrap_or_default()
    };
    assert_eq!(
        with(|c| c.xpath_protobuf_files.clear()),
        "protocol-buffer files not set"
    );
    assert_eq!(
        with(|c| c.xpath_protobuf_type.clear()),
        "protocol-buffer message-type not set"
    );
    assert!(with(|c| c.xpath_protobuf_type = "plant.None".into()).starts_with("proto: not found"));
    assert_eq!(
        with(|c| c.xpath_protobuf_type = "plant.State".into()),
        "\"plant.State\" is not a message descriptor"
    );
    assert!(
        with(|c| c.xpath_protobuf_files = vec!["none.proto".into()])
            .starts_with("parsing protocol-buffer definition failed: ")
    );
    assert!(with(|c| c.xpath_protobuf_skip_bytes = -1).contains("it is negative"));
    // The older option, and a file by its whole path.
    assert_eq!(
        with(|c| {
            let file = format!("{}/plant.proto", c.xpath_protobuf_import_paths[0]);
            c.xpath_protobuf_files.clear();
            c.xpath_protobuf_import_paths.clear();
            c.xpath_protobuf_file = file;
        }),
        ""
    );
}

/// In proto2 a message may be extended in another file.
#[test]
fn extensions_are_fields_too() {
    let folder = Folder::new("extensions");
    std::fs::write(
        folder.0.join("base.proto"),
        r#"
syntax = "proto2";
message Base {
  optional string id = 1;
  optional int32 last = 9;
  extensions 5 to 8;
  extensions 100 to max;
}
"#,
    )
    .unwrap();
    std::fs::write(
        folder.0.join("extra.proto"),
        r#"
syntax = "proto2";
import "base.proto";
message Extra { optional int32 level = 1; }
extend Base {
  optional Extra extra = 5;
  repeated int32 marks = 100;
}
"#,
    )
    .unwrap();
    let section = Section {
        field_selection: "descendant::*[not(*)]".to_owned(),
        field_name_expansion: true,
        ..Section::default()
    };
    let config = XpathConfig {
        xpath_protobuf_files: vec!["base.proto".to_owned(), "extra.proto".to_owned()],
        xpath_protobuf_type: "Base".to_owned(),
        xpath_native_types: true,
        ..folder.config(section)
    };
    let payload = b"\x0a\x01b\x48\x03\x2a\x02\x08\x07\xa0\x06\x01\xa0\x06\x02";
    assert_eq!(
        feed(&mut build("xpath_protobuf", config).unwrap(), payload),
        Ok(vec![
            r#"xpath_protobuf id=Str("b"),extra_level=Int(7),last=Int(3),marks_=Int(1),marks__1=Int(2)"#
                .to_owned()
        ])
    );
}
