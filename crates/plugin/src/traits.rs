//! The contracts between the core and a plugin.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};

use crate::{Accumulator, Context, Metric, Result, StartError, Timestamp, WriteError};

/// Every plugin: how it is made from its table of the configuration.
pub trait Plugin: Sized + Send + 'static {
    /// Its options. The doc comments of the fields are the options' documentation, the defaults are the sample's.
    type Config: DeserializeOwned + Serialize + JsonSchema + Default;

    /// Checks the options and builds the plugin. Touches no network: `config check` calls it. An error refuses the file.
    fn new(config: Self::Config, cx: &Context) -> Result<Self>;
}

/// An input that is asked at every interval.
#[async_trait]
pub trait Input: Send {
    /// Called once before the first gather.
    async fn start(&mut self) -> Result<(), StartError> {
        Ok(())
    }
    /// Reads what there is now. An error is logged and counted, and the next interval comes all the same; what was added
    /// before it is kept. Never called while an earlier call runs.
    async fn gather(&mut self, acc: &mut Accumulator) -> Result<()>;
    /// Called once at the end.
    async fn stop(&mut self) {}
    /// Reads a message that an earlier run kept as a dead letter, as it would have read it then; called instead of `gather` by
    /// `deadletter replay`. `source` is the topic, file or address that the letter has, `now` the time for a metric without one.
    /// Only an input that does more with a message than to parse it needs this.
    fn read_again(
        &mut self,
        _source: &str,
        _payload: &[u8],
        _now: Timestamp,
        _out: &mut Vec<Metric>,
    ) -> Result<Reread> {
        Ok(Reread::ParserOnly)
    }
}

/// An input that runs by itself: a subscription, a listener.
#[async_trait]
pub trait ServiceInput: Send {
    /// Runs until [`Accumulator::stopping`]. All state of a connection lives inside this call, so that a restart is a
    /// clean start. It calls [`Accumulator::ready`] once it is up; an error before that is a start-up error (see
    /// [`StartError`] for one that may pass), an error after it makes the core log it and call `run` again, with back-off.
    ///
    /// At [`Accumulator::stopping`] it reads no more, flushes, and calls [`Accumulator::drained`]; an input that
    /// acknowledges goes on doing so until [`Accumulator::closing`], and then returns.
    async fn run(&mut self, acc: &mut Accumulator) -> Result<()>;
    /// Reads a message that an earlier run kept as a dead letter, as it would have read it then; called instead of `run` by
    /// `deadletter replay`. `source` is the topic, file or address that the letter has, `now` the time for a metric without one.
    /// Only an input that does more with a message than to parse it needs this.
    fn read_again(
        &mut self,
        _source: &str,
        _payload: &[u8],
        _now: Timestamp,
        _out: &mut Vec<Metric>,
    ) -> Result<Reread> {
        Ok(Reread::ParserOnly)
    }
}

/// What an input made of a message that it was given again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reread {
    /// It read the message.
    Done,
    /// The message is none of its own: another input of the same name may be asked.
    NotMine,
    /// It does nothing with a message but to give it to the parser of its `data_format`: the core can do that.
    ParserOnly,
}

/// Changes, drops or makes metrics, in order. It must not wait.
pub trait Processor: Send {
    /// Takes a batch and leaves what shall go on. A metric left out is settled as delivered; call [`Metric::reject`] on it
    /// first where it was refused.
    fn process(&mut self, metrics: &mut Vec<Metric>);
    /// Called once at the end: the place to put the [`State`](crate::State).
    fn stop(&mut self) {}
}

/// Makes few metrics out of many, a period at a time.
pub trait Aggregator: Send {
    /// Takes a metric into the running period.
    fn add(&mut self, metric: &Metric);
    /// Called at the end of a period: leaves the aggregates in `out` and begins the next one. `now` is the time of the
    /// push, rounded to the agent's precision: the aggregates' time where they have none of their own.
    fn push(&mut self, now: Timestamp, out: &mut Vec<Metric>);
    /// Called once at the end, after the last push: the place to put the [`State`](crate::State).
    fn stop(&mut self) {}
}

