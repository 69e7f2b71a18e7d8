use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use wheatstone_plugin::Kind;
use wheatstone_plugin::conf::{Node, NodeKind, Table};

use super::*;

/// Keys that were made for these tests and open nothing.
const RSA: &str = "\
    MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCvthddaiC1wx8XK27O7Hx721YsMki1NtbHijergatKxup9HTXBsFFGgj4J0J\
    jsKRiorcQkkztFtHbIPQduGSPo+VLjc0hd3wbCdLvXdHwCm4ALHX/aBI0dti5yop+FI38jDHumgPx9SK3eOe4u5P2NrRBzfrw+Wz4g3gffVICI\
    m7pb8rXh/VVP1z8bXcpV4aot3eJjya3N2jC/rw1psmlrfOUihQfHylPb/QRSNNbDfl11Mwg+5yjoYUfm+Ll5CHyWhNGXVI6sk3cyoSqhQQLVhK\
    Y4jPMlK/TdRztf/81vF+nfJ/pZmzrAvwplFamcEmjaHkVMPInbrQeKDFksVE8JAgMBAAECggEACQg9CDtshgYLLZeOdnWNP+1PmdhV3iF9Beco\
    IxlNyFC+/K0ei8p39b4RLqj54L3gu3RUjlAWg71Ek9jLQ9C9WfxNqKJ5mFW0FRUyE1+0q4pPGS3W2h/8xF0Ojdb9MzdWvDhSjNsO35PNAuI1yP\
    79Z6XQoCyQxEslakQaNykyrZLvQJqEs5fgtqXCFgbXYs9eDxK8a+4FVE8LdAS3oQ9hVoZ8OGtBmG/9E0rLM8Tr8xQ2JdmRtW5Sy0bvGXecIV4a\
    +dPG67MfGVewLQEqOqOrxgEs7xLW7cwAoV3aefJn/JS5X28VDfnI2Vd24lAwPbal/IoBreBG5vb5EqC/6so8hwKBgQDY087GTrq9Jw3mLxeSu1\
    Ov5Q0GBQv2JnHTN+XHzmDnZE9k7RjQrcDyh7ybnYwBpdKyX/d9NMhjtKu8yWSXkk2s9NcaQCoIhdp/TzKtnHxfjx33COxlaY9748BSOVjQ76MA\
    ySTBO2E2RnCmWrwieSqZljmhRZwjo4dHj6oynxSEtwKBgQDPdK3I/SJtT7InBqyFHYsWWtdbwYIOw8/77aBJ/jtz+hhuxq5DQhcLfSt8lcxAuz\
    mdRfbRV/Uiuequ1rOPUSME1IXAZdd+gRd2G2KxKcIClE7g6mq2y6NHfUiPROfPukhlaE0f/G+HPEliMg/gR+ihXYClTSL32YxsVHigtCuKPwKB\
    gA2hgyZEXMj3Y5BM9ZZr4F72b1Mpjg7za8RzhyaAeucRD0yw+xZjVfXpQpol1V9lJVHBZrWgU9iwyvsbTg+ZSvjMi5lC32GZyJqoR+9SHx+Cx8\
    d38CSP9k07jCOfJ047QmwSORVMvlfDJeHPYnRoWZ0+LHFPBvnWlfKRvYlhJtERAoGATnTQ+G8LIw390RaMDjezDzxBr/jJx+2z7ZHbicA1GdJe\
    hR5sbxFCh9zJom9AdMaZrmn0Qw2hroVjRMX72FqWBNCe2LlrOvN1PPx0YY3qSnFuN09QFluDH5k45L3pcT0A/iDo8gzU3O8mzZUjPe3UA5rJ+T\
    nn3JYQrjNv/07EHJ8CgYEAmvZsTBCVyz1NcWCPLu1WlaYGrkQ3nTJERlRg6j59EbpU5el7ond1IFxVEATRhtj6TJwC7LKDcV1CJmYeWfRdvDTN\
    FZdhyhf16xlxNm0yCA01KQ2wpxRIGicP0oruL03ykmFDTRxZqmKgBOZZ460YZWLe0q0Dfzg2APY4vK9AwP4=\
    ";
const EC: &str = "MHcCAQEEIIQNj76ulio2T3tHrg0yYo0zB//tvrXMy6kD2efv0DgLoAoGCCqGSM49AwEHoUQDQgAEXQiZFNTU78ZWr3VCb1TBz4WgZBAzDYb9DmK9zoyetFQffLJvtMjUvudVZrA5Rfrc9ar6F1eygwcIEvUWLZxlmQ==";

fn public(url: &str) -> Json {
    json!({
        "type": "service_account", "client_email": "agent@example.com", "private_key_id": "k1", "token_uri": url,
        "private_key": format!("-----BEGIN {0}-----\n{RSA}\n-----END {0}-----\n", "PRIVATE KEY"),
    })
}

