//! `cargo xtask conformance`: the cases that Telegraf passes, run on the agent's program.

use std::process::Command;

use anyhow::{Result, bail};

use crate::shell::{debug_binary, release_binary, root, watch};

/// The finished plugins, as prefixes of the cases' paths: every case under them passes.
const FINISHED: &[&str] = &[
    "parser/json/",
    "parser/influx/",
    "parser/influx_upstream/",
    "parser/value",
    "parser/csv",
    "parser/json_v2",
    "parser/grok",
    "parser/logfmt",
    "parser/graphite",
    "parser/prometheus/",
    "parser/nagios",
    "parser/wavefront",
    "parser/opentsdb",
    "parser/form_urlencoded",
    "parser/xpath",
    "parser/binary",
    "parser/collectd",
    "parser/dropwizard",
    "parser/avro",
    "serializer/influx",
    "serializer/json",
    "serializer/csv",
    "serializer/graphite",
    "serializer/prometheus",
    "serializer/carbon2",
    "serializer/nowmetric",
    "serializer/splunkmetric",
    "serializer/wavefront",
    "serializer/template",
    "serializer/binary",
    "input/mqtt_consumer",
    "output/influxdb/",
    "output/influxdb_v2",
    "processor/rename",
    "processor/converter",
    "processor/regex",
    "processor/override",
    "processor/dedup",
    "processor/clone",
    "processor/pivot",
    "processor/template",
    "aggregator/basicstats",
    "aggregator/minmax",
    "aggregator/final",
    "aggregator/merge",
    "config/agent",
    "config/aggregator",
    "config/envvar",
    "config/filter",
    "config/input_options",
    "config/output_options",
    "config/processor_order",
    "cli",
    "migration",
];

/// Cases of finished plugins that do not pass, each with its reason.
const WAITING: &[(&str, &str)] = &[(
    "config/input_options/time_source_collection_start",
    "Telegraf refuses its own documented option; it is accepted here",
)];

/// Runs the cases under `args`, or under all finished ones; with `--debug` on the program that the tests use, which is built
/// already where they are run too. The cases lie beside the checkout; without them there is nothing to run, and that is said.
pub fn run(args: &[String]) -> Result<()> {
    let runner = root().join("../shared/conformance/run");
    if !runner.is_file() {
        println!("conformance: no cases at {}: nothing was run", runner.display());
        return Ok(());
    }
    let (flags, mut wanted): (Vec<&str>, Vec<&str>) = args
        .iter()
        .map(String::as_str)
        .partition(|arg| arg.starts_with('-'));
    let binary = match flags.as_slice() {
        [] => release_binary()?,
        ["--debug"] => debug_binary()?,
        _ => bail!("conformance takes --debug and prefixes, not {}", flags.join(" ")),
    };
    if wanted.is_empty() {
        wanted = FINISHED.to_vec();
    }
    let (mut passed, mut failed, mut unable) = (0, 0, Vec::new());
    for prefix in wanted {
        let mut cases = Command::new(&runner);
        cases.arg(&binary).args(["--errors", "--only", prefix]);
        let (mut last, mut waiting) = (String::new(), 0);
        watch(&mut cases, |line| {
            if let Some((case, what)) = WAITING
                .iter()
                .find(|(case, _)| line.starts_with(&format!("FAIL {case} ")))
            {
                println!("{case} waits for {what}");
                waiting += 1;
            }
            line.clone_into(&mut last);
        })?;
        let Some((p, f)) = sum(&last) else {
            bail!("{prefix}: the runner ended without a sum")
        };
        passed += p;
        failed += f - waiting;
        if f > waiting || p == 0 {
            unable.push(prefix);
        }
    }
    println!("conformance: {passed} passed, {failed} failed");
    if !unable.is_empty() {
        bail!("conformance: not all is well under {}", unable.join(", "));
    }
    Ok(())
}

/// Reads `N passed, N failed, N skipped`.
fn sum(line: &str) -> Option<(u64, u64)> {
    let mut parts = line.split(", ");
    let passed = parts.next()?.strip_suffix(" passed")?.parse().ok()?;
    let failed = parts.next()?.strip_suffix(" failed")?.parse().ok()?;
    Some((passed, failed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runners_last_line_is_read() {
        assert_eq!(sum("12 passed, 3 failed, 1 skipped"), Some((12, 3)));
        assert_eq!(sum("Traceback"), None);
    }
}
