//! Where a server is: an http, https or unix URL from the configuration, and the URLs made from it.

use std::path::{Path, PathBuf};

use url::form_urlencoded::Serializer;
use url::{Host, Url};
use wheatstone_plugin::Result;
use wheatstone_plugin::anyhow::{anyhow, bail};

/// A server's address.
#[derive(Clone, Debug)]
pub struct Address {
    url: Url,
    socket: Option<PathBuf>,
    shown: String,
}

impl Address {
    /// Reads `http://…`, `https://…` or `unix:///path/of/socket`. The errors are Telegraf's.
    pub fn parse(text: &str) -> Result<Address> {
        let wrong = |e: url::ParseError| match e {
            url::ParseError::RelativeUrlWithoutBase => {
                anyhow!("error parsing url [{text:?}]: it does not begin with http:// or https://")
            }
            e => anyhow!("error parsing url [{text:?}]: {e}"),
        };
        // As in Go, no host is this machine.
        let parsed = match text.split_once("://:") {
            Some((scheme, rest)) => Url::parse(&format!("{scheme}://localhost:{rest}")),
            None => Url::parse(text),
        };
        let parsed = parsed.map_err(wrong)?;
        match parsed.scheme() {
            "http" | "https" => {
                let shown = match parsed.password() {
                    Some(_) => {
                        let mut hidden = parsed.clone();
                        // Only a URL without a host refuses a password, and this one has had one.
                        let _ = hidden.set_password(Some("xxxxx"));
                        hidden.to_string()
                    }
                    None => text.to_owned(),
                };
                Ok(Address {
                    url: parsed,
                    socket: None,
                    shown,
                })
            }
            "unix" => {
                // What a path is percent-decoded to may be any bytes; a socket's path from a text file is text.
                let path = PathBuf::from(text.trim_start_matches("unix:").trim_start_matches("//"));
                let url = Url::parse("http://127.0.0.1/")
                    .map_err(|e| anyhow!("error parsing url [{text:?}]: {e}"))?;
                Ok(Address {
                    url,
                    socket: Some(path),
                    shown: text.to_owned(),
                })
            }
            other if text.contains("://") => bail!("unsupported scheme [{text:?}]: {other:?}"),
            // `influxdb:8086`: a host, read as a scheme.
            other => {
                bail!("unsupported scheme [{text:?}]: {other:?}: an address begins with http:// or https://")
            }
        }
    }

    /// The address as configured, for logs; a password in it is hidden.
    pub fn shown(&self) -> &str {
        &self.shown
    }
    /// The unix socket's path, where it is one.
    pub fn socket(&self) -> Option<&Path> {
        self.socket.as_deref()
    }
    /// Whether it is on this machine: a proxy from the environment is not asked then, as in Go.
    pub fn is_local(&self) -> bool {
        match self.url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            None => true,
        }
    }
    /// The URL with `path` behind its own path; its query stays.
    pub fn endpoint(&self, path: &str) -> Url {
        let mut url = self.url.clone();
        let joined = format!(
            "{}/{}",
            url.path().trim_end_matches('/'),
            path.trim_start_matches('/')
        );
        url.set_path(&joined);
        url
    }
}

/// Replaces the URL's query with `parameters`, sorted by key and encoded as a form, a space as `+`.
pub fn encode_query(url: &mut Url, mut parameters: Vec<(String, String)>) {
    parameters.sort_by(|a, b| a.0.cmp(&b.0));
    let query = Serializer::new(String::new()).extend_pairs(&parameters).finish();
    url.set_query((!query.is_empty()).then_some(query.as_str()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_joined_and_queries_kept() {
        let endpoint = |text: &str, path| Address::parse(text).unwrap().endpoint(path).to_string();
        assert_eq!(endpoint("http://h:1", "write"), "http://h:1/write");
        assert_eq!(
            endpoint("http://h:1/base/?x=1", "/api/v2/write"),
            "http://h:1/base/api/v2/write?x=1"
        );
        assert_eq!(endpoint("unix:///run/i.sock", "write"), "http://127.0.0.1/write");
    }

    #[test]
    fn a_query_is_sorted_and_encoded_as_a_form() {
        let mut url = Url::parse("http://h/?old=1").unwrap();
        encode_query(
            &mut url,
            vec![("rp".into(), "a&b".into()), ("db".into(), "my db".into())],
        );
        assert_eq!(url.as_str(), "http://h/?db=my+db&rp=a%26b");
    }

    #[test]
    fn an_address_shows_no_password() {
        let shown = |text: &str| Address::parse(text).unwrap().shown().to_owned();
        assert_eq!(shown("http://u:secret@h:1/"), "http://u:xxxxx@h:1/");
        assert_eq!(shown("http://127.0.0.1:8086"), "http://127.0.0.1:8086");
    }

    #[test]
    fn only_this_machine_is_local() {
        let local = |text: &str| Address::parse(text).unwrap().is_local();
        assert!(local("http://localhost:1") && local("http://127.3.2.1") && local("http://[::1]:1"));
        assert!(local("http://:8086"), "no host is this machine");
        assert!(!local("http://example.com") && !local("http://10.0.0.1"));
    }

    #[test]
    fn other_schemes_and_nonsense_are_errors() {
        let error = |text: &str| Address::parse(text).unwrap_err().to_string();
        assert_eq!(error("ftp://h"), "unsupported scheme [\"ftp://h\"]: \"ftp\"");
        assert!(
            error("h:1").starts_with("unsupported scheme [\"h:1\"]: \"h\": an address begins with http://")
        );
        assert!(error("127.0.0.1:8086").ends_with("it does not begin with http:// or https://"));
        assert!(error("::").starts_with("error parsing url [\"::\"]"));
    }

    #[test]
    fn a_socket_has_its_path() {
        let address = Address::parse("unix:///run/i.sock").unwrap();
        assert_eq!(
            (address.socket(), address.shown()),
            (Some(Path::new("/run/i.sock")), "unix:///run/i.sock")
        );
    }
}
