//! The definition of messages: `.proto` files in, the message that payloads are out.

use std::path::{Path, PathBuf};

use prost_reflect::MessageDescriptor;
use protox::Compiler;
use protox::file::{File, FileResolver, GoogleFileResolver};
use wheatstone_plugin::prelude::*;

use crate::config::XpathConfig;

/// Compiles the files and finds the message.
pub(super) fn message(config: &XpathConfig, log: &Log) -> Result<MessageDescriptor> {
    let mut files = config.xpath_protobuf_files.clone();
    let legacy = &config.xpath_protobuf_file;
    if !legacy.is_empty() && !files.contains(legacy) {
        files.push(legacy.clone());
    }
    if files.is_empty() {
        bail!("protocol-buffer files not set");
    }
    let name = &config.xpath_protobuf_type;
    if name.is_empty() {
        bail!("protocol-buffer message-type not set");
    }
    let mut compiler = Compiler::with_file_resolver(Imports {
        paths: config
            .xpath_protobuf_import_paths
            .iter()
            .map(PathBuf::from)
            .collect(),
        google: GoogleFileResolver::new(),
    });
    compiler.include_imports(true);
    for file in &files {
        compiler
            .open_file(file)
            .map_err(|error| anyhow!("parsing protocol-buffer definition failed: {error}"))?;
    }
    let pool = compiler.descriptor_pool();
    if let Some(message) = pool.get_message_by_name(name) {
        return Ok(message);
    }
    if pool.get_enum_by_name(name).is_some() || pool.get_service_by_name(name).is_some() {
        bail!("{name:?} is not a message descriptor");
    }
    let mut known: Vec<_> = pool.all_messages().map(|m| m.full_name().to_owned()).collect();
    known.sort_unstable();
    info!(log, "Could not find {name:?}... Known messages:");
    for name in known {
        info!(log, "  {name}");
    }
    bail!("proto: not found: message {name:?}")
}

/// Files are looked for in the import paths, or where they say themselves; Google's own are built in.
struct Imports {
    paths: Vec<PathBuf>,
    google: GoogleFileResolver,
}

impl FileResolver for Imports {
    /// A file's name is its path, as it is written.
    fn resolve_path(&self, path: &Path) -> Option<String> {
        let name = path.to_str()?;
        // Names that an `import` could not write are used as they are.
        (path.is_absolute() || name.starts_with('.')).then(|| name.to_owned())
    }

    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        let mut found = self
            .paths
            .iter()
            .map(|path| path.join(name))
            .find(|path| path.is_file());
        if found.is_none() && Path::new(name).is_file() {
            found = Some(PathBuf::from(name));
        }
        match found {
            Some(path) => File::open(name, &path),
            None => self.google.open_file(name),
        }
    }
}
