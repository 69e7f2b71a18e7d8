use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use wheatstone_plugin::Kind;
use wheatstone_plugin::conf::{Node, NodeKind, Table};

use super::*;

type Answer = fn(usize, &str) -> (u16, String);

/// A server of tokens; its URL, and how often it was asked.
async fn server(answer: Answer) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/token", listener.local_addr().unwrap());
    let count = Arc::new(AtomicUsize::new(0));
    let asked = count.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = String::new();
            let mut buffer = [0; 4096];
            while !whole(&request) {
                match stream.read(&mut buffer).await {
                    Ok(n) if n > 0 => request.push_str(&String::from_utf8_lossy(&buffer[..n])),
                    _ => break,
                }
            }
            let (status, body) = answer(asked.fetch_add(1, Ordering::SeqCst) + 1, &request);
            let head =
                format!("HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nConnection: close\r\n");
            let text = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
            let _ = stream.write_all(text.as_bytes()).await;
        }
    });
    (url, count)
}

fn whole(request: &str) -> bool {
    let Some((head, body)) = request.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.lines().find_map(|l| {
        l.to_lowercase()
            .strip_prefix("content-length: ")?
            .parse::<usize>()
            .ok()
    });
    body.len() >= length.unwrap_or_default()
}

fn store(url: &str, options: &[(&str, &str)]) -> Result<OAuth2> {
    let text = |s: &str| Node::bare(NodeKind::String(s.into()));
    let mut token = Table::default();
    token.set("key", text("mqtt"));
    token.set("client_id", text("agent"));
    token.set("client_secret", text("top-secret"));
    let mut table = Table::default();
    table.set("token_endpoint", text(url));
    table.set(
        "token",
        Node::bare(NodeKind::Array(vec![Node::bare(NodeKind::Table(token))])),
    );
    for (key, value) in options {
        table.set(key, text(value));
    }
    let log = Log::new("secretstores.oauth2", None, None);
    let cx = Context::new(Kind::SecretStore, "oauth2", "", table, log, Arc::default());
    OAuth2::new(cx.config()?, &cx)
}

#[tokio::test]
async fn a_token_is_kept_until_it_expires() {
    let (url, asked) = server(|n, request| {
        assert!(request.contains("grant_type=client_credentials"), "{request}");
        assert!(
            request
                .to_lowercase()
                .contains("authorization: basic ywdlbnq6dg9wlxnly3jlda=="),
            "{request}"
        );
        (
            200,
            format!(
                r#"{{"access_token":"token-{n}","expires_in":{}}}"#,
                if n == 1 { 2 } else { 600 }
            ),
        )
    })
    .await;
    let store = store(&url, &[("token_expiry_margin", "1s")]).unwrap();
    assert!(store.is_dynamic());
    let (a, b) = tokio::join!(store.get("mqtt"), store.get("mqtt"));
    assert_eq!((a.unwrap().as_str(), b.unwrap().as_str()), ("token-1", "token-1"));
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    // A second before its end, a token counts as expired.
    assert_eq!(store.get("mqtt").await.unwrap(), "token-2");
    assert_eq!(store.get("mqtt").await.unwrap(), "token-2");
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    assert_eq!(
        store.get("nix").await.unwrap_err().to_string(),
        "token \"nix\" not found"
    );
}

#[tokio::test]
async fn parameters_are_used_where_the_header_is_refused() {
    let (url, asked) = server(|_, request| {
        if request.to_lowercase().contains("authorization:") {
            (401, r#"{"error":"invalid_client"}"#.into())
        } else {
            assert!(
                request.contains("client_id=agent&client_secret=top-secret"),
                "{request}"
            );
            (200, r#"{"access_token":"t","expires_in":"0"}"#.into())
        }
    })
    .await;
    let store = store(&url, &[]).unwrap();
    assert_eq!(store.get("mqtt").await.unwrap(), "t");
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_refusal_says_why_and_shows_no_secret() {
    let (url, _) = server(|_, _| {
        (
            400,
            r#"{"error":"invalid_client","error_description":"top-secret is wrong"}"#.into(),
        )
    })
    .await;
    let error = format!("{:?}", store(&url, &[]).unwrap().get("mqtt").await.unwrap_err());
    assert!(
        error.starts_with("oauth2: \"invalid_client\" \"*** is wrong\""),
        "{error}"
    );
    let (url, _) = server(|_, _| (500, "you sent top-secret".into())).await;
    let error = format!("{:?}", store(&url, &[]).unwrap().get("mqtt").await.unwrap_err());
    assert!(
        error.starts_with("oauth2: cannot fetch token: 500") && !error.contains("top-secret"),
        "{error}"
    );
}

#[test]
fn options_are_checked() {
    for (options, message) in [
        (
            &[("token_endpoint", "")][..],
            "'token_endpoint' required for custom service",
        ),
        (&[("service", "nix")], "service \"nix\" not supported"),
        (&[("service", "AzureAD")], "'tenant_id' required for AzureAD"),
        (
            &[("service", "AzureAD"), ("tenant_id", "t")],
            "'token_endpoint' cannot be set for service \"AzureAD\"",
        ),
        (
            &[("service", "auth0")],
            "'audience' parameter in key \"mqtt\" missing for service Auth0",
        ),
    ] {
        let error = store("http://127.0.0.1:1/token", options)
            .err()
            .map(|e| e.to_string());
        assert_eq!(error.as_deref(), Some(message));
    }
}
