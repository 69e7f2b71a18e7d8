#![no_main]

wheatstone_fuzz::parser!(
    "grok",
    [
        "grok_patterns = [\"%{COMBINED_LOG_FORMAT}\"]",
        "grok_patterns = [\"%{NUMBER:n:float} %{WORD:w:tag} %{TIMESTAMP_ISO8601:t:ts}\"]\ngrok_multiline = true"
    ]
);
