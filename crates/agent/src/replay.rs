//! `wheatstone deadletter replay`: letters from the store through a configuration to its outputs, beside the running agent.

use std::future::Future;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use wheatstone_dead_letter::{Filter, Letter, Letters, Replay};
use wheatstone_pipeline::{ReplayOptions, Replayed, replay};

use crate::cli::{FileFlags, Flags};
use crate::letters::Wanted;
use crate::load::{self, Purpose};
use crate::logging;

/// What `deadletter replay` takes.
#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    #[command(flatten)]
    flags: FileFlags,
    #[command(flatten)]
    wanted: Wanted,
    /// Only the letters with these numbers
    ids: Vec<u64>,
    /// Send metrics through the processors too, not straight to the output that refused them
    #[arg(long)]
    processors: bool,
    /// Give up when for so long no letter was settled
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration)]
    wait: Duration,
}

fn duration(text: &str) -> Result<Duration, String> {
    wheatstone_plugin::conf::Duration::parse(text).map(|d| d.0)
}

/// Sends letters again. `directory` is the store where it is not the configuration's own.
pub(crate) fn run(flags: Flags, directory: Option<PathBuf>, args: ReplayArgs) -> anyhow::Result<ExitCode> {
    let flags = flags.with(args.flags);
    logging::init(flags.debug, flags.quiet);
    let filter = Filter {
        ids: args.ids,
        ..args.wanted.filter()?
    };
    let Some(loaded) = load::from_flags(&flags, Purpose::Replay)? else {
        return Ok(ExitCode::FAILURE);
    };
    logging::configure(&loaded.config.agent, flags.debug, flags.quiet)?;
    anyhow::ensure!(
        loaded.topology.sizes().1 > 0,
        "no outputs found, probably invalid config file provided"
    );
    let configured = loaded.config.wheatstone.dead_letter.clone().unwrap_or_default();
    let directory = directory.unwrap_or_else(|| PathBuf::from(&configured.directory));
    let mut post = Post(open(&directory, filter)?);
    let options = ReplayOptions {
        patience: args.wait,
        processors: args.processors,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("wheatstone")
        .enable_all()
        .build()?;
    let report = runtime.block_on(async {
        let stop = stopped()?;
        replay(loaded.topology, &mut post, options, stop).await
    });
    runtime.shutdown_timeout(Duration::from_millis(100));
    let report = report?;
    writeln!(io::stdout(), "{}", summary(&report, post.0.damaged()))?;
    Ok(if report.kept() + report.errors == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn open(directory: &Path, filter: Filter) -> anyhow::Result<Replay> {
    let shown = directory.display();
    let letters = Letters::open(directory).with_context(|| format!("no dead letters in {shown}"))?;
    match letters.replay(filter) {
        Err(e) if e.kind() == io::ErrorKind::WouldBlock => Err(anyhow!(
            "the dead letters in {shown} are being replayed or removed by somebody else"
        )),
        replay => replay.with_context(|| format!("reading the dead letters in {shown}")),
    }
}

/// Done at SIGINT or SIGTERM: what was delivered until then is noted.
fn stopped() -> io::Result<impl Future<Output = ()>> {
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
    })
}

struct Post(Replay);

impl wheatstone_pipeline::Letters for Post {
    fn next(&mut self) -> Option<io::Result<(u64, Letter)>> {
        Some(self.0.next()?.map(|entry| (entry.id, entry.letter)))
    }
    fn delivered(&mut self, ids: &[u64]) -> io::Result<()> {
        self.0.done(ids)
    }
}

fn summary(report: &Replayed, damaged: usize) -> String {
    let letters = |n: usize| match n {
        1 => "1 letter".to_owned(),
        n => format!("{n} letters"),
    };
    let kept: Vec<String> = [
        (report.refused, "refused again"),
        (report.unreadable, "still not readable"),
        (report.homeless, "of inputs that this configuration does not have"),
        (report.waiting, "not taken in time"),
    ]
    .into_iter()
    .filter(|(n, _)| *n > 0)
    .map(|(n, why)| format!("{n} {why}"))
    .collect();
    let mut text = format!("{} sent", letters(report.delivered));
    if !kept.is_empty() {
        text += &format!(", {} kept: {}", report.kept(), kept.join(", "));
    }
    if damaged > 0 {
        text += &format!("; {damaged} damaged lines were left out");
    }
    if report.errors > 0 {
        text += &format!("; {} files could not be read to their end", report.errors);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_names_what_is_kept_and_why() {
        let mut report = Replayed::default();
        assert_eq!(summary(&report, 0), "0 letters sent");
        report.delivered = 1;
        assert_eq!(summary(&report, 0), "1 letter sent");
        report = Replayed {
            delivered: 12,
            refused: 2,
            waiting: 1,
            ..report
        };
        assert_eq!(
            summary(&report, 3),
            "12 letters sent, 3 kept: 2 refused again, 1 not taken in time; 3 damaged lines were left out"
        );
    }
}
