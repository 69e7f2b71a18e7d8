//! `wheatstone secrets`: shows and changes what the secret stores of a configuration keep.

use std::io::{BufRead, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};
use clap::{CommandFactory, Subcommand};
use wheatstone_plugin::AgentInfo;

use crate::cli::{Cli, Flags};
use crate::stores::{Stores, wait_for};
use crate::{load, logging, sources};

/// Commands about secrets.
#[derive(Debug, Subcommand)]
pub(crate) enum SecretsCommand {
    /// List the secrets of all stores, or of some
    List {
        /// Ids of the stores
        stores: Vec<String>,
        /// Print the secrets too
        #[arg(long)]
        reveal_secret: bool,
    },
    /// Print a secret
    Get {
        /// The store's id and the secret's key
        #[arg(value_names = ["STORE", "KEY"])]
        arguments: Vec<String>,
    },
    /// Set a secret, new or not
    Set {
        /// The store's id, the secret's key and the secret, which is asked for where it is left out
        #[arg(value_names = ["STORE", "KEY", "SECRET"])]
        arguments: Vec<String>,
    },
    /// Remove a secret
    Remove {
        /// The store's id and the secret's key
        #[arg(value_names = ["STORE", "KEY"])]
        arguments: Vec<String>,
    },
}

/// Runs one of the commands, or prints their help.
pub(crate) fn run(flags: &Flags, command: Option<SecretsCommand>) -> anyhow::Result<ExitCode> {
    // The answer alone is wanted, not which files were read.
    logging::init(flags.debug, !flags.debug);
    let Some(command) = command else {
        if let Some(secrets) = Cli::command().find_subcommand_mut("secrets") {
            write!(std::io::stdout(), "{}", secrets.render_help())?;
        }
        return Ok(ExitCode::SUCCESS);
    };
    match command {
        SecretsCommand::List {
            stores,
            reveal_secret,
        } => {
            let loaded = stores_of(flags).context("unable to determine secret store IDs")?;
            let mut ids = if stores.is_empty() {
                loaded.ids().map(str::to_owned).collect()
            } else {
                stores
            };
            ids.sort();
            let lines = wait_for(async move {
                let mut lines = Vec::new();
                for id in ids {
                    list(&loaded, &id, reveal_secret, &mut lines).await?;
                }
                Ok(lines)
            })?;
            std::io::stdout().write_all(lines.concat().as_bytes())?;
        }
        SecretsCommand::Get { arguments } => {
            let [id, key] = exactly(arguments)?;
            let stores = stores_of(flags).context("unable to get secret store")?;
            let line = wait_for(async move {
                let store = stores.store(&id).context("unable to get secret store")?;
                let text = store.get(&key).await.context("unable to get secret")?;
                Ok(format!("{id}:{key} = {text}\n"))
            })?;
            std::io::stdout().write_all(line.as_bytes())?;
        }
        SecretsCommand::Set { mut arguments } => {
            let value = (arguments.len() == 3)
                .then(|| arguments.pop())
                .flatten()
                .filter(|v| !v.is_empty());
            let [id, key] = exactly(arguments)?;
            let stores = stores_of(flags).context("unable to get secret store")?;
            let editable = stores
                .store(&id)
                .context("unable to get secret store")?
                .editor()
                .is_some();
            if !editable {
                bail!("secret store {id:?} does not support setting secrets");
            }
            let value = value.map_or_else(ask, Ok)?;
            wait_for(async move {
                let editor = stores
                    .store(&id)?
                    .editor()
                    .ok_or_else(|| anyhow!("the store is gone"))?;
                editor.set(&key, &value).await.context("unable to set secret")
            })?;
        }
        SecretsCommand::Remove { arguments } => {
            let [id, key] = exactly(arguments)?;
            let stores = stores_of(flags).context("unable to get secret store")?;
            wait_for(async move {
                let store = stores.store(&id).context("unable to get secret store")?;
                let Some(editor) = store.editor() else {
                    bail!("secret store {id:?} does not support removing secrets");
                };
                editor.remove(&key).await.context("unable to remove secret")
            })?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn exactly(arguments: Vec<String>) -> anyhow::Result<[String; 2]> {
    arguments
        .try_into()
        .map_err(|_| anyhow!("invalid number of arguments"))
}

async fn list(stores: &Stores, id: &str, reveal: bool, lines: &mut Vec<String>) -> anyhow::Result<()> {
    let store = stores
        .store(id)
        .with_context(|| format!("unable to get secret store {id:?}"))?;
    let mut keys = store
        .list()
        .await
        .with_context(|| format!("unable to get secrets from store {id:?}"))?;
    keys.sort();
    lines.push(format!("Known secrets for store {id:?}:\n"));
    for key in keys {
        let text = if reveal {
            let text = store.get(&key).await;
            text.with_context(|| format!("unable to get value of secret {key:?} from store {id:?}"))?
        } else {
            String::new()
        };
        lines.push(format!("    {key:<30}  {text}\n"));
    }
    Ok(())
}

/// The stores of the flags' files; nothing else of them is built.
fn stores_of(flags: &Flags) -> anyhow::Result<Arc<Stores>> {
    let none = || vec!["-".to_owned()];
    let loaded = sources::read(flags)
        .and_then(|sources| {
            let mut options = load::options(flags)?;
            (options.input_filter, options.output_filter) = (none(), none());
            wheatstone_config::load(sources, &options)
        })
        .and_then(|loaded| {
            let (stores, problems) =
                Stores::build(&loaded.config, &Arc::new(AgentInfo::default()), &loaded.sources);
            if problems.is_empty() {
                Ok(stores)
            } else {
                Err(problems)
            }
        });
    loaded.map_err(|problems| {
        let all: Vec<String> = problems.iter().map(|p| p.render()).collect();
        anyhow!("{}", all.join("\n"))
    })
}

/// Asks for a secret, unseen where a person types it.
fn ask() -> anyhow::Result<String> {
    if std::io::stdin().is_terminal() {
        let mut out = std::io::stdout();
        write!(out, "Enter secret value: ")?;
        out.flush()?;
        return Ok(rpassword::read_password()?);
    }
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
