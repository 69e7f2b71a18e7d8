//! The plugins that were linked into this program.

use anyhow::anyhow;

use crate::{
    Aggregator, Context, Input, Output, Parser, Plugin, Processor, Result, SecretStore, Serializer,
    ServiceInput,
};

/// What a plugin is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Makes metrics.
    Input,
    /// Changes metrics.
    Processor,
    /// Makes few metrics out of many.
    Aggregator,
    /// Writes metrics.
    Output,
    /// Turns bytes into metrics.
    Parser,
    /// Turns metrics into bytes.
    Serializer,
    /// Keeps secrets.
    SecretStore,
}

impl Kind {
    /// The word of the configuration: `inputs`, `processors`, …
    pub fn plural(self) -> &'static str {
        match self {
            Kind::Input => "inputs",
            Kind::Processor => "processors",
            Kind::Aggregator => "aggregators",
            Kind::Output => "outputs",
            Kind::Parser => "parsers",
            Kind::Serializer => "serializers",
            Kind::SecretStore => "secretstores",
        }
    }
    /// The same for one.
    pub fn singular(self) -> &'static str {
        let plural = self.plural();
        &plural[..plural.len() - 1]
    }
}

/// How a plugin is built from its place.
#[derive(Clone, Copy)]
pub enum Build {
    /// A polled input.
    Input(fn(&Context) -> Result<Box<dyn Input>>),
    /// An input that runs by itself.
    ServiceInput(fn(&Context) -> Result<Box<dyn ServiceInput>>),
    /// A processor.
    Processor(fn(&Context) -> Result<Box<dyn Processor>>),
    /// An aggregator.
    Aggregator(fn(&Context) -> Result<Box<dyn Aggregator>>),
    /// An output.
    Output(fn(&Context) -> Result<Box<dyn Output>>),
    /// A parser.
    Parser(fn(&Context) -> Result<Box<dyn Parser>>),
    /// A serializer.
    Serializer(fn(&Context) -> Result<Box<dyn Serializer>>),
    /// A secret store.
    SecretStore(fn(&Context) -> Result<Box<dyn SecretStore>>),
}

/// One plugin: made by [`register!`](crate::register).
pub struct Registration {
    /// What it is.
    pub kind: Kind,
    /// Its name in the configuration.
    pub name: &'static str,
    /// How it is built.
    pub build: Build,
    /// Its options with their documentation, as a JSON schema with defaults.
    pub schema: fn() -> serde_json::Value,
    /// Whether its table may hold a `data_format` and that format's options: (parser or serializer, the default format).
    pub data_format: Option<(Kind, &'static str)>,
}

inventory::collect!(Registration);

macro_rules! constructor {
    ($name:ident, $trait:ident, $kind:ident, $build:ident) => {
        #[doc(hidden)]
        pub const fn $name<P: Plugin + $trait>(
            name: &'static str,
            data_format: Option<(Kind, &'static str)>,
        ) -> Registration {
            fn build<P: Plugin + $trait>(cx: &Context) -> Result<Box<dyn $trait>> {
                Ok(Box::new(P::new(cx.config()?, cx)?))
            }
            Registration {
                kind: Kind::$kind,
                name,
                build: Build::$build(build::<P>),
                schema: schema::<P>,
                data_format,
            }
        }
    };
}

fn schema<P: Plugin>() -> serde_json::Value {
    schemars::schema_for!(P::Config).to_value()
}

impl Registration {
    constructor!(input, Input, Input, Input);
    constructor!(service_input, ServiceInput, Input, ServiceInput);
    constructor!(processor, Processor, Processor, Processor);
    constructor!(aggregator, Aggregator, Aggregator, Aggregator);
    constructor!(output, Output, Output, Output);
    constructor!(parser, Parser, Parser, Parser);
    constructor!(serializer, Serializer, Serializer, Serializer);
    constructor!(secret_store, SecretStore, SecretStore, SecretStore);
}

/// Every plugin of this program, in no order.
pub fn registrations() -> impl Iterator<Item = &'static Registration> {
    inventory::iter::<Registration>.into_iter()
}

/// A plugin by its kind and name.
pub fn find(kind: Kind, name: &str) -> Option<&'static Registration> {
    registrations().find(|r| r.kind == kind && r.name == name)
}

/// The error for a plugin that is not there, in Telegraf's words.
pub(crate) fn not_found(kind: Kind, name: &str) -> anyhow::Error {
    match kind {
        Kind::Parser => anyhow!("undefined but requested parser: {name}"),
        _ => anyhow!("undefined but requested {}: {name}", kind.singular()),
    }
}

/// Makes a plugin known under its name, when the program is linked:
///
/// - `register!(input "file" = File);`, and likewise `service_input`, `processor`, `aggregator`, `output`, `parser`,
///   `serializer`, `secret_store`;
/// - `register!(service_input "mqtt_consumer" = MqttConsumer, parser "influx");` where the table also takes a `data_format`
///   and the options of that format (the text is the default format); `serializer "influx"` for outputs.
///
/// The program must name the plugin's crate (`use my_plugin as _;`), or the linker leaves it out.
#[macro_export]
macro_rules! register {
    ($kind:ident $name:literal = $type:ty) => {
        $crate::inventory::submit! { $crate::Registration::$kind::<$type>($name, None) }
    };
    ($kind:ident $name:literal = $type:ty, parser $format:literal) => {
        $crate::inventory::submit! {
            $crate::Registration::$kind::<$type>($name, Some(($crate::Kind::Parser, $format)))
        }
    };
    ($kind:ident $name:literal = $type:ty, serializer $format:literal) => {
        $crate::inventory::submit! {
            $crate::Registration::$kind::<$type>($name, Some(($crate::Kind::Serializer, $format)))
        }
    };
}
