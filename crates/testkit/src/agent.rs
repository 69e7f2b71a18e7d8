//! The agent's program, run with a configuration text.

use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::process::{Process, Signal, tail};
use crate::programs;

/// How long an agent may take to end after a signal.
const END: Duration = Duration::from_secs(60);

/// A running agent: a [`Process`] with a configuration and a folder that outlive it, so that it can be started again.
pub struct Agent {
    args: Vec<String>,
    how: AgentOptions,
    /// Dropped, and so ended, before the folder that it writes into.
    process: Process,
    dir: TempDir,
}

/// How an agent is started, beyond its configuration. The default is plainly.
#[derive(Clone, Debug, Default)]
pub struct AgentOptions {
    /// Arguments beside `--config`.
    pub args: Vec<String>,
    /// Variables of its environment; `$DIR` in a value stands for the agent's folder.
    pub env: Vec<(String, String)>,
    /// A program that runs it, with arguments (`strace -D ...`). It must leave the agent the direct child: signals go there.
    pub under: Vec<String>,
}

/// What an agent that ran to its end left.
#[derive(Clone, Debug)]
pub struct AgentRun {
    /// Its exit status.
    pub status: ExitStatus,
    /// Its lines of standard output.
    pub stdout: Vec<String>,
    /// Its lines of standard error: the log.
    pub stderr: Vec<String>,
}

impl Agent {
    /// Starts the agent with a configuration text. `$DIR` in the text stands for the agent's own folder, which is also its
    /// working directory.
    pub fn start(config: &str) -> Result<Agent> {
        Agent::start_with(config, &[])
    }

    /// The same with further arguments.
    pub fn start_with(config: &str, args: &[&str]) -> Result<Agent> {
        let args = args.iter().map(|a| (*a).to_owned()).collect();
        Agent::start_in(
            Agent::folder()?,
            config,
            AgentOptions {
                args,
                ..AgentOptions::default()
            },
        )
    }

    /// A folder for [`Agent::start_in`].
    pub fn folder() -> Result<TempDir> {
        Ok(tempfile::Builder::new().prefix("wheatstone-agent-").tempdir()?)
    }

    /// Starts the agent in a folder that was prepared for it.
    pub fn start_in(dir: TempDir, config: &str, how: AgentOptions) -> Result<Agent> {
        let file = write_config(dir.path(), config)?;
        let mut args = vec!["--config".to_owned(), file];
        args.extend(how.args.iter().cloned());
        let process = launch(dir.path(), &args, &how)?;
        Ok(Agent {
            dir,
            args,
            how,
            process,
        })
    }

    /// Runs the agent to its end: for `--once`, `--test`, `config check` and the like. `limit` is how long it may take.
    pub fn run(config: &str, args: &[&str], limit: Duration) -> Result<AgentRun> {
        let mut agent = Agent::start_with(config, args)?;
        let status = agent.process.wait(limit)?;
        Ok(AgentRun {
            status,
            stdout: agent.process.stdout(),
            stderr: agent.process.stderr(),
        })
    }

    /// Its folder.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Replaces the configuration file; the agent reads it at its next start or reload.
    pub fn set_config(&self, config: &str) -> Result<()> {
        write_config(self.dir.path(), config)?;
        Ok(())
    }

    /// Waits until its log says that everything is up.
    pub fn wait_until_running(&self) -> Result<()> {
        self.process.wait_for_stderr("Loaded outputs:", END)?;
        Ok(())
    }

    /// Starts it again, with the same folder and configuration file. One that still runs is killed first.
    pub fn restart(&mut self) -> Result<()> {
        self.process.kill9()?;
        self.process = launch(self.dir.path(), &self.args, &self.how)?;
        Ok(())
    }

    /// SIGTERM and the wait for its end, which must be in order (exit code 0).
    pub fn finish(&mut self) -> Result<()> {
        self.process.signal(Signal::Term)?;
        let status = self.process.wait(END)?;
        if !status.success() {
            bail!("the agent ended with {status}:\n{}", tail(&self.process.stderr()));
        }
        Ok(())
    }
}

impl Deref for Agent {
    type Target = Process;
    fn deref(&self) -> &Process {
        &self.process
    }
}
impl DerefMut for Agent {
    fn deref_mut(&mut self) -> &mut Process {
        &mut self.process
    }
}

fn write_config(dir: &Path, config: &str) -> Result<String> {
    let file = dir.join("wheatstone.conf");
    std::fs::write(&file, config.replace("$DIR", &dir.to_string_lossy()))?;
    Ok(file.to_string_lossy().into_owned())
}

fn launch(dir: &Path, args: &[String], how: &AgentOptions) -> Result<Process> {
    let binary = binary()?;
    let mut command = match how.under.split_first() {
        Some((program, more)) => {
            let mut command = Command::new(program);
            command.args(more).arg(binary);
            command
        }
        None => Command::new(binary),
    };
    for (key, value) in &how.env {
        command.env(key, value.replace("$DIR", &dir.to_string_lossy()));
    }
    Process::spawn("wheatstone", command.args(args).current_dir(dir))
}

/// The program: what `WHEATSTONE_BIN` names, else `wheatstone` of the debug build.
fn binary() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("WHEATSTONE_BIN") {
        return std::path::absolute(&path).with_context(|| format!("WHEATSTONE_BIN={path:?}"));
    }
    let built = programs::target_dir().join("debug/wheatstone");
    if !built.is_file() {
        bail!(
            "{} is not built: run `cargo build` first, or set WHEATSTONE_BIN",
            built.display()
        );
    }
    Ok(built)
}
