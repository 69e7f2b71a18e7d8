//! Flags: those of a run, and those that say which configuration is loaded and how, which commands take too.

use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

/// Flags of a run, those of its files included.
#[derive(Debug, Default, Clone, Args)]
#[command(next_help_heading = "Running")]
pub(crate) struct Flags {
    // Its flags name their headings one by one: a heading of its struct would go on to the flags behind it.
    #[command(flatten)]
    files: FileFlags,
    /// Gather once, print the metrics to stdout, and end; outputs are not used
    #[arg(long)]
    pub(crate) test: bool,
    /// Like --test, and wait so many seconds for inputs that run by themselves
    #[arg(long, value_name = "SECONDS", default_value_t, hide_default_value = true)]
    pub(crate) test_wait: u64,
    /// Gather once, write to the outputs, and end
    #[arg(long)]
    pub(crate) once: bool,
    /// Load the configuration again when its files change: notify, or poll
    #[arg(long, value_name = "HOW", value_parser = ["notify", "poll"], hide_possible_values = true)]
    pub(crate) watch_config: Option<String>,
    /// How often `--watch-config poll` looks
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) watch_interval: Option<Duration>,
    /// How long the files must rest after a change
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) watch_debounce_interval: Option<Duration>,
    /// How often configurations from URLs are looked at for changes
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) config_url_watch_interval: Option<Duration>,
    /// File to write the process id to
    #[arg(long, value_name = "FILE")]
    pub(crate) pidfile: Option<PathBuf>,
    /// Say in which file each plugin was found
    #[arg(long)]
    pub(crate) print_plugin_config_source: bool,
    /// Print the sample configuration of one input or output, and end
    #[arg(long, value_name = "NAME", help_heading = "Asking")]
    pub(crate) usage: Option<String>,
    /// Print the names of the inputs, and end (`plugins inputs` does it too)
    #[arg(long, help_heading = "Asking")]
    pub(crate) input_list: bool,
    /// Print the names of the outputs, and end (`plugins outputs` does it too)
    #[arg(long, help_heading = "Asking")]
    pub(crate) output_list: bool,
    /// Print which plugins and options are deprecated, and end
    #[arg(long, help_heading = "Asking")]
    pub(crate) deprecation_list: bool,
    /// Print the version and end (deprecated, use the command)
    #[arg(long, hide = true)]
    pub(crate) version: bool,
    /// Print a sample configuration and end (deprecated, use `config create`)
    #[arg(long, hide = true)]
    pub(crate) sample_config: bool,
    /// Accepted for Telegraf's sake: there are no Go profiles here
    #[arg(long, value_name = "ADDRESS", hide = true)]
    pub(crate) pprof_addr: Option<String>,
    /// Accepted for Telegraf's sake: secrets are wiped when they are no longer needed, memory is not locked
    #[arg(long, hide = true)]
    pub(crate) unprotected: bool,
    /// Telegraf's folder of Go plugins, which cannot be loaded here
    #[arg(long, value_name = "DIR", default_value_t, hide = true)]
    pub(crate) plugin_directory: String,
}

