//! Values from files and flags, in Helm's order: -f, --set-json, --set, --set-string, --set-file, --set-literal.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use windlass_chart::values::set::{Reading, set};
use windlass_chart::{Limits, Profile, Value, values};

use super::Stop;
use super::flags::Flags;

pub(super) fn merged(flags: &Flags, profile: Profile) -> Result<Value, Stop> {
    merged_with(flags, profile, read)
}

/// As [`merged`]; a values file that is not where it was said to be is looked for in the chart's own folder, and that is
/// told: the guide's `--values values.production.yaml` means the one beside the chart's values.yaml.
pub(super) fn merged_beside(flags: &Flags, profile: Profile, chart: &str) -> Result<Value, Stop> {
    merged_with(flags, profile, |path| {
        let beside = Path::new(chart).join(path);
        let is_there = path.trim() == "-" || Path::new(path).exists();
        if is_there || Path::new(path).is_absolute() || !beside.is_file() {
            return read(path);
        }
        let beside = beside.display().to_string();
        super::complain(&format!("note: {path} is not here; {beside} is taken\n"));
        read(&beside)
    })
}

fn merged_with(
    flags: &Flags,
    profile: Profile,
    find: impl Fn(&str) -> Result<Vec<u8>, Stop>,
) -> Result<Value, Stop> {
    let mut all = BTreeMap::new();
    let limits = Limits::default();
    for path in flags.list("values") {
        let text = find(&path)?;
        let map = values::read_file(&text, profile, &limits);
        values::merge(
            &mut all,
            map.map_err(|it| format!("failed to parse {path}: {it}"))?,
        );
    }
    for text in flags.many("set-json") {
        if text.trim_start().starts_with('{') {
            match values::read_json(text.trim()) {
                Ok(Value::Map(map)) => values::merge(&mut all, map),
                _ => {
                    return Err(Stop::Failed(format!(
                        "failed parsing --set-json data JSON: {text}"
                    )));
                }
            }
        } else {
            set(text, &mut all, &Reading::Json)
                .map_err(|_| format!("failed parsing --set-json data {text}"))?;
        }
    }
    let file = |path: &str| {
        let bytes = read(path).map_err(|it| match it {
            Stop::Usage(message) | Stop::Failed(message) => message,
        })?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let readings: [(&str, Reading<'_>); 4] = [
        ("set", Reading::Typed),
        ("set-string", Reading::Text),
        ("set-file", Reading::File(&file)),
        ("set-literal", Reading::Literal),
    ];
    for (flag, reading) in readings {
        for text in flags.many(flag) {
            set(text, &mut all, &reading).map_err(|it| format!("failed parsing --{flag} data: {it}"))?;
        }
    }
    Ok(Value::Map(all))
}

/// A file, or standard input for `-`.
fn read(path: &str) -> Result<Vec<u8>, Stop> {
    if path.trim() == "-" {
        let limit = Limits::default().input_bytes_max as u64;
        let mut text = Vec::new();
        std::io::stdin().take(limit).read_to_end(&mut text)?;
        return Ok(text);
    }
    std::fs::read(path).map_err(|_| Stop::Failed(format!("open {path}: no such file or directory")))
}
