//! What an error of the server means for the documents of an insert: stored already, refused for good, or worth another try.

use mongodb::error::{Error, ErrorKind};

/// What became of an insert that did not succeed as a whole.
#[derive(Debug, PartialEq)]
pub enum Verdict {
    /// Single documents failed, by their index; the others are stored. The text is why the whole is to be tried again all the
    /// same, if it is.
    Single(Vec<(usize, Fate)>, Option<String>),
    /// The whole was refused because of something in it.
    Whole(String),
    /// Nothing is known to be stored; try again.
    Later(String),
}

/// What became of one document.
#[derive(Debug, PartialEq)]
pub enum Fate {
    /// A document with this `_id` is there: it came before.
    Stored,
    /// Never to be accepted.
    Refused(String),
    /// Worth another try.
    Later(String),
}

/// Reads an error of an unordered insert.
pub fn judge(error: &Error) -> Verdict {
    match &*error.kind {
        ErrorKind::InsertMany(failure) => {
            let errors = failure.write_errors.iter().flatten();
            let fates = errors.map(|e| (e.index, fate(e.code, &e.message))).collect();
            let concern = failure.write_concern_error.as_ref();
            Verdict::Single(
                fates,
                concern.map(|c| format!("write concern not satisfied: {} (code {})", c.message, c.code)),
            )
        }
        ErrorKind::Command(e) if is_about_content(e.code) => {
            Verdict::Whole(format!("{} (code {})", e.message, e.code))
        }
        // The driver itself refuses a document that is too large, or cannot be encoded.
        ErrorKind::InvalidArgument { message, .. } => Verdict::Whole(message.clone()),
        ErrorKind::Bson(e) => Verdict::Whole(e.to_string()),
        _ => Verdict::Later(words(error)),
    }
}

/// The error in short.
pub fn words(error: &Error) -> String {
    match &*error.kind {
        ErrorKind::Command(e) => format!("{} (code {})", e.message, e.code),
        kind => kind.to_string(),
    }
}

fn fate(code: i32, message: &str) -> Fate {
    const DUPLICATE_KEY: [i32; 3] = [11000, 11001, 12582];
    if DUPLICATE_KEY.contains(&code) && message.contains("_id_") {
        return Fate::Stored;
    }
    let text = format!("{message} (code {code})");
    if is_passing(code) {
        Fate::Later(text)
    } else {
        Fate::Refused(text)
    }
}

/// Codes that speak of the server's state. A server names single documents in an unordered insert because of what is in them,
/// so every other code is taken for a refusal.
fn is_passing(code: i32) -> bool {
    matches!(
        code,
        6 | 7 // host unreachable, not found
        | 13 | 18 // unauthorized, authentication failed
        | 24 | 46 // lock timeout, lock busy
        | 50 | 262 // time limits
        | 63 | 13388 | 150 // stale sharding information
        | 64 // write concern
        | 89 | 202 | 9001 // network
        | 91 | 11600 | 11602 // shutdown, interruption
        | 112 // write conflict
        | 134 | 189 | 10058 | 10107 | 13435 | 13436 // no primary, recovering
        | 146 | 14031 // out of memory, out of disk
        | 8000 | 16500 // quotas of hosted services
    )
}

/// Codes of a refused command that speak of what it holds: the collection's name or a document.
fn is_about_content(code: i32) -> bool {
    matches!(
        code,
        2 | 9 | 14 | 22 | 52..=57 | 73 | 121 | 166 | 10334 | 17280 | 17419 | 17420
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_id_is_stored_and_another_unique_index_is_a_refusal() {
        let message = "E11000 duplicate key error collection: db.c index: _id_ dup key: { _id: 1 }";
        assert_eq!(fate(11000, message), Fate::Stored);
        let other = "E11000 duplicate key error collection: db.c index: serial_1 dup key: { serial: 1 }";
        assert!(matches!(fate(11000, other), Fate::Refused(_)));
    }

    #[test]
    fn refused_documents_are_refused_and_tired_servers_are_asked_again() {
        for code in [121, 2, 10334, 17280, 99_999] {
            assert!(matches!(fate(code, "no"), Fate::Refused(_)), "{code}");
        }
        for code in [91, 189, 10107, 112, 14031, 13] {
            assert!(matches!(fate(code, "later"), Fate::Later(_)), "{code}");
        }
    }

    #[test]
    fn errors_of_the_driver_are_told_apart() {
        let io = Error::from(std::io::Error::from(std::io::ErrorKind::ConnectionReset));
        assert!(matches!(judge(&io), Verdict::Later(_)));
    }

    #[test]
    fn single_failures_keep_their_index() -> Result<(), serde_json::Error> {
        let failure = serde_json::from_str(
            r#"{"writeErrors":[{"index":3,"code":121,"errmsg":"Document failed validation"}]}"#,
        )?;
        let verdict = judge(&Error::from(ErrorKind::InsertMany(failure)));
        let refused = Fate::Refused("Document failed validation (code 121)".to_owned());
        assert_eq!(verdict, Verdict::Single(vec![(3, refused)], None));
        Ok(())
    }
}
