//! The pages of a column, with what a damaged or hostile one promises held against what it holds.

use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};

use crate::budget::{Budget, ENTRY};
use crate::delta::{Levels, repeated};

/// Its headers say how many values a page has, and the library makes room for so many before it reads one.
pub(crate) struct Checked {
    pages: Box<dyn PageReader>,
    levels: Levels,
    budget: Budget,
}

impl Checked {
    pub(crate) fn new(pages: impl PageReader + 'static, levels: Levels, budget: Budget) -> Checked {
        Checked {
            pages: Box::new(pages),
            levels,
            budget,
        }
    }

    fn check(&self, page: Option<Page>) -> Result<Option<Page>> {
        let Some(page) = page else {
            return Ok(None);
        };
        let values = page.num_values() as usize;
        // No value of a dictionary takes less than a byte. Of a data page a few bytes can be any number of values.
        if page.is_dictionary_page() && values > page.buffer().len() {
            return Err(ParquetError::General(format!(
                "a dictionary of {} bytes cannot hold {values} values",
                page.buffer().len()
            )));
        }
        self.budget.spend(values.saturating_mul(ENTRY))?;
        match repeated(&page, self.levels) {
            Some(bytes) => self.budget.spend(bytes)?,
            None => return Err(ParquetError::General("a page's lengths are damaged".to_owned())),
        }
        Ok(Some(page))
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
        self.pages.get_next_page().and_then(|page| self.check(page))
    }
    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.pages.peek_next_page()
    }
    fn skip_next_page(&mut self) -> Result<()> {
        self.pages.skip_next_page()
    }
    fn at_record_boundary(&mut self) -> Result<bool> {
        self.pages.at_record_boundary()
    }
    fn supports_deferred_dictionary(&self) -> bool {
        self.pages.supports_deferred_dictionary()
    }
    fn take_deferred_dictionary(&mut self) -> Result<Option<Page>> {
        self.pages
            .take_deferred_dictionary()
            .and_then(|page| self.check(page))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parquet::basic::Encoding;

    /// No pages at all.
    struct Nothing;

    impl Iterator for Nothing {
        type Item = Result<Page>;
        fn next(&mut self) -> Option<Result<Page>> {
            None
        }
    }
    impl PageReader for Nothing {
        fn get_next_page(&mut self) -> Result<Option<Page>> {
            Ok(None)
        }
        fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
            Ok(None)
        }
        fn skip_next_page(&mut self) -> Result<()> {
            Ok(())
        }
    }

    #[test]
    fn pages_hold_what_they_promise() {
        let checked = Checked::new(Nothing, [0, 0], Budget::new(10 * ENTRY));
        let dictionary = |num_values| Page::DictionaryPage {
            buf: vec![0; 8].into(),
            num_values,
            encoding: Encoding::PLAIN,
            is_sorted: false,
        };
        assert!(checked.check(Some(dictionary(2))).is_ok());
        let refused = checked
            .check(Some(dictionary(1 << 30)))
            .expect_err("too many")
            .to_string();
        assert!(
            refused.contains("8 bytes cannot hold 1073741824 values"),
            "{refused}"
        );
        let data = |num_values| Page::DataPage {
            buf: vec![0; 8].into(),
            num_values,
            encoding: Encoding::RLE_DICTIONARY,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        assert!(checked.check(Some(data(9))).is_err());
        assert!(checked.check(Some(data(8))).is_ok());
        assert!(checked.check(Some(data(1))).is_err());
    }
}
