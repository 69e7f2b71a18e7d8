use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use wheatstone_plugin::conf::{Node, NodeKind, Table};
use wheatstone_plugin::{AgentInfo, Kind};

use super::*;

/// A format for tests: the name and a line break; a list in brackets for many. It cannot hold what is called "bad".
struct Names;
#[derive(Default, Serialize, Deserialize, JsonSchema)]
struct NamesConfig {}
impl Plugin for Names {
    type Config = NamesConfig;
    fn new(_: NamesConfig, _: &Context) -> Result<Self> {
        Ok(Names)
    }
}
impl Serializer for Names {
    fn serialize(&mut self, metric: &Metric, out: &mut Vec<u8>) -> Result<()> {
        if metric.name() == "bad" {
            bail!("a bad name");
        }
        out.extend_from_slice(metric.name().as_bytes());
        out.push(b'\n');
        Ok(())
    }
    fn serialize_batch(&mut self, metrics: &[&Metric], out: &mut Vec<u8>) -> Result<()> {
        out.push(b'[');
        for metric in metrics {
            self.serialize(metric, out)?;
        }
        out.push(b']');
        Ok(())
    }
}
register!(serializer "test_names" = Names);

/// A folder that is removed at the end.
struct Folder(PathBuf);
impl Folder {
    fn new() -> Folder {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("wheatstone-file-{}-{n}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }
    fn file(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.join(name)).unwrap()
    }
    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(&self.0)
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}
impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn output(files: &[String], more: &[(&str, NodeKind)]) -> Result<File> {
    let mut table = Table::default();
    let files = files
        .iter()
        .map(|f| Node::bare(NodeKind::String(f.clone())))
        .collect();
    table.set("files", Node::bare(NodeKind::Array(files)));
    table.set("data_format", Node::bare(NodeKind::String("test_names".into())));
    for (key, value) in more {
        table.set(key, Node::bare(value.clone()));
    }
    let log = Log::new("outputs.file", None, None);
    let cx = Context::new(
        Kind::Output,
        "file",
        "",
        table,
        log,
        Arc::new(AgentInfo::default()),
    );
    File::new(cx.config()?, &cx)
}

async fn write(output: &mut File, names: &[&str]) -> Result<(), WriteError> {
    let metrics: Vec<_> = names.iter().map(|n| Metric::new(*n, 1)).collect();
    output.write(&metrics.iter().collect::<Vec<_>>()).await
}

#[tokio::test]
async fn batches_are_appended_to_every_file() {
    let folder = Folder::new();
    std::fs::write(folder.0.join("a"), "before\n").unwrap();
    let mut out = output(&[folder.file("a"), folder.file("b")], &[]).unwrap();
    out.connect().await.unwrap();
    write(&mut out, &["one", "two"]).await.unwrap();
    write(&mut out, &["three"]).await.unwrap();
    out.close().await.unwrap();
    assert_eq!(folder.read("a"), "before\none\ntwo\nthree\n");
    assert_eq!(folder.read("b"), "one\ntwo\nthree\n");
}

#[tokio::test]
async fn what_cannot_be_serialized_is_refused_alone() {
    for (batched, want) in [(false, "one\nthree\n"), (true, "[one\nthree\n]")] {
        let folder = Folder::new();
        let mut out = output(
            &[folder.file("a")],
            &[("use_batch_format", NodeKind::Boolean(batched))],
        )
        .unwrap();
        out.connect().await.unwrap();
        let error = write(&mut out, &["one", "bad", "three"]).await.unwrap_err();
        assert_eq!(folder.read("a"), want);
        assert_eq!(error.accepted, [0, 2]);
        assert_eq!(error.rejected.len(), 1);
        assert_eq!(
            (error.rejected[0].index, error.rejected[0].reason.as_str()),
            (1, "a bad name")
        );

        let error = write(&mut out, &["bad"]).await.unwrap_err();
        assert_eq!((error.accepted.len(), error.rejected.len()), (0, 1));
        assert_eq!(folder.read("a"), want);
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_failed_write_leaves_no_file_with_half_of_it() {
    let folder = Folder::new();
    let mut out = output(&[folder.file("a"), "/dev/full".to_owned()], &[]).unwrap();
    out.connect().await.unwrap();
    let error = write(&mut out, &["one", "bad"]).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "failed to write message: write /dev/full: no space left on device"
    );
    assert_eq!(folder.read("a"), "");
    // The rest comes again, what can never be written does not.
    assert_eq!((error.accepted.len(), error.rejected.len()), (0, 1));
}

#[tokio::test]
async fn a_full_file_is_set_aside() {
    let folder = Folder::new();
    let size = NodeKind::String("6B".into());
    let mut out = output(&[folder.file("m.out")], &[("rotation_max_size", size)]).unwrap();
    out.connect().await.unwrap();
    write(&mut out, &["one"]).await.unwrap();
    assert_eq!(folder.names(), ["m.out"]);
    write(&mut out, &["two"]).await.unwrap();
    assert_eq!(folder.names().len(), 2);
    // More within the same second must not overwrite the archive.
    write(&mut out, &["three"]).await.unwrap();
    write(&mut out, &["four"]).await.unwrap();
    out.close().await.unwrap();
    let all: String = folder.names().iter().map(|n| folder.read(n)).collect();
    assert_eq!(all, "one\ntwo\nthree\nfour\n");
}

#[tokio::test]
async fn an_old_file_is_set_aside_at_the_start_and_old_archives_go() {
    let folder = Folder::new();
    for name in [
        "m.2020-01-01-1577836800.out",
        "m.2020-01-02-1577923200.out",
        "m.my-notes.out",
    ] {
        std::fs::write(folder.0.join(name), name).unwrap();
    }
    let file = std::fs::File::create(folder.0.join("m.out")).unwrap();
    std::io::Write::write_all(&mut &file, b"old\n").unwrap();
    file.set_modified(std::time::SystemTime::now() - std::time::Duration::from_secs(7200))
        .unwrap();
    let mut out = output(
        &[folder.file("m.out")],
        &[
            ("rotation_interval", NodeKind::String("1h".into())),
            ("rotation_max_archives", NodeKind::Integer(2)),
        ],
    )
    .unwrap();
    out.connect().await.unwrap();
    write(&mut out, &["new"]).await.unwrap();
    assert_eq!(folder.read("m.out"), "new\n");
    let names = folder.names();
    assert!(
        !names.contains(&"m.2020-01-01-1577836800.out".to_owned()),
        "{names:?}"
    );
    assert!(names.contains(&"m.my-notes.out".to_owned()), "{names:?}");
    assert_eq!(names.len(), 4, "{names:?}");
}

#[tokio::test]
async fn errors_at_the_start_name_the_file() {
    let folder = Folder::new();
    let name = folder.file("no/such/folder");
    let error = output(std::slice::from_ref(&name), &[])
        .unwrap()
        .connect()
        .await
        .unwrap_err();
    assert_eq!(
        error.error.to_string(),
        format!("open {name}: no such file or directory")
    );
    assert!(output(&[name], &[("rotation_max_archives", NodeKind::Integer(-2))]).is_err());
}
