//! The secret stores of a configuration: built before the plugins that refer to them, asked when those need a secret.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock, Weak};

use anyhow::{Context as _, anyhow};
use parking_lot::Mutex;
use wheatstone_config::{Config, KnownKeys, PluginConfig, Problem, Source, is_loader_key, unknown_keys};
use wheatstone_pipeline::bytes_sum;
use wheatstone_plugin::conf::ConfigError;
use wheatstone_plugin::{
    AgentInfo, Build, Context, Kind, Level, Log, Revealer, SecretStore, async_trait, find,
};

/// All stores by their ids.
#[derive(Default)]
pub(crate) struct Stores {
    stores: BTreeMap<String, Slot>,
    /// The references of the plugins' options.
    links: Mutex<BTreeSet<(String, String)>>,
    /// What stores whose secrets do not change have said.
    kept: tokio::sync::Mutex<BTreeMap<(String, String), String>>,
}

#[derive(Default)]
struct Slot {
    /// Empty for one that could not be built: that problem is told, and not a second time by those that refer to it.
    store: OnceLock<Box<dyn SecretStore>>,
    /// Other stores that this one needs.
    needs: Mutex<BTreeSet<String>>,
}

impl Stores {
    /// Builds the stores of a configuration; with them comes all that is wrong.
    pub(crate) fn build(
        config: &Config,
        agent: &Arc<AgentInfo>,
        sources: &[Source],
    ) -> (Arc<Stores>, Vec<Problem>) {
        let configured: Vec<(&PluginConfig, &str)> = config
            .plugins
            .iter()
            .filter(|p| p.kind == Kind::SecretStore)
            .filter_map(|p| Some((p, p.table.get("id")?.as_str()?)))
            .collect();
        let slots = configured
            .iter()
            .map(|(_, id)| ((*id).to_owned(), Slot::default()))
            .collect();
        let stores = Arc::new(Stores {
            stores: slots,
            ..Stores::default()
        });
        let mut problems = Vec::new();
        for (plugin, id) in &configured {
            let store = match build_one(plugin, id, agent, sources, &stores) {
                Ok(store) => store,
                Err(problem) => {
                    problems.push(*problem);
                    continue;
                }
            };
            if stores
                .stores
                .get(*id)
                .is_some_and(|slot| slot.store.set(store).is_err())
            {
                let message = format!(
                    "error parsing {0}, duplicate ID {id:?} for secretstore {0:?}",
                    plugin.name
                );
                problems.push(Problem::at(sources, plugin.span, message));
            }
        }
        for (plugin, id) in configured {
            if stores.needs_itself(id) {
                let message = format!(
                    "error parsing {}, secret store {id:?} needs a secret of its own to open",
                    plugin.name
                );
                problems.push(Problem::at(sources, plugin.span, message));
            }
        }
        (stores, problems)
    }

    /// Whether a store refers to itself, at once or by way of others: it would wait for itself.
    fn needs_itself(&self, id: &str) -> bool {
        let needs = |id: &str| {
            self.stores
                .get(id)
                .map(|s| s.needs.lock().clone())
                .unwrap_or_default()
        };
        let mut seen = BTreeSet::new();
        let mut open: Vec<String> = needs(id).into_iter().collect();
        while let Some(next) = open.pop() {
            if next == id {
                return true;
            }
            if seen.insert(next.clone()) {
                open.extend(needs(&next));
            }
        }
        false
    }

    /// The ids of the stores.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> {
        self.stores.keys().map(String::as_str)
    }

    /// A store by its id.
    pub(crate) fn store(&self, id: &str) -> anyhow::Result<&dyn SecretStore> {
        let store = self.stores.get(id).and_then(|s| s.store.get());
        store
            .map(AsRef::as_ref)
            .ok_or_else(|| anyhow!("unknown secret store {id:?}"))
    }

    /// A sum of a secret that does not change, once it was asked for: another one where the secret is another.
    pub(crate) fn sum(&self, store: &str, key: &str) -> u64 {
        // Nobody else asks while a configuration is loaded.
        let kept = self.kept.try_lock().ok();
        let text = kept
            .as_ref()
            .and_then(|kept| kept.get(&(store.to_owned(), key.to_owned())));
        text.map_or(0, |text| bytes_sum(text.as_bytes()))
    }

    /// Asks once for every secret that does not change, as Telegraf does at its start: what is missing is known then.
    /// Waits, also inside a runtime.
    pub(crate) fn resolve(self: &Arc<Self>) -> anyhow::Result<()> {
        let links: Vec<_> = self.links.lock().iter().cloned().collect();
        let fixed = |id: &str| self.store(id).is_ok_and(|s| !s.is_dynamic());
        let links: Vec<_> = links.into_iter().filter(|(store, _)| fixed(store)).collect();
        if links.is_empty() {
            return Ok(());
        }
        let stores = self.clone();
        wait_for(async move {
            for (store, key) in links {
                let text = stores.reveal(&store, &key).await;
                text.with_context(|| format!("resolving \"@{{{store}:{key}}}\" failed"))
                    .context("linking secrets failed")
                    .context("retrieving resolver failed")?;
            }
            Ok(())
        })
    }
}

