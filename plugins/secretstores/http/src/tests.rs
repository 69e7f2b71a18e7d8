use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use wheatstone_plugin::Kind;
use wheatstone_plugin::conf::{Node, NodeKind, Table};

use super::*;

/// Answers every request alike; the URL.
async fn server(status: u16, body: &'static str, wanted: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/secrets", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut buffer = vec![0; 8192];
            let n = stream.read(&mut buffer).await.unwrap_or_default();
            let request = String::from_utf8_lossy(&buffer[..n]).into_owned();
            let status = if request.to_lowercase().contains(&wanted.to_lowercase()) {
                status
            } else {
                418
            };
            let head = format!(
                "HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
        }
    });
    url
}

fn table(entries: &[(&str, &str)]) -> Table {
    let mut table = Table::default();
    for (key, value) in entries {
        table.set(key, Node::bare(NodeKind::String((*value).into())));
    }
    table
}

fn store(url: &str, options: &[(&str, &str)], aes: &[(&str, &str)]) -> Result<Http> {
    let mut table = table(options);
    table.set("url", Node::bare(NodeKind::String(url.into())));
    if !aes.is_empty() {
        let mut aes = self::table(aes);
        if aes.get("salt").is_some() {
            aes.set("iterations", Node::bare(NodeKind::Integer(10_000)));
        }
        table.set("aes", Node::bare(NodeKind::Table(aes)));
    }
    let log = Log::new("secretstores.http", None, None);
    let cx = Context::new(Kind::SecretStore, "http", "", table, log, Arc::default());
    Http::new(cx.config()?, &cx)
}

#[tokio::test]
async fn an_object_of_texts_is_the_secrets() {
    let url = server(
        200,
        r#"{"user 2":"password-B","user@company.com":"my$3cR3T","empty €":""}"#,
        "GET /secrets",
    )
    .await;
    let store = store(&url, &[], &[]).unwrap();
    assert_eq!(
        store.list().await.unwrap(),
        ["empty €", "user 2", "user@company.com"]
    );
    assert_eq!(store.get("user@company.com").await.unwrap(), "my$3cR3T");
    assert_eq!(store.get("empty €").await.unwrap(), "");
    assert_eq!(store.get("nix").await.unwrap_err().to_string(), "not found");
}

#[tokio::test]
async fn other_forms_are_transformed() {
    let url = server(
        200,
        r#"[{"user":"a","secret":"x"},{"user":"b","secret":"y"}]"#,
        "",
    )
    .await;
    let reshaped = store(&url, &[("transformation", "{user: secret}")], &[]).unwrap();
    assert_eq!(reshaped.get("b").await.unwrap(), "y");
    let error = format!("{:#}", store(&url, &[], &[]).unwrap().get("b").await.unwrap_err());
    assert!(
        error.contains("maybe missing or wrong data transformation"),
        "{error}"
    );
    assert!(store(&url, &[("transformation", "{user: ")], &[]).is_err());
}

