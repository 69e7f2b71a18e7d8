//! What InfluxDB 2.x answers to a write, and what follows from it.

use std::time::Duration;

use serde_json::Value;
use wheatstone_plugin::conf;

/// What became of a request. Each text is Telegraf's line for it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    /// Every point is stored.
    Stored,
    /// The server refuses, and would again. `said` is its own text, `lines` are the lines of the body that it counts up,
    /// from 1.
    Refused {
        text: String,
        said: String,
        lines: Vec<usize>,
    },
    /// The request is too large.
    TooLarge(String),
    /// The server is busy: no request before so long.
    Throttled(String, Duration),
    /// It may work another time.
    Kept(String),
    /// No server was reached: another one may be.
    Unreached(String),
}

/// An answer before it is read.
#[derive(Debug, Default)]
pub(crate) struct Raw {
    pub code: u16,
    /// Code and name.
    pub status: String,
    pub body: String,
    pub retry_after: Option<String>,
    pub influx_error: Option<String>,
}

/// Reads an answer about `bucket`; `throttled` is how many answers in a row, this one excluded, were those of a busy server.
pub(crate) fn read(raw: &Raw, bucket: &str, throttled: u32) -> Answer {
    let status = &raw.status;
    let (said, lines) = explain(&raw.body);
    let desc = if said.is_empty() {
        String::new()
    } else {
        format!(": {said}")
    };
    match raw.code {
        200 | 201 | 202 | 204 | 206 | 207 | 208 => Answer::Stored,
        413 => Answer::TooLarge(format!("{status}: {desc}")),
        401 | 403 => Answer::Kept(format!("failed to write metrics to {bucket} ({status}){desc}")),
        429 | 502 | 503 | 504 => {
            let wait = pause(raw.retry_after.as_deref(), throttled + 1);
            let shown = conf::Duration(wait);
            Answer::Throttled(
                format!("failed to write to {bucket}; will retry in {shown}. ({status})"),
                wait,
            )
        }
        400..500 => {
            let text = format!("failed to write metrics to {bucket} (will be dropped: {status}){desc}");
            Answer::Refused { text, said, lines }
        }
        _ => {
            let more = raw.influx_error.as_ref().map(|e| format!(": {desc}; {e}"));
            let desc = more.unwrap_or(desc);
            Answer::Kept(format!(
                "failed to write metrics to bucket {bucket:?}: {status}{desc}"
            ))
        }
    }
}

/// What the server says about itself, as `code: message`, and the lines that it counts up. InfluxDB 2 has `line` (the first bad
/// line), InfluxDB 3 a list `data` of them.
fn explain(body: &str) -> (String, Vec<usize>) {
    let Ok(Value::Object(json)) = serde_json::from_str::<Value>(body) else {
        // A server that is not InfluxDB itself may still name a line.
        let said = if body.contains("unable to parse '") {
            body.trim_end()
        } else {
            ""
        };
        return (said.to_owned(), Vec::new());
    };
    let text = |key: &str| json.get(key).and_then(Value::as_str).unwrap_or_default();
    let number = |value: Option<&Value>| value.and_then(Value::as_u64);
    let mut lines: Vec<usize> = Vec::new();
    let mut said = match (text("code"), text("message"), text("error")) {
        ("", "", error) if !error.is_empty() => error.to_owned(),
        (code, message, _) => format!("{code}: {message}"),
    };
    let mut details = Vec::new();
    if let Some(line) = number(json.get("line")) {
        details.push(format!("line[{line}]"));
        lines.extend(usize::try_from(line));
    }
    if let Some(most) = number(json.get("maxLength").or_else(|| json.get("maxlength"))) {
        details.push(format!("maxlen[{most}]"));
    }
    if !details.is_empty() {
        said = format!("{said} - {}", details.join(", "));
    }
    let data = json.get("data").map(std::slice::from_ref).unwrap_or_default();
    let data = data.iter().flat_map(|d| d.as_array().map_or(data, Vec::as_slice));
    for bad in data.take(10_000) {
        lines.extend(number(bad.get("line_number")).and_then(|n| usize::try_from(n).ok()));
        if let Some(why) = bad.get("error_message").and_then(Value::as_str)
            && said.len() < 1000
        {
            said = format!("{said}; {why}");
        }
    }
    (said, lines)
}

