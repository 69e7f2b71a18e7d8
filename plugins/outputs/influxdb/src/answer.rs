//! What InfluxDB 1.x answers to a write, and what follows from it.

use serde_json::Value;

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Every point is stored.
    Stored,
    /// The server refuses, and would again. `log` is Telegraf's line for it, `text` what the server said.
    Refused { log: String, text: String },
    /// The request is too large, and it was large indeed.
    TooLarge(String),
    /// There is no such database.
    NoDatabase(String),
    /// It may work another time.
    Failed(String),
}

/// No server limits requests to less: one that refuses a smaller body as too large refuses it for another reason.
const SMALLEST_LIMIT: usize = 4096;

/// Reads an answer: its status (code and line), its body; `sent` is the size of the request's body, unpacked, `shown` the
/// server's address. `retry_unauthorized` is the option.
pub(crate) fn read(
    code: u16,
    status: &str,
    body: &str,
    sent: usize,
    shown: &str,
    retry_unauthorized: bool,
) -> Answer {
    if code == 204 {
        return Answer::Stored;
    }
    let text = match serde_json::from_str::<Value>(body) {
        Ok(json) => json["error"].as_str().unwrap_or_default().to_owned(),
        Err(_) if body.is_empty() => String::new(),
        // A proxy's page, not the database's answer. But some servers that speak the same protocol name a bad line so.
        Err(_) if (400..500).contains(&code) && body.contains("unable to parse '") => {
            body.trim_end().to_owned()
        }
        Err(_) => {
            return Answer::Failed(format!(
                "{status}: An error response was received while attempting to write metrics. Error: {body}"
            ));
        }
    };
    let whole = if text.is_empty() {
        status.to_owned()
    } else {
        format!("{status}: {text}")
    };
    if text.contains("database not found") {
        return Answer::NoDatabase(whole);
    }
    match code {
        408 | 429 => return Answer::Failed(whole),
        401 | 403 if retry_unauthorized => return Answer::Failed(whole),
        413 if sent > SMALLEST_LIMIT => return Answer::TooLarge(whole),
        400..500 => {
            // Telegraf's line carries its prefix twice, and alerts match it so.
            let log =
                format!("E! [outputs.influxdb] Failed to write metric (will be dropped: {status}): {text}");
            let text = if text.is_empty() { whole } else { text };
            return Answer::Refused { log, text };
        }
        _ => {}
    }
    if text.contains("hinted handoff queue not empty") {
        return Answer::Stored;
    }
    let received = format!("When writing to [{shown}]: received error {text}");
    if text.contains("retention policy not found") || text.contains("points beyond retention policy") {
        return Answer::Refused { log: received, text };
    }
    if text.contains("partial write") || text.contains("unable to parse") {
        return Answer::Refused {
            log: format!("{received}; discarding points"),
            text,
        };
    }
    Answer::Failed(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(code: u16, status: &str, error: &str) -> Answer {
        read(
            code,
            status,
            &format!("{{\"error\":{error:?}}}"),
            100,
            "http://h",
            false,
        )
    }
    fn refused(answer: Answer) -> String {
        match answer {
            Answer::Refused { log, .. } => log,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_204_is_plain_success() {
        assert_eq!(
            read(204, "204 No Content", "whatever", 1, "", false),
            Answer::Stored
        );
        assert_eq!(
            answer(200, "200 OK", "hinted handoff queue not empty"),
            Answer::Stored
        );
        assert_eq!(answer(200, "200 OK", "odd"), Answer::Failed("200 OK: odd".into()));
        assert_eq!(
            read(200, "200 OK", "", 1, "", false),
            Answer::Failed("200 OK".into())
        );
    }

    #[test]
    fn a_client_error_is_final_and_a_servers_is_not() {
        assert_eq!(
            refused(answer(401, "401 Unauthorized", "authorization failed")),
            "E! [outputs.influxdb] Failed to write metric (will be dropped: 401 Unauthorized): authorization failed"
        );
        assert!(
            refused(read(403, "403 Forbidden", "", 1, "", false))
                .ends_with("(will be dropped: 403 Forbidden): ")
        );
        assert_eq!(
            answer(503, "503 Service Unavailable", "timeout"),
            Answer::Failed("503 Service Unavailable: timeout".into())
        );
        assert!(matches!(
            answer(429, "429 Too Many Requests", "slow down"),
            Answer::Failed(_)
        ));
        assert_eq!(
            read(401, "401 Unauthorized", "{\"error\":\"no\"}", 1, "", true),
            Answer::Failed("401 Unauthorized: no".into())
        );
    }

    #[test]
    fn a_page_that_is_not_json_is_no_answer_of_the_database() {
        assert_eq!(
            read(400, "400 Bad Request", "<html>", 1, "", false),
            Answer::Failed(
                "400 Bad Request: An error response was received while attempting to write metrics. Error: <html>".into()
            )
        );
        assert!(matches!(
            read(400, "400 Bad Request", "unable to parse 'x': y\n", 1, "", false),
            Answer::Refused { .. }
        ));
    }

    #[test]
    fn with_a_servers_error_the_text_decides() {
        for (text, log) in [
            (
                "retention policy not found: \"x\"",
                "When writing to [http://h]: received error retention policy not found: \"x\"",
            ),
            (
                "points beyond retention policy dropped=1",
                "When writing to [http://h]: received error points beyond retention policy dropped=1",
            ),
            (
                "partial write: x dropped=1",
                "When writing to [http://h]: received error partial write: x dropped=1; discarding points",
            ),
            (
                "unable to parse 'x'",
                "When writing to [http://h]: received error unable to parse 'x'; discarding points",
            ),
        ] {
            assert_eq!(refused(answer(500, "500 Internal Server Error", text)), log);
        }
    }

    #[test]
    fn a_missing_database_is_told_at_any_status() {
        assert!(matches!(
            answer(404, "404 Not Found", "database not found: \"x\""),
            Answer::NoDatabase(_)
        ));
        assert!(matches!(
            answer(500, "500", "database not found"),
            Answer::NoDatabase(_)
        ));
    }

    #[test]
    fn only_a_large_request_is_split() {
        let body = "{\"error\":\"Request Entity Too Large\"}";
        let answer = |sent| read(413, "413 Request Entity Too Large", body, sent, "", false);
        assert!(matches!(answer(100), Answer::Refused { .. }));
        assert!(matches!(answer(5000), Answer::TooLarge(_)));
    }
}
