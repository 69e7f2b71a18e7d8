//! Where the parser stands in its text, and the way from there to places in the file.

use wheatstone_plugin::conf::Span;

use super::Parser;

impl Parser<'_> {
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
    pub(super) fn mark(&mut self) {
        self.far = self.far.max(self.at);
    }
    pub(super) fn space(&mut self) {
        while let Some(b' ' | b'\t') = self.peek() {
            self.at += 1;
            self.mark();
        }
    }
    /// White space, line ends, and comments that a variable brought in.
    pub(super) fn blank(&mut self) {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\r' | b'\n') => self.at += 1,
                Some(b'#') => {
                    self.at = self.text[self.at..]
                        .find('\n')
                        .map_or(self.text.len(), |n| self.at + n);
                }
                _ => return,
            }
            self.mark();
        }
    }
    pub(super) fn span(&self, start: usize, end: usize) -> Span {
        let first = self.source.origin(start);
        let last = if end > start {
            self.source.origin(end - 1) + 1
        } else {
            first
        };
        let short = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Span {
            file: self.file,
            start: short(first),
            end: short(last.max(first)),
        }
    }
    /// The line of a place; it counts on from the last one asked for.
    pub(super) fn line_of(&mut self, at: usize) -> usize {
        let (from, line) = if self.line.0 <= at { self.line } else { (0, 1) };
        let line = line
            + self.text.as_bytes()[from..at]
                .iter()
                .filter(|b| **b == b'\n')
                .count();
        self.line = (at, line);
        line
    }
    /// A place counted in characters; it counts on from the last one asked for.
    pub(super) fn chars(&mut self, at: usize) -> usize {
        let (from, count) = if self.counted.0 <= at {
            self.counted
        } else {
            (0, 0)
        };
        let count = count + self.text.get(from..at).map_or(0, |s| s.chars().count());
        self.counted = (at, count);
        count
    }
}
