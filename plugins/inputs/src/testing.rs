//! What the tests of this crate stand on: folders that go away, an accumulator that keeps what it is given.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::watch;
use wheatstone_plugin::conf::{Node, NodeKind, Table};
use wheatstone_plugin::prelude::*;
use wheatstone_plugin::{AgentInfo, Kind, Lifecycle, Phase, Sink};

/// A folder that is removed at the end.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Folder {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("wheatstone-inputs-{}-{n}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }
    pub fn path(&self) -> &Path {
        &self.0
    }
    pub fn write(&self, name: &str, content: &[u8]) -> String {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    }
}
impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub fn text(s: &str) -> Node {
    Node::bare(NodeKind::String(s.to_owned()))
}
pub fn list(items: Vec<Node>) -> Node {
    Node::bare(NodeKind::Array(items))
}
pub fn table(entries: &[(&str, Node)]) -> Table {
    let mut table = Table::default();
    for (key, value) in entries {
        table.set(key, value.clone());
    }
    table
}

pub fn context(name: &str, table: Table) -> Context {
    let log = Log::new(format!("inputs.{name}"), None, None);
    Context::new(Kind::Input, name, "", table, log, Arc::new(AgentInfo::default()))
}

/// Builds a plugin as the core does, with a check that it took every key.
pub fn build<P: Plugin>(name: &str, table: Table) -> Result<P> {
    let cx = context(name, table);
    let plugin = P::new(cx.config()?, &cx)?;
    assert_eq!(cx.unused(), [], "keys that nobody took");
    Ok(plugin)
}

#[derive(Default)]
struct Kept(Mutex<Vec<Metric>>);
#[async_trait]
impl Sink for Kept {
    async fn send(&self, metrics: Vec<Metric>) {
        self.0.lock().unwrap().extend(metrics);
    }
    fn hurry(&self) {}
}

/// Gathers once; gives what came and how it ended.
pub async fn gather(input: &mut dyn Input) -> (Vec<Metric>, Result<()>) {
    let kept = Arc::new(Kept::default());
    let (_phase, phase) = watch::channel(Phase::Running);
    let life = Lifecycle {
        phase,
        ready: watch::channel(false).0,
        drained: watch::channel(false).0,
    };
    let mut acc = Accumulator::new(kept.clone(), Log::new("inputs.test", None, None), life);
    let result = input.gather(&mut acc).await;
    acc.flush().await;
    let metrics = std::mem::take(&mut *kept.0.lock().unwrap());
    (metrics, result)
}
