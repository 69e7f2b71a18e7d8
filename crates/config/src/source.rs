//! From the command line's paths to the texts of the files.

use std::path::{Path, PathBuf};

use wheatstone_plugin::{Level, os_text};

use crate::{Note, Problem};

/// One configuration text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its path or URL, as given.
    pub name: String,
    /// What it says.
    pub text: String,
}

/// Whether a `--config` names something to be fetched, not a file: the caller does that and hands a [`Source`] in.
pub fn is_url(path: &str) -> bool {
    path.split_once("://").is_some_and(|(scheme, _)| {
        !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

/// The files to load, in order: those of `--config`, then the `.conf` files of every `--config-directory`. Where both
/// give none, the places where Telegraf looks for its file: `$TELEGRAF_CONFIG_PATH`, `~/.telegraf/telegraf.conf`, then
/// `/etc/telegraf/telegraf.conf` with `/etc/telegraf/telegraf.d`.
pub fn list_files(configs: &[String], directories: &[PathBuf]) -> Result<(Vec<String>, Vec<Note>), Problem> {
    let mut files = configs.to_vec();
    let mut notes = Vec::new();
    for directory in directories {
        files.extend(
            walk_directory(directory, &mut notes)
                .map_err(|e| in_go_words("open", directory, &e))
                .map_err(|e| Problem::general(format!("reading config directory failed: {e}")))?,
        );
    }
    if files.is_empty() {
        files = default_files(
            &|name| std::env::var(name).ok(),
            Path::new("/etc/telegraf"),
            &mut notes,
        )?;
    }
    Ok((files, notes))
}

/// Reads the files of [`list_files`]. `fetch` is asked for those that are URLs.
pub fn read_sources(
    files: &[String],
    mut fetch: impl FnMut(&str) -> Result<String, String>,
) -> Result<Vec<Source>, Vec<Problem>> {
    let mut sources = Vec::new();
    let mut problems = Vec::new();
    for name in files {
        let text = if is_url(name) {
            fetch(name)
        } else {
            read_file(name)
        };
        match text {
            Ok(text) => sources.push(Source {
                name: name.clone(),
                text,
            }),
            Err(message) => problems.push(Problem::file(name, message)),
        }
    }
    if problems.is_empty() {
        Ok(sources)
    } else {
        Err(problems)
    }
}

/// Lists and reads files; a URL is an error here. See [`list_files`] and [`read_sources`].
pub fn read_files(
    configs: &[String],
    directories: &[PathBuf],
) -> Result<(Vec<Source>, Vec<Note>), Vec<Problem>> {
    let (files, notes) = list_files(configs, directories).map_err(|problem| vec![problem])?;
    let sources = read_sources(&files, |url| Err(format!("no way to fetch {url} here")))?;
    Ok((sources, notes))
}

fn read_file(name: &str) -> Result<String, String> {
    let path = Path::new(name);
    if path.is_dir() {
        return Err(format!("read {name}: is a directory"));
    }
    let bytes = std::fs::read(path).map_err(|e| in_go_words("open", path, &e))?;
    text_of(&bytes).ok_or_else(|| {
        let why = why_no_text(&bytes);
        format!("provided config is not a TOML file: {name} ({why})")
    })
}

/// What a file is whose text is none.
fn why_no_text(bytes: &[u8]) -> String {
    let head = bytes.trim_ascii_start();
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return "it is UTF-16: save it as UTF-8".into();
    }
    if bytes.starts_with(b"\x1f\x8b\x08") || bytes.starts_with(b"PK\x03\x04") {
        return "it is compressed: unpack it".into();
    }
    if head.starts_with(b"<") {
        return "it looks like HTML or XML, such as a page that says what went wrong with a download".into();
    }
    let Some(at) = bytes.iter().position(is_binary) else {
        return "it is a binary file".into();
    };
    let line = 1 + bytes[..at].iter().filter(|b| **b == b'\n').count();
    let column = 1 + bytes[..at].iter().rev().take_while(|b| **b != b'\n').count();
    format!(
        "line {line}, column {column} has the control character 0x{:02x}",
        bytes[at]
    )
}

/// Control characters that no text has, as browsers tell text from the rest.
fn is_binary(byte: &u8) -> bool {
    matches!(byte, 0..=8 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f)
}

/// The text of a file, its byte order mark taken off; none where it is a binary one.
pub fn text_of(bytes: &[u8]) -> Option<String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    // By the control characters at the beginning.
    let head = &bytes[..bytes.len().min(512)];
    let known = [
        b"%PDF-".as_slice(),
        b"\x1f\x8b\x08",
        b"PK\x03\x04",
        b"\x89PNG",
        b"<?xml",
        b"<!DOCTYPE HTML",
        b"<html",
        b"<HTML",
    ];
    if head.iter().any(is_binary)
        || known
            .iter()
            .any(|magic| head.trim_ascii_start().starts_with(magic))
    {
        return None;
    }
    Some(String::from_utf8_lossy(bytes).into_owned())
}

/// All `.conf` files under a folder, in the order of their names. Folders that begin with `..` are Kubernetes' own.
fn walk_directory(directory: &Path, notes: &mut Vec<Note>) -> std::io::Result<Vec<String>> {
    let mut entries = std::fs::read_dir(directory)?
        .filter_map(Result::ok)
        .map(|e| e.path())
        .collect::<Vec<_>>();
    entries.sort();
    let mut files = Vec::new();
    for path in entries {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        // A link to a folder is not followed, and one to a file is.
        let Ok(kind) = std::fs::symlink_metadata(&path) else {
            continue;
        };
        if kind.is_dir() {
            if name.starts_with("..") {
                continue;
            }
            match walk_directory(&path, notes) {
                Ok(inner) => files.extend(inner),
                Err(_) => notes.push(Note {
                    level: Level::Warn,
                    message: format!("Telegraf is not permitted to read {}", path.display()),
                    span: None,
                }),
            }
        } else if name.len() > 5 && name.ends_with(".conf") {
            files.push(path.to_string_lossy().into_owned());
        }
    }
    Ok(files)
}

fn default_files(
    env: &dyn Fn(&str) -> Option<String>,
    etc: &Path,
    notes: &mut Vec<Note>,
) -> Result<Vec<String>, Problem> {
    let home = format!("{}/.telegraf/telegraf.conf", env("HOME").unwrap_or_default());
    for path in [env("TELEGRAF_CONFIG_PATH").unwrap_or_default(), home.clone()] {
        if is_url(&path) || Path::new(&path).exists() {
            return Ok(vec![path]);
        }
    }
    let (file, folder) = (etc.join("telegraf.conf"), etc.join("telegraf.d"));
    let mut files = Vec::new();
    if file.exists() {
        files.push(file.to_string_lossy().into_owned());
    }
    if folder.exists() {
        match walk_directory(&folder, notes) {
            Ok(found) => files.extend(found),
            Err(e) => notes.push(Note {
                level: Level::Warn,
                message: format!("unable walk {folder:?}: {}", in_go_words("open", &folder, &e)),
                span: None,
            }),
        }
    }
    if files.is_empty() {
        return Err(Problem::general(format!(
            "no config file specified, and could not find one in $TELEGRAF_CONFIG_PATH, {home}, {}, or {}/*.conf",
            file.display(),
            folder.display()
        )));
    }
    Ok(files)
}

/// An error as Go words it: `open x: no such file or directory`.
fn in_go_words(what: &str, path: &Path, error: &std::io::Error) -> String {
    format!("{what} {}: {}", path.display(), os_text(error))
}

#[cfg(test)]
mod tests;
