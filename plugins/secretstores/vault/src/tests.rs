use std::sync::Arc;

use asked::Log;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use wheatstone_plugin::Kind;
use wheatstone_plugin::conf::{Node, NodeKind, Table};

use super::*;

/// What a server was asked, one line each.
mod asked {
    #[derive(Default)]
    pub struct Log(std::sync::Mutex<Vec<String>>);
    impl Log {
        pub fn add(&self, line: String) -> usize {
            let mut lines = self.0.lock().unwrap();
            lines.push(line);
            lines.len()
        }
        pub fn lines(&self) -> Vec<String> {
            self.0.lock().unwrap().clone()
        }
    }
}

type Answer = fn(usize, &str) -> (u16, String);

/// A Vault that answers by script: its address and what it was asked (method, path, token, body).
async fn vault(answer: Answer) -> (String, Arc<Log>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let log = Arc::new(Log::default());
    let asked = log.clone();
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
            let (head, body) = request.split_once("\r\n\r\n").unwrap();
            let first = head.lines().next().unwrap().trim_end_matches(" HTTP/1.1");
            let token = header(head, "x-vault-token");
            let line = format!("{first} {token} {body}").trim_end().to_owned();
            let (status, body) = answer(asked.add(line.clone()), &line);
            let text = format!(
                "HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            let _ = stream.write_all(text.as_bytes()).await;
        }
    });
    (address, log)
}

fn header(head: &str, name: &str) -> String {
    let found = head
        .lines()
        .filter_map(|l| l.split_once(": "))
        .find(|(n, _)| n.eq_ignore_ascii_case(name));
    found.map_or("-", |(_, value)| value).to_owned()
}

fn whole(request: &str) -> bool {
    let Some((head, body)) = request.split_once("\r\n\r\n") else {
        return false;
    };
    body.len() >= header(head, "content-length").parse().unwrap_or_default()
}

fn text(s: &str) -> Node {
    Node::bare(NodeKind::String(s.into()))
}

fn store(options: &[(&str, Node)]) -> Result<Vault> {
    let mut table = Table::default();
    for (key, value) in [("id", "v"), ("mount_path", "secret"), ("secret_path", "app/db")] {
        table.set(key, text(value));
    }
    for (key, value) in options {
        table.set(key, value.clone());
    }
    let log = wheatstone_plugin::Log::new("secretstores.vault", None, None);
    let cx = Context::new(Kind::SecretStore, "vault", "", table, log, Arc::default());
    Vault::new(cx.config()?, &cx)
}

fn role(wrapped: bool) -> Node {
    let mut table = Table::default();
    table.set("role_id", text("role"));
    table.set("secret", text("s3cret"));
    table.set("response_wrapped", Node::bare(NodeKind::Boolean(wrapped)));
    Node::bare(NodeKind::Table(table))
}

