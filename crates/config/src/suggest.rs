//! "Did you mean": the known word that is nearest to an unknown one.

/// A sentence that names the nearest of `known`, where one is near enough.
pub(crate) fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(word, known).map(|best| format!("did you mean `{best}`?"))
}

/// The known word that is meant by an unknown one, where one is near enough.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).clamp(1, 3);
    let plain = |s: &str| s.to_lowercase().replace(['-', '_'], "");
    known
        .into_iter()
        .filter(|k| *k != word)
        .map(|k| {
            // Another case, a dash for an underscore and a plural are nearer than any slip of a finger.
            let (a, b) = (plain(word), plain(k));
            let same = a == b || format!("{a}s") == b || a == format!("{b}s");
            (if same { 0 } else { distance(word, k, limit + 1) }, k)
        })
        .filter(|(d, _)| *d <= limit)
        .min_by_key(|(d, k)| (*d, k.len().abs_diff(word.len())))
        .map(|(_, k)| k)
}

/// How many letters must be added, dropped, changed or swapped with their neighbour; `limit` stands for all beyond it.
pub(crate) fn distance(a: &str, b: &str, limit: usize) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > limit {
        return limit + 1;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let change = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = change.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(before[j - 2] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_meant() {
        let known = [
            "servers",
            "topics",
            "topic_tag",
            "qos",
            "data_format",
            "insecure_skip_verify",
            "username",
        ];
        for (word, meant) in [
            ("server", Some("servers")),
            ("topcis", Some("topics")),
            ("dataformat", Some("data_format")),
            ("data-format", Some("data_format")),
            ("Qos", Some("qos")),
            ("user_name", Some("username")),
            ("insecure_skip_verfy", Some("insecure_skip_verify")),
            ("banana", None),
            ("x", None),
        ] {
            assert_eq!(nearest(word, known), meant, "{word}");
        }
    }
}
