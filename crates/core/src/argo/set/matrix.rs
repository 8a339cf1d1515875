//! `matrix`: every pair of two generators' parameters; the second may name the first one's.

use serde_json::{Map, Value};

use super::Around;
use super::params::Params;
use super::template::Mode;
use crate::argo::Wrong;
use crate::argo::fields::Part;

impl Around<'_> {
    pub(super) fn matrix(&self, part: &Part<'_>, depth: usize) -> Result<Vec<Params>, Wrong> {
        part.only(&["generators"])?;
        let generators = part.get("generators").list()?;
        let [first, second] = generators.as_slice() else {
            return Err(part.get("generators").wrong(
                format!(
                    "a matrix is of two generators, and these are {}",
                    generators.len()
                ),
                "put a matrix into a matrix for a third one",
            ));
        };
        let mut all = Vec::new();
        for one in self.generate(first, depth + 1)? {
            let filled = self.fill(second, &one)?;
            for other in self.generate(&second.with(&filled), depth + 1)? {
                all.push(self.combined(part, &one, &other)?);
            }
        }
        Ok(all)
    }

    /// In a tree the first one's win; plain parameters of one name must agree.
    fn combined(&self, part: &Part<'_>, one: &Params, other: &Params) -> Result<Params, Wrong> {
        let mut map = other.map.clone();
        if let Mode::Go { .. } = self.mode {
            merge(&mut map, &one.map);
            return Ok(Params { map });
        }
        for (key, value) in &one.map {
            if map.get(key).is_some_and(|it| it != value) {
                return Err(part.wrong(
                    format!("both generators have a parameter `{key}`, with different values"),
                    "call one of them otherwise; `pathParamPrefix` does that for paths",
                ));
            }
            map.insert(key.clone(), value.clone());
        }
        Ok(Params { map })
    }
}

fn merge(under: &mut Map<String, Value>, over: &Map<String, Value>) {
    for (key, value) in over {
        match (under.get_mut(key), value) {
            (Some(Value::Object(under)), Value::Object(over)) => merge(under, over),
            _ => {
                under.insert(key.clone(), value.clone());
            }
        }
    }
}
