//! Which feature builds a plugin in: for messages about plugins that this program was built without.

use wheatstone_plugin::Kind;

/// One line per plugin of the repository, `kind.name feature`; `cargo xtask docs` writes it.
const FEATURES: &str = include_str!("features.txt");

/// The feature of a plugin of this repository.
pub(crate) fn feature(kind: Kind, name: &str) -> Option<&'static str> {
    FEATURES
        .lines()
        .filter_map(|line| line.split_once(' '))
        .find_map(|(plugin, feature)| {
            let (found, own) = plugin.split_once('.')?;
            (found == kind.plural() && own == name).then_some(feature)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugin_names_its_feature() {
        assert_eq!(feature(Kind::Output, "mongodb"), Some("mongodb"));
        assert_eq!(feature(Kind::Input, "file"), Some("inputs"));
        assert_eq!(feature(Kind::Parser, "xml"), Some("xpath"));
        assert_eq!(feature(Kind::Parser, "xpath_protobuf"), Some("xpath_protobuf"));
        assert_eq!(feature(Kind::Input, "nosuch"), None);
    }
}
