//! The TLS options of plugins that connect to a server, and the `rustls` configuration that they make.

mod build;
mod ciphers;
mod verify;

use std::sync::Arc;

use rustls::ClientConfig;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use wheatstone_plugin::Result;
use wheatstone_plugin::conf::Secret;

/// TLS towards a server.
///
/// A plugin does not repeat these options in its own struct: [`options`] puts them into its documentation, and it reads
/// them from its table, apart from its own options.
///
/// ```
/// use wheatstone_net::TlsConfig;
/// use wheatstone_plugin::prelude::*;
///
/// /// Where it writes.
/// #[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
/// #[serde(default)]
/// #[schemars(transform = wheatstone_net::tls::options)]
/// struct Config {
///     /// The server's address.
///     server: String,
/// }
///
/// struct Somewhere {
///     tls: Option<std::sync::Arc<rustls::ClientConfig>>,
/// }
///
/// impl Plugin for Somewhere {
///     type Config = Config;
///     fn new(config: Config, cx: &Context) -> Result<Self> {
///         let tls: TlsConfig = cx.config()?;
///         Ok(Somewhere { tls: tls.client_config()? })
///     }
/// }
/// ```
// serde's `flatten` would take every key of the table, and no misspelled one could be told any more.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TlsConfig {
    /// Use TLS, or do not, whatever the other TLS options say. Unset: TLS is used where one of tls_ca, tls_cert, tls_key,
    /// tls_server_name, tls_renegotiation_method or insecure_skip_verify is set. An address that begins with https:// or
    /// ssl:// needs none of them.
    pub tls_enable: Option<bool>,
    /// A file of PEM certificates of the authorities to trust, in place of the system's.
    pub tls_ca: String,
    /// The client's certificate, a PEM file; further certificates of its chain may follow in it.
    pub tls_cert: String,
    /// The client's private key, a PEM file.
    pub tls_key: String,
    /// The password of the private key, where it is an encrypted PKCS#8 key ("BEGIN ENCRYPTED PRIVATE KEY").
    pub tls_key_pwd: Secret,
    /// The name that the server's certificate must carry, where it is not the one of the address.
    pub tls_server_name: String,
    /// The least version of TLS: TLS10, TLS11, TLS12 or TLS13. Versions before 1.2 are never used.
    pub tls_min_version: String,
    /// Cipher suites for TLS 1.2, by their IANA names, or "secure" or "all" for every one that there is. Those of TLS 1.3
    /// are always allowed.
    pub tls_cipher_suites: Vec<String>,
    /// Renegotiation by the server: never, once or freely. Accepted for compatibility; this TLS library never renegotiates.
    pub tls_renegotiation_method: String,
    /// Do not check the server's certificate. Whoever can redirect the connection can then read and change it.
    pub insecure_skip_verify: bool,
}

impl Default for TlsConfig {
    fn default() -> TlsConfig {
        TlsConfig {
            tls_enable: None,
            tls_ca: String::new(),
            tls_cert: String::new(),
            tls_key: String::new(),
            tls_key_pwd: Secret::default(),
            tls_server_name: String::new(),
            tls_min_version: "TLS12".into(),
            tls_cipher_suites: vec!["secure".into()],
            tls_renegotiation_method: "never".into(),
            insecure_skip_verify: false,
        }
    }
}

impl TlsConfig {
    /// Whether the options ask for TLS, see [`TlsConfig::tls_enable`].
    pub fn is_enabled(&self) -> bool {
        let asked = !self.tls_ca.is_empty()
            || !self.tls_cert.is_empty()
            || !self.tls_key.is_empty()
            || !self.tls_server_name.is_empty()
            || self.insecure_skip_verify
            || !matches!(self.tls_renegotiation_method.as_str(), "" | "never");
        self.tls_enable.unwrap_or(asked)
    }

    /// The configuration that the options describe; `None` where they do not ask for TLS. Reads the files, so an error
    /// names a file that is missing or does not hold what it should. Knows the application's protocols of no plugin:
    /// set `alpn_protocols` on a copy where that matters.
    pub fn client_config(&self) -> Result<Option<Arc<ClientConfig>>> {
        if self.is_enabled() {
            build::client_config(self).map(|c| Some(Arc::new(c)))
        } else {
            Ok(None)
        }
    }

    /// The same for an address whose scheme says TLS already: where the options do not ask for it, the system's
    /// authorities and the defaults are used.
    pub fn required(&self) -> Result<ClientConfig> {
        if self.tls_enable == Some(false) {
            return build::client_config(&TlsConfig::default());
        }
        build::client_config(self)
    }
}

/// Adds the options of [`TlsConfig`] to the schema of a plugin's own, and so to its sample and its documentation:
/// `#[schemars(transform = wheatstone_net::tls::options)]`.
pub fn options(schema: &mut Schema) {
    let mut inline = SchemaSettings::default();
    inline.inline_subschemas = true;
    let tls = inline.into_generator().into_root_schema_for::<TlsConfig>();
    let Some(Value::Object(ours)) = tls.get("properties") else {
        return;
    };
    let all = schema
        .ensure_object()
        .entry("properties")
        .or_insert_with(|| Value::Object(Default::default()));
    if let Value::Object(all) = all {
        all.extend(ours.iter().map(|(key, option)| (key.clone(), option.clone())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_is_on_where_an_option_asks_for_it() {
        let on = |change: fn(&mut TlsConfig)| {
            let mut tls = TlsConfig::default();
            change(&mut tls);
            tls.is_enabled()
        };
        assert!(!on(|_| {}));
        assert!(!on(|t| t.tls_min_version = "TLS13".into()));
        assert!(on(|t| t.tls_ca = "ca.pem".into()));
        assert!(on(|t| t.insecure_skip_verify = true));
        assert!(on(|t| t.tls_renegotiation_method = "freely".into()));
        assert!(on(|t| t.tls_enable = Some(true)));
        assert!(!on(|t| {
            t.insecure_skip_verify = true;
            t.tls_enable = Some(false);
        }));
    }

    #[test]
    fn the_options_appear_in_a_plugins_schema_with_their_defaults() {
        #[derive(Default, Serialize, Deserialize, JsonSchema)]
        #[serde(default)]
        #[schemars(transform = options)]
        struct Own {
            /// Where to.
            server: String,
        }
        let schema = schemars::schema_for!(Own).to_value();
        let properties = schema["properties"].as_object().unwrap();
        assert_eq!(properties.len(), 11);
        assert_eq!(properties["tls_min_version"]["default"], "TLS12");
        assert_eq!(properties["tls_key_pwd"]["format"], "secret");
        assert!(
            properties["tls_ca"]["description"]
                .as_str()
                .unwrap()
                .starts_with("A file of PEM certificates")
        );
    }
}
