use std::fs;

use super::*;

/// A folder of its own for a test.
fn folder(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("wheatstone-config-{}-{name}", std::process::id()));
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    path
}

#[test]
fn directories_are_walked_in_order() {
    let dir = folder("walk");
    fs::create_dir_all(dir.join("b.d")).unwrap();
    fs::create_dir_all(dir.join("..data")).unwrap();
    for file in [
        "c.conf",
        "a.conf",
        "b.d/x.conf",
        "..data/y.conf",
        ".conf",
        "a.toml",
        "é.conf",
    ] {
        fs::write(dir.join(file), "").unwrap();
    }
    let mut notes = Vec::new();
    let found = walk_directory(&dir, &mut notes).unwrap();
    let names: Vec<_> = found.iter().map(|f| f.rsplit_once("walk/").unwrap().1).collect();
    assert_eq!(names, ["a.conf", "b.d/x.conf", "c.conf", "é.conf"]);
    assert!(notes.is_empty());
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn files_that_cannot_be_loaded() {
    let dir = folder("bad");
    let path = |name: &str| dir.join(name).to_string_lossy().into_owned();
    fs::write(path("binary.conf"), b"\x7fELF\x00\x01").unwrap();
    fs::write(path("good.conf"), b"\xef\xbb\xbf[agent]\r\n").unwrap();
    let own = path("");
    let own = own.trim_end_matches('/');
    let files = [
        path("none.conf"),
        own.to_owned(),
        path("binary.conf"),
        "http://x/y".into(),
        path("good.conf"),
    ];
    let problems = read_sources(&files, |_| Err("not now".into())).unwrap_err();
    let lines: Vec<_> = problems.iter().map(Problem::headline).collect();
    assert_eq!(
        lines,
        [
            format!(
                "loading config file {0} failed: open {0}: no such file or directory",
                files[0]
            ),
            format!("loading config file {own} failed: read {own}: is a directory"),
            format!(
                "loading config file {0} failed: provided config is not a TOML file: {0} (line 1, column 5 has the control character 0x00)",
                files[2]
            ),
            "loading config file http://x/y failed: not now".into(),
        ]
    );
    let sources = read_sources(&files[4..], |_| Err(String::new())).unwrap();
    assert_eq!(sources[0].text, "[agent]\r\n");
    let sources = read_sources(&["https://x".into()], |url| Ok(format!("# {url}"))).unwrap();
    assert_eq!(sources[0].text, "# https://x");
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn the_default_places_in_order() {
    let dir = folder("default");
    let etc = dir.join("etc");
    let home = dir.join("home");
    fs::create_dir_all(etc.join("telegraf.d")).unwrap();
    fs::create_dir_all(home.join(".telegraf")).unwrap();
    let home_text = home.to_string_lossy().into_owned();
    let find = |config: Option<&str>| {
        let env = |name: &str| match name {
            "HOME" => Some(home_text.clone()),
            _ => config.map(str::to_owned),
        };
        default_files(&env, &etc, &mut Vec::new())
    };
    let message = find(None).unwrap_err().headline();
    assert!(
        message.starts_with("no config file specified, and could not find one in $TELEGRAF_CONFIG_PATH, "),
        "{message}"
    );
    fs::write(etc.join("telegraf.d/x.conf"), "").unwrap();
    fs::write(etc.join("telegraf.conf"), "").unwrap();
    let found = find(None).unwrap();
    assert_eq!(found.len(), 2);
    assert!(found[0].ends_with("telegraf.conf") && found[1].ends_with("x.conf"));
    fs::write(home.join(".telegraf/telegraf.conf"), "").unwrap();
    assert_eq!(
        find(None).unwrap(),
        [home.join(".telegraf/telegraf.conf").to_string_lossy()]
    );
    assert_eq!(find(Some("http://h/c")).unwrap(), ["http://h/c"]);
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn text_or_not() {
    for (bytes, is_text) in [
        (b"[agent]\n".as_slice(), true),
        (b"", true),
        (b"\x1b[31m", true),
        ("é".as_bytes(), true),
        (b"a\0b", false),
        (b"%PDF-1.4", false),
        (b"<html><body>", false),
    ] {
        assert_eq!(text_of(bytes).is_some(), is_text, "{bytes:?}");
    }
    for (path, url) in [
        ("http://a", true),
        ("ftp://a", true),
        ("a.conf", false),
        ("C:\\a", false),
        ("://a", false),
    ] {
        assert_eq!(is_url(path), url, "{path}");
    }
}