/// Which configuration is loaded, and how.
#[derive(Debug, Default, Clone, Args)]
pub(crate) struct FileFlags {
    /// Configuration file to load, or its http(s) URL; may be given several times
    #[arg(long, value_name = "FILE", help_heading = "Configuration")]
    pub(crate) config: Vec<String>,
    /// Directory with further *.conf files; may be given several times
    #[arg(long, value_name = "DIR", help_heading = "Configuration")]
    pub(crate) config_directory: Vec<PathBuf>,
    /// How often a URL is tried; -1 for ever [default: 3]
    #[arg(
        long,
        value_name = "N",
        default_value_t,
        hide_default_value = true,
        allow_hyphen_values = true,
        help_heading = "Configuration"
    )]
    pub(crate) config_url_retry_attempts: i64,
    /// Run plugins whose labels match, as in k=v;k2=v2*; may be given several times
    #[arg(long, value_name = "LABELS", help_heading = "Configuration")]
    pub(crate) select: Vec<String>,
    /// Inputs to use, separated by colons [default: all]
    #[arg(long, value_name = "NAMES", help_heading = "Configuration")]
    pub(crate) input_filter: Option<String>,
    /// Outputs to use
    #[arg(long, value_name = "NAMES", help_heading = "Configuration")]
    pub(crate) output_filter: Option<String>,
    /// Secret stores to use
    #[arg(long, value_name = "NAMES", help_heading = "Configuration")]
    pub(crate) secretstore_filter: Option<String>,
    /// Processors that `config create` prints
    #[arg(long, value_name = "NAMES", help_heading = "Configuration")]
    pub(crate) processor_filter: Option<String>,
    /// Aggregators that `config create` prints
    #[arg(long, value_name = "NAMES", help_heading = "Configuration")]
    pub(crate) aggregator_filter: Option<String>,
    /// Sections that `config create` prints: global_tags, agent, secretstores, outputs, processors, aggregators, inputs
    #[arg(long, value_name = "NAMES", help_heading = "Configuration")]
    pub(crate) section_filter: Option<String>,
    /// Put environment variables into string values only, once the file is read (a run's default)
    #[arg(long, help_heading = "Configuration")]
    pub(crate) strict_env_handling: bool,
    /// Put environment variables into the text before it is read: for numbers, truth values and whole sections
    #[arg(long, help_heading = "Configuration")]
    pub(crate) non_strict_env_handling: bool,
    /// Put environment variables in as Telegraf did before 1.27: `$$` is no escape
    #[arg(long, help_heading = "Configuration")]
    pub(crate) old_env_behavior: bool,
    /// Password of secret stores whose table has none
    #[arg(long, value_name = "PASSWORD", help_heading = "Configuration")]
    pub(crate) password: Option<String>,
    /// Log debug lines too
    #[arg(long, help_heading = "Log")]
    pub(crate) debug: bool,
    /// Log errors only
    #[arg(long, help_heading = "Log")]
    pub(crate) quiet: bool,
}

impl Deref for Flags {
    type Target = FileFlags;
    fn deref(&self) -> &FileFlags {
        &self.files
    }
}

impl DerefMut for Flags {
    fn deref_mut(&mut self) -> &mut FileFlags {
        &mut self.files
    }
}

impl Flags {
    /// With what stands behind a command: lists and filters join, as Telegraf joins its filters.
    pub(crate) fn with(mut self, more: FileFlags) -> Flags {
        let files = &mut self.files;
        files.config.extend(more.config);
        files.config_directory.extend(more.config_directory);
        files.select.extend(more.select);
        files.password = more.password.or(files.password.take());
        if more.config_url_retry_attempts != 0 {
            files.config_url_retry_attempts = more.config_url_retry_attempts;
        }
        for (flag, more) in [
            (&mut files.strict_env_handling, more.strict_env_handling),
            (&mut files.non_strict_env_handling, more.non_strict_env_handling),
            (&mut files.old_env_behavior, more.old_env_behavior),
            (&mut files.debug, more.debug),
            (&mut files.quiet, more.quiet),
        ] {
            *flag |= more;
        }
        for (filter, more) in [
            (&mut files.input_filter, more.input_filter),
            (&mut files.output_filter, more.output_filter),
            (&mut files.processor_filter, more.processor_filter),
            (&mut files.aggregator_filter, more.aggregator_filter),
            (&mut files.section_filter, more.section_filter),
            (&mut files.secretstore_filter, more.secretstore_filter),
        ] {
            let (filter, more) = (filter.get_or_insert_default(), more.unwrap_or_default());
            if !filter.is_empty() && !more.is_empty() {
                filter.push(':');
            }
            filter.push_str(&more);
        }
        self
    }
}

/// The names of a filter flag.
pub(crate) fn names(filter: &Option<String>) -> Vec<String> {
    let listed = filter.iter().flat_map(|names| names.split(':'));
    listed
        .map(str::trim)
        .filter(|s| !s.is_empty())
        .map(str::to_owned)
        .collect()
}

/// A duration as Telegraf's flags take it: `250ms`, `1h30m`.
fn duration(text: &str) -> Result<Duration, String> {
    wheatstone_plugin::conf::Duration::parse(text).map(|d| d.0)
}