/// Writes batches to somewhere. The core calls it from one task, never twice at once.
#[async_trait]
pub trait Output: Send {
    /// Opens what can be opened once. An error is a start-up error.
    async fn connect(&mut self) -> Result<(), StartError> {
        Ok(())
    }
    /// Writes a batch of at most `metric_batch_size`. `Ok` means every metric is safe at the other end. What the error says
    /// was accepted or rejected leaves the buffer, the rest is given again later, so nothing else may be half done.
    async fn write(&mut self, metrics: &[&Metric]) -> Result<(), WriteError>;
    /// Called once at the end.
    async fn close(&mut self) -> Result<()> {
        Ok(())
    }
    /// The types that fields have at the other end, where that can be asked: a type guard takes them over. Called after the
    /// first connect, only where there is a guard; an error is told as a warning.
    async fn field_types(&mut self) -> Result<Vec<KnownField>> {
        Ok(Vec::new())
    }
}

/// A field that an output's other end has already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownField {
    /// The measurement that it is in.
    pub measurement: String,
    /// Its name.
    pub field: String,
    /// Its type in InfluxDB's words: float, integer, unsigned, boolean, string.
    pub kind: String,
}

/// Keeps secrets that options name as `@{id:key}`, `id` being the store's own option. The core calls it from several tasks.
#[async_trait]
pub trait SecretStore: Send + Sync {
    /// The secret under a key. The error must not show any secret. A store that has to ask a server caches what it may.
    async fn get(&self, key: &str) -> Result<String>;
    /// The keys that there are.
    async fn list(&self) -> Result<Vec<String>>;
    /// Whether secrets may change while the agent runs: the core then asks at each use, otherwise once at the start.
    fn is_dynamic(&self) -> bool {
        false
    }
    /// The part of the store that changes secrets, where it can.
    fn editor(&self) -> Option<&dyn SecretEditor> {
        None
    }
}

/// Changes secrets: what `secrets set` and `secrets remove` need.
#[async_trait]
pub trait SecretEditor: Send + Sync {
    /// Sets a secret, new or not.
    async fn set(&self, key: &str, value: &str) -> Result<()>;
    /// Takes a secret away; one that is not there is an error.
    async fn remove(&self, key: &str) -> Result<()>;
}

/// Turns a payload into metrics.
pub trait Parser: Send {
    /// Appends the payload's metrics to `out`; on an error it leaves `out` as it was. `now` is the time of a metric
    /// for which the payload has none; the caller makes it differ from message to message, so that two never fall on
    /// one point. The error says what is wrong and where; the caller adds topic or file.
    fn parse(&mut self, payload: &[u8], now: Timestamp, out: &mut Vec<Metric>) -> Result<()>;
    /// Says where the payloads of the next calls come from: a topic, a file, an address. Called before
    /// [`parse`](Parser::parse) by an input that knows it; only a format whose meaning depends on it takes notice.
    fn set_source(&mut self, _source: &str) {}
    /// What is to be sent back the way the payloads came. An input that can send asks after the payloads of one read and sends
    /// each of them once, at most once and not retained; whatever fails is not told. Other inputs never ask, so a parser keeps few.
    fn take_replies(&mut self) -> Vec<Reply> {
        Vec::new()
    }
}

/// A message from a parser to where its payloads come from; see [`Parser::take_replies`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// A topic, in the words of [`Parser::set_source`].
    pub to: String,
    /// The message.
    pub payload: Vec<u8>,
}

/// Turns metrics into bytes.
pub trait Serializer: Send {
    /// Appends one metric. On an error `out` is as it was.
    fn serialize(&mut self, metric: &Metric, out: &mut Vec<u8>) -> Result<()>;
    /// Appends a batch in the form that the format has for many (lines after one another, a list).
    /// A metric that the format cannot hold is left out.
    fn serialize_batch(&mut self, metrics: &[&Metric], out: &mut Vec<u8>) -> Result<()> {
        for metric in metrics {
            // One that cannot be written must not take the others along.
            let _ = self.serialize(metric, out);
        }
        Ok(())
    }
}
