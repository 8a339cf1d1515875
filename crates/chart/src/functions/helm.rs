//! What Helm adds: include, tpl, required, fail, lookup, YAML, JSON, TOML.

use super::{Args, Function, Param, fixed, helm4};
use crate::any::{Any, Elem, List, Map, Str};
use crate::json;
use crate::template::exec::Exec;
use crate::template::failure::Fail;
use crate::toml;
use crate::yaml;
use crate::{Query, Value};

const VALUE: &[Param] = &[Param::Any];
const ONE: &[Param] = &[Param::Str];
const NAME_AND_VALUE: &[Param] = &[Param::Str, Param::Any];

pub(super) static FUNCTIONS: &[Function] = &[
    fixed("include", NAME_AND_VALUE, |exec, mut args| {
        let name = args.str();
        exec.include(&name, args.any())
    }),
    fixed("tpl", NAME_AND_VALUE, |exec, mut args| {
        let text = args.str();
        exec.tpl(&text, args.any())
    }),
    fixed("required", NAME_AND_VALUE, required),
    fixed("fail", ONE, |exec, mut args| {
        let message = args.str();
        if exec.setting.lint {
            Ok(Any::str(""))
        } else {
            Err(warning(&message))
        }
    }),
    fixed(
        "lookup",
        &[Param::Str, Param::Str, Param::Str, Param::Str],
        lookup,
    ),
    fixed("getHostByName", ONE, |_, _| Ok(Any::str(""))),
    fixed("toYaml", VALUE, |_, mut args| {
        Ok(yaml::write(&args.any()).map_or_else(|_| Any::str(""), yaml_text))
    }),
    helm4("mustToYaml", VALUE, |_, mut args| {
        Ok(yaml_text(yaml::write(&args.any())?))
    }),
    fixed("toYamlPretty", VALUE, |_, mut args| {
        Ok(yaml_text(yaml::write_pretty(&args.any())))
    }),
    fixed("fromYaml", ONE, |_, mut args| Ok(from_yaml(&args.str()))),
    fixed("fromYamlArray", ONE, |_, mut args| {
        Ok(from_yaml_array(&args.str()))
    }),
    fixed("toJson", VALUE, |_, mut args| {
        Ok(json::write(&args.any()).map_or_else(|_| Any::str(""), |it| Any::Str(it.into())))
    }),
    fixed("fromJson", ONE, |_, mut args| {
        Ok(object_or_error(json::read(&args.str())))
    }),
    fixed("fromJsonArray", ONE, |_, mut args| {
        Ok(array_or_error(json::read(&args.str())))
    }),
    fixed("toToml", VALUE, |_, mut args| {
        Ok(toml::write(&args.any()).map_or_else(Any::from, Any::from))
    }),
    helm4("mustToToml", VALUE, |_, mut args| {
        Ok(toml::write(&args.any())?.into())
    }),
    fixed("fromToml", ONE, |_, mut args| {
        Ok(toml::read(&args.str()).map_or_else(error_map, Any::Map))
    }),
];

fn lookup(exec: &mut Exec<'_>, mut args: Args) -> Result<Any, Fail> {
    let [api_version, kind, namespace, name] = [args.str(), args.str(), args.str(), args.str()];
    let (api_version, kind) = (api_version.text(), kind.text());
    let (namespace, name) = (namespace.text(), name.text());
    let query = Query {
        api_version: &api_version,
        kind: &kind,
        namespace: &namespace,
        name: &name,
    };
    let found = exec.setting.lookup.ask(query)?;
    Ok(found.map_or_else(|| Any::Map(Map::empty()), |it| Any::from(&Value::from_json(&it))))
}

/// Helm marks messages that are meant for the user, and takes them out of the chain of errors again.
pub(crate) const WARN_START: &str = "HELM_ERR_START";
/// The end of such a message.
pub(crate) const WARN_END: &str = "HELM_ERR_END";

fn warning(message: &Str) -> Fail {
    format!("{WARN_START}{}{WARN_END}", message.text()).into()
}

fn required(exec: &mut Exec<'_>, mut args: Args) -> Result<Any, Fail> {
    let (message, value) = (args.str(), args.any());
    let missing = match &value {
        Any::Nil => true,
        Any::Str(it) => it.is_empty(),
        _ => false,
    };
    if !missing {
        return Ok(value);
    }
    if exec.setting.lint {
        Ok(Any::str(""))
    } else {
        Err(warning(&message))
    }
}

fn yaml_text(mut text: Vec<u8>) -> Any {
    if text.last() == Some(&b'\n') {
        text.pop();
    }
    Any::Str(text.into())
}

fn error_map(message: String) -> Any {
    let map = Map::empty();
    map.set("Error", message.into());
    Any::Map(map)
}

fn error_list(message: String) -> Any {
    Any::list(vec![message.into()])
}

fn from_yaml(text: &Str) -> Any {
    match yaml::read_first(text) {
        Ok(value @ (Any::Map(_) | Any::Nil)) => object_or_error(Ok(value)),
        Ok(other) => error_map(unmarshal_error(&other, "map[string]interface {}", true)),
        Err(message) => error_map(format!("error converting YAML to JSON: {message}")),
    }
}

fn from_yaml_array(text: &Str) -> Any {
    match yaml::read_first(text) {
        Ok(value @ (Any::List(_) | Any::Nil)) => array_or_error(Ok(value)),
        Ok(other) => error_list(unmarshal_error(&other, "[]interface {}", true)),
        Err(message) => error_list(format!("error converting YAML to JSON: {message}")),
    }
}

fn object_or_error(result: Result<Any, String>) -> Any {
    match result {
        Ok(Any::Map(map)) => Any::Map(map),
        Ok(Any::Nil) => Any::Map(Map::nil()),
        Ok(other) => error_map(unmarshal_error(&other, "map[string]interface {}", false)),
        Err(message) => error_map(message),
    }
}

fn array_or_error(result: Result<Any, String>) -> Any {
    match result {
        Ok(Any::List(list)) => Any::List(list),
        Ok(Any::Nil) => Any::List(List::nil(Elem::Any)),
        Ok(other) => error_list(unmarshal_error(&other, "[]interface {}", false)),
        Err(message) => error_list(message),
    }
}

fn unmarshal_error(value: &Any, wanted: &str, from_yaml: bool) -> String {
    let got = match value {
        Any::Map(_) => "object",
        Any::List(_) => "array",
        Any::Str(_) | Any::Bytes(_) => "string",
        Any::Bool(_) => "bool",
        _ => "number",
    };
    let before = if from_yaml {
        "error unmarshaling JSON: while decoding JSON: "
    } else {
        ""
    };
    format!("{before}json: cannot unmarshal {got} into Go value of type {wanted}")
}
