//! The pages of a column, with what a damaged or hostile one promises held against what it holds.

use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};

/// A dictionary's header says how many values it has, and the library makes room for so many before it reads one.
pub(crate) struct Checked(pub(crate) Box<dyn PageReader>);

impl Checked {
    fn check(page: Option<Page>) -> Result<Option<Page>> {
        match &page {
            // No value of a dictionary takes less than a byte.
            Some(Page::DictionaryPage { buf, num_values, .. }) if *num_values as usize > buf.len() => {
                Err(ParquetError::General(format!(
                    "a dictionary of {} bytes cannot hold {num_values} values",
                    buf.len()
                )))
            }
            _ => Ok(page),
        }
    }
}

impl Iterator for Checked {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Result<Page>> {
        self.get_next_page().transpose()
    }
}

impl PageReader for Checked {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        self.0.get_next_page().and_then(Checked::check)
    }
    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.0.peek_next_page()
    }
    fn skip_next_page(&mut self) -> Result<()> {
        self.0.skip_next_page()
    }
    fn at_record_boundary(&mut self) -> Result<bool> {
        self.0.at_record_boundary()
    }
    fn supports_deferred_dictionary(&self) -> bool {
        self.0.supports_deferred_dictionary()
    }
    fn take_deferred_dictionary(&mut self) -> Result<Option<Page>> {
        self.0.take_deferred_dictionary().and_then(Checked::check)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parquet::basic::Encoding;

    #[test]
    fn a_dictionary_has_no_more_values_than_bytes() {
        let dictionary = |num_values| {
            Checked::check(Some(Page::DictionaryPage {
                buf: vec![0; 8].into(),
                num_values,
                encoding: Encoding::PLAIN,
                is_sorted: false,
            }))
        };
        assert!(dictionary(2).is_ok());
        let refused = dictionary(1 << 30).expect_err("too many").to_string();
        assert!(
            refused.contains("8 bytes cannot hold 1073741824 values"),
            "{refused}"
        );
    }
}
