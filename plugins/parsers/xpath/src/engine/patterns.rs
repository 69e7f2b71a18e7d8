//! Regular expressions that come out of documents, kept once they are compiled.

use std::collections::HashMap;
use std::sync::Arc;

use wheatstone_goregexp::Regexp;

/// So many are kept.
const KEPT: usize = 256;

#[derive(Debug, Default)]
pub(super) struct Patterns(HashMap<String, Arc<Regexp>>);

impl Patterns {
    pub(super) fn get(&mut self, pattern: &str) -> Result<Arc<Regexp>, String> {
        if let Some(found) = self.0.get(pattern) {
            return Ok(found.clone());
        }
        if self.0.len() >= KEPT {
            self.0.clear();
        }
        let made = compile(pattern)?;
        self.0.insert(pattern.to_owned(), made.clone());
        Ok(made)
    }
}

pub(super) fn compile(pattern: &str) -> Result<Arc<Regexp>, String> {
    Regexp::new(pattern)
        .map(Arc::new)
        .map_err(|error| error.to_string())
}