/// Runs something that waits on a thread of its own, so that it can be called from anywhere.
pub(crate) fn wait_for<T: Send + 'static>(
    work: impl Future<Output = anyhow::Result<T>> + Send + 'static,
) -> anyhow::Result<T> {
    let run = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?
            .block_on(work)
    };
    std::thread::spawn(run)
        .join()
        .map_err(|_| anyhow!("a secret store failed"))?
}

#[async_trait]
impl Revealer for Stores {
    async fn reveal(&self, store: &str, key: &str) -> anyhow::Result<String> {
        let plugin = self.store(store)?;
        if plugin.is_dynamic() {
            return plugin.get(key).await;
        }
        let name = (store.to_owned(), key.to_owned());
        if let Some(text) = self.kept.lock().await.get(&name) {
            return Ok(text.clone());
        }
        let text = plugin.get(key).await?;
        self.kept.lock().await.insert(name, text.clone());
        Ok(text)
    }
    fn link(&self, store: &str, key: &str) -> bool {
        let known = self.stores.contains_key(store);
        if known {
            self.links.lock().insert((store.to_owned(), key.to_owned()));
        }
        known
    }
}

/// What a store sees of the others.
struct Others {
    stores: Weak<Stores>,
    own: String,
}

#[async_trait]
impl Revealer for Others {
    async fn reveal(&self, store: &str, key: &str) -> anyhow::Result<String> {
        let stores = self
            .stores
            .upgrade()
            .ok_or_else(|| anyhow!("the secret stores are closed"))?;
        stores.reveal(store, key).await
    }
    fn link(&self, store: &str, _: &str) -> bool {
        let Some(stores) = self.stores.upgrade() else {
            return false;
        };
        if let Some(own) = stores.stores.get(&self.own) {
            own.needs.lock().insert(store.to_owned());
        }
        stores.stores.contains_key(store)
    }
}

fn build_one(
    plugin: &PluginConfig,
    id: &str,
    agent: &Arc<AgentInfo>,
    sources: &[Source],
    stores: &Arc<Stores>,
) -> Result<Box<dyn SecretStore>, Box<Problem>> {
    let Some(Build::SecretStore(build)) = find(plugin.kind, &plugin.name).map(|r| r.build) else {
        let message = format!(
            "error parsing {0}, undefined but requested secretstores: {0}",
            plugin.name
        );
        return Err(Box::new(Problem::at(sources, plugin.span, message)));
    };
    let log = Log::new(
        format!("secretstores.{}", plugin.name),
        Level::parse(&plugin.common.log_level),
        None,
    );
    let others = Others {
        stores: Arc::downgrade(stores),
        own: id.to_owned(),
    };
    let cx = Context::new(
        plugin.kind,
        &plugin.name,
        "",
        plugin.table.clone(),
        log,
        agent.clone(),
    );
    let cx = cx.with_revealer(Arc::new(others));
    let built = build(&cx);
    let mut unused = cx.unused();
    unused.retain(|u| !is_loader_key(&u.path));
    let known = KnownKeys::of(plugin.kind, &plugin.name, &plugin.table);
    // A part whose options could not be read took none of them, and each would be called unknown.
    let unreadable = built
        .as_ref()
        .is_err_and(|e| e.chain().any(|e| e.is::<ConfigError>()));
    if let Some(problem) = unknown_keys(sources, plugin, &unused, &known).filter(|_| !unreadable) {
        return Err(Box::new(problem));
    }
    built.map_err(|e| {
        Box::new(match e.downcast_ref::<ConfigError>() {
            Some(_) => {
                describe_reference(sources, &e).unwrap_or_else(|| Problem::of_plugin(sources, plugin, &e))
            }
            None => {
                let message = format!(
                    "error parsing {}, error initializing secret store {id:?}: {e:#}",
                    plugin.name
                );
                Problem::of_options(sources, plugin, message, &e)
            }
        })
    })
}

/// The problem of a reference to a store that is not there. Telegraf blames no file for it.
pub(crate) fn describe_reference(sources: &[Source], error: &anyhow::Error) -> Option<Problem> {
    let error = error.chain().find_map(|e| e.downcast_ref::<ConfigError>())?;
    if !error.message.starts_with("unknown secret store for ") {
        return None;
    }
    let id = error.message.split("@{").nth(1).and_then(|t| t.split(':').next());
    let help = id.map(|id| format!("no [[secretstores.…]] has the id {id:?}"));
    let problem = match error.span {
        Some(span) => Problem::at(sources, span, error.message.clone()).of_no_file(),
        None => Problem::general(error.message.clone()),
    };
    Some(problem.with_help(help))
}