/// The longer of what the server asks for (600 s at most, 10 s where it cannot be read) and a pause that grows with the square
/// of the count (60 s at most).
fn pause(retry_after: Option<&str>, count: u32) -> Duration {
    let own = (f64::from(count).powi(2) / 40.0).min(60.0);
    let asked = match retry_after {
        None | Some("") => 0.0,
        Some(text) => text
            .parse::<f64>()
            .ok()
            .filter(|s| s.is_finite())
            .unwrap_or(10.0)
            .min(600.0),
    };
    Duration::from_millis((own.max(asked) * 1000.0) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(code: u16, status: &str, body: &str) -> Raw {
        Raw {
            code,
            status: status.into(),
            body: body.into(),
            ..Raw::default()
        }
    }
    const BODY: &str = "{\"code\":\"x\",\"message\":\"why\"}";

    #[test]
    fn texts_are_telegrafs() {
        let read = |code, status| read(&raw(code, status, BODY), "bkt", 0);
        assert_eq!(read(204, "204 No Content"), Answer::Stored);
        assert_eq!(read(206, "206 Partial Content"), Answer::Stored);
        let text = |answer| match answer {
            Answer::Refused { text, .. }
            | Answer::TooLarge(text)
            | Answer::Throttled(text, _)
            | Answer::Kept(text) => text,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            text(read(404, "404 Not Found")),
            "failed to write metrics to bkt (will be dropped: 404 Not Found): x: why"
        );
        assert_eq!(
            text(read(401, "401 Unauthorized")),
            "failed to write metrics to bkt (401 Unauthorized): x: why"
        );
        assert_eq!(
            text(read(503, "503 Busy")),
            "failed to write to bkt; will retry in 25ms. (503 Busy)"
        );
        assert_eq!(
            text(read(500, "500 Oh")),
            "failed to write metrics to bucket \"bkt\": 500 Oh: x: why"
        );
        assert_eq!(text(read(413, "413 Big")), "413 Big: : x: why");
    }

    #[test]
    fn a_busy_server_is_given_the_longer_pause() {
        for (asked, count, millis) in [
            (None, 1, 25),
            (None, 2, 100),
            (None, 1000, 60_000),
            (Some("30"), 1, 30_000),
            (Some("0.5"), 1, 500),
            (Some("99999"), 1, 600_000),
            (Some("Sat, 21 Nov 2026 12:00:00 GMT"), 1, 10_000),
            (Some("1"), 20, 10_000),
            (Some("NaN"), 1, 10_000),
            (Some("-5"), 1, 25),
        ] {
            assert_eq!(
                pause(asked, count),
                Duration::from_millis(millis),
                "{asked:?} {count}"
            );
        }
    }

    #[test]
    fn counted_lines_are_read_in_every_form() {
        let lines = |body: &str| explain(body);
        assert_eq!(
            lines("{\"code\":\"invalid\",\"message\":\"m\",\"line\":2,\"maxLength\":9}"),
            ("invalid: m - line[2], maxlen[9]".to_owned(), vec![2])
        );
        let list =
            r#"{"error":"partial write","data":[{"line_number":3,"error_message":"bad"},{"line_number":5}]}"#;
        assert_eq!(lines(list), ("partial write; bad".to_owned(), vec![3, 5]));
        let one = r#"{"error":"e","data":{"line_number":1}}"#;
        assert_eq!(lines(one), ("e".to_owned(), vec![1]));
        assert_eq!(lines("<html>"), (String::new(), vec![]));
        assert_eq!(lines("[]"), (String::new(), vec![]));
        assert_eq!(lines("{}"), (": ".to_owned(), vec![]));
    }
}
