//! Tables on disk, so that a restarted proxy serves at once. One file per table, replaced as a whole.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::table::Table;

/// More tables are not read.
const TABLES_MAX: usize = 1_000;

/// The folder of the tables.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    folder: PathBuf,
}

impl Store {
    pub(crate) fn open(state: &Path) -> io::Result<Self> {
        let folder = state.join("tables");
        fs::create_dir_all(&folder)?;
        Ok(Self { folder })
    }

    /// Writes a table; on return it survives a power cut. To be called where blocking is fine.
    pub(crate) fn save(&self, table: &Table) -> io::Result<()> {
        let (path, draft) = (self.path(&table.name, "json"), self.path(&table.name, "draft"));
        let mut file = File::create(&draft)?;
        file.write_all(&serde_json::to_vec_pretty(table)?)?;
        file.sync_all()?;
        fs::rename(&draft, &path)?;
        File::open(&self.folder)?.sync_all()
    }

    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.path(name, "json")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => File::open(&self.folder)?.sync_all(),
        }
    }

    /// All tables that can be read; the others are named in the log and left where they are.
    pub(crate) fn load(&self) -> io::Result<Vec<Table>> {
        let mut tables = Vec::new();
        for entry in fs::read_dir(&self.folder)?.take(TABLES_MAX) {
            let path = entry?.path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            match read(&path) {
                Ok(table) => tables.push(table),
                Err(error) => tracing::error!(path = %path.display(), error, "a stored table is left out"),
            }
        }
        tables.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(tables)
    }

    fn path(&self, name: &str, extension: &str) -> PathBuf {
        self.folder.join(format!("{name}.{extension}"))
    }
}

fn read(path: &Path) -> Result<Table, String> {
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    let table: Table = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
    table.check().map_err(|flaw| flaw.to_string())?;
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_cannot_be_read_keeps_no_other_from_being_served() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path()).expect("a store");
        let table = |name: &str, generation| Table {
            name: name.to_owned(),
            generation,
            listeners: Vec::new(),
            services: Vec::new(),
        };
        store.save(&table("staging", 1)).expect("saved");
        store.save(&table("staging", 2)).expect("saved again");
        store.save(&table("production", 7)).expect("saved");
        fs::write(folder.path().join("tables/torn.json"), b"{\"name\":").expect("written");
        let loaded: Vec<_> = store
            .load()
            .expect("loaded")
            .into_iter()
            .map(|table| (table.name, table.generation))
            .collect();
        assert_eq!(loaded, [("production".to_owned(), 7), ("staging".to_owned(), 2)]);
        store.remove("staging").expect("removed");
        store.remove("staging").expect("removed again");
        assert_eq!(store.load().expect("loaded").len(), 1);
    }
}
