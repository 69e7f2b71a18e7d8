//! Lines of CSV in, records of fields out, with the rules and the error texts of Go's encoding/csv.
//!
//! No record need have as many fields as another; empty lines and comments are no records. A quote inside a field that is
//! not quoted is an error, which is why no ready-made reader serves: they take it for text.

use std::fmt;

/// How records are written.
#[derive(Clone, Debug)]
pub(super) struct Dialect {
    pub(super) delimiter: char,
    /// A line that begins with it is skipped.
    pub(super) comment: Option<char>,
    /// Whether white space before a field is skipped, also before its quote.
    pub(super) trim_leading_space: bool,
}

/// Why a record cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CsvError {
    Quote {
        start_line: usize,
        line: usize,
        column: usize,
        bare: bool,
    },
    /// Delimiter and comment are the same, or one of them is a quote or a line break.
    Dialect,
}

impl fmt::Display for CsvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CsvError::Dialect => f.write_str("csv: invalid field or comment delimiter"),
            CsvError::Quote {
                start_line,
                line,
                column,
                bare,
            } => {
                if start_line != line {
                    write!(f, "record on line {start_line}; ")?;
                }
                let what = if *bare {
                    "bare \" in non-quoted-field"
                } else {
                    "extraneous or missing \" in quoted-field"
                };
                write!(f, "parse error on line {line}, column {column}: {what}")
            }
        }
    }
}
impl std::error::Error for CsvError {}

/// Whether a character can separate fields or begin comments.
pub(super) fn is_delimiter(c: char) -> bool {
    !matches!(c, '\0' | '"' | '\r' | '\n' | char::REPLACEMENT_CHARACTER)
}

