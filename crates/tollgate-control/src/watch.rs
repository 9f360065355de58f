//! Notices that files have changed, also by renames and symlink swaps.
//!
//! What the paths lead to decides, and not what the kernel tells: that works on every file system, through every
//! symlink, and after any of them was replaced. The kernel's hints only say when to look, so that a process
//! sleeps while nothing changes.

mod hints;

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hints::Hints;
use tokio::time::{sleep, timeout};

/// How often files are looked at while the kernel hints at changes, or cannot.
const PACE: Duration = Duration::from_millis(100);

/// How often they are looked at without a hint: another machine may have changed them.
const UNASKED: Duration = Duration::from_secs(5);

/// How long files must not change before they are read.
const STABLE: Duration = Duration::from_millis(50);

/// Looking takes at most this share of the time, however many files there are.
const SHARE: u32 = 50;

/// Files that are read together: those that are named, and all of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watched {
    /// The files.
    pub files: Vec<PathBuf>,
    /// The folder, if there is one.
    pub folder: Option<PathBuf>,
}

/// What tells a file from the same file changed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mark {
    path: PathBuf,
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// The state of all files at one instant. The default is that of no files: whatever
/// is there differs from it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sight(Vec<Mark>);

impl Watched {
    /// Looks at the files. Reading them is worth it again when this has changed.
    #[must_use]
    pub fn look(&self) -> Sight {
        let mut marks: Vec<_> = self.files.iter().filter_map(|file| mark(file)).collect();
        if let Some(folder) = &self.folder {
            let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
            let mut inside: Vec<_> = entries.filter_map(|entry| mark(&entry.path())).collect();
            inside.sort_by(|one, other| one.path.cmp(&other.path));
            marks.extend(inside);
        }
        Sight(marks)
    }

    /// Waits until the files differ from `seen` and have been stable for 50 ms. Returns when the
    /// difference was first noticed.
    pub async fn changed(&self, seen: &Sight) -> Instant {
        // Before the first look, so that no change falls between the two.
        let mut hints = Hints::of(self).ok();
        let mut pace = PACE;
        sleep(pace).await;
        loop {
            let began = Instant::now();
            let sight = self.look();
            pace = PACE.max(began.elapsed() * SHARE);
            if sight != *seen {
                self.settle(sight).await;
                return began;
            }
            match &hints {
                Some(told) => match timeout(UNASKED, told.any()).await {
                    Ok(Ok(())) => sleep(pace).await,
                    Ok(Err(_)) => hints = None,
                    Err(_) => {}
                },
                None => sleep(pace).await,
            }
        }
    }

    /// Waits until two looks in a row see the same.
    async fn settle(&self, mut sight: Sight) {
        loop {
            sleep(STABLE).await;
            let now = self.look();
            if now == sight {
                return;
            }
            sight = now;
        }
    }
}

fn mark(path: &Path) -> Option<Mark> {
    let meta = std::fs::metadata(path).ok()?;
    Some(Mark {
        path: path.to_owned(),
        device: meta.dev(),
        inode: meta.ino(),
        size: meta.size(),
        modified: (meta.mtime(), meta.mtime_nsec()),
        changed: (meta.ctime(), meta.ctime_nsec()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn every_way_to_change_a_file_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for (name, text) in [("one", "1"), ("two", "2"), ("other", "1")] {
            fs::write(at(name), text).unwrap();
        }
        std::os::unix::fs::symlink("one", at("link")).unwrap();
        let watched = Watched { files: vec![at("link")], folder: Some(at("keys.d")) };
        let mut seen = watched.look();
        let mut differs = |what: &str| {
            let now = watched.look();
            assert_ne!(now, seen, "{what}");
            seen = now;
        };
        fs::write(at("one"), "11").unwrap();
        differs("written in place");
        fs::rename(at("other"), at("one")).unwrap();
        differs("renamed over");
        std::os::unix::fs::symlink("two", at("next")).unwrap();
        fs::rename(at("next"), at("link")).unwrap();
        differs("symlink swapped");
        fs::create_dir(at("keys.d")).unwrap();
        fs::write(at("keys.d/a.toml"), "").unwrap();
        differs("file in the folder");
        fs::remove_file(at("keys.d/a.toml")).unwrap();
        differs("file gone");
    }
}
