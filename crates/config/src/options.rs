//! What the command line says about loading.

use std::sync::Arc;

use wheatstone_plugin::Kind;

/// How environment variables are put in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EnvMode {
    /// Into text values only, after the file was read: a value cannot bring in keys or tables.
    #[default]
    Strict,
    /// Into the text, before it is read: for numbers, truth values and whole sections.
    NonStrict,
}

/// Looks up an environment variable.
pub type Vars = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Asks for the password of a secret store, by the store's plugin and id.
pub type Passwords = Arc<dyn Fn(&str, &str) -> Option<String> + Send + Sync>;

/// What the command line says about loading.
#[derive(Clone)]
pub struct LoadOptions {
    /// How variables are put in.
    pub env: EnvMode,
    /// `--old-env-behavior`: as before Telegraf 1.27, `$$` is no escape. Goes with either mode.
    pub old_env: bool,
    /// The environment; the process's own as default.
    pub vars: Vars,
    /// The selections of `--select`.
    pub select: Vec<String>,
    /// Only these inputs; all where it is empty.
    pub input_filter: Vec<String>,
    /// Only these outputs.
    pub output_filter: Vec<String>,
    /// Only these secret stores.
    pub secretstore_filter: Vec<String>,
    /// `--password`, or a person: asked for stores that open with a password and whose table has none.
    pub passwords: Passwords,
    /// The value of the tag `host` where the files give none; the system's name as default.
    pub hostname: Option<String>,
    /// The plugins that there are; those linked into the program as default. Secret stores are not asked for.
    pub plugins: fn(Kind) -> Vec<&'static str>,
    /// The feature that builds a plugin in, for those that this program was built without.
    pub feature: fn(Kind, &str) -> Option<&'static str>,
}

impl Default for LoadOptions {
    fn default() -> LoadOptions {
        LoadOptions {
            env: EnvMode::Strict,
            old_env: false,
            vars: Arc::new(|name| std::env::var_os(name).map(|v| v.to_string_lossy().into_owned())),
            select: Vec::new(),
            input_filter: Vec::new(),
            output_filter: Vec::new(),
            secretstore_filter: Vec::new(),
            passwords: Arc::new(|_, _| None),
            hostname: None,
            plugins: |kind| {
                wheatstone_plugin::registrations()
                    .filter(|r| r.kind == kind)
                    .map(|r| r.name)
                    .collect()
            },
            feature: |_, _| None,
        }
    }
}

impl std::fmt::Debug for LoadOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoadOptions")
            .field("env", &self.env)
            .field("old_env", &self.old_env)
            .finish_non_exhaustive()
    }
}
