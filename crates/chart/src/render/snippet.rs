//! Templates without a chart: one text with data of the caller's, or a set of them that know each other.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::context::TemplateFile;
use super::{Options, execute_files, message, on_stack, setting};
use crate::any::{Any, Map};
use crate::limits::Limits;
use crate::template::exec::Exec;
use crate::template::parse;
use crate::{ChartError, Value};

/// What `text` writes for `data`, as Go's `Execute`: a missing value is `<no value>`. Functions that change maps change
/// `data`.
///
/// ```
/// use windlass_chart::{Options, Profile, Value, expand};
///
/// let mut data = Value::Map([("name".to_owned(), Value::String("shop".to_owned()))].into());
/// let out = expand("{{ .name | upper | quote }}", &mut data, &Options::of_profile(Profile::Helm4)).unwrap();
/// assert_eq!(out, b"\"SHOP\"");
/// ```
pub fn expand(text: &str, data: &mut Value, options: &Options) -> Result<Vec<u8>, ChartError> {
    let (out, changed) = on_stack(|| {
        let name = "test".into();
        let parsed =
            parse::parse(&name, &text.into(), options.profile).map_err(|it| message::parse(&name, &it))?;
        let setting = setting(options, &Limits::default());
        let graph = Any::from(&*data);
        let out = Exec::new(&setting, Arc::new(parsed))
            .raw(&name, graph.clone())
            .map_err(|fail| message::execution(&name, &fail, options.profile))?;
        Ok((out, graph.to_value()))
    })?;
    *data = changed;
    Ok(out)
}

/// What each template of a set writes, by its name; each has its text and its data. Names that begin with `_` only define.
pub fn expand_set(
    templates: &BTreeMap<String, (String, Value)>,
    options: &Options,
) -> Result<BTreeMap<String, String>, ChartError> {
    on_stack(|| {
        let files = templates
            .iter()
            .map(|(name, (text, data))| {
                let context = match Any::from(data) {
                    Any::Map(map) => map,
                    _ => Map::empty(),
                };
                let base_path = name.rsplit_once('/').map_or(String::new(), |it| it.0.to_owned());
                let file = TemplateFile {
                    text: text.as_str().into(),
                    context,
                    base_path,
                };
                (name.as_str().into(), file)
            })
            .collect();
        let setting = setting(options, &Limits::default());
        let read = |name: &_, text: &_| parse::parse(name, text, options.profile).map(Arc::new);
        let mut written = BTreeMap::new();
        execute_files(&files, &setting, &read, &mut |path, text| {
            written.insert(path.to_owned(), text.text().into_owned());
        })?;
        Ok(written)
    })
}
