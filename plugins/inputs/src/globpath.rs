//! From a pattern such as `/var/log/**.log` to the files that are there, by the rules of Telegraf's path patterns.

use std::fs;
use std::path::{Path, PathBuf};

/// A pattern of paths.
///
/// `*`, `?` and `[a-z]` (negated with `!` or `^`) stand for characters within a name, `{one,two}` for one of several texts,
/// `\` takes a character as it is. `**` stands for folders at any depth: `logs/**.log` finds what ends in `.log` in `logs` and
/// below it, `logs/**/*.log` only what lies at least one folder further down. Hidden files are found like others, links are
/// followed.
#[derive(Debug, Clone)]
pub struct GlobPath {
    /// One for each way to choose from the braces.
    alternatives: Vec<Alternative>,
}

#[derive(Debug, Clone)]
struct Alternative {
    /// The folder in which the first name is looked for.
    base: PathBuf,
    /// A pattern per name on the way down; none where the path is written out in full.
    names: Vec<String>,
}

/// A pattern with a class or a brace that is not closed, or with an empty or reversed class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadPattern;

impl GlobPath {
    /// Reads a pattern.
    ///
    /// # Errors
    /// A class or a brace is malformed.
    pub fn compile(pattern: &str) -> Result<GlobPath, BadPattern> {
        // `**` may stand inside a name, as in `**.log`: that is a star in any folder.
        let spread = pattern.replace("**/**", "**").replace("**", "**/**");
        let alternatives = braces(&spread)?
            .iter()
            .map(|p| Alternative::new(p))
            .collect::<Vec<_>>();
        for name in alternatives.iter().flat_map(|a| &a.names) {
            check(name)?;
        }
        Ok(GlobPath { alternatives })
    }

    /// What is there now, in the order of names, folders before the files beside them. What cannot be read is skipped.
    pub fn find(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for alternative in &self.alternatives {
            let mut walked = Vec::new();
            walk(&alternative.base, &alternative.names, &mut walked, &mut found);
        }
        found
    }
}

impl Alternative {
    fn new(pattern: &str) -> Alternative {
        let is_special = |name: &str| name.contains(['*', '?', '[', '\\']);
        let mut names: Vec<&str> = pattern.split('/').collect();
        let literal = names.iter().position(|n| is_special(n)).unwrap_or(names.len());
        let rest = names.split_off(literal);
        let base = if names == [""] {
            "/".to_owned()
        } else {
            names.join("/")
        };
        Alternative {
            base: if pattern.is_empty() {
                PathBuf::new()
            } else {
                clean(Path::new(&base))
            },
            names: rest
                .into_iter()
                .filter(|n| !n.is_empty())
                .map(str::to_owned)
                .collect(),
        }
    }
}

/// A path without `.`, `..` and doubled slashes, as far as that can be said without asking the disk.
pub fn clean(path: &Path) -> PathBuf {
    use std::path::Component;
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => match out.components().next_back() {
                Some(Component::Normal(_)) => {
                    out.pop();
                }
                Some(Component::RootDir | Component::Prefix(_)) => {}
                _ => out.push(".."),
            },
            part => out.push(part),
        }
    }
    if out.as_os_str().is_empty() {
        PathBuf::from(".")
    } else {
        out
    }
}

/// Adds to `found` what matches `names` below `dir`. `walked` holds the folders that lead here, by identity: a link back to one
/// of them is a circle.
fn walk(dir: &Path, names: &[String], walked: &mut Vec<PathBuf>, found: &mut Vec<PathBuf>) {
    let Some((name, below)) = names.split_first() else {
        if !dir.as_os_str().is_empty() && fs::symlink_metadata(dir).is_ok() {
            found.push(dir.to_owned());
        }
        return;
    };
    let mut entries: Vec<(String, PathBuf)> = match fs::read_dir(dir) {
        Ok(entries) => entries
            .flatten()
            .map(|e| {
                let name = e.file_name();
                let path = if dir == Path::new(".") {
                    PathBuf::from(&name)
                } else {
                    dir.join(&name)
                };
                (name.to_string_lossy().into_owned(), path)
            })
            .collect(),
        Err(_) => return,
    };
    entries.sort_unstable();

    // Only the first `**` goes down: what follows it is looked for in each folder, and a second one is a star.
    let mut name = name;
    let mut below = below;
    if name == "**" {
        for (_, path) in &entries {
            let Ok(metadata) = fs::metadata(path) else {
                continue;
            };
            if below.is_empty() {
                found.push(path.clone());
            }
            if metadata.is_dir()
                && let Ok(real) = fs::canonicalize(path)
                && !walked.contains(&real)
            {
                walked.push(real);
                walk(path, names, walked, found);
                walked.pop();
            }
        }
        let Some((next, rest)) = below.split_first() else {
            return;
        };
        (name, below) = (next, rest);
    }
    let pattern: Vec<char> = name.chars().collect();
    for (entry, path) in &entries {
        if matches(&pattern, &entry.chars().collect::<Vec<_>>()) {
            walk(path, below, walked, found);
        }
    }
}

