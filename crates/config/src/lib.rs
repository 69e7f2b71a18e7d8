//! Configuration files to dealt tables: text in, the agent's settings and one table per plugin out.

mod model;

pub use model::{AgentConfig, Common, Config, FilterConfig, PluginConfig, WheatstoneConfig};
