//! A file's text on its way to the parser: comments out, variables in, with the way back to the place in the file.

/// A text that was made from another, and where each of its pieces comes from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mapped {
    pub text: String,
    /// Start of a piece here, its start in the original, and whether it is the same text there.
    pieces: Vec<(usize, usize, bool)>,
}

impl Mapped {
    /// Adds a piece of the original as it is.
    pub fn copy(&mut self, piece: &str, from: usize) {
        if !piece.is_empty() {
            self.pieces.push((self.text.len(), from, true));
            self.text.push_str(piece);
        }
    }
    /// Adds a text that stands for something at `from`.
    pub fn replace(&mut self, by: &str, from: usize) {
        if !by.is_empty() {
            self.pieces.push((self.text.len(), from, false));
            self.text.push_str(by);
        }
    }
    /// The place in the original of a place here.
    pub fn origin(&self, at: usize) -> usize {
        let i = self.pieces.partition_point(|p| p.0 <= at);
        match i.checked_sub(1).map(|i| self.pieces[i]) {
            Some((start, from, true)) => from + (at - start),
            Some((_, from, false)) => from,
            None => 0,
        }
    }
    /// The same text with pieces that lead through `first` to its original.
    pub fn through(mut self, first: &Mapped) -> Mapped {
        // A piece here may span several of `first`, so the borders of both count.
        let mut pieces = Vec::with_capacity(self.pieces.len() + first.pieces.len());
        for (i, &(start, from, same)) in self.pieces.iter().enumerate() {
            pieces.push((start, first.origin(from), same));
            if same {
                let end = self.pieces.get(i + 1).map_or(self.text.len(), |p| p.0);
                let inner = first
                    .pieces
                    .iter()
                    .filter(|p| p.0 > from && p.0 < from + (end - start));
                pieces.extend(inner.map(|p| (start + (p.0 - from), p.1, p.2)));
            }
        }
        self.pieces = pieces;
        self
    }
}

/// Takes comments out, but not what looks like one inside quotes. It comes before variables are looked at, so that a
/// `${X:?}` in a comment asks for nothing.
pub(crate) fn remove_comments(text: &str) -> Mapped {
    let bytes = text.as_bytes();
    let mut out = Mapped::default();
    let (mut from, mut at) = (0, 0);
    while let Some(&c) = bytes.get(at) {
        at = match c {
            b'\\' => at + 2,
            b'\'' | b'"' => skip_quoted(bytes, at),
            b'#' => {
                out.copy(&text[from..at], from);
                from = bytes[at..]
                    .iter()
                    .position(|&b| b == b'\n')
                    .map_or(bytes.len(), |n| at + n);
                from
            }
            _ => at + 1,
        };
    }
    out.copy(&text[from.min(text.len())..], from);
    out
}

/// The place behind a quoted text that begins at `at`; one that is not closed ends with its line, or with the file.
fn skip_quoted(bytes: &[u8], at: usize) -> usize {
    let quote = bytes[at];
    let triple = [quote; 3];
    let long = bytes[at..].starts_with(&triple);
    let mut i = at + if long { 3 } else { 1 };
    while let Some(&c) = bytes.get(i) {
        match c {
            b'\\' if quote == b'"' => i += 2,
            b'\n' if !long => return i + 1,
            _ if c == quote && !long => return i + 1,
            _ if c == quote && bytes[i..].starts_with(&triple) => return i + 3,
            _ => i += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_go_and_quotes_stay() {
        for (text, without) in [
            ("a = 1 # one\nb = 2", "a = 1 \nb = 2"),
            ("a = '#' # x", "a = '#' "),
            ("a = \"\\\"#\" # x", "a = \"\\\"#\" "),
            ("a = '''\n# kept\n''' # x\n", "a = '''\n# kept\n''' \n"),
            (
                "a = \"\"\"\n# kept \\\"\"\" still\n\"\"\"#x",
                "a = \"\"\"\n# kept \\\"\"\" still\n\"\"\"",
            ),
            ("a = \"open # kept\nb = 1 # x", "a = \"open # kept\nb = 1 "),
            ("# é\n# b\n", "\n\n"),
            ("", ""),
            ("\\", "\\"),
        ] {
            assert_eq!(remove_comments(text).text, without, "{text}");
        }
    }

    #[test]
    fn places_lead_back() {
        let text = "a # x\nb = 1 # y\nc";
        let first = remove_comments(text);
        assert_eq!(first.text, "a \nb = 1 \nc");
        for (at, c) in [(0, 'a'), (3, 'b'), (10, 'c')] {
            assert_eq!(text.as_bytes()[first.origin(at)], c as u8);
        }
        let mut second = Mapped::default();
        second.copy("a \nb = ", 0);
        second.replace("one", 7);
        second.copy(" \nc", 8);
        let both = second.through(&first);
        assert_eq!(both.text, "a \nb = one \nc");
        assert_eq!(&text[both.origin(3)..][..1], "b");
        assert_eq!(&text[both.origin(8)..][..1], "1");
        assert_eq!(&text[both.origin(12)..], "c");
    }
}
