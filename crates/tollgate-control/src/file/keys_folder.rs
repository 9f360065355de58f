//! `keys_folder`

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::key::Keys;
use crate::document::Section;
use crate::document::kind::NonEmpty;

/// Reads the keys of every `*.toml` in the keys folder, in the order of the files' names.
///
/// Links are followed, and names that begin with a dot are passed over: this is how Kubernetes
/// mounts a folder, with `keys.toml` a link through `..data` to the files of the present version.
/// Returns the folder, if there is one.
pub(super) fn read(root: &mut Section, keys: &mut Keys<'_>) -> Option<PathBuf> {
    let folder = root.optional("keys_folder", NonEmpty("the path of a folder"))?;
    let folder = root.resolve(&folder);
    let files = match files(&folder) {
        Ok(files) => files,
        Err(error) => {
            let folder = folder.display();
            let message = format_args!("the folder {folder} cannot be read: {error}");
            root.problem("keys_folder", message);
            return None;
        }
    };
    for file in files {
        if let Some(mut section) = root.open_beside(&file) {
            section.set_purpose("a file of the keys folder holds [keys.<id>] tables only");
            keys.read(&mut section);
        }
    }
    Some(folder)
}

fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        // A link to nothing is taken along: that it cannot be read is for the operator to know.
        let file = !fs::metadata(&path).is_ok_and(|metadata| !metadata.is_file());
        if !hidden && file && path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
