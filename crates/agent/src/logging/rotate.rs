//! A log file that is set aside when it is old or long enough, under Telegraf's names: `agent.2026-11-21-1795255200.log`.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use wheatstone_config::AgentConfig;
use wheatstone_gotime::Zone;

/// The open file, and when the next begins.
pub(super) struct LogFile {
    path: PathBuf,
    file: File,
    written: u64,
    expires: SystemTime,
    rules: Rules,
}

#[derive(Clone, Copy, Debug)]
struct Rules {
    /// Zero for never.
    interval: Duration,
    /// In bytes; zero for never.
    size: u64,
    /// Negative for all.
    archives: i64,
}

impl LogFile {
    /// Opens the file, its folder made where it is missing. An old or long one is set aside at once.
    pub fn open(path: &Path, agent: &AgentConfig) -> io::Result<LogFile> {
        if let Some(parent) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
            make_folder(parent)?;
        }
        let rules = Rules {
            interval: agent.logfile_rotation_interval.0,
            size: agent.logfile_rotation_max_size.0,
            archives: agent.logfile_rotation_max_archives,
        };
        let (file, written, expires) = open(path, rules)?;
        let mut log = LogFile {
            path: path.to_owned(),
            file,
            written,
            expires,
            rules,
        };
        log.rotate_if_due(SystemTime::now())?;
        Ok(log)
    }

    /// Writes one line whole.
    pub fn write(&mut self, line: &[u8]) -> io::Result<()> {
        self.file.write_all(line)?;
        self.written += line.len() as u64;
        self.rotate_if_due(SystemTime::now())
    }

    fn rotate_if_due(&mut self, now: SystemTime) -> io::Result<()> {
        let old = !self.rules.interval.is_zero() && now > self.expires;
        let long = self.rules.size > 0 && self.written >= self.rules.size;
        if !old && !long {
            return Ok(());
        }
        // A file that cannot be set aside is written on: losing lines would be worse.
        let _ = self.set_aside(now);
        let (file, written, expires) = open(&self.path, self.rules)?;
        (self.file, self.written) = (file, written);
        self.expires = if old { now + self.rules.interval } else { expires };
        Ok(())
    }

    fn set_aside(&self, now: SystemTime) -> io::Result<()> {
        let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let nanos = i64::try_from(seconds)
            .unwrap_or_default()
            .saturating_mul(1_000_000_000);
        let date = wheatstone_gotime::Layout::new("2006-01-02").format(nanos, &Zone::local());
        let (stem, extension) = self.parts();
        let mut name = format!("{stem}.{date}-{seconds}{extension}");
        // Two within one second would be one.
        for n in 1..1000 {
            if !self.path.with_file_name(&name).exists() {
                break;
            }
            name = format!("{stem}.{date}-{seconds}.{n:03}{extension}");
        }
        std::fs::rename(&self.path, self.path.with_file_name(name))?;
        self.remove_oldest()
    }

    /// The file's name before and from its last dot.
    fn parts(&self) -> (String, String) {
        let name = self
            .path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        match name.rfind('.') {
            Some(dot) => (name[..dot].to_owned(), name[dot..].to_owned()),
            None => (name, String::new()),
        }
    }

    fn remove_oldest(&self) -> io::Result<()> {
        let Ok(keep) = usize::try_from(self.rules.archives) else {
            return Ok(());
        };
        let (stem, extension) = self.parts();
        let folder = match self.path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let mut archives: Vec<String> = std::fs::read_dir(folder)?
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| is_archive(name, &stem, &extension))
            .collect();
        archives.sort_by(|a, b| {
            a.strip_suffix(extension.as_str())
                .cmp(&b.strip_suffix(extension.as_str()))
        });
        let surplus = archives.len().saturating_sub(keep);
        archives[..surplus]
            .iter()
            .try_for_each(|name| std::fs::remove_file(folder.join(name)))
    }
}

/// Whether a name is one that [`LogFile::set_aside`] gives: nothing else is removed.
fn is_archive(name: &str, stem: &str, extension: &str) -> bool {
    let inner = name
        .strip_prefix(stem)
        .and_then(|n| n.strip_prefix('.'))
        .and_then(|n| n.strip_suffix(extension));
    inner.is_some_and(|inner| {
        inner.len() > 11
            && inner.bytes().enumerate().all(|(i, b)| match i {
                4 | 7 | 10 => b == b'-',
                0..11 => b.is_ascii_digit(),
                _ => b.is_ascii_digit() || b == b'.',
            })
    })
}

fn open(path: &Path, rules: Rules) -> io::Result<(File, u64, SystemTime)> {
    let file = File::options().create(true).append(true).open(path)?;
    let metadata = file.metadata()?;
    let begun = metadata.modified().unwrap_or_else(|_| SystemTime::now());
    Ok((file, metadata.len(), begun + rules.interval))
}

fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agent(size: u64, archives: i64, interval: u64) -> AgentConfig {
        let mut agent = AgentConfig::default();
        agent.logfile_rotation_max_size.0 = size;
        agent.logfile_rotation_max_archives = archives;
        agent.logfile_rotation_interval.0 = Duration::from_secs(interval);
        agent
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn long_files_are_set_aside_and_the_oldest_go() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/agent.log");
        let mut log = LogFile::open(&path, &agent(10, 2, 0)).unwrap();
        std::fs::write(dir.path().join("new/agent.other.log"), "mine").unwrap();
        for n in 0..5 {
            log.write(format!("line number {n}\n").as_bytes()).unwrap();
        }
        log.write(b"last\n").unwrap();
        let names = names(&dir.path().join("new"));
        assert_eq!(names.len(), 4, "{names:?}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "last\n");
        let newest = names.iter().rfind(|n| is_archive(n, "agent", ".log")).unwrap();
        let text = std::fs::read_to_string(dir.path().join("new").join(newest)).unwrap();
        assert!(text.starts_with("line number"), "{text}");
        assert!(names.contains(&"agent.other.log".to_owned()));
    }

    #[test]
    fn a_file_that_is_too_old_is_set_aside_when_it_is_opened() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("agent");
        std::fs::write(&path, "yesterday\n").unwrap();
        let old = SystemTime::now() - Duration::from_secs(7200);
        File::options()
            .append(true)
            .open(&path)
            .unwrap()
            .set_modified(old)
            .unwrap();
        let mut log = LogFile::open(&path, &agent(0, -1, 3600)).unwrap();
        log.write(b"today\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "today\n");
        let names = names(dir.path());
        assert_eq!(names.len(), 2, "{names:?}");
        assert!(is_archive(&names[1], "agent", ""), "{names:?}");
    }

    #[test]
    fn without_rules_a_file_grows() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.log");
        for _ in 0..2 {
            let mut log = LogFile::open(&path, &agent(0, 0, 0)).unwrap();
            log.write(b"x\n").unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "x\nx\n");
    }

    #[test]
    fn only_names_of_ours_are_archives() {
        assert!(is_archive("a.2026-11-21-1795255200.log", "a", ".log"));
        assert!(is_archive("a.2026-11-21-1795255200.001.log", "a", ".log"));
        for name in [
            "a.log",
            "a.2026-11-21.log",
            "a.backup.log",
            "b.2026-11-21-1.log",
            "a.2026-11-21-x.log",
        ] {
            assert!(!is_archive(name, "a", ".log"), "{name}");
        }
    }
}
