//! The kernel's word that something may have changed where files are (inotify). It is a hint only: it tells when to look,
//! never what is there, and on some file systems nothing comes.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::Watched;

/// Symlinks that are followed, as many as the kernel follows.
const LINKS: usize = 40;

/// Hints about files. They come from every folder that what leads to one of them stands in.
#[derive(Debug)]
pub(super) struct Hints(AsyncFd<OwnedFd>);

impl Hints {
    /// Hints of all that happens from now on.
    ///
    /// # Errors
    /// If the kernel gives none, or a folder is not there.
    pub(super) fn of(watched: &Watched) -> io::Result<Self> {
        let notifier = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        let changes = WatchFlags::ATTRIB
            | WatchFlags::CLOSE_WRITE
            | WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::DELETE_SELF
            | WatchFlags::MODIFY
            | WatchFlags::MOVE
            | WatchFlags::MOVE_SELF;
        for folder in folders(watched) {
            add_watch(&notifier, &folder, changes)?;
        }
        #[expect(
            deprecated,
            reason = "unsound for what changes its descriptor, which this cannot; its successor is unsafe code"
        )]
        Ok(Self(AsyncFd::with_interest(notifier, Interest::READABLE)?))
    }

    /// Waits for one, and takes all that are there.
    ///
    /// # Errors
    /// If the kernel gives no more.
    pub(super) async fn any(&self) -> io::Result<()> {
        let mut ready = self.0.readable().await?;
        let mut events = [0; 4096];
        loop {
            match rustix::io::read(self.0.get_ref(), &mut events) {
                Ok(_) => {}
                Err(rustix::io::Errno::WOULDBLOCK) => break,
                Err(error) => return Err(error.into()),
            }
        }
        ready.clear_ready();
        Ok(())
    }
}

/// The folders in which the files stand, and every symlink on the way to them.
fn folders(watched: &Watched) -> BTreeSet<PathBuf> {
    let mut folders: BTreeSet<PathBuf> = watched.folder.iter().cloned().collect();
    let inside = watched.folder.iter().flat_map(|folder| std::fs::read_dir(folder).into_iter());
    let inside = inside.flatten().flatten();
    let links = inside.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_symlink()));
    let named = watched.files.iter().chain(&watched.folder).cloned();
    let mut ahead: Vec<_> =
        named.chain(links.map(|link| link.path())).map(|path| (path, LINKS)).collect();
    while let Some((path, links)) = ahead.pop() {
        folders.extend(folder_of(&path));
        for (step, target) in
            path.ancestors().filter_map(|step| Some((step, step.read_link().ok()?)))
        {
            let Some(folder) = folder_of(step) else { continue };
            if links > 0 {
                let rest = path.strip_prefix(step).unwrap_or(Path::new(""));
                ahead.push((folder.join(target).join(rest), links - 1));
            }
            folders.insert(folder);
        }
    }
    folders
}

fn folder_of(path: &Path) -> Option<PathBuf> {
    let folder = path.parent()?;
    Some(if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::time::Duration;

    use tokio::time::timeout;

    /// As a mounted ConfigMap has them: the file leads through a folder that is a symlink.
    #[tokio::test]
    async fn every_way_to_change_a_file_is_hinted_at() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["here", "old", "new", "keys.d"] {
            fs::create_dir(at(name)).unwrap();
        }
        fs::write(at("old/file"), "1").unwrap();
        fs::write(at("new/file"), "2").unwrap();
        symlink("../old", at("here/data")).unwrap();
        symlink("data/file", at("here/file")).unwrap();
        let watched = Watched { files: vec![at("here/file")], folder: Some(at("keys.d")) };
        let changes: [(&str, &dyn Fn()); 5] = [
            ("written in place", &|| fs::write(at("old/file"), "11").unwrap()),
            ("file in the folder", &|| fs::write(at("keys.d/a.toml"), "").unwrap()),
            ("file gone", &|| fs::remove_file(at("keys.d/a.toml")).unwrap()),
            ("folder swapped", &|| {
                symlink("../new", at("here/next")).unwrap();
                fs::rename(at("here/next"), at("here/data")).unwrap();
            }),
            ("written behind the swapped one", &|| fs::write(at("new/file"), "22").unwrap()),
        ];
        for (what, change) in changes {
            let hints = Hints::of(&watched).unwrap();
            change();
            let hint = timeout(Duration::from_secs(10), hints.any()).await;
            hint.expect(what).unwrap();
        }
    }

    #[tokio::test]
    async fn there_are_no_hints_about_what_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let watched = Watched { files: Vec::new(), folder: Some(folder.path().join("keys.d")) };
        assert!(Hints::of(&watched).is_err());
    }
}
