//! The log of one instance: a file with a limit and one before it. Reading its end, and following it.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Bytes of one file; with the one before it an instance keeps at most twice as much.
pub(super) const BYTES_MAX: u64 = 8 << 20;
/// Bytes that are read from the end for a tail.
const TAIL_BYTES_MAX: u64 = 1 << 20;

/// A log that fills a file in less is a flood, and says so.
const FLOOD: Duration = Duration::from_mins(1);

/// Appends with a limit. What the disk does not take is dropped and counted, so that a full disk stops no instance.
pub(super) struct Log {
    path: PathBuf,
    file: Option<File>,
    size: u64,
    limit: u64,
    dropped: u64,
    /// Since when this file is written.
    began: Instant,
}

impl Log {
    pub(super) fn open(path: &Path, limit: u64) -> Self {
        let mut log = Self {
            path: path.to_owned(),
            file: None,
            size: 0,
            limit,
            dropped: 0,
            began: Instant::now(),
        };
        log.reopen();
        log
    }

    pub(super) fn write(&mut self, bytes: &[u8]) {
        if self.size + bytes.len() as u64 > self.limit {
            let _ = fs::rename(&self.path, before(&self.path));
            self.reopen();
            let took = std::mem::replace(&mut self.began, Instant::now()).elapsed();
            if took < FLOOD {
                let note = format!(
                    "windlass: {} bytes of log in {} s: older lines are dropped; hint: have it write less\n",
                    self.limit,
                    took.as_secs()
                );
                let _ = self.append(note.as_bytes());
            }
        }
        if self.file.is_none() {
            self.reopen();
        }
        if self.dropped > 0 {
            let note = format!(
                "windlass: {} bytes of log were dropped: the disk took no more\n",
                self.dropped
            );
            if self.append(note.as_bytes()).is_ok() {
                self.dropped = 0;
            }
        }
        if self.append(bytes).is_err() {
            self.dropped += bytes.len() as u64;
        }
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(file) = &mut self.file else {
            return Err(io::ErrorKind::NotFound.into());
        };
        file.write_all(bytes)?;
        self.size += bytes.len() as u64;
        Ok(())
    }

    fn reopen(&mut self) {
        self.file = File::options().create(true).append(true).open(&self.path).ok();
        self.size = self
            .file
            .as_ref()
            .and_then(|file| file.metadata().ok())
            .map_or(0, |meta| meta.len());
    }
}

/// The last lines of a log.
pub(super) fn tail(path: &Path, lines: usize) -> Vec<String> {
    let mut text = end_of(&before(path));
    text.push_str(&end_of(path));
    let all: Vec<&str> = text.lines().collect();
    all.get(all.len().saturating_sub(lines)..)
        .unwrap_or_default()
        .iter()
        .map(|line| (*line).to_owned())
        .collect()
}

/// What was written since `at`, whole lines only, and where to go on. A log that was rotated is read from its start.
pub(super) fn since(path: &Path, at: u64) -> (Vec<String>, u64) {
    let Ok(mut file) = File::open(path) else {
        return (Vec::new(), at);
    };
    let size = file.metadata().map_or(0, |meta| meta.len());
    let at = if size < at { 0 } else { at };
    let mut bytes = Vec::new();
    let read = file
        .seek(SeekFrom::Start(at))
        .and_then(|_| file.take(TAIL_BYTES_MAX).read_to_end(&mut bytes));
    if read.is_err() {
        return (Vec::new(), at);
    }
    let full = bytes.len() as u64 == TAIL_BYTES_MAX;
    let end = bytes
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(if full { bytes.len() } else { 0 }, |end| end + 1);
    let text = String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned();
    (text.lines().map(str::to_owned).collect(), at + end as u64)
}

fn end_of(path: &Path) -> String {
    let read = || -> io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let size = file.metadata()?.len();
        file.seek(SeekFrom::Start(size.saturating_sub(TAIL_BYTES_MAX)))?;
        let mut bytes = Vec::new();
        file.take(TAIL_BYTES_MAX).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    String::from_utf8_lossy(&read().unwrap_or_default()).into_owned()
}

fn before(path: &Path) -> PathBuf {
    path.with_extension("before")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Log, since, tail};

    #[test]
    fn a_flood_takes_at_most_twice_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut log = Log::open(&path, 1000);
        for number in 0..1000 {
            log.write(format!("line {number}\n").as_bytes());
        }
        let bytes: u64 = fs::read_dir(folder.path())
            .unwrap()
            .map(|file| file.unwrap().metadata().unwrap().len())
            .sum();
        assert!(bytes <= 2200, "{bytes} bytes are kept");
        assert_eq!(tail(&path, 2), ["line 998", "line 999"]);
        let note = "windlass: 1000 bytes of log in 0 s: older lines are dropped; hint: have it write less";
        assert_eq!(tail(&path, 200)[0], note);
    }

    #[test]
    fn following_gives_each_whole_line_once_and_starts_again_after_rotation() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        fs::write(&path, "one\ntw").unwrap();
        let (lines, at) = since(&path, 0);
        assert_eq!((lines.as_slice(), at), (["one".to_owned()].as_slice(), 4));
        fs::write(&path, "one\ntwo\n").unwrap();
        assert_eq!(since(&path, at), (vec!["two".to_owned()], 8));
        fs::write(&path, "new\n").unwrap();
        assert_eq!(since(&path, 8), (vec!["new".to_owned()], 4));
    }

    #[test]
    fn a_log_that_cannot_be_written_drops_and_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gone/log");
        let mut log = Log::open(&path, 1000);
        log.write(b"lost\n");
        fs::create_dir(folder.path().join("gone")).unwrap();
        log.write(b"kept\n");
        assert_eq!(
            tail(&path, 9),
            [
                "windlass: 5 bytes of log were dropped: the disk took no more",
                "kept"
            ]
        );
    }
}
