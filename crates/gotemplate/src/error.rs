//! What is wrong with a template or its execution, and where.

/// An error with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    text: String,
    line: usize,
    column: usize,
}

impl Error {
    pub(crate) fn new(text: String, line: usize, column: usize) -> Error {
        Error { text, line, column }
    }

    /// The line, from 1 on, and the byte in it, from 0 on, at a position.
    pub(crate) fn place(source: &str, pos: usize) -> (usize, usize) {
        let before = source.get(..pos).unwrap_or(source);
        let line = before.matches('\n').count() + 1;
        let column = before
            .rfind('\n')
            .map_or(before.len(), |at| before.len() - at - 1);
        (line, column)
    }

    /// The line, from 1 on.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The byte in the line, from 0 on.
    pub fn column(&self) -> usize {
        self.column
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Error {}
