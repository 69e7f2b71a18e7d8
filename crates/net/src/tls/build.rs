//! From the options to a `rustls` configuration: authorities, the client's certificate, versions, suites.

use std::sync::Arc;

use pkcs8::EncryptedPrivateKeyInfoRef;
use pkcs8::der::SecretDocument;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use wheatstone_plugin::Result;
use wheatstone_plugin::anyhow::{Context as _, anyhow, bail, ensure};

use super::TlsConfig;
use super::ciphers::suites;
use super::verify::{Anyone, Usual};

pub(super) fn client_config(tls: &TlsConfig) -> Result<ClientConfig> {
    if !matches!(
        tls.tls_renegotiation_method.as_str(),
        "" | "never" | "once" | "freely"
    ) {
        bail!(
            "unrecognized renegotiation method {:?}, choose from: 'never', 'once', 'freely'",
            tls.tls_renegotiation_method
        );
    }
    let provider = CryptoProvider {
        cipher_suites: suites(&tls.tls_cipher_suites)?,
        ..ring::default_provider()
    };
    let provider = Arc::new(provider);
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(versions(&tls.tls_min_version)?)?;

    let builder = if tls.insecure_skip_verify {
        builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anyone(provider)))
    } else {
        let name = match tls.tls_server_name.as_str() {
            "" => None,
            name => Some(
                ServerName::try_from(name.to_owned())
                    .map_err(|_| anyhow!("invalid tls_server_name {name:?}"))?,
            ),
        };
        let usual = if tls.tls_ca.is_empty() {
            Usual::system(provider, name)
        } else {
            Usual::new(Arc::new(read_roots(&tls.tls_ca)?), provider, name)?
        };
        builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(usual))
    };
    if tls.tls_cert.is_empty() || tls.tls_key.is_empty() {
        return Ok(builder.with_no_client_auth());
    }
    let (chain, key) = read_pair(tls)?;
    builder
        .with_client_auth_cert(chain, key)
        .context("failed to load cert/key pair")
}

fn versions(least: &str) -> Result<&'static [&'static SupportedProtocolVersion]> {
    static NEWEST: &[&SupportedProtocolVersion] = &[&TLS13];
    Ok(match least {
        "" | "TLS10" | "TLS11" | "TLS12" => rustls::DEFAULT_VERSIONS,
        "TLS13" => NEWEST,
        other => bail!(
            "could not parse tls min version {other:?}: unsupported version {other:?} (available: TLS10,TLS11,TLS12,TLS13)"
        ),
    })
}

fn read_roots(file: &str) -> Result<RootCertStore> {
    let pem = std::fs::read(file).with_context(|| format!("could not read certificate {file:?}"))?;
    let mut roots = RootCertStore::empty();
    let certs = CertificateDer::pem_slice_iter(&pem).filter_map(std::result::Result::ok);
    let (added, _) = roots.add_parsable_certificates(certs);
    ensure!(added > 0, "could not parse any PEM certificates {file:?}");
    Ok(roots)
}

fn read_pair(tls: &TlsConfig) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
    let (cert, key) = (&tls.tls_cert, &tls.tls_key);
    let pem = std::fs::read(cert).with_context(|| format!("could not load certificate {cert:?}"))?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&pem)
        .collect::<std::result::Result<_, _>>()
        .with_context(|| format!("failed to load cert/key pair: certificate {cert:?}"))?;
    ensure!(
        !chain.is_empty(),
        "failed to load cert/key pair: no certificate in {cert:?}"
    );

    let pem = std::fs::read_to_string(key).with_context(|| format!("could not load private key {key:?}"))?;
    ensure!(
        pem.contains("-----BEGIN "),
        "failed to decode private key: no PEM data found in {key:?}"
    );
    if pem.contains("Proc-Type: 4,ENCRYPTED") {
        bail!("password-protected keys in pkcs#1 format are not supported: {key:?}");
    }
    let key = match pem.find("-----BEGIN ENCRYPTED PRIVATE KEY-----") {
        Some(at) => {
            decrypt(&pem[at..], tls.tls_key_pwd.template()).with_context(|| format!("private key {key:?}"))?
        }
        None => PrivateKeyDer::from_pem_slice(pem.as_bytes())
            .map_err(|e| anyhow!("failed to decode private key {key:?}: {e}"))?,
    };
    Ok((chain, key))
}

fn decrypt(pem: &str, password: &str) -> Result<PrivateKeyDer<'static>> {
    ensure!(
        !password.is_empty(),
        "missing password for PKCS#8 encrypted private key"
    );
    let (_, der) = SecretDocument::from_pem(pem).map_err(|e| anyhow!("failed to decode private key: {e}"))?;
    let plain = EncryptedPrivateKeyInfoRef::try_from(der.as_bytes())
        .map_err(|e| anyhow!("failed to decode private key: {e}"))?
        .decrypt(password)
        .map_err(|e| anyhow!("failed to decrypt PKCS#8 private key: {e}"))?;
    Ok(PrivatePkcs8KeyDer::from(plain.as_bytes().to_vec()).into())
}