#[tokio::test]
async fn a_token_reads_lists_and_changes() {
    let (address, log) = vault(|_, line| match line.split(' ').next() {
        Some("GET") => (200, r#"{"data":{"data":{"a":"1","b":"2","n":5}}}"#.into()),
        _ => (200, "{}".into()),
    })
    .await;
    let store = store(&[("address", text(&address)), ("token", text("t"))]).unwrap();
    assert_eq!(store.get("a").await.unwrap(), "1");
    assert_eq!(store.get("nosuch").await.unwrap(), "");
    assert!(
        store
            .get("n")
            .await
            .unwrap_err()
            .to_string()
            .contains("is no text")
    );
    assert_eq!(store.list().await.unwrap(), ["a", "b", "n"]);
    store.set("c", "3").await.unwrap();
    store.remove("b").await.unwrap();
    assert!(
        store
            .remove("x")
            .await
            .unwrap_err()
            .to_string()
            .contains("secret \"x\" not found")
    );
    let lines = log.lines();
    assert_eq!(lines[0], "GET /v1/secret/data/app/db t");
    let puts: Vec<Json> = lines
        .iter()
        .filter_map(|l| l.strip_prefix("PUT /v1/secret/data/app/db t "))
        .map(|body| serde_json::from_str(body).unwrap())
        .collect();
    let data = |data: Json| serde_json::json!({ "data": data });
    assert_eq!(
        puts,
        [
            data(serde_json::json!({ "a": "1", "b": "2", "c": "3", "n": 5 })),
            data(serde_json::json!({ "a": "1", "n": 5 }))
        ]
    );
}

#[tokio::test]
async fn the_first_engine_has_no_data_in_its_path_and_deletes_what_is_empty() {
    let (address, log) = vault(|_, line| match line.split(' ').next() {
        Some("GET") => (200, r#"{"data":{"a":"1"}}"#.into()),
        _ => (204, String::new()),
    })
    .await;
    let store = store(&[
        ("address", text(&address)),
        ("token", text("t")),
        ("engine", text("kv-v1")),
    ])
    .unwrap();
    assert_eq!(store.get("a").await.unwrap(), "1");
    store.remove("a").await.unwrap();
    assert_eq!(log.lines().last().unwrap(), "DELETE /v1/secret/app/db t");
}

#[tokio::test]
async fn a_role_logs_in_once_and_again_when_it_is_refused() {
    let (address, log) = vault(|n, line| match line.split(' ').nth(1) {
        Some("/v1/sys/wrapping/unwrap") => (200, r#"{"data":{"secret_id":"inner"}}"#.into()),
        Some("/v1/auth/approle/login") => (
            200,
            format!(r#"{{"auth":{{"client_token":"token{n}","lease_duration":3600}}}}"#),
        ),
        _ if n == 4 => (403, r#"{"errors":["permission denied"]}"#.into()),
        _ => (200, r#"{"data":{"data":{"a":"1"}}}"#.into()),
    })
    .await;
    let store = store(&[("address", text(&address)), ("approle", role(true))]).unwrap();
    for _ in 0..2 {
        assert_eq!(store.get("a").await.unwrap(), "1");
    }
    assert_eq!(
        log.lines(),
        [
            "PUT /v1/sys/wrapping/unwrap s3cret",
            r#"PUT /v1/auth/approle/login - {"role_id":"role","secret_id":"inner"}"#,
            "GET /v1/secret/data/app/db token2",
            "GET /v1/secret/data/app/db token2",
            r#"PUT /v1/auth/approle/login - {"role_id":"role","secret_id":"inner"}"#,
            "GET /v1/secret/data/app/db token5",
        ]
    );
}

#[tokio::test]
async fn errors_show_no_secret() {
    let (address, _) = vault(|_, _| (400, r#"{"errors":["invalid secret id s3cret"]}"#.into())).await;
    let refused = store(&[("address", text(&address)), ("approle", role(false))]).unwrap();
    let said = format!("{:#}", refused.get("a").await.unwrap_err());
    assert_eq!(
        said,
        "unable to read secret: unable to login to AppRole auth method: status 400: invalid secret id ***"
    );
    let (address, _) = vault(|_, _| (404, r#"{"errors":[]}"#.into())).await;
    let empty = store(&[("address", text(&address)), ("token", text("t"))]).unwrap();
    assert!(
        empty
            .get("a")
            .await
            .unwrap_err()
            .to_string()
            .contains("secret not found")
    );
}

#[test]
fn options_are_checked() {
    for (options, error) in [
        (
            vec![],
            "authentication method missing: set either `token` or `approle`",
        ),
        (
            vec![("token", text("t")), ("approle", role(false))],
            "only one authentication method may be set: `token` or `approle`",
        ),
        (vec![("token", text("t"))], "address missing"),
        (
            vec![("token", text("t")), ("engine", text("kv"))],
            "unsupported engine: kv",
        ),
        (
            vec![
                ("token", text("t")),
                ("address", text("h:1")),
                ("mount_path", text("")),
            ],
            "mount_path missing",
        ),
    ] {
        assert_eq!(store(&options).map(|_| ()).unwrap_err().to_string(), error);
    }
    assert!(store(&[("token", text("t")), ("address", text("localhost:8200"))]).is_ok());
}
