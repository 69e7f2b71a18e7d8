//! Certificates for one test: an authority, a server's for localhost and 127.0.0.1, a client's.

use std::path::{Path, PathBuf};

use anyhow::Result;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

/// PEM files in a folder of the caller's.
#[derive(Clone, Debug)]
pub struct Certs {
    /// The authority's certificate.
    pub ca: PathBuf,
    /// The server's certificate.
    pub server_cert: PathBuf,
    /// The server's key.
    pub server_key: PathBuf,
    /// The client's certificate; its common name is `wheatstone`.
    pub client_cert: PathBuf,
    /// The client's key.
    pub client_key: PathBuf,
}

impl Certs {
    /// Makes a fresh set in `dir`.
    pub fn generate(dir: &Path) -> Result<Certs> {
        let ca_key = KeyPair::generate()?;
        let mut ca = CertificateParams::new(Vec::new())?;
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        ca.distinguished_name.push(DnType::CommonName, "test authority");
        let ca_pem = ca.self_signed(&ca_key)?.pem();
        let issuer = Issuer::new(ca, ca_key);

        let signed = |name: &str, hosts: &[&str], usage| -> Result<(String, String)> {
            let key = KeyPair::generate()?;
            let mut cert = CertificateParams::new(hosts.iter().map(|h| (*h).to_owned()).collect::<Vec<_>>())?;
            cert.distinguished_name.push(DnType::CommonName, name);
            cert.extended_key_usages = vec![usage];
            Ok((cert.signed_by(&key, &issuer)?.pem(), key.serialize_pem()))
        };
        let server = signed(
            "localhost",
            &["localhost", "127.0.0.1"],
            ExtendedKeyUsagePurpose::ServerAuth,
        )?;
        let client = signed("wheatstone", &[], ExtendedKeyUsagePurpose::ClientAuth)?;

        let files = Certs::in_folder(dir);
        std::fs::write(&files.ca, &ca_pem)?;
        std::fs::write(&files.server_cert, &server.0)?;
        std::fs::write(&files.server_key, &server.1)?;
        std::fs::write(&files.client_cert, &client.0)?;
        std::fs::write(&files.client_key, &client.1)?;
        Ok(files)
    }

    /// The set that lies in `dir`.
    pub(crate) fn in_folder(dir: &Path) -> Certs {
        Certs {
            ca: dir.join("ca.pem"),
            server_cert: dir.join("server.pem"),
            server_key: dir.join("server.key"),
            client_cert: dir.join("client.pem"),
            client_key: dir.join("client.key"),
        }
    }
}
