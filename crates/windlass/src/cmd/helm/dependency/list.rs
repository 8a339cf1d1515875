//! The table of `helm dependency list`.

use windlass_chart::{Chart, Dependency};

use super::super::{Stop, complain, folder, print};

pub(super) fn list(path: &str) -> Result<(), Stop> {
    let chart = folder::load(path)?;
    let wanted = &chart.metadata().dependencies;
    if wanted.is_empty() {
        complain(&format!("WARNING: no dependencies at {path}/charts\n"));
        return Ok(());
    }
    let head = ["NAME", "VERSION", "REPOSITORY", "STATUS"].map(str::to_owned);
    let rows = wanted.iter().map(|it| {
        [
            it.name.clone(),
            it.version.clone(),
            it.repository.clone(),
            status(&chart, it).to_owned(),
        ]
    });
    let rows: Vec<[String; 4]> = std::iter::once(head).chain(rows).collect();
    let width = |column: usize| {
        rows.iter()
            .map(|it| it[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths = [width(0), width(1), width(2), width(3)];
    let mut out = String::new();
    for row in &rows {
        let cells: Vec<String> = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        out.push_str(&cells.join("\t"));
        out.push('\n');
    }
    out.push('\n');
    print(out.as_bytes());
    Ok(())
}

fn status(chart: &Chart, wanted: &Dependency) -> &'static str {
    let found = chart.dependencies().iter().find(|it| it.name() == wanted.name);
    match found {
        None => "missing",
        Some(it) if windlass_chart::is_compatible(&wanted.version, &it.metadata().version) => "ok",
        Some(_) => "wrong version",
    }
}
