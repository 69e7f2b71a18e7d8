//! Options of the store.

use std::collections::BTreeMap;

use wheatstone_plugin::prelude::*;

/// Options of the store.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(transform = wheatstone_net::tls::options)]
pub struct HttpConfig {
    /// The store's name: options refer to its secrets as `@{<id>:<secret_key>}`.
    pub id: String,
    /// Where the secrets are.
    pub url: String,
    /// Headers of the request.
    pub headers: BTreeMap<String, Secret>,
    /// A bearer token.
    pub token: Secret,
    /// The name for basic authentication.
    pub username: Secret,
    /// The password for basic authentication.
    pub password: Secret,
    /// How long the server may take.
    pub timeout: Duration,
    /// How long an idle connection is kept. Accepted for compatibility: the secrets come by one request.
    pub idle_conn_timeout: Duration,
    /// How many idle connections are kept. Accepted for compatibility.
    pub max_idle_conn: i64,
    /// How many idle connections are kept per server. Accepted for compatibility.
    pub max_idle_conn_per_host: i64,
    /// How long the server may take until its answer begins. Accepted for compatibility: `timeout` is for all of it.
    pub response_timeout: Duration,
    /// The address or interface to connect from.
    pub local_address: String,
    /// Use the proxy that the environment names. Accepted for compatibility: that is done anyway where http_proxy_url is
    /// empty.
    pub use_system_proxy: bool,
    /// A proxy's URL.
    pub http_proxy_url: String,
    /// OAuth2's client credentials: the client's name. The token that they get is sent as a bearer token.
    pub client_id: Secret,
    /// The client's secret.
    pub client_secret: Secret,
    /// Where the token comes from.
    pub token_url: String,
    /// The token's audience.
    pub audience: String,
    /// The token's scopes.
    pub scopes: Vec<String>,
    /// A login that comes first: its cookies are sent along.
    pub cookie_auth_url: String,
    /// The login's method.
    pub cookie_auth_method: String,
    /// The login's name for basic authentication.
    pub cookie_auth_username: String,
    /// The login's password.
    pub cookie_auth_password: Secret,
    /// The login's headers.
    pub cookie_auth_headers: BTreeMap<String, Secret>,
    /// The login's body.
    pub cookie_auth_body: Secret,
    /// How often to log in again. Accepted for compatibility: one login brings all secrets.
    pub cookie_auth_renewal: Duration,
    /// Statuses that mean success.
    pub success_status_codes: Vec<u16>,
    /// A JSONata expression that makes `{"secret name": "secret value", …}` of the server's answer.
    pub transformation: String,
    /// How the secrets are encrypted: "none", or such as "AES256/CBC/PKCS#7" with AES128, AES192 or AES256 and the padding
    /// PKCS#5, PKCS#7 or none.
    pub cipher: String,
    /// Options of AES.
    pub aes: AesConfig,
}

impl Default for HttpConfig {
    fn default() -> HttpConfig {
        HttpConfig {
            id: String::new(),
            url: "http://localhost/secrets".into(),
            headers: BTreeMap::new(),
            token: Secret::default(),
            username: Secret::default(),
            password: Secret::default(),
            timeout: Duration::from_secs(5),
            idle_conn_timeout: Duration::ZERO,
            max_idle_conn: 0,
            max_idle_conn_per_host: 0,
            response_timeout: Duration::ZERO,
            local_address: String::new(),
            use_system_proxy: false,
            http_proxy_url: String::new(),
            client_id: Secret::default(),
            client_secret: Secret::default(),
            token_url: String::new(),
            audience: String::new(),
            scopes: Vec::new(),
            cookie_auth_url: String::new(),
            cookie_auth_method: "POST".into(),
            cookie_auth_username: String::new(),
            cookie_auth_password: Secret::default(),
            cookie_auth_headers: BTreeMap::new(),
            cookie_auth_body: Secret::default(),
            cookie_auth_renewal: Duration::ZERO,
            success_status_codes: vec![200],
            transformation: String::new(),
            cipher: "none".into(),
            aes: AesConfig::default(),
        }
    }
}

/// The key of AES, or what it is derived from.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct AesConfig {
    /// The key, hexadecimal; it may be left out where it is derived from a password.
    pub key: Secret,
    /// The initialization vector, hexadecimal.
    pub init_vector: Secret,
    /// How the key is derived from the password: PBKDF2-HMAC-SHA256.
    pub kdf_algorithm: String,
    /// The password.
    pub password: Secret,
    /// The salt of the derivation.
    pub salt: Secret,
    /// The rounds of the derivation.
    pub iterations: u32,
}
