//! Names of cipher suites, as configurations for Telegraf have them, to those that this TLS library offers.

use rustls::SupportedCipherSuite;
use rustls::crypto::ring::ALL_CIPHER_SUITES;
use wheatstone_plugin::Result;
use wheatstone_plugin::anyhow::bail;

/// Names that Telegraf takes but that nothing should use any more: accepted, and never offered to a server.
const NEVER_OFFERED: &[&str] = &[
    "TLS_RSA_WITH_RC4_128_SHA",
    "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_RSA_WITH_RC4_128_SHA",
    "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
];

/// The suites to offer. Those of TLS 1.3 are not a matter of choice, as in Telegraf.
pub(super) fn suites(names: &[String]) -> Result<Vec<SupportedCipherSuite>> {
    let mut chosen: Vec<SupportedCipherSuite> = ALL_CIPHER_SUITES
        .iter()
        .copied()
        .filter(|s| s.tls13().is_some())
        .collect();
    for name in names {
        match name.as_str() {
            "all" | "secure" => return Ok(ALL_CIPHER_SUITES.to_vec()),
            "insecure" => continue,
            _ => {}
        }
        let upper = name.to_uppercase();
        match ALL_CIPHER_SUITES.iter().find(|s| iana_name(s) == upper) {
            Some(suite) if !chosen.contains(suite) => chosen.push(*suite),
            Some(_) => {}
            None if NEVER_OFFERED.contains(&upper.as_str()) => {}
            None => bail!("could not parse client cipher suites: {upper:?} unsupported cipher"),
        }
    }
    if names.is_empty() {
        Ok(ALL_CIPHER_SUITES.to_vec())
    } else {
        Ok(chosen)
    }
}

/// The library calls TLS 1.3's suites `TLS13_…`; IANA does not.
fn iana_name(suite: &SupportedCipherSuite) -> String {
    format!("{:?}", suite.suite()).replacen("TLS13_", "TLS_", 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> Result<Vec<String>> {
        let list: Vec<String> = list.iter().map(|s| (*s).to_owned()).collect();
        Ok(suites(&list)?.iter().map(iana_name).collect())
    }

    #[test]
    fn a_suite_is_chosen_beside_those_of_tls_1_3() {
        let chosen = names(&["tls_ecdhe_rsa_with_aes_128_gcm_sha256", "TLS_AES_128_GCM_SHA256"]).unwrap();
        assert_eq!(chosen.len(), 4);
        assert!(chosen.contains(&"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256".to_owned()));
        assert_eq!(names(&["TLS_RSA_WITH_RC4_128_SHA"]).unwrap().len(), 3);
    }

    #[test]
    fn words_stand_for_many_and_unknown_names_are_errors() {
        assert_eq!(names(&["secure"]).unwrap().len(), ALL_CIPHER_SUITES.len());
        assert_eq!(names(&[]).unwrap().len(), ALL_CIPHER_SUITES.len());
        let error = names(&["TLS_NONSENSE"]).unwrap_err().to_string();
        assert_eq!(
            error,
            "could not parse client cipher suites: \"TLS_NONSENSE\" unsupported cipher"
        );
    }
}
