//! Configuration files to dealt tables: text in, the agent's settings and one table per plugin out.
//!
//! [`list_files`] and [`read_sources`] find and read the files as Telegraf does, [`load`] makes a [`Config`] of their
//! texts, and [`unknown_keys`] says what the plugins left over. A [`Problem`] shows its place in the file.

#![cfg_attr(test, allow(clippy::unwrap_used))]
#![allow(clippy::result_large_err, reason = "problems are rare and end the load")]

mod agent;
mod deal;
mod docs;
mod env;
mod goerr;
mod hints;
mod id;
mod known;
mod load;
mod mask;
mod migrate;
mod model;
mod options;
mod parse;
mod place;
mod plugins;
mod problem;
mod schema;
mod select;
mod source;
mod suggest;
mod text;
mod tree;
mod unknown;

/// The version of Telegraf whose configuration is read here.
pub const TELEGRAF_VERSION: &str = "1.40.0";

pub use docs::{agent_sample, option_table, sample};
pub use known::{GONE, Gone, telegraf_plugins, without_feature};
pub use load::{Loaded, load, load_all};
pub use migrate::{MIGRATIONS, Migrated, migrate};
pub use model::{AgentConfig, Common, Config, FilterConfig, Header, PluginConfig, WheatstoneConfig};
pub use options::{EnvMode, LoadOptions, Passwords, Vars};
pub use problem::{Note, Place, Problem, problems_json};
pub use schema::{KnownKeys, common_schema};
pub use source::{Source, is_url, list_files, read_files, read_sources, text_of};
pub use suggest::nearest;
pub use unknown::{is_loader_key, unknown_keys};
