//! A pipeline from a configuration text that takes further texts while it runs.

use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use wheatstone_config::{LoadOptions, Source, load};
use wheatstone_pipeline::{Changes, Exit, Mode, Reload, Topology, build, run_with_reloads};
use wheatstone_plugin::AgentInfo;

pub struct Rig {
    reloads: mpsc::Sender<Reload>,
    stop: oneshot::Sender<()>,
    run: JoinHandle<anyhow::Result<Exit>>,
    _flush: watch::Sender<u64>,
}

/// Every configuration begins with this.
const AGENT: &str = "[agent]\nomit_hostname = true\nflush_interval = \"50ms\"\n";

pub fn topology(text: &str) -> anyhow::Result<Topology> {
    topology_for(text, AgentInfo::default())
}

fn topology_for(text: &str, agent: AgentInfo) -> anyhow::Result<Topology> {
    let text = if text.contains("[agent]") {
        text.to_owned()
    } else {
        format!("{AGENT}{text}")
    };
    let source = Source {
        name: "test.conf".into(),
        text,
    };
    let loaded = load(vec![source], &LoadOptions::default()).map_err(|problems| anyhow!("{problems:?}"))?;
    build(&loaded.config, &Arc::new(agent), None).map_err(|problems| anyhow!("{problems:?}"))
}

pub fn start(text: &str) -> Rig {
    start_for(text, AgentInfo::default())
}

pub fn start_for(text: &str, agent: AgentInfo) -> Rig {
    let (reloads, reloads_seen) = mpsc::channel(1);
    let (flush, flush_seen) = watch::channel(0);
    let (stop, stopped) = oneshot::channel();
    let topology = topology_for(text, agent).unwrap();
    let run = tokio::spawn(async move {
        let stopped = async {
            let _ = stopped.await;
        };
        run_with_reloads(topology, Mode::Run, stopped, flush_seen, reloads_seen).await
    });
    Rig {
        reloads,
        stop,
        run,
        _flush: flush,
    }
}

impl Rig {
    pub async fn reload(&self, text: &str) -> anyhow::Result<Changes> {
        self.reload_for(text, AgentInfo::default()).await
    }

    pub async fn reload_for(&self, text: &str, agent: AgentInfo) -> anyhow::Result<Changes> {
        let (done, changed) = oneshot::channel();
        let topology = topology_for(text, agent)?;
        self.send(Reload { topology, done }).await;
        changed.await.unwrap()
    }

    pub async fn send(&self, reload: Reload) {
        assert!(self.reloads.send(reload).await.is_ok());
    }

    pub async fn stop(self) -> anyhow::Result<Exit> {
        self.stop.send(()).unwrap();
        self.run.await.unwrap()
    }
}

/// Lets so many milliseconds pass.
pub async fn pass(milliseconds: u64) {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
}
