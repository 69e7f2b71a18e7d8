//! Whole files in, read anew at each interval; what the parser makes of them out.

mod encoding;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use wheatstone_plugin::conf::Table;
use wheatstone_plugin::os_text;
use wheatstone_plugin::prelude::*;
use wheatstone_plugin::time::Clock;

use crate::globpath::{GlobPath, clean};
use encoding::Encoding;

/// Parses whole files at each interval.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct FileConfig {
    /// Files to parse at each interval. `*`, `?`, `[a-z]` and `{one,two}` stand for parts of a name; `**` goes down through
    /// folders: `/var/log/**.log` is every `.log` file in `/var/log` and below it.
    files: Vec<String>,
    /// How the files encode characters: `"utf-8"`, `"utf-16le"` or `"utf-16be"`; what is not valid becomes the replacement
    /// character. Empty (or `"none"`) takes the bytes as they are. A byte order mark is skipped in any case.
    character_encoding: String,
    /// Name of a tag that holds the file's name without its folder; none where it is empty. Many names make many series.
    file_tag: String,
    /// Name of a tag that holds the file's absolute path; none where it is empty. Many paths make many series.
    file_path_tag: String,
}

struct File {
    config: FileConfig,
    encoding: Encoding,
    files: Arc<Vec<(String, Option<GlobPath>)>>,
    cx: Context,
    /// The plugin's table once more: parsers made from it are not noted as readers of the configuration.
    table: Table,
    clock: Clock,
    told_empty: bool,
}

impl Plugin for File {
    type Config = FileConfig;

    fn new(config: FileConfig, cx: &Context) -> Result<Self> {
        let encoding = Encoding::parse(&config.character_encoding)?;
        cx.try_parser("influx")?;
        let files = config
            .files
            .iter()
            .map(|f| (f.clone(), GlobPath::compile(f).ok()))
            .collect();
        Ok(File {
            encoding,
            files: Arc::new(files),
            cx: cx.clone(),
            table: cx.table().clone(),
            clock: Clock::default(),
            told_empty: false,
            config,
        })
    }
}

#[async_trait]
impl Input for File {
    async fn gather(&mut self, acc: &mut Accumulator) -> Result<()> {
        // Files may be pipes, and folders may lie on a dead mount: neither must hold the agent's own threads.
        let files = self.files.clone();
        let paths = tokio::task::spawn_blocking(move || find(&files)).await??;
        for path in paths {
            let encoding = self.encoding;
            let (path, content) = tokio::task::spawn_blocking(move || {
                let content = read(&path, encoding);
                (path, content)
            })
            .await?;
            self.parse(&path, &content?, acc)?;
            if acc.is_full() {
                acc.flush().await;
            }
        }
        Ok(())
    }
}

/// All files of all patterns; a pattern without a file is an error.
fn find(files: &[(String, Option<GlobPath>)]) -> Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for (pattern, glob) in files {
        let found = match glob {
            Some(glob) => glob.find(),
            None if pattern.contains("**") => bail!("could not compile glob {pattern:?}: malformed pattern"),
            None => Vec::new(),
        };
        if found.is_empty() {
            bail!("could not find file(s): {pattern}");
        }
        all.extend(found);
    }
    Ok(all)
}

fn read(path: &Path, encoding: Encoding) -> Result<Vec<u8>> {
    use std::io::Read;
    let shown = path.display();
    let mut file = std::fs::File::open(path).map_err(|e| anyhow!("open {shown}: {}", os_text(&e)))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)
        .map_err(|e| anyhow!("could not read {path:?}: read {shown}: {}", os_text(&e)))?;
    Ok(encoding.decode(bytes))
}

impl File {
    fn parse(&mut self, path: &Path, content: &[u8], acc: &mut Accumulator) -> Result<()> {
        // A parser may remember what it saw (a csv header), and a file begins anew.
        let mut parser = self
            .cx
            .parser_from(&self.table, "influx", self.cx.metric_name().clone())
            .context("could not instantiate parser")?;
        self.clock.read();
        let before = acc.batch().len();
        if let Err(e) = parser.parse(content, self.clock.next(), acc.batch()) {
            acc.batch().truncate(before);
            bail!("could not parse {path:?}: {e:#}");
        }
        let metrics = &mut acc.batch()[before..];
        if metrics.is_empty() && !self.told_empty {
            self.told_empty = true;
            debug!(
                self.cx.log(),
                "The parser made no metrics of {path:?}; this is said only once"
            );
        }
        if !self.config.file_tag.is_empty() {
            let name = path.file_name().map(|n| n.to_string_lossy()).unwrap_or_default();
            metrics
                .iter_mut()
                .for_each(|m| m.set_tag(self.config.file_tag.as_str(), &*name));
        }
        if !self.config.file_path_tag.is_empty()
            && let Ok(absolute) = std::path::absolute(path)
        {
            let absolute = clean(&absolute);
            let absolute = absolute.to_string_lossy();
            metrics
                .iter_mut()
                .for_each(|m| m.set_tag(self.config.file_path_tag.as_str(), &*absolute));
        }
        Ok(())
    }
}

register!(input "file" = File, parser "influx");

#[cfg(test)]
mod tests;