/// Every text that a pattern with `{a,b}` stands for.
fn braces(pattern: &str) -> Result<Vec<String>, BadPattern> {
    let mut chars = pattern.char_indices();
    let open = loop {
        match chars.next() {
            None => return Ok(vec![pattern.to_owned()]),
            Some((_, '\\')) => _ = chars.next(),
            Some((i, '{')) => break i,
            Some(_) => {}
        }
    };
    let (mut depth, mut start) = (1, open + 1);
    let mut choices = Vec::new();
    let close = loop {
        match chars.next().ok_or(BadPattern)? {
            (_, '\\') => _ = chars.next(),
            (_, '{') => depth += 1,
            (i, ',') if depth == 1 => {
                choices.push(&pattern[start..i]);
                start = i + 1;
            }
            (i, '}') => {
                depth -= 1;
                if depth == 0 {
                    choices.push(&pattern[start..i]);
                    break i;
                }
            }
            _ => {}
        }
    };
    let mut out = Vec::new();
    for choice in choices {
        out.extend(braces(&format!(
            "{}{choice}{}",
            &pattern[..open],
            &pattern[close + 1..]
        ))?);
        if out.len() > 1024 {
            return Err(BadPattern);
        }
    }
    Ok(out)
}

/// Finds a malformed class or a backslash at the end.
fn check(name: &str) -> Result<(), BadPattern> {
    let pattern: Vec<char> = name.chars().collect();
    let mut i = 0;
    while i < pattern.len() {
        match pattern[i] {
            '\\' if i + 1 == pattern.len() => return Err(BadPattern),
            '\\' => i += 2,
            '[' => i += class(&pattern[i..], '\0').ok_or(BadPattern)?.1,
            _ => i += 1,
        }
    }
    Ok(())
}

/// Whether a name matches the pattern of one name.
fn matches(pattern: &[char], name: &[char]) -> bool {
    let (mut p, mut n) = (0, 0);
    // Where the last star stands and what it has taken: on a mismatch it takes one more.
    let mut star: Option<(usize, usize)> = None;
    loop {
        let step = match pattern.get(p) {
            None if n == name.len() => return true,
            None => None,
            Some('*') => {
                star = Some((p, n));
                p += 1;
                continue;
            }
            Some(&c) => name.get(n).and_then(|&x| match c {
                '?' => Some(1),
                '[' => class(&pattern[p..], x)
                    .filter(|(hit, _)| *hit)
                    .map(|(_, len)| len),
                '\\' => (pattern.get(p + 1) == Some(&x)).then_some(2),
                c => (c == x).then_some(1),
            }),
        };
        match (step, star) {
            (Some(len), _) => {
                p += len;
                n += 1;
            }
            (None, Some((at, taken))) if taken < name.len() => {
                star = Some((at, taken + 1));
                (p, n) = (at + 1, taken + 1);
            }
            _ => return false,
        }
    }
}

