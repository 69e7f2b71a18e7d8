//! Handshakes with what the TLS options make, in memory.
#![allow(clippy::unwrap_used)]

use std::path::PathBuf;
use std::sync::Arc;

use pkcs8::der::Decode;
use pkcs8::der::pem::LineEnding;
use pkcs8::{PrivateKeyInfoRef, pkcs5::pbes2};
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};
use wheatstone_net::TlsConfig;
use wheatstone_plugin::conf::Secret;

/// An authority, a server called `server.test` and a client, as files.
struct World {
    folder: tempfile::TempDir,
    server: (CertificateDer<'static>, PrivateKeyDer<'static>),
    authority: CertificateDer<'static>,
}

impl World {
    fn new() -> World {
        let folder = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let authority = params.self_signed(&key).unwrap();
        let issuer = Issuer::new(params, key);
        let signed = |name: &str, purpose| {
            let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
            params.extended_key_usages = vec![purpose];
            let key = KeyPair::generate().unwrap();
            (params.signed_by(&key, &issuer).unwrap(), key)
        };
        let (server, server_key) = signed("server.test", ExtendedKeyUsagePurpose::ServerAuth);
        let (client, client_key) = signed("client.test", ExtendedKeyUsagePurpose::ClientAuth);

        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("ca.pem", &authority.pem());
        write("cert.pem", &client.pem());
        write("key.pem", &client_key.serialize_pem());
        let der = client_key.serialize_der();
        let method = pbes2::Parameters::generate_pbkdf2_sha256_aes256cbc(2048, b"saltsalt", [7; 16]).unwrap();
        let locked = PrivateKeyInfoRef::from_der(&der)
            .unwrap()
            .encrypt_with_params(method, "opensesame")
            .unwrap();
        write(
            "locked.pem",
            &locked.to_pem("ENCRYPTED PRIVATE KEY", LineEnding::LF).unwrap(),
        );
        write("rubbish.pem", "rubbish");
        let server = (
            server.der().clone(),
            PrivateKeyDer::try_from(server_key.serialize_der()).unwrap(),
        );
        World {
            authority: authority.der().clone(),
            server,
            folder,
        }
    }

    fn file(&self, name: &str) -> String {
        let path: PathBuf = self.folder.path().join(name);
        path.to_str().unwrap().to_owned()
    }

    fn options(&self) -> TlsConfig {
        TlsConfig {
            tls_ca: self.file("ca.pem"),
            ..TlsConfig::default()
        }
    }

    /// A server; whether it wants to see the client's certificate.
    fn listen(&self, strict: bool) -> ServerConfig {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone());
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        let builder = if strict {
            let mut roots = RootCertStore::empty();
            roots.add(self.authority.clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                .build()
                .unwrap();
            builder.with_client_cert_verifier(verifier)
        } else {
            builder.with_no_client_auth()
        };
        let (cert, key) = &self.server;
        builder
            .with_single_cert(vec![cert.clone()], key.clone_key())
            .unwrap()
    }

    /// A handshake of a client with these options that connects to `name`.
    fn connect(&self, options: &TlsConfig, name: &'static str, strict: bool) -> Result<(), String> {
        let client = options
            .client_config()
            .map_err(|e| format!("{e:#}"))?
            .expect("TLS is on");
        handshake(client, self.listen(strict), name)
    }
}

fn handshake(client: Arc<ClientConfig>, server: ServerConfig, name: &'static str) -> Result<(), String> {
    let mut client = ClientConnection::new(client, ServerName::try_from(name).unwrap()).unwrap();
    let mut server = ServerConnection::new(Arc::new(server)).unwrap();
    for _ in 0..10 {
        let mut bytes = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut bytes).unwrap();
        }
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            server.read_tls(&mut rest).unwrap();
            server.process_new_packets().map_err(|e| format!("server: {e}"))?;
        }
        let mut bytes = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut bytes).unwrap();
        }
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            client.read_tls(&mut rest).unwrap();
            client.process_new_packets().map_err(|e| format!("client: {e}"))?;
        }
    }
    assert!(!client.is_handshaking() && !server.is_handshaking());
    Ok(())
}

#[test]
fn a_server_is_known_by_its_authority_and_name() {
    let world = World::new();
    world.connect(&world.options(), "server.test", false).unwrap();
    assert!(world.connect(&world.options(), "other.test", false).is_err());
    let anyones = TlsConfig {
        tls_enable: Some(true),
        ..TlsConfig::default()
    };
    assert!(
        world
            .connect(&anyones, "server.test", false)
            .unwrap_err()
            .contains("UnknownIssuer")
    );
}