#[tokio::test]
async fn the_request_carries_who_asks() {
    for (options, wanted) in [
        (&[("token", " tok ")][..], "authorization: bearer tok\r\n"),
        (
            &[("username", "u"), ("password", "p")],
            "authorization: basic dTpw\r\n",
        ),
    ] {
        let url = server(200, r#"{"a":"x"}"#, wanted).await;
        assert_eq!(store(&url, options, &[]).unwrap().get("a").await.unwrap(), "x");
        let error = format!("{:#}", store(&url, &[], &[]).unwrap().get("a").await.unwrap_err());
        assert_eq!(
            error,
            "reading body failed: received status code 418 (I'm a teapot), expected any value out of [200]"
        );
    }
    let error = format!(
        "{:?}",
        store("http://127.0.0.1:1/x", &[("token", "a\nhunter2")], &[])
            .unwrap()
            .get("a")
            .await
            .unwrap_err()
    );
    assert!(!error.contains("hunter2"), "{error}");
}

/// Made with `openssl enc -aes-256-cbc`, the second key with PBKDF2.
#[tokio::test]
async fn encrypted_secrets_are_decrypted() {
    let key = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    let vector = "000102030405060708090a0b0c0d0e0f";
    let url = server(200, r#"{"a":"VmR2liPJw3Z4NX4mVHW5Ez/LT/utMHAIxKbBLoK0ANw=","b":"c55UXzQlTmg8/EALFOk6GtOGiMgRILtIMXYYxAHMDWE="}"#, "").await;
    let keyed = store(
        &url,
        &[("cipher", "AES256/CBC/PKCS#7")],
        &[("key", key), ("init_vector", vector)],
    )
    .unwrap();
    assert_eq!(keyed.get("a").await.unwrap(), "hunter2 is the secret");
    let derived = [("password", "pass"), ("salt", "salty"), ("init_vector", vector)];
    let derived = store(&url, &[("cipher", "AES128/CBC/PKCS#5")], &derived).unwrap();
    assert_eq!(derived.get("b").await.unwrap(), "hunter2 is the secret");
    assert!(derived.get("a").await.is_err());
}

#[test]
fn ciphers_are_checked() {
    let key = ("key", "00112233445566778899aabbccddeeff");
    let vector = ("init_vector", "000102030405060708090a0b0c0d0e0f");
    for (cipher, aes, message) in [
        ("rot13", &[][..], "unknown cipher \"rot13\""),
        ("AES128", &[key, vector], "please specify cipher mode"),
        ("AES/CBC", &[key, vector], "unsupported AES cipher \"aes\""),
        ("AES128/GCM", &[key, vector], "unsupported cipher mode \"GCM\""),
        ("AES128/CBC/zero", &[key, vector], "unsupported padding \"zero\""),
        (
            "AES256/CBC",
            &[key, vector],
            "key length (128 bit) does not match cipher (256 bit)",
        ),
        (
            "AES128/CBC",
            &[vector],
            "either key or password has to be specified",
        ),
        (
            "AES128/CBC",
            &[key],
            "'init_vector' has to be specified or derived from password",
        ),
        (
            "AES128/CBC",
            &[key, ("init_vector", "00")],
            "init vector size must match block size",
        ),
    ] {
        let error = format!(
            "{:#}",
            store("http://127.0.0.1:1/", &[("cipher", cipher)], aes)
                .err()
                .unwrap()
        );
        assert!(
            error.starts_with("creating decryptor failed: ") && error.ends_with(message),
            "{error}"
        );
    }
}

/// A server that wants a login before it gives its secrets: cookies of `/login`, a token of `/token`.
async fn guarded() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut buffer = vec![0; 8192];
            let n = stream.read(&mut buffer).await.unwrap_or_default();
            let request = String::from_utf8_lossy(&buffer[..n]).to_lowercase();
            let (head, body) = match request.split(' ').nth(1) {
                Some("/login")
                    if request.contains("x-way: in\r\n") && request.contains("authorization: basic dtpw") =>
                {
                    ("200 OK\r\nSet-Cookie: a=1; Path=/\r\nSet-Cookie: b=2", "")
                }
                Some("/token") if request.contains("authorization: basic awq6c2vj") => {
                    ("200 OK", r#"{"access_token":"tok"}"#)
                }
                Some("/cookies") if request.contains("cookie: a=1; b=2\r\n") => ("200 OK", r#"{"k":"v"}"#),
                Some("/bearer") if request.contains("authorization: bearer tok\r\n") => {
                    ("200 OK", r#"{"k":"w"}"#)
                }
                _ => ("401 Unauthorized", "the password was hunter2"),
            };
            let text = format!(
                "HTTP/1.1 {head}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            let _ = stream.write_all(text.as_bytes()).await;
        }
    });
    url
}

#[tokio::test]
async fn a_login_comes_first() {
    let base = guarded().await;
    let cookies = |password: &str| {
        let login = format!("{base}/login");
        let options = [
            ("cookie_auth_url", login.as_str()),
            ("cookie_auth_username", "u"),
            ("cookie_auth_password", password),
        ];
        let mut table = table(&options);
        table.set("url", Node::bare(NodeKind::String(format!("{base}/cookies"))));
        table.set(
            "cookie_auth_headers",
            Node::bare(NodeKind::Table(self::table(&[("X-Way", "in")]))),
        );
        let log = Log::new("secretstores.http", None, None);
        let cx = Context::new(Kind::SecretStore, "http", "", table, log, Arc::default());
        Http::new(cx.config().unwrap(), &cx).unwrap()
    };
    assert_eq!(cookies("p").get("k").await.unwrap(), "v");
    let error = format!("{:#}", cookies("hunter2").get("k").await.unwrap_err());
    assert_eq!(
        error,
        "reading body failed: logging in for cookies failed: cookie auth renewal received status code: 401 (Unauthorized)"
    );
    let token = format!("{base}/token");
    let oauth2 = |secret| {
        let options = [
            ("client_id", "id"),
            ("client_secret", secret),
            ("token_url", token.as_str()),
        ];
        store(&format!("{base}/bearer"), &options, &[]).unwrap()
    };
    assert_eq!(oauth2("sec").get("k").await.unwrap(), "w");
    let error = format!("{:#}", oauth2("hunter2").get("k").await.unwrap_err());
    assert_eq!(
        error,
        "reading body failed: oauth2: cannot fetch token: 401 Unauthorized"
    );
}
