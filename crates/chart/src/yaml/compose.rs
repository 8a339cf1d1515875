//! From nodes to values: aliases expanded within limits, merge keys merged, keys as strings, numbers as floats.

use super::YamlError;
use super::parse::{Anchored, Node, NodeKind};
use super::resolve::{Resolved, resolve};
use crate::any::{Any, Entries, List, Map, Str};
use crate::functions::base64_decode;
use crate::go::number;

const LONG_TAG: &[u8] = b"tag:yaml.org,2002:";

/// The library's bounds of what may come from aliases.
const ALIAS_RANGE_LOW: f64 = 400_000.0;
const ALIAS_RANGE_HIGH: f64 = 4_000_000.0;

pub(super) struct Composer {
    decoded: usize,
    aliased: usize,
    alias_depth: usize,
    nodes_max: usize,
}

type Compose<T> = Result<T, YamlError>;

impl Composer {
    pub(super) fn new(nodes_max: usize) -> Self {
        Self {
            decoded: 0,
            aliased: 0,
            alias_depth: 0,
            nodes_max,
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "the library compares the ratio of two counts"
    )]
    fn count(&mut self) -> Compose<()> {
        self.decoded += 1;
        if self.alias_depth > 0 {
            self.aliased += 1;
        }
        let (aliased, decoded) = (self.aliased as f64, self.decoded as f64);
        if self.aliased > 100 && self.decoded > 1000 && aliased / decoded > allowed_ratio(decoded) {
            return Err(YamlError::plain("document contains excessive aliasing"));
        }
        if self.decoded > self.nodes_max {
            return Err(YamlError::plain(&format!(
                "the document has more than {} nodes",
                self.nodes_max
            )));
        }
        Ok(())
    }

    pub(super) fn value(&mut self, node: &Node) -> Compose<Any> {
        self.count()?;
        match &node.kind {
            NodeKind::Alias(name, anchored) => {
                let target = Self::target(name, anchored)?;
                self.alias_depth += 1;
                let value = self.value(target)?;
                self.alias_depth -= 1;
                Ok(value)
            }
            NodeKind::Scalar(text, implicit) => scalar(text, *implicit, &node.tag),
            NodeKind::Sequence(items) => {
                let items: Compose<Vec<Any>> = items.iter().map(|it| self.value(it)).collect();
                Ok(Any::List(List::new(items?)))
            }
            NodeKind::Mapping(entries) => {
                let mut map = Entries::new();
                self.mapping(entries, &mut map)?;
                Ok(Any::Map(Map::new(map)))
            }
        }
    }

    fn target<'n>(name: &[u8], anchored: &'n Anchored) -> Compose<&'n Node> {
        match anchored {
            Anchored::Node(node) => Ok(node),
            Anchored::Itself => {
                let name = String::from_utf8_lossy(name);
                Err(YamlError::plain(&format!(
                    "anchor '{name}' value contains itself"
                )))
            }
        }
    }

    fn mapping(
        &mut self,
        entries: &[(std::rc::Rc<Node>, std::rc::Rc<Node>)],
        map: &mut Entries,
    ) -> Compose<()> {
        for (key, value) in entries {
            if is_merge(key) {
                self.merge(value, map)?;
                continue;
            }
            let key = self.key(key)?;
            let value = self.value(value)?;
            match key {
                Ok(key) => {
                    map.insert(key, value);
                }
                Err(()) => return Err(null_key(&value)),
            }
        }
        Ok(())
    }

    /// A key as a string; `Err` for null, which JSON has no key for.
    fn key(&mut self, node: &Node) -> Compose<Result<Str, ()>> {
        if let NodeKind::Scalar(text, true) = &node.kind
            && node.tag.is_empty()
        {
            self.count()?;
            return Ok(match resolve(text) {
                Resolved::Str | Resolved::Timestamp | Resolved::Merge => Ok(text.clone()),
                Resolved::Null => Err(()),
                Resolved::Bool(it) => Ok(if it { "true" } else { "false" }.into()),
                Resolved::Int(it) => Ok(it.to_string().into()),
                Resolved::Uint(it) => return Err(unsupported_key("uint64", &it.to_string())),
                Resolved::Float(it) => Ok(float_key(it).into()),
            });
        }
        match self.value(node)? {
            Any::Str(it) => Ok(Ok(it)),
            Any::Nil => Ok(Err(())),
            Any::Bool(it) => Ok(Ok(if it { "true" } else { "false" }.into())),
            Any::Float(it) => Ok(Ok(number::format_json(it).into())),
            other => {
                let shown = crate::go::print::printf(b"%#v", &[other], crate::Profile::Helm4);
                // The library's own maps have keys of any type.
                let shown = String::from_utf8_lossy(&shown)
                    .replace("map[string]interface {}", "map[interface {}]interface {}");
                Err(YamlError::plain(&format!("invalid map key: {shown}")))
            }
        }
    }

    fn merge(&mut self, node: &Node, map: &mut Entries) -> Compose<()> {
        const WANTED: &str = "map merge requires map or sequence of maps as the value";
        match &node.kind {
            NodeKind::Mapping(entries) => {
                self.count()?;
                self.mapping(entries, map)
            }
            NodeKind::Alias(name, anchored) => {
                let target = Self::target(name, anchored)?;
                let NodeKind::Mapping(entries) = &target.kind else {
                    return Err(YamlError::plain(WANTED));
                };
                self.alias_depth += 1;
                self.count()?;
                self.mapping(entries, map)?;
                self.alias_depth -= 1;
                Ok(())
            }
            NodeKind::Sequence(items) => {
                for item in items.iter().rev() {
                    match &item.kind {
                        NodeKind::Mapping(_) | NodeKind::Alias(..) => self.merge(item, map)?,
                        _ => return Err(YamlError::plain(WANTED)),
                    }
                }
                Ok(())
            }
            NodeKind::Scalar(..) => Err(YamlError::plain(WANTED)),
        }
    }
}