#[test]
fn another_name_can_be_asked_for_or_none() {
    let world = World::new();
    let named = TlsConfig {
        tls_server_name: "server.test".into(),
        ..world.options()
    };
    world.connect(&named, "127.0.0.1", false).unwrap();
    let misnamed = TlsConfig {
        tls_server_name: "other.test".into(),
        ..world.options()
    };
    assert!(world.connect(&misnamed, "server.test", false).is_err());
    let careless = TlsConfig {
        insecure_skip_verify: true,
        ..TlsConfig::default()
    };
    world.connect(&careless, "other.test", false).unwrap();
}

#[test]
fn a_client_shows_its_certificate() {
    let world = World::new();
    let (cert, key) = (world.file("cert.pem"), world.file("key.pem"));
    assert!(world.connect(&world.options(), "server.test", true).is_err());
    let mut options = TlsConfig {
        tls_cert: cert,
        tls_key: key,
        ..world.options()
    };
    world.connect(&options, "server.test", true).unwrap();

    options.tls_key = world.file("locked.pem");
    let error = |options: &TlsConfig| format!("{:#}", options.client_config().unwrap_err());
    assert!(error(&options).ends_with("missing password for PKCS#8 encrypted private key"));
    options.tls_key_pwd = Secret::new("wrong");
    assert!(error(&options).contains("failed to decrypt PKCS#8 private key"));
    options.tls_key_pwd = Secret::new("opensesame");
    world.connect(&options, "server.test", true).unwrap();
}

#[test]
fn versions_and_suites_are_as_asked_for() {
    let world = World::new();
    for (least, suites) in [
        ("TLS13", "secure"),
        ("TLS10", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
    ] {
        let mut options = TlsConfig {
            tls_min_version: least.into(),
            ..world.options()
        };
        options.tls_cipher_suites = vec![suites.into()];
        world.connect(&options, "server.test", false).unwrap();
    }
}

#[test]
fn what_is_wrong_is_told_with_the_file() {
    let world = World::new();
    let error = |change: fn(&mut TlsConfig, &World)| {
        let mut options = world.options();
        change(&mut options, &world);
        format!("{:#}", options.client_config().unwrap_err())
    };
    assert!(
        error(|o, _| o.tls_ca = "/nowhere.pem".into())
            .starts_with("could not read certificate \"/nowhere.pem\": ")
    );
    assert!(
        error(|o, w| o.tls_ca = w.file("rubbish.pem")).starts_with("could not parse any PEM certificates")
    );
    assert!(
        error(|o, w| (o.tls_cert, o.tls_key) = (w.file("cert.pem"), w.file("rubbish.pem")))
            .starts_with("failed to decode private key: no PEM data found")
    );
    assert!(
        error(|o, w| (o.tls_cert, o.tls_key) = (w.file("ca.pem"), w.file("key.pem")))
            .starts_with("failed to load cert/key pair")
    );
    let versions = error(|o, _| o.tls_min_version = "TLS9".into());
    assert!(
        versions.ends_with("unsupported version \"TLS9\" (available: TLS10,TLS11,TLS12,TLS13)"),
        "{versions}"
    );
    assert!(
        error(|o, _| o.tls_renegotiation_method = "daily".into())
            .starts_with("unrecognized renegotiation method")
    );
}

#[cfg(feature = "http")]
#[tokio::test]
async fn an_https_server_is_reached_with_these_options() {
    use std::io::{Read, Write};
    use wheatstone_net::http::{Address, Options};

    let world = World::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = Address::parse(&format!("https://{}", listener.local_addr().unwrap())).unwrap();
    let config = Arc::new(world.listen(true));
    let serving = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut server = ServerConnection::new(config).unwrap();
        let mut tls = rustls::Stream::new(&mut server, &mut stream);
        let mut head = [0; 1024];
        let n = tls.read(&mut head).unwrap();
        tls.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
        String::from_utf8_lossy(&head[..n]).into_owned()
    });
    let options = TlsConfig {
        tls_server_name: "server.test".into(),
        tls_cert: world.file("cert.pem"),
        tls_key: world.file("key.pem"),
        ..world.options()
    };
    let options = Options::new(std::time::Duration::from_secs(5), "", "127.0.0.1:0", &options).unwrap();
    let client = options.client(&address).await.unwrap();
    let answer = client
        .post(address.endpoint("write"))
        .body("a b=1")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status().as_u16(), 204);
    assert!(serving.join().unwrap().starts_with("POST /write HTTP/1.1\r\n"));
}
