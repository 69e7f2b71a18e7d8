//! A child process whose lines are kept as they come, and that ends with the value that holds it.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use parking_lot::{Condvar, Mutex};

/// What can be sent to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM: end in order.
    Term,
    /// SIGINT: what Ctrl-C sends.
    Int,
    /// SIGHUP: read the configuration again.
    Hup,
    /// SIGUSR1: flush now.
    Usr1,
    /// SIGKILL: gone at once, nothing is flushed.
    Kill,
    /// SIGSTOP: frozen; its sockets stay open and nobody reads them.
    Stop,
    /// SIGCONT: goes on after a stop.
    Cont,
}

impl Signal {
    fn number(self) -> rustix::process::Signal {
        use rustix::process::Signal as S;
        match self {
            Signal::Term => S::TERM,
            Signal::Int => S::INT,
            Signal::Hup => S::HUP,
            Signal::Usr1 => S::USR1,
            Signal::Kill => S::KILL,
            Signal::Stop => S::STOP,
            Signal::Cont => S::CONT,
        }
    }
}

#[derive(Default)]
struct Lines {
    lines: Vec<String>,
    ended: bool,
}

/// The lines of one stream, so far.
#[derive(Clone, Default)]
struct Captured(Arc<(Mutex<Lines>, Condvar)>);

impl Captured {
    fn read(&self, name: &str, stream: impl Read + Send + 'static) -> Result<()> {
        let to = self.clone();
        let copy = move || {
            let mut reader = BufReader::new(stream);
            let mut line = Vec::new();
            while reader.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
                let text = String::from_utf8_lossy(&line)
                    .trim_end_matches(['\n', '\r'])
                    .to_owned();
                to.0.0.lock().lines.push(text);
                to.0.1.notify_all();
                line.clear();
            }
            to.0.0.lock().ended = true;
            to.0.1.notify_all();
        };
        std::thread::Builder::new()
            .name(format!("{name} lines"))
            .spawn(copy)?;
        Ok(())
    }

    fn all(&self) -> Vec<String> {
        self.0.0.lock().lines.clone()
    }

    fn count(&self) -> usize {
        self.0.0.lock().lines.len()
    }

    /// The first line from `from` on that `wanted` accepts; `None` at the deadline or when the stream ended without one.
    fn wait(&self, from: usize, end: Instant, wanted: impl Fn(&str) -> bool) -> Option<(usize, String)> {
        let mut seen = from;
        let mut lines = self.0.0.lock();
        loop {
            while let Some(line) = lines.lines.get(seen) {
                if wanted(line) {
                    return Some((seen, line.clone()));
                }
                seen += 1;
            }
            if lines.ended || self.0.1.wait_until(&mut lines, end).timed_out() {
                return None;
            }
        }
    }

    /// Waits until the stream is closed.
    fn drain(&self, end: Instant) {
        let mut lines = self.0.0.lock();
        while !lines.ended && !self.0.1.wait_until(&mut lines, end).timed_out() {}
    }
}

/// A child process. Dropping it kills it, by its process id, and waits for its end.
pub struct Process {
    name: String,
    child: Child,
    stdout: Captured,
    stderr: Captured,
}

impl Process {
    /// Starts `command` with its standard output and error captured. `name` stands in errors.
    pub fn spawn(name: &str, command: &mut Command) -> Result<Process> {
        let stdin = Stdio::null();
        let mut child = command
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("{name}: cannot start {:?}", command.get_program()))?;
        let (stdout, stderr) = (Captured::default(), Captured::default());
        if let Some(stream) = child.stdout.take() {
            stdout.read(name, stream)?;
        }
        if let Some(stream) = child.stderr.take() {
            stderr.read(name, stream)?;
        }
        Ok(Process {
            name: name.to_owned(),
            child,
            stdout,
            stderr,
        })
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The lines of standard output so far.
    pub fn stdout(&self) -> Vec<String> {
        self.stdout.all()
    }

    /// The lines of standard error so far.
    pub fn stderr(&self) -> Vec<String> {
        self.stderr.all()
    }

    /// How many lines standard error has so far: a mark to wait from.
    pub fn stderr_lines(&self) -> usize {
        self.stderr.count()
    }

    /// Waits for a line of standard error that holds `text`, lines already there included.
    pub fn wait_for_stderr(&self, text: &str, limit: Duration) -> Result<String> {
        self.wait_for_stderr_from(0, text, limit)
    }

    /// The same among the lines from number `from` on.
    pub fn wait_for_stderr_from(&self, from: usize, text: &str, limit: Duration) -> Result<String> {
        match self
            .stderr
            .wait(from, Instant::now() + limit, |line| line.contains(text))
        {
            Some((_, line)) => Ok(line),
            None => Err(self.said_otherwise("stderr", text, &self.stderr)),
        }
    }

