//! A letter's payload in, its metrics out, as its input would have made them.

use std::panic::{AssertUnwindSafe, catch_unwind};

use anyhow::anyhow;
use wheatstone_plugin::dead_letter::Letter;
use wheatstone_plugin::{Context, Kind, Log, Metric, Parser, Reread, Timestamp, find};

use crate::intake::Intake;
use crate::running_input::InputPlugin;
use crate::supervise::panic_text;
use crate::topology::BuiltInput;

/// An input that is only asked to read.
pub(super) struct Reader {
    plugin: InputPlugin,
    intake: Intake,
    cx: Context,
    parser: Option<Box<dyn Parser>>,
    pub(super) log: Log,
}

impl Reader {
    pub(super) fn new(input: BuiltInput) -> Reader {
        Reader {
            plugin: input.plugin,
            intake: input.intake,
            cx: input.cx,
            parser: None,
            log: input.log,
        }
    }

    /// The metrics of a letter as the pipeline would have got them. Nothing where it is not this input's.
    pub(super) fn read(&mut self, letter: &Letter, bytes: &[u8]) -> Option<anyhow::Result<Vec<Metric>>> {
        let source = letter.source.as_deref().unwrap_or_default();
        let mut metrics = Vec::new();
        let read = catch_unwind(AssertUnwindSafe(|| {
            let own = match &mut self.plugin {
                InputPlugin::Polled(input) => input.read_again(source, bytes, letter.time, &mut metrics),
                InputPlugin::Service(input) => input.read_again(source, bytes, letter.time, &mut metrics),
            };
            match own {
                Ok(Reread::ParserOnly) => self.parse(source, bytes, letter.time, &mut metrics),
                own => own,
            }
        }));
        match read {
            Ok(Ok(Reread::NotMine)) => return None,
            Ok(Ok(_)) => {}
            Ok(Err(e)) => return Some(Err(e)),
            Err(panic) => return Some(Err(anyhow!("panic in plugin: {}", panic_text(&panic)))),
        }
        self.intake.make_metrics(&mut metrics, letter.time);
        Some(Ok(metrics))
    }

    /// By the parser of the input's table.
    fn parse(
        &mut self,
        source: &str,
        bytes: &[u8],
        now: Timestamp,
        out: &mut Vec<Metric>,
    ) -> anyhow::Result<Reread> {
        let format = find(Kind::Input, self.cx.name()).and_then(|r| r.data_format);
        let Some((Kind::Parser, default)) = format else {
            return Ok(Reread::NotMine);
        };
        let parser = match &mut self.parser {
            Some(parser) => parser,
            none => none.insert(self.cx.parser(default)?),
        };
        parser.set_source(source);
        parser.parse(bytes, now, out)?;
        Ok(Reread::Done)
    }
}