/// Reads the class at the beginning of `pattern`: whether `c` is in it, and how long it is. `None` where it is malformed.
fn class(pattern: &[char], c: char) -> Option<(bool, usize)> {
    let mut i = 1;
    let negated = matches!(pattern.get(i), Some('!' | '^'));
    i += usize::from(negated);
    let (mut hit, mut empty) = (false, true);
    let one = |i: &mut usize| {
        let mut c = *pattern.get(*i)?;
        if c == '-' {
            return None;
        }
        if c == '\\' {
            *i += 1;
            c = *pattern.get(*i)?;
        }
        *i += 1;
        Some(c)
    };
    while *pattern.get(i)? != ']' {
        let low = one(&mut i)?;
        let mut high = low;
        if pattern.get(i) == Some(&'-') {
            i += 1;
            if pattern.get(i) == Some(&']') {
                return None;
            }
            high = one(&mut i)?;
        }
        hit |= (low..=high).contains(&c);
        empty = false;
    }
    (!empty).then_some((hit != negated, i + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Folder;

    fn find(folder: &Folder, pattern: &str) -> Vec<String> {
        let pattern = format!("{}/{pattern}", folder.path().display());
        let found = GlobPath::compile(&pattern).unwrap().find();
        found
            .iter()
            .map(|p| p.strip_prefix(folder.path()).unwrap().display().to_string())
            .collect()
    }

    fn tree() -> Folder {
        let folder = Folder::new();
        for file in ["top.log", "a/x.log", "a/b/y.log", ".hid/z.log", "a/notes.txt"] {
            folder.write(file, b"");
        }
        folder
    }

    #[test]
    fn a_double_star_goes_down() {
        let folder = tree();
        assert_eq!(
            find(&folder, "**.log"),
            [".hid/z.log", "a/b/y.log", "a/x.log", "top.log"]
        );
        assert_eq!(
            find(&folder, "***.log"),
            [".hid/z.log", "a/b/y.log", "a/x.log", "top.log"]
        );
        assert_eq!(find(&folder, "**/*.log"), ["a/b/y.log", ".hid/z.log", "a/x.log"]);
        assert_eq!(find(&folder, "a**/x.log"), ["a/x.log"]);
        assert_eq!(
            find(&folder, "a/**"),
            ["a/b/y.log", "a/b", "a/notes.txt", "a/x.log"]
        );
    }

    #[test]
    fn stars_classes_and_braces_stay_within_a_name() {
        let folder = tree();
        assert_eq!(find(&folder, "*.log"), ["top.log"]);
        assert_eq!(find(&folder, "*/?.log"), [".hid/z.log", "a/x.log"]);
        assert_eq!(find(&folder, "[at]*"), ["a", "top.log"]);
        assert_eq!(find(&folder, "a/[!x]*.txt"), ["a/notes.txt"]);
        assert_eq!(find(&folder, "{a/b/y,top}.log"), ["a/b/y.log", "top.log"]);
        assert_eq!(find(&folder, "nothing*"), Vec::<String>::new());
    }

    #[test]
    fn a_plain_path_is_cleaned_and_must_exist() {
        let folder = tree();
        assert_eq!(find(&folder, "a/../top.log"), ["top.log"]);
        assert_eq!(find(&folder, "./a//x.log"), ["a/x.log"]);
        assert_eq!(find(&folder, "missing"), Vec::<String>::new());
        assert!(GlobPath::compile("").unwrap().find().is_empty());
        assert_eq!(clean(Path::new("../a/./b/..")), Path::new("../a"));
        assert_eq!(clean(Path::new("/..")), Path::new("/"));
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_but_not_in_circles() {
        let folder = tree();
        std::os::unix::fs::symlink("../../a", folder.path().join("a/b/back")).unwrap();
        std::os::unix::fs::symlink("nowhere", folder.path().join("a/dead.log")).unwrap();
        let found = find(&folder, "**.log");
        assert!(found.contains(&"a/b/y.log".to_owned()) && found.contains(&"a/dead.log".to_owned()));
        assert!(found.len() < 12, "{found:?}");
    }

    #[test]
    fn malformed_patterns_are_told_and_none_panics() {
        for bad in ["[", "a[]", "[a", "[a-]", "{a", "x\\", "**[", "[-a]"] {
            assert!(GlobPath::compile(bad).is_err(), "{bad}");
        }
        assert!(matches(&['a', '*', 'b', '*', 'c'], &['a', 'x', 'b', 'b', 'c']));
        assert!(!matches(&['*', 'a'], &['b']));
        assert!(matches(&['\\', '*'], &['*']));
        assert!(matches(&['*', '*'], &[]));
    }
}