fn distributed(url: &str) -> Json {
    json!({
        "type": "gdch_service_account", "format_version": "1", "project": "p", "name": "n", "token_uri": url,
        "private_key": format!("-----BEGIN {0}-----\n{EC}\n-----END {0}-----\n", "EC PRIVATE KEY"),
    })
}

/// Header and claims of a signed text.
fn decoded(token: &str) -> (Json, Json) {
    let parts: Vec<Vec<u8>> = token
        .split('.')
        .map(|p| URL_SAFE_NO_PAD.decode(p).unwrap())
        .collect();
    assert_eq!(parts.len(), 3);
    assert!(parts[2].len() == 64 || parts[2].len() == 256);
    (
        serde_json::from_slice(&parts[0]).unwrap(),
        serde_json::from_slice(&parts[1]).unwrap(),
    )
}

#[test]
fn a_public_account_signs_its_scopes() {
    let account = Account::read(&public("https://t.example/token").to_string(), &[], "").unwrap();
    let (body, kind) = account.request(1000).unwrap();
    assert_eq!(kind, "application/x-www-form-urlencoded");
    let token = body
        .strip_prefix("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=")
        .unwrap();
    let (header, claims) = decoded(token);
    assert_eq!(header, json!({ "alg": "RS256", "typ": "JWT", "kid": "k1" }));
    assert_eq!(
        claims,
        json!({
            "iss": "agent@example.com", "scope": "https://www.googleapis.com/auth/cloud-platform",
            "aud": "https://t.example/token", "iat": 1000, "exp": 4600,
        })
    );
}

#[test]
fn a_distributed_account_exchanges_its_identity() {
    let text = distributed("https://t.example/token").to_string();
    let account = Account::read(&text, &[], "https://api.example").unwrap();
    let (body, kind) = account.request(1000).unwrap();
    assert_eq!(kind, "application/json");
    let body: Json = serde_json::from_str(&body).unwrap();
    assert_eq!(body["audience"], "https://api.example");
    let (header, claims) = decoded(body["subject_token"].as_str().unwrap());
    assert_eq!(header["alg"], "ES256");
    assert_eq!(
        (claims["iss"].as_str(), claims["sub"].as_str()),
        (
            Some("system:serviceaccount:p:n"),
            Some("system:serviceaccount:p:n")
        )
    );
    assert!(Account::read(&text, &[], "").is_err(), "without an audience");
}

#[test]
fn files_that_cannot_be_used_say_why_and_show_no_key() {
    let mut cut = public("https://t");
    cut["private_key"] = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----",
        &RSA[..400]
    )
    .into();
    for (text, error) in [
        ("{".to_owned(), "it is no JSON (line 1 column 1)"),
        ("{}".into(), "it has no \"type\""),
        (
            json!({ "type": "authorized_user" }).to_string(),
            "credentials of type \"authorized_user\" are not supported",
        ),
        (
            json!({ "type": "service_account", "client_email": "a", "private_key": "x" }).to_string(),
            "its \"private_key\" is no PEM text",
        ),
        (cut.to_string(), "its \"private_key\" is no RSA key"),
    ] {
        let said = Account::read(&text, &[], "").map(|_| ()).unwrap_err().to_string();
        assert!(said.contains(error), "{said}");
        assert!(!said.contains("MII"), "{said}");
    }
}

#[tokio::test]
async fn a_token_is_fetched_once_and_renewed_before_its_end() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/token", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut buffer = [0; 8192];
            let _ = stream.read(&mut buffer).await;
            let n = count.fetch_add(1, Ordering::SeqCst) + 1;
            // The first hardly lasts.
            let (status, body) = match n {
                1 => (200, json!({ "access_token": "t1", "expires_in": 100 })),
                2 => (200, json!({ "access_token": "t2", "expires_in": 3600 })),
                _ => (401, json!({ "error": "invalid_grant" })),
            };
            let body = body.to_string();
            let text = format!(
                "HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            let _ = stream.write_all(text.as_bytes()).await;
        }
    });
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("account.json");
    std::fs::write(&path, public(&url).to_string()).unwrap();
    let mut table = Table::default();
    table.set(
        "credentials_file",
        Node::bare(NodeKind::String(path.display().to_string())),
    );
    let log = Log::new("secretstores.googlecloud", None, None);
    let cx = Context::new(Kind::SecretStore, "googlecloud", "", table, log, Arc::default());
    let store = GoogleCloud::new(cx.config().unwrap(), &cx).unwrap();
    assert_eq!(store.get("token").await.unwrap(), "t1");
    assert_eq!(
        store.get("token").await.unwrap(),
        "t2",
        "the first was near its end"
    );
    assert_eq!(store.get("token").await.unwrap(), "t2");
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    assert!(
        store
            .get("other")
            .await
            .unwrap_err()
            .to_string()
            .contains("only 'token' is supported")
    );
    *store.token.lock().await = None;
    assert_eq!(
        format!("{:#}", store.get("token").await.unwrap_err()),
        "token retrieval failed: status 401 X: \"invalid_grant\""
    );
}
