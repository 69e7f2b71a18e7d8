//! What a plugin author learns: seven traits, a [`Context`] to read one's place in the agent, an [`Accumulator`] to hand
//! metrics over, and [`register!`]. The core owns time, retry, batching, buffers, reconnects and shutdown; a plugin owns
//! its protocol or its arithmetic.
//!
//! ```
//! use wheatstone_plugin::prelude::*;
//!
//! /// Doubles every float.
//! #[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
//! #[serde(default)]
//! struct DoubleConfig {
//!     /// Only this field; all where it is empty.
//!     field: String,
//! }
//! struct Double(DoubleConfig);
//!
//! impl Plugin for Double {
//!     type Config = DoubleConfig;
//!     fn new(config: DoubleConfig, _: &Context) -> Result<Self> {
//!         Ok(Double(config))
//!     }
//! }
//! impl Processor for Double {
//!     fn process(&mut self, metrics: &mut Vec<Metric>) {
//!         for m in metrics {
//!             m.for_each_field_mut(|k, v| {
//!                 if let Value::Float(x) = v && (self.0.field.is_empty() || *k == self.0.field.as_str()) {
//!                     *x *= 2.0;
//!                 }
//!             });
//!         }
//!     }
//! }
//! register!(processor "double" = Double);
//! # fn main() {}
//! ```

mod accumulator;
pub mod conf;
mod context;
pub mod dead_letter;
mod error;
mod filter;
mod log;
mod registry;
pub mod state;
pub mod stats;
pub mod time;
mod tracker;
mod traits;

pub use accumulator::{Accumulator, Lifecycle, Phase, Sink, Slack};
pub use context::{AgentInfo, Context, Revealer};
pub use error::{EXCERPT, ParseError, Rejection, StartError, WriteError, cut, excerpt, os_text};
pub use filter::Glob;
pub use log::{Level, Log};
pub use registry::{Build, Kind, Registration, find, registrations};
pub use state::{State, States};
pub use tracker::{Settled, Tracker};
pub use traits::{
    Aggregator, Input, KnownField, Output, Parser, Plugin, Processor, Reply, Reread, SecretEditor,
    SecretStore, Serializer, ServiceInput,
};

pub use anyhow::{self, Result};
pub use async_trait::async_trait;
pub use wheatstone_line_protocol as line_protocol;
pub use wheatstone_metric::{
    self as metric, Ack, CompactString, Key, KeyCache, Metric, Outcome, Timestamp, Value, ValueType, key,
};

#[doc(hidden)]
pub use {inventory, schemars, serde, serde_json, tracing};

/// What nearly every plugin uses.
pub mod prelude {
    pub use crate::conf::{Duration, Secret, Size};
    pub use crate::{
        Accumulator, Aggregator, CompactString, Context, Glob, Input, Key, KeyCache, Log, Metric, Output,
        Parser, Plugin, Processor, Rejection, Result, SecretEditor, SecretStore, Serializer, ServiceInput,
        StartError, Timestamp, Value, ValueType, WriteError, async_trait, key, register,
    };
    pub use crate::{debug, error, info, trace, warn};
    pub use anyhow::{Context as _, anyhow, bail};
    pub use schemars::JsonSchema;
    pub use serde::{Deserialize, Serialize};
}