fn allowed_ratio(decoded: f64) -> f64 {
    if decoded <= ALIAS_RANGE_LOW {
        0.99
    } else if decoded >= ALIAS_RANGE_HIGH {
        0.10
    } else {
        0.99 - 0.89 * ((decoded - ALIAS_RANGE_LOW) / (ALIAS_RANGE_HIGH - ALIAS_RANGE_LOW))
    }
}

fn is_merge(node: &Node) -> bool {
    match &node.kind {
        NodeKind::Scalar(text, implicit) => {
            **text == *b"<<" && (*implicit || node.tag == b"tag:yaml.org,2002:merge")
        }
        _ => false,
    }
}

fn float_key(value: f64) -> String {
    match number::format_g32(value).as_str() {
        "+Inf" => ".inf".to_owned(),
        "-Inf" => "-.inf".to_owned(),
        "NaN" => ".nan".to_owned(),
        other => other.to_owned(),
    }
}

fn null_key(value: &Any) -> YamlError {
    let shown = crate::go::print::printf(b"%+#v", std::slice::from_ref(value), crate::Profile::Helm4);
    let shown = String::from_utf8_lossy(&shown).into_owned();
    YamlError::bare(&format!(
        "unsupported map key of type: %!s(<nil>), key: <nil>, value: {shown}"
    ))
}

fn unsupported_key(kind: &str, key: &str) -> YamlError {
    YamlError::bare(&format!(
        "unsupported map key of type: {kind}, key: {key}, value: <nil>"
    ))
}

fn scalar(text: &Str, implicit: bool, tag: &[u8]) -> Compose<Any> {
    if tag.is_empty() {
        return if implicit {
            resolved(&resolve(text), text)
        } else {
            Ok(Any::Str(text.clone()))
        };
    }
    let Some(name) = tag.strip_prefix(LONG_TAG) else {
        return Ok(Any::Str(text.clone()));
    };
    let found = resolve(text);
    match (name, &found) {
        (b"binary", _) => match base64_decode(text) {
            Ok(bytes) => Ok(Any::Str(crate::json::replace_invalid(&bytes).into())),
            Err(_) => Err(YamlError::plain("!!binary value contains invalid base64 data")),
        },
        (b"bool", Resolved::Bool(_))
        | (b"int", Resolved::Int(_) | Resolved::Uint(_))
        | (b"float", Resolved::Float(_) | Resolved::Int(_))
        | (b"null", Resolved::Null)
        | (b"timestamp", Resolved::Timestamp) => resolved(&found, text),
        (b"bool" | b"int" | b"float" | b"null" | b"timestamp", _) => {
            let (name, text) = (String::from_utf8_lossy(name), String::from_utf8_lossy(text));
            Err(YamlError::plain(&format!(
                "cannot decode {} `{text}` as a !!{name}",
                short_tag(&found)
            )))
        }
        _ => Ok(Any::Str(text.clone())),
    }
}

pub(super) fn plain(text: &[u8]) -> Option<Any> {
    resolved(&resolve(text), &text.into()).ok()
}

fn short_tag(it: &Resolved) -> &'static str {
    match it {
        Resolved::Null => "!!null",
        Resolved::Bool(_) => "!!bool",
        Resolved::Int(_) | Resolved::Uint(_) => "!!int",
        Resolved::Float(_) => "!!float",
        Resolved::Merge => "!!merge",
        Resolved::Timestamp => "!!timestamp",
        Resolved::Str => "!!str",
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "Helm reads every number as a float, and loses precision as we do"
)]
fn resolved(it: &Resolved, text: &Str) -> Compose<Any> {
    Ok(match it {
        Resolved::Null => Any::Nil,
        Resolved::Bool(it) => Any::Bool(*it),
        Resolved::Int(it) => Any::Float(*it as f64),
        Resolved::Uint(it) => Any::Float(*it as f64),
        Resolved::Float(it) if it.is_finite() => Any::Float(*it),
        Resolved::Float(it) => {
            let shown = number::format_g(*it);
            return Err(YamlError::bare(&format!("json: unsupported value: {shown}")));
        }
        Resolved::Merge | Resolved::Timestamp | Resolved::Str => Any::Str(text.clone()),
    })
}
