//! `wheatstone plugins`: what is linked in.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::ExitCode;

use wheatstone_plugin::{Kind, registrations};

const KINDS: [Kind; 7] = [
    Kind::Input,
    Kind::Output,
    Kind::Processor,
    Kind::Aggregator,
    Kind::SecretStore,
    Kind::Parser,
    Kind::Serializer,
];

/// Prints one `kind.name` per line, sorted within its kind.
pub(crate) fn plugins(kind: Option<&str>) -> anyhow::Result<ExitCode> {
    let wanted: Vec<Kind> = match kind {
        None => KINDS.to_vec(),
        Some(name) => KINDS.iter().copied().filter(|k| k.plural() == name).collect(),
    };
    anyhow::ensure!(
        !wanted.is_empty(),
        "unknown command {:?}",
        kind.unwrap_or_default()
    );
    let mut out = std::io::stdout().lock();
    for kind in wanted {
        let names: BTreeSet<&str> = registrations()
            .filter(|r| r.kind == kind)
            .map(|r| r.name)
            .collect();
        for name in names {
            writeln!(out, "{}.{name}", kind.plural())?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
