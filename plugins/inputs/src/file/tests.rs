use super::*;
use crate::testing::{Folder, build, gather, list, table, text};

/// A format for tests: each line is a metric; a line "bad" is an error; "header" is remembered.
#[derive(Default)]
struct Lines {
    seen_header: bool,
}
#[derive(Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct LinesConfig {
    test_name: String,
}
impl Plugin for Lines {
    type Config = LinesConfig;
    fn new(_: LinesConfig, _: &Context) -> Result<Self> {
        Ok(Lines::default())
    }
}
impl Parser for Lines {
    fn parse(&mut self, payload: &[u8], now: Timestamp, out: &mut Vec<Metric>) -> Result<()> {
        for line in std::str::from_utf8(payload)?.lines() {
            match line {
                "bad" => bail!("bad line"),
                "header" if self.seen_header => bail!("a second header"),
                "header" => self.seen_header = true,
                line => {
                    let mut m = Metric::new("file", now);
                    m.set_field("line", line);
                    out.push(m);
                }
            }
        }
        Ok(())
    }
}
register!(parser "test_lines" = Lines);

fn file(files: &[&str], more: &[(&str, &str)]) -> Result<File> {
    let mut entries = vec![
        ("files", list(files.iter().map(|f| text(f)).collect())),
        ("data_format", text("test_lines")),
        ("test_name", text("x")),
    ];
    entries.extend(more.iter().map(|(k, v)| (*k, text(v))));
    build("file", table(&entries))
}

fn lines(metrics: &[Metric]) -> Vec<&str> {
    metrics.iter().filter_map(|m| m.field("line")?.as_str()).collect()
}

#[tokio::test]
async fn files_are_read_at_each_gather_and_tagged() {
    let folder = Folder::new();
    folder.write("a.txt", b"one\ntwo\n");
    let b = folder.write("b.txt", b"three");
    let pattern = format!("{}/*.txt", folder.path().display());
    let mut input = file(&[&pattern], &[("file_tag", "name"), ("file_path_tag", "path")]).unwrap();

    let (metrics, result) = gather(&mut input).await;
    assert!(result.is_ok());
    assert_eq!(lines(&metrics), ["one", "two", "three"]);
    assert_eq!(metrics[0].tag("name"), Some("a.txt"));
    assert_eq!(metrics[2].tag("path"), Some(b.as_str()));

    folder.write("b.txt", b"four");
    assert_eq!(lines(&gather(&mut input).await.0), ["one", "two", "four"]);
}

#[tokio::test]
async fn each_file_has_a_parser_of_its_own() {
    let folder = Folder::new();
    folder.write("a.txt", b"header\na");
    folder.write("b.txt", b"header\nb");
    let mut input = file(&[&format!("{}/?.txt", folder.path().display())], &[]).unwrap();
    let (metrics, result) = gather(&mut input).await;
    assert!(result.is_ok(), "{result:?}");
    assert_eq!(lines(&metrics), ["a", "b"]);
}

#[tokio::test]
async fn errors_name_the_file_and_keep_what_came_before() {
    let folder = Folder::new();
    let good = folder.write("good", b"x");
    let bad = folder.write("worse", b"y\nbad");
    let (metrics, result) = gather(&mut file(&[&good, &bad], &[]).unwrap()).await;
    assert_eq!(lines(&metrics), ["x"]);
    assert_eq!(
        result.unwrap_err().to_string(),
        format!("could not parse {bad:?}: bad line")
    );

    let missing = format!("{}/missing*", folder.path().display());
    let (metrics, result) = gather(&mut file(&[&good, &missing], &[]).unwrap()).await;
    assert!(metrics.is_empty());
    assert_eq!(
        result.unwrap_err().to_string(),
        format!("could not find file(s): {missing}")
    );

    let dir = folder.path().display().to_string();
    let (_, result) = gather(&mut file(&[&dir], &[]).unwrap()).await;
    assert_eq!(
        result.unwrap_err().to_string(),
        format!("could not read {dir:?}: read {dir}: is a directory")
    );

    let (_, result) = gather(&mut file(&["**["], &[]).unwrap()).await;
    assert!(
        result
            .unwrap_err()
            .to_string()
            .starts_with("could not compile glob \"**[\"")
    );
}

#[tokio::test]
async fn other_encodings_come_out_as_utf_8() {
    let folder = Folder::new();
    let bytes: Vec<u8> = "\u{FEFF}21 °C"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let path = folder.write("wide.txt", &bytes);
    let mut input = file(&[&path], &[("character_encoding", "utf-16le")]).unwrap();
    assert_eq!(lines(&gather(&mut input).await.0), ["21 °C"]);
}

#[test]
fn wrong_options_are_refused_at_once() {
    assert!(file(&["x"], &[("character_encoding", "ebcdic")]).is_err());
    let unknown = table(&[("files", list(vec![text("x")])), ("data_format", text("no_such"))]);
    assert_eq!(
        build::<File>("file", unknown).err().unwrap().to_string(),
        "undefined but requested parser: no_such"
    );
}
