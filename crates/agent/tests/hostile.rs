//! Every parser that is linked in reads what a hostile sender would write: on a small stack, without a panic, and leaving nothing
//! behind when it refuses.
#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use wheatstone as _;
use wheatstone_config::{LoadOptions, Source, load};
use wheatstone_plugin::{AgentInfo, Context, Kind, Log, Metric, Parser, registrations};

/// How often a piece is repeated: enough for any recursion to run out of a small stack.
const MANY: usize = 20_000;
/// Half of what a thread of the runtime has.
const STACK: usize = 1 << 20;

/// What a format cannot do without.
fn options(format: &str) -> &'static str {
    match format {
        "csv" => "csv_header_row_count = 1",
        "grok" => "grok_patterns = [\"%{WORD:a} %{GREEDYDATA:b}\"]",
        "value" => "data_type = \"string\"",
        "dropwizard" => "",
        "json_v2" => "[[inputs.test.json_v2]]\n[[inputs.test.json_v2.object]]\npath = \"@this\"",
        "avro" => {
            "avro_schema = '{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"a\",\"type\":\"string\"}]}'"
        }
        "binary" => "[[inputs.test.binary]]\n[[inputs.test.binary.entries]]\nname = \"a\"\ntype = \"uint8\"",
        f if f.starts_with("xpath") || f == "xml" => "[[inputs.test.xpath]]\nfield_selection = \"//*\"",
        _ => "",
    }
}

fn parser(format: &str) -> Result<Box<dyn Parser>, String> {
    let source = Source {
        name: "hostile.conf".into(),
        text: format!(
            "[[inputs.test]]\ndata_format = \"{format}\"\n{}\n",
            options(format)
        ),
    };
    let loading = LoadOptions {
        plugins: |_| vec!["test"],
        ..LoadOptions::default()
    };
    let loaded = load(vec![source], &loading)
        .map_err(|problems| problems.iter().map(|p| p.render()).collect::<Vec<_>>().join("; "))?;
    let table = loaded.config.plugins[0].table.clone();
    let log = Log::new("inputs.test", None, None);
    let cx = Context::new(
        Kind::Input,
        "test",
        "",
        table,
        log,
        Arc::new(AgentInfo::default()),
    );
    cx.parser(format).map_err(|e| format!("{e:#}"))
}

/// Payloads that grow: what opens and never closes, what opens and closes, what is wide, what is long.
fn payloads() -> Vec<Vec<u8>> {
    let opens: [&[u8]; 20] = [
        b"[",
        b"{\"a\":",
        b"{\"a\":[",
        b"(",
        b"<a>",
        b"<a b=\"",
        b"\"",
        b"\\",
        b"=",
        b",",
        b" ",
        b"\n",
        b"a=",
        b"a{",
        b"%",
        b"-",
        b"\x91",
        b"\x81\xa1a",
        b"\xa1\x61a",
        b"\xd8\x01",
    ];
    let mut all: Vec<Vec<u8>> = opens.iter().map(|piece| piece.repeat(MANY)).collect();
    for (open, middle, close) in [
        ("[", "1", "]"),
        ("{\"a\":", "1", "}"),
        ("<a>", "x", "</a>"),
        ("(", "1", ")"),
    ] {
        all.push(
            [open.repeat(MANY), middle.into(), close.repeat(MANY)]
                .concat()
                .into(),
        );
    }
    let wide: Vec<String> = (0..MANY / 4).map(|n| format!("\"k{n}\":{n}")).collect();
    all.push(format!("{{{}}}", wide.join(",")).into());
    let fields: Vec<String> = (0..MANY / 4).map(|n| format!("k{n}={n}")).collect();
    all.push(format!("m {} 1\n", fields.join(",")).into());
    all.push(format!("a,b\n{}\n", vec!["1"; MANY].join(",")).into());
    for piece in ["9", "1e", "a", "\u{10ffff}", "0x", "%{WORD:a} "] {
        all.push(piece.repeat(MANY).into());
    }
    // Lengths that lie.
    for length in [[0xff; 8], [0x7f; 8], [0x80; 8], [0x00; 8]] {
        all.push([b"\x0a".as_slice(), &length, b"rest"].concat());
        all.push([length.as_slice(), &length, &length].concat());
    }
    all.push(b"PAR1\xff\xff\xff\xffPAR1".to_vec());
    all.push(b"\x1f\x8b\x08\x00\x00\x00\x00\x00".to_vec());
    all
}

fn meets(format: &'static str, payloads: &[Vec<u8>]) {
    for payload in payloads {
        let begin = String::from_utf8_lossy(&payload[..payload.len().min(40)]).into_owned();
        // A parser that has refused something must still be good for the next payload: but a panic is judged alone.
        let mut parser = parser(format).unwrap();
        let mut out = vec![Metric::new("before", 0)];
        let read = catch_unwind(AssertUnwindSafe(|| parser.parse(payload, 1, &mut out)));
        let read =
            read.unwrap_or_else(|_| panic!("{format} panics on {begin:?}… of {} bytes", payload.len()));
        if let Err(e) = read {
            assert_eq!(
                out.len(),
                1,
                "{format} leaves metrics of a payload that it refuses: {begin:?}…: {e}"
            );
            let text = format!("{e:#}");
            assert!(
                // Telegraf's line protocol reader shows 1,024 bytes, each as up to four; the others show 80 of each thing that is wrong.
                !text.is_empty() && text.len() < 5_000,
                "{format}: an error of {} bytes on {begin:?}…: {:.300}",
                text.len(),
                text
            );
        }
    }
}

#[test]
fn every_parser_survives_hostile_payloads() {
    let payloads = Arc::new(payloads());
    let mut formats: Vec<&str> = registrations()
        .filter(|r| r.kind == Kind::Parser)
        .map(|r| r.name)
        .collect();
    formats.sort_unstable();
    let (mut met, mut unbuilt, mut unfit) = (0, Vec::new(), Vec::new());
    for format in formats {
        if let Err(e) = parser(format) {
            unbuilt.push(format!("{format}: {e}"));
            continue;
        }
        let payloads = payloads.clone();
        // A stack that overflows ends the process: what runs last is named in the output.
        eprintln!("{format}");
        let thread = std::thread::Builder::new()
            .stack_size(STACK)
            .spawn(move || meets(format, &payloads));
        if thread.unwrap().join().is_err() {
            unfit.push(format);
        }
        met += 1;
    }
    assert!(unfit.is_empty(), "{unfit:?}: see above");
    assert!(
        met >= 15,
        "only {met} parsers; without more options these cannot be built: {unbuilt:#?}"
    );
}