    /// Waits for a line of standard output that holds `text`, lines already there included.
    pub fn wait_for_stdout(&self, text: &str, limit: Duration) -> Result<String> {
        match self
            .stdout
            .wait(0, Instant::now() + limit, |line| line.contains(text))
        {
            Some((_, line)) => Ok(line),
            None => Err(self.said_otherwise("stdout", text, &self.stdout)),
        }
    }

    fn said_otherwise(&self, stream: &str, text: &str, lines: &Captured) -> anyhow::Error {
        anyhow!(
            "{}: {stream} has no line with {text:?}; its end:\n{}",
            self.name,
            tail(&lines.all())
        )
    }

    /// Sends a signal. One to a process that has ended is an error.
    pub fn signal(&mut self, signal: Signal) -> Result<()> {
        // Until it is waited for, the id cannot belong to another process.
        if let Some(status) = self.child.try_wait()? {
            bail!("{}: has ended already ({status})", self.name);
        }
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal.number())
            .with_context(|| format!("{}: cannot send {signal:?}", self.name))
    }

    /// How it ended, where it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Waits for its end and for the last of its lines.
    pub fn wait(&mut self, limit: Duration) -> Result<ExitStatus> {
        let end = Instant::now() + limit;
        let status = crate::wait_for(&format!("the end of {}", self.name), limit, || self.ended())
            .map_err(|e| anyhow!("{e}; its last lines:\n{}", tail(&self.stderr())))?;
        // A grandchild could hold the streams open for longer: the process itself is what counts.
        let lines = end.max(Instant::now() + Duration::from_millis(200));
        self.stdout.drain(lines);
        self.stderr.drain(lines);
        Ok(status)
    }

    /// SIGTERM, and after `limit` an error; the process is killed when it is dropped.
    pub fn terminate(&mut self, limit: Duration) -> Result<ExitStatus> {
        self.signal(Signal::Term)?;
        self.wait(limit)
    }

    /// SIGKILL, and the wait for its end. One that has ended already is fine.
    pub fn kill9(&mut self) -> Result<()> {
        if self.ended().is_none() {
            self.child
                .kill()
                .with_context(|| format!("{}: cannot kill", self.name))?;
        }
        self.child.wait()?;
        Ok(())
    }

    /// The CPU seconds, user and system, that it has burnt so far. `None` once it has ended.
    pub fn cpu_seconds(&self) -> Option<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.id())).ok()?;
        let mut words = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
        let ticks: f64 = words.next()?.parse::<f64>().ok()? + words.next()?.parse::<f64>().ok()?;
        Some(ticks / rustix::param::clock_ticks_per_second() as f64)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.kill9();
    }
}

/// The last lines, for an error's text.
pub(crate) fn tail(lines: &[String]) -> String {
    lines[lines.len().saturating_sub(20)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(10);

    fn sh(script: &str) -> Result<Process> {
        Process::spawn("sh", Command::new("sh").args(["-c", script]))
    }

    #[test]
    fn lines_and_exit_code_are_kept() -> Result<()> {
        let mut p = sh("echo out; echo err >&2; exit 3")?;
        assert_eq!(p.wait(SOON)?.code(), Some(3));
        assert_eq!(
            (p.stdout(), p.stderr()),
            (vec!["out".to_owned()], vec!["err".to_owned()])
        );
        assert_eq!(p.wait_for_stderr("err", SOON)?, "err");
        let missing = p.wait_for_stdout("nope", SOON).err().map(|e| e.to_string());
        assert_eq!(
            missing.as_deref(),
            Some("sh: stdout has no line with \"nope\"; its end:\nout")
        );
        Ok(())
    }

    #[test]
    fn signals_arrive() -> Result<()> {
        let mut p = sh("trap 'echo bye; exit 5' TERM; echo up; while :; do sleep 0.01; done")?;
        p.wait_for_stdout("up", SOON)?;
        p.signal(Signal::Stop)?;
        p.signal(Signal::Cont)?;
        assert_eq!(p.terminate(SOON)?.code(), Some(5));
        assert!(p.signal(Signal::Term).is_err());
        Ok(())
    }

    #[test]
    fn a_dropped_process_is_gone() -> Result<()> {
        let p = sh("exec sleep 600")?;
        let proc = format!("/proc/{}", p.id());
        assert!(std::path::Path::new(&proc).exists());
        assert!(p.cpu_seconds().is_some());
        drop(p);
        assert!(!std::path::Path::new(&proc).exists());
        Ok(())
    }
}
