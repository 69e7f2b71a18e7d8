//! Replacement texts: `${1}`, `$1`, `${name}` and `$$` in, what stands in their place out.

/// A replacement, resolved against the groups of its pattern.
#[derive(Clone, Debug)]
pub struct Template(Vec<Piece>);

#[derive(Clone, Debug)]
enum Piece {
    Text(String),
    /// The first of these groups that took part in the match: several may bear one name.
    Group(Vec<usize>),
}

impl Template {
    /// `names` are those of the pattern's groups, the whole match first. A reference to no group stands for nothing; a `$`
    /// that begins no reference stands for itself.
    pub(super) fn new(text: &str, names: &[String]) -> Template {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            literal.push_str(before);
            rest = after;
            if let Some(after) = rest.strip_prefix('$') {
                literal.push('$');
                rest = after;
            } else if let Some((name, after)) = reference(rest) {
                rest = after;
                let groups = resolve(name, names);
                if !groups.is_empty() {
                    if !literal.is_empty() {
                        pieces.push(Piece::Text(std::mem::take(&mut literal)));
                    }
                    pieces.push(Piece::Group(groups));
                }
            } else {
                literal.push('$');
            }
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            pieces.push(Piece::Text(literal));
        }
        Template(pieces)
    }

    /// The text, where it has no references.
    pub(super) fn literal(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }

    pub(super) fn expand(&self, groups: &regex::Captures<'_>) -> String {
        let mut out = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Group(numbers) => {
                    if let Some(group) = numbers.iter().find_map(|n| groups.get(*n)) {
                        out.push_str(group.as_str());
                    }
                }
            }
        }
        out
    }
}

/// Splits the name behind a `$` off: the longest row of letters, digits and underscores, or what stands between braces.
fn reference(text: &str) -> Option<(&str, &str)> {
    let (braced, text) = match text.strip_prefix('{') {
        Some(text) => (true, text),
        None => (false, text),
    };
    let end = text
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if name.is_empty() {
        return None;
    }
    if braced {
        rest.strip_prefix('}').map(|rest| (name, rest))
    } else {
        Some((name, rest))
    }
}

fn resolve(name: &str, names: &[String]) -> Vec<usize> {
    let number = name.bytes().all(|b| b.is_ascii_digit()) && (name.len() == 1 || !name.starts_with('0'));
    if number && name.len() < 9 {
        return name
            .parse()
            .ok()
            .filter(|n| *n < names.len())
            .into_iter()
            .collect();
    }
    names
        .iter()
        .enumerate()
        .filter(|(_, n)| *n == name)
        .map(|(i, _)| i)
        .collect()
}
