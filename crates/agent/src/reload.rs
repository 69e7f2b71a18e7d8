//! New configurations for a running agent: asked for by a signal or a watcher, loaded and checked, then handed to the pipeline,
//! which exchanges what differs. Whatever is wrong is told, and the old configuration goes on.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc, oneshot};
use wheatstone_config::Config;
use wheatstone_dead_letter::{DeadLetterConfig, Store};
use wheatstone_pipeline::{Changes, Reload};
use wheatstone_plugin::{Level, States, dead_letter};

use crate::cli::Flags;
use crate::load::{self, Loaded, Purpose};
use crate::logging::{self, say};
use crate::run::check_complete;

/// How long the last dead letters may take to be written.
const LETTERS_PATIENCE: Duration = Duration::from_secs(5);

/// What a run keeps besides its plugins; a reload may exchange it.
#[derive(Default)]
pub(crate) struct Kept {
    letters: Mutex<Option<(DeadLetterConfig, Arc<Store>)>>,
    states: Mutex<Vec<States>>,
}

impl Kept {
    /// Opens what a configuration asks for.
    pub(crate) fn open(config: &Config, states: States, letters: bool) -> anyhow::Result<Kept> {
        let kept = Kept::default();
        kept.states.lock().push(states);
        if letters {
            kept.set_letters(config.wheatstone.dead_letter.as_ref())?;
        }
        Ok(kept)
    }

    /// Other dead letters from now on; other sizes and ages need no other store.
    fn set_letters(&self, config: Option<&DeadLetterConfig>) -> anyhow::Result<()> {
        let mut letters = self.letters.lock();
        let store = match (&*letters, config) {
            (None, None) => return Ok(()),
            (Some((old, store)), Some(config)) if old.directory == config.directory => {
                store.set_limits(config);
                store.clone()
            }
            (_, None) => {
                dead_letter::set_sink(None);
                close(letters.take());
                return Ok(());
            }
            (_, Some(config)) => {
                let store = Store::open(config)
                    .with_context(|| format!("opening the dead letters in {}", config.directory))?;
                let store = Arc::new(store);
                dead_letter::set_sink(Some(store.clone()));
                store
            }
        };
        let old = letters.take();
        *letters = config.map(|config| (config.clone(), store.clone()));
        close(old.filter(|(_, old)| !Arc::ptr_eq(old, &store)));
        Ok(())
    }

    /// The end, with all connections closed: what could not be kept is not acknowledged to anyone.
    pub(crate) fn close(&self) -> anyhow::Result<()> {
        dead_letter::set_sink(None);
        close(self.letters.lock().take());
        self.states.lock().iter().try_for_each(States::save)
    }
}

fn close(letters: Option<(DeadLetterConfig, Arc<Store>)>) {
    let unsaved = letters.map_or(0, |(_, store)| store.close(LETTERS_PATIENCE).unsaved);
    if unsaved > 0 {
        let text = format!("{unsaved} dead letters could not be written");
        say(Level::Error, "agent", &text);
    }
}

/// Reloads for as long as the run lasts.
pub(crate) struct Reloader {
    pub(crate) flags: Arc<Flags>,
    /// The configuration that runs.
    pub(crate) config: Config,
    pub(crate) kept: Arc<Kept>,
    /// Somebody asks for a reload. Several that ask at once get one.
    pub(crate) asked: Arc<Notify>,
    pub(crate) to_pipeline: mpsc::Sender<Reload>,
}

impl Reloader {
    pub(crate) async fn run(mut self) {
        loop {
            self.asked.notified().await;
            // Telegraf's own line: scripts wait for it.
            say(Level::Info, "", "Reloading Telegraf config");
            match self.reload().await {
                Ok(Some(changes)) => {
                    say(
                        Level::Info,
                        "agent",
                        &format!("Configuration reloaded; {changes}"),
                    );
                }
                Ok(None) => say(Level::Error, "agent", UNCHANGED),
                Err(e) => {
                    say(Level::Error, "agent", &format!("{e:#}"));
                    say(Level::Error, "agent", UNCHANGED);
                }
            }
        }
    }

    /// What has changed. Nothing where the files are wrong: that was told.
    async fn reload(&mut self) -> anyhow::Result<Option<Changes>> {
        let flags = self.flags.clone();
        let loaded = tokio::task::spawn_blocking(move || load::from_flags(&flags, Purpose::Reload));
        let Some(loaded) = loaded.await.context("loading failed")?? else {
            return Ok(None);
        };
        let Loaded {
            config,
            topology,
            states,
            ..
        } = loaded;
        check_complete(&topology, wheatstone_pipeline::Mode::Run)?;
        logging::configure(&config.agent, self.flags.debug, self.flags.quiet)?;
        let done = self.exchange(topology, &config).await;
        let changes = match done {
            Ok(changes) => changes,
            Err(e) => {
                // It has been in force, so it can be again.
                logging::configure(&self.config.agent, self.flags.debug, self.flags.quiet)?;
                return Err(e);
            }
        };
        if config.wheatstone.threads != self.config.wheatstone.threads {
            let text = "Another number of threads needs a restart";
            say(Level::Warn, "agent", text);
        }
        let mut all = self.kept.states.lock();
        if all.iter().all(|known| known.path() != states.path()) {
            all.push(states);
        }
        drop(all);
        self.config = config;
        Ok(Some(changes))
    }

    async fn exchange(
        &self,
        topology: wheatstone_pipeline::Topology,
        config: &Config,
    ) -> anyhow::Result<Changes> {
        self.kept.set_letters(config.wheatstone.dead_letter.as_ref())?;
        let (done, changed) = oneshot::channel();
        let ending = || anyhow!("the agent is ending");
        self.to_pipeline
            .send(Reload { topology, done })
            .await
            .map_err(|_| ending())?;
        let changed = changed.await.map_err(|_| ending())?;
        if changed.is_err() {
            self.kept
                .set_letters(self.config.wheatstone.dead_letter.as_ref())?;
        }
        changed
    }
}

const UNCHANGED: &str = "The configuration was not reloaded; the agent goes on with the old one";
