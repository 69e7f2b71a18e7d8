//! A child process under measurement: what it has burnt, and what it holds.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result, bail};

/// A folder that is gone with the value.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Result<Folder> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("wheatstone-bench-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).with_context(|| path.display().to_string())?;
        Ok(Folder(path))
    }
    pub fn path(&self) -> &Path {
        &self.0
    }
}
impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A child process; it is killed with the value.
pub struct Peer(Child);

impl Peer {
    /// Starts it with its standard error in `log`.
    pub fn start(command: &mut Command, log: &Path) -> Result<Peer> {
        let shown = format!("{:?}", command.get_program());
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(log)?)
            .spawn()
            .context(shown)?;
        Ok(Peer(child))
    }
    pub fn id(&self) -> u32 {
        self.0.id()
    }
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.0.try_wait(), Ok(None))
    }
    /// What it printed, once it has ended.
    pub fn output(&mut self) -> String {
        let mut text = String::new();
        if let Some(mut out) = self.0.stdout.take() {
            let _ = std::io::Read::read_to_string(&mut out, &mut text);
        }
        let _ = self.0.wait();
        text
    }
    /// What it prints, as it comes.
    pub fn take_output(&mut self) -> Option<ChildStdout> {
        self.0.stdout.take()
    }
    /// Asks it to end, and waits for that.
    pub fn terminate(&mut self) -> Result<()> {
        let asked = Command::new("kill").arg(self.id().to_string()).status()?;
        if !asked.success() || !self.0.wait()?.success() {
            bail!("it did not end in order");
        }
        Ok(())
    }
    /// CPU-seconds so far, user and system.
    pub fn cpu(&self) -> f64 {
        cpu_of(self.id())
    }
    /// Resident memory now and at most, in bytes.
    pub fn memory(&self) -> (u64, u64) {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap_or_default();
        let of = |key: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(key));
            let number = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
            number.unwrap_or(0) * 1024
        };
        (of("VmRSS:"), of("VmHWM:"))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// CPU-seconds of a process. The scheduler's own count, in nanoseconds, knows no threads that have ended; the count in
/// ticks of 10 ms does: the larger of both is the truth.
pub fn cpu_of(id: u32) -> f64 {
    let fine: u64 = std::fs::read_dir(format!("/proc/{id}/task"))
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|task| std::fs::read_to_string(task.path().join("schedstat")).ok())
        .filter_map(|text| text.split(' ').next()?.parse::<u64>().ok())
        .sum();
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let ticks: u64 = stat
        .rsplit_once(')')
        .map(|(_, rest)| {
            rest.split_whitespace()
                .skip(11)
                .take(2)
                .filter_map(|n| n.parse::<u64>().ok())
                .sum()
        })
        .unwrap_or(0);
    // Linux counts these ticks in hundredths everywhere.
    (fine as f64 / 1e9).max(ticks as f64 / 100.0 - 0.02)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_work_is_seen() {
        let before = cpu_of(std::process::id());
        let end = std::time::Instant::now() + std::time::Duration::from_millis(80);
        let mut x = 1u64;
        while std::time::Instant::now() < end {
            x = std::hint::black_box(x.wrapping_mul(6_364_136_223_846_793_005));
        }
        assert!(cpu_of(std::process::id()) > before);
    }

    #[test]
    fn a_child_is_read_and_a_folder_goes() -> Result<()> {
        let folder = Folder::new()?;
        let path = folder.path().to_owned();
        let mut peer = Peer::start(Command::new("echo").arg("done"), &path.join("log"))?;
        assert_eq!(peer.output(), "done\n");
        assert!(peer.has_ended());
        drop(folder);
        assert!(!path.exists());
        Ok(())
    }
}