/// Reads a text record by record.
pub(super) struct Reader<'a> {
    rest: &'a str,
    line: usize,
    dialect: Dialect,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str, dialect: Dialect) -> Reader<'a> {
        Reader {
            rest: text,
            line: 0,
            dialect,
        }
    }

    /// One line without its end, and whether there was one.
    fn next_line(&mut self) -> Option<(&'a str, bool)> {
        if self.rest.is_empty() {
            return None;
        }
        self.line += 1;
        let (line, ended) = match self.rest.split_once('\n') {
            Some((line, rest)) => {
                self.rest = rest;
                (line, true)
            }
            None => (std::mem::take(&mut self.rest), false),
        };
        Some((line.strip_suffix('\r').unwrap_or(line), ended))
    }

    /// The next record; nothing at the end.
    pub(super) fn record(&mut self) -> Result<Option<Vec<String>>, CsvError> {
        let Dialect {
            delimiter,
            comment,
            trim_leading_space,
        } = self.dialect;
        if !is_delimiter(delimiter) || comment.is_some_and(|c| c == delimiter || !is_delimiter(c)) {
            return Err(CsvError::Dialect);
        }
        let whole = loop {
            match self.next_line() {
                None => return Ok(None),
                Some((line, _)) if comment.is_some_and(|c| line.starts_with(c)) => {}
                Some(("", _)) => {}
                Some(line) => break line,
            }
        };
        let (mut whole, mut ended) = whole;
        let start_line = self.line;
        let mut line = whole;
        let mut fields = Vec::new();
        loop {
            if trim_leading_space {
                line = line.trim_start();
            }
            let Some(quoted) = line.strip_prefix('"') else {
                let (field, after) = match line.split_once(delimiter) {
                    Some((field, after)) => (field, Some(after)),
                    None => (line, None),
                };
                if let Some(at) = field.find('"') {
                    let column = whole.len() - line.len() + at + 1;
                    return Err(CsvError::Quote {
                        start_line,
                        line: self.line,
                        column,
                        bare: true,
                    });
                }
                fields.push(field.to_owned());
                match after {
                    Some(after) => line = after,
                    None => return Ok(Some(fields)),
                }
                continue;
            };
            line = quoted;
            let mut field = String::new();
            loop {
                if let Some((before, after)) = line.split_once('"') {
                    field.push_str(before);
                    line = after;
                    if let Some(after) = line.strip_prefix('"') {
                        field.push('"');
                        line = after;
                    } else if let Some(after) = line.strip_prefix(delimiter) {
                        fields.push(field);
                        line = after;
                        break;
                    } else if line.is_empty() {
                        fields.push(field);
                        return Ok(Some(fields));
                    } else {
                        let column = whole.len() - line.len();
                        return Err(CsvError::Quote {
                            start_line,
                            line: self.line,
                            column,
                            bare: false,
                        });
                    }
                    continue;
                }
                // The field goes on in the next line.
                field.push_str(line);
                let end = whole.len() + 1;
                let at = self.line;
                if ended {
                    field.push('\n');
                }
                match self.next_line() {
                    Some(next) => (whole, ended) = next,
                    None => {
                        let column = end + usize::from(ended);
                        return Err(CsvError::Quote {
                            start_line,
                            line: at,
                            column,
                            bare: false,
                        });
                    }
                }
                line = whole;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn dialect() -> Dialect {
        Dialect {
            delimiter: ',',
            comment: None,
            trim_leading_space: false,
        }
    }

    fn read(text: &str, dialect: Dialect) -> Result<Vec<Vec<String>>, String> {
        let mut reader = Reader::new(text, dialect);
        let mut records = Vec::new();
        while let Some(record) = reader.record().map_err(|e| e.to_string())? {
            records.push(record);
        }
        Ok(records)
    }

    fn records(list: &[&[&str]]) -> Result<Vec<Vec<String>>, String> {
        Ok(list
            .iter()
            .map(|record| record.iter().map(|s| (*s).to_owned()).collect())
            .collect())
    }

    #[test]
    fn plain_and_quoted_fields() {
        assert_eq!(
            read("a,b\r\n\n1,,\n", dialect()),
            records(&[&["a", "b"], &["1", "", ""]])
        );
        assert_eq!(
            read("\"a,\"\"b\"\"\",c", dialect()),
            records(&[&["a,\"b\"", "c"]])
        );
        assert_eq!(
            read("\"two\r\nlines\n\",x\ny", dialect()),
            records(&[&["two\nlines\n", "x"], &["y"]])
        );
        assert_eq!(read("\"\"", dialect()), records(&[&[""]]));
        assert_eq!(read("", dialect()), records(&[]));
    }

    #[test]
    fn comments_spaces_and_delimiters() {
        let hash = Dialect {
            comment: Some('#'),
            trim_leading_space: true,
            delimiter: ';',
        };
        assert_eq!(read("#x;\"\n a; \"b\";c \n", hash), records(&[&["a", "b", "c "]]));
        let same = Dialect {
            comment: Some(','),
            ..dialect()
        };
        assert_eq!(
            read("a", same),
            Err("csv: invalid field or comment delimiter".to_owned())
        );
        let wide = Dialect {
            delimiter: '→',
            ..dialect()
        };
        assert_eq!(read("a→\"b\"→c", wide), records(&[&["a", "b", "c"]]));
    }

    #[test]
    fn broken_quotes() {
        for (text, message) in [
            (
                "a,b\"c",
                "parse error on line 1, column 4: bare \" in non-quoted-field",
            ),
            (
                "x\na,\"b\" c",
                "parse error on line 2, column 5: extraneous or missing \" in quoted-field",
            ),
            (
                "\"open",
                "parse error on line 1, column 6: extraneous or missing \" in quoted-field",
            ),
            (
                "\"open\n",
                "parse error on line 1, column 7: extraneous or missing \" in quoted-field",
            ),
            (
                "\"two\nlines\" x",
                "record on line 1; parse error on line 2, column 6: extraneous or missing \" in quoted-field",
            ),
        ] {
            assert_eq!(read(text, dialect()), Err(message.to_owned()), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_quoted_comes_back(fields in prop::collection::vec("[^\r]{0,6}", 1..5)) {
            let line: Vec<String> = fields.iter().map(|f| format!("\"{}\"", f.replace('"', "\"\""))).collect();
            prop_assert_eq!(read(&line.join(","), dialect()), Ok(vec![fields]));
        }
        #[test]
        fn no_text_panics(text in "[a,\"\r\n# é]{0,40}", trim: bool) {
            let _ = read(&text, Dialect { comment: Some('#'), trim_leading_space: trim, ..dialect() });
        }
    }
}
