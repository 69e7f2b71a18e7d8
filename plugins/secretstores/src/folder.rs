//! A folder with one file per secret: a key becomes a file's name, the file's content the secret.

use std::path::{Component, Path, PathBuf};

use wheatstone_plugin::anyhow::{anyhow, bail};
use wheatstone_plugin::{Result, anyhow::Context as _, os_text};

/// The files of a folder whose names begin with a prefix.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    prefix: String,
}

impl Folder {
    /// A folder that is there; `what` names it in the error.
    pub(crate) fn open(path: &str, prefix: &str, what: &str) -> Result<Folder> {
        let path = std::path::absolute(path)
            .with_context(|| format!("cannot determine absolute path of {path:?}"))?;
        std::fs::metadata(&path).map_err(|e| {
            anyhow!(
                "accessing {what} {path:?} failed: stat {}: {}",
                path.display(),
                os_text(&e)
            )
        })?;
        Ok(Folder {
            path,
            prefix: prefix.to_owned(),
        })
    }

    /// The content of a key's file; a key that leads out of the folder is refused.
    pub(crate) fn get(&self, key: &str) -> Result<String> {
        let name = format!("{}{key}", self.prefix);
        let mut parts = Path::new(&name).components();
        if !matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None)) {
            bail!("directory traversal detected for key {key:?}");
        }
        let file = self.path.join(&name);
        let content = std::fs::read(&file).map_err(|e| {
            anyhow!(
                "cannot read the secret's value: open {}: {}",
                file.display(),
                os_text(&e)
            )
        })?;
        String::from_utf8(content).map_err(|_| anyhow!("the secret {key:?} is no UTF-8 text"))
    }

    /// The names of the files, without the prefix.
    pub(crate) fn list(&self) -> Result<Vec<String>> {
        let entries = std::fs::read_dir(&self.path)
            .map_err(|e| anyhow!("cannot read files: open {}: {}", self.path.display(), os_text(&e)))?;
        let names = entries.flatten().map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            name.strip_prefix(&self.prefix).map(str::to_owned).unwrap_or(name)
        });
        Ok(names.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_a_secret() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("p.password"), "hunter2\n").unwrap();
        std::fs::write(dir.path().join("other"), [0xff]).unwrap();
        let folder = Folder::open(dir.path().to_str().unwrap(), "p.", "directory").unwrap();
        assert_eq!(folder.get("password").unwrap(), "hunter2\n");
        let mut names = folder.list().unwrap();
        names.sort();
        assert_eq!(names, ["other", "password"]);
        let error = folder.get("nix").unwrap_err().to_string();
        assert!(error.ends_with("p.nix: no such file or directory"), "{error}");
    }

    #[test]
    fn no_key_leads_out_of_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join("inner");
        std::fs::create_dir(&inner).unwrap();
        std::fs::write(dir.path().join("secret"), "x").unwrap();
        let folder = Folder::open(inner.to_str().unwrap(), "", "directory").unwrap();
        for key in ["../secret", "..", "a/../../secret", "/etc/passwd", "", "a/b"] {
            let error = folder.get(key).unwrap_err().to_string();
            assert!(
                error.starts_with("directory traversal detected"),
                "{key:?}: {error}"
            );
        }
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error() {
        let error = Folder::open("/nonexistent/x", "", "directory")
            .unwrap_err()
            .to_string();
        assert_eq!(
            error,
            "accessing directory \"/nonexistent/x\" failed: stat /nonexistent/x: no such file or directory"
        );
    }
}
