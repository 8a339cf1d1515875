//! Chart.yaml: what a chart says of itself.

use std::collections::BTreeMap;

use crate::Value;
use crate::any::{Any, Elem, Field, Flavour, List, Map, Object};
use crate::go::number;
use crate::version::Version;

/// What Chart.yaml says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metadata {
    /// `v1` or `v2`.
    pub api_version: String,
    /// Name of the chart.
    pub name: String,
    /// Version of the chart.
    pub version: String,
    /// Version of what the chart deploys.
    pub app_version: String,
    /// One sentence.
    pub description: String,
    /// A constraint of Kubernetes' version.
    pub kube_version: String,
    /// `application` or `library`; empty is an application.
    pub kind: String,
    /// Page of the project.
    pub home: String,
    /// Address of a picture.
    pub icon: String,
    /// Addresses of source code.
    pub sources: Vec<String>,
    /// Words to find the chart by.
    pub keywords: Vec<String>,
    /// Who maintains the chart.
    pub maintainers: Vec<Maintainer>,
    /// Whatever others want to know.
    pub annotations: BTreeMap<String, String>,
    /// Whether annotations are there at all.
    pub has_annotations: bool,
    /// Not to be used any more.
    pub deprecated: bool,
    /// What the chart depends on.
    pub dependencies: Vec<Dependency>,
    /// A leftover that Helm still reads.
    pub condition: String,
    /// A leftover that Helm still reads.
    pub tags: String,
}

/// Who maintains a chart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Maintainer {
    /// Name.
    pub name: String,
    /// Address for mail.
    pub email: String,
    /// Page.
    pub url: String,
}

/// A chart that another depends on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Dependency {
    /// Name of the chart.
    pub name: String,
    /// A constraint of its version.
    pub version: String,
    /// Where it is found.
    pub repository: String,
    /// Paths of values that switch it, the first that exists decides.
    pub condition: String,
    /// Tags that switch it.
    pub tags: Vec<String>,
    /// Values of it that the parent takes over: names, or maps of `child` and `parent`.
    pub import_values: Vec<Value>,
    /// The name it is used under.
    pub alias: String,
}

impl Metadata {
    pub(crate) fn is_library(&self) -> bool {
        self.kind.eq_ignore_ascii_case("library")
    }

    /// Reads what a YAML document says; what it does not say stays.
    pub(crate) fn read(&mut self, document: &Any) -> Result<(), String> {
        let Any::Map(map) = document else {
            return if document.is_nil() {
                Ok(())
            } else {
                Err(
                    "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal this into a chart"
                        .to_owned(),
                )
            };
        };
        for (key, value) in map.entries() {
            let key = key.text().into_owned();
            let here = format!("Metadata.{key}");
            match key.as_str() {
                "apiVersion" => self.api_version = text(&value, &here)?,
                "name" => self.name = text(&value, &here)?,
                "version" => self.version = text(&value, &here)?,
                "appVersion" => self.app_version = text(&value, &here)?,
                "description" => self.description = text(&value, &here)?,
                "kubeVersion" => self.kube_version = text(&value, &here)?,
                "type" => self.kind = text(&value, &here)?,
                "home" => self.home = text(&value, &here)?,
                "icon" => self.icon = text(&value, &here)?,
                "condition" => self.condition = text(&value, &here)?,
                "tags" => self.tags = text(&value, &here)?,
                "sources" => self.sources = texts(&value, &here)?,
                "keywords" => self.keywords = texts(&value, &here)?,
                "deprecated" => self.deprecated = matches!(value, Any::Bool(true)),
                "maintainers" => {
                    self.maintainers = list(&value, &here)?
                        .iter()
                        .map(maintainer)
                        .collect::<Result<_, _>>()?;
                }
                "annotations" => {
                    if let Any::Map(map) = &value {
                        self.has_annotations = true;
                        for (key, value) in map.entries() {
                            self.annotations
                                .insert(key.text().into_owned(), text(&value, &here)?);
                        }
                    }
                }
                "dependencies" => {
                    self.dependencies = list(&value, &here)?
                        .iter()
                        .map(dependency)
                        .collect::<Result<_, _>>()?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The content of a Chart.yaml.
    pub fn to_yaml(&self) -> String {
        let text = crate::yaml::write(&self.own_fields()).unwrap_or_default();
        String::from_utf8_lossy(&text).into_owned()
    }

    /// The same as JSON: what Helm puts beside a chart in a registry and into a release's record.
    pub fn to_json(&self) -> String {
        let text = crate::json::write(&self.own_fields()).unwrap_or_default();
        String::from_utf8_lossy(&text).into_owned()
    }

    fn own_fields(&self) -> Any {
        let Any::Object(object) = self.as_struct(true, &self.dependencies) else {
            return Any::Nil;
        };
        let fields = object.to_json_map();
        if let Any::Map(map) = &fields {
            map.unset(b"IsRoot");
        }
        fields
    }

    /// Helm's checks, in its words.
    pub(crate) fn validate(&self) -> Result<(), String> {
        let fail = |what: &str| Err(format!("validation: {what}"));
        if self.api_version.is_empty() {
            return fail("chart.metadata.apiVersion is required");
        }
        if self.name.is_empty() {
            return fail("chart.metadata.name is required");
        }
        if self.name == "." || self.name == ".." {
            return fail(&format!("chart.metadata.name {:?} is not allowed", self.name));
        }
        if self.name.contains('/') {
            return fail(&format!("chart.metadata.name {:?} is invalid", self.name));
        }
        if self.version.is_empty() {
            return fail("chart.metadata.version is required");
        }
        if Version::new(&self.version).is_err() {
            return fail(&format!("chart.metadata.version {:?} is invalid", self.version));
        }
        if !matches!(self.kind.as_str(), "" | "application" | "library") {
            return fail("chart.metadata.type must be application or library");
        }
        let mut names = std::collections::BTreeSet::new();
        for it in &self.dependencies {
            let plain = |it: char| it.is_ascii_alphanumeric() || matches!(it, '_' | '-');
            if !it.alias.chars().all(plain) {
                return fail(&format!(
                    "dependency {:?} has disallowed characters in the alias",
                    it.name
                ));
            }
            let key = if it.alias.is_empty() { &it.name } else { &it.alias };
            if !names.insert(key) {
                return fail(&format!("more than one dependency with name or alias {key:?}"));
            }
        }
        Ok(())
    }

    fn annotations_value(&self) -> Any {
        if !self.has_annotations {
            return Any::Map(Map::nil().as_strings());
        }
        let entries = self
            .annotations
            .iter()
            .map(|(key, value)| (key.as_str().into(), Any::str(value.as_str())));
        Any::Map(Map::flavoured(Flavour::Str, entries.collect()))
    }

    /// `.Chart` as helm 4 has it: a map by the names of Go's fields.
    pub(crate) fn as_map(&self, is_root: bool, dependencies: &[Dependency]) -> Any {
        let map = Map::empty();
        for (key, value) in self.plain_fields() {
            map.set(key, value);
        }
        let strings = |it: &[String]| Any::list(it.iter().map(|it| Any::str(it.as_str())).collect());
        map.set("Sources", strings(&self.sources));
        map.set("Keywords", strings(&self.keywords));
        map.set(
            "Maintainers",
            Any::list(self.maintainers.iter().map(Maintainer::as_map).collect()),
        );
        map.set(
            "Dependencies",
            Any::list(dependencies.iter().map(Dependency::as_map).collect()),
        );
        map.set("IsRoot", Any::Bool(is_root));
        Any::Map(map)
    }

    fn plain_fields(&self) -> Vec<(&'static str, Any)> {
        let text = |it: &String| Any::str(it.as_str());
        vec![
            ("Name", text(&self.name)),
            ("Home", text(&self.home)),
            ("Version", text(&self.version)),
            ("Description", text(&self.description)),
            ("Icon", text(&self.icon)),
            ("APIVersion", text(&self.api_version)),
            ("Condition", text(&self.condition)),
            ("Tags", text(&self.tags)),
            ("AppVersion", text(&self.app_version)),
            ("Deprecated", Any::Bool(self.deprecated)),
            ("Annotations", self.annotations_value()),
            ("KubeVersion", text(&self.kube_version)),
            ("Type", text(&self.kind)),
        ]
    }

    /// `.Chart` as helm 3 has it: a struct, whose unknown fields are errors.
    pub(crate) fn as_struct(&self, is_root: bool, dependencies: &[Dependency]) -> Any {
        const ORDER: [(&str, &str); 17] = [
            ("Name", "name"),
            ("Home", "home"),
            ("Sources", "sources"),
            ("Version", "version"),
            ("Description", "description"),
            ("Keywords", "keywords"),
            ("Maintainers", "maintainers"),
            ("Icon", "icon"),
            ("APIVersion", "apiVersion"),
            ("Condition", "condition"),
            ("Tags", "tags"),
            ("AppVersion", "appVersion"),
            ("Deprecated", "deprecated"),
            ("Annotations", "annotations"),
            ("KubeVersion", "kubeVersion"),
            ("Dependencies", "dependencies"),
            ("Type", "type"),
        ];
        let mut plain: BTreeMap<&str, Any> = self.plain_fields().into_iter().collect();
        let strings = |it: &[String]| Any::List(List::strings(it.iter().map(String::as_str)));
        plain.insert("Sources", strings(&self.sources));
        plain.insert("Keywords", strings(&self.keywords));
        let maintainers = self.maintainers.iter().map(Maintainer::as_struct).collect();
        plain.insert(
            "Maintainers",
            Any::List(List::typed(Elem::Named("*chart.Maintainer"), maintainers)),
        );
        let dependencies = dependencies.iter().map(Dependency::as_struct).collect();
        plain.insert(
            "Dependencies",
            Any::List(List::typed(Elem::Named("*chart.Dependency"), dependencies)),
        );
        let mut fields: Vec<Field> = ORDER
            .into_iter()
            .map(|(name, json)| field(name, json, plain.remove(name).unwrap_or_default()))
            .collect();
        fields.push(Field {
            omit_empty: false,
            ..field("IsRoot", "", Any::Bool(is_root))
        });
        Any::object(Object::Struct {
            name: "struct { chart.Metadata; IsRoot bool }",
            fields,
        })
    }
}

fn field(name: &'static str, json: &'static str, value: Any) -> Field {
    Field {
        name,
        json,
        omit_empty: true,
        value,
    }
}

impl Maintainer {
    fn fields(&self) -> [(&'static str, &'static str, Any); 3] {
        let text = |it: &String| Any::str(it.as_str());
        [
            ("Name", "name", text(&self.name)),
            ("Email", "email", text(&self.email)),
            ("URL", "url", text(&self.url)),
        ]
    }

    fn as_map(&self) -> Any {
        let map = Map::empty();
        for (name, _, value) in self.fields() {
            map.set(name, value);
        }
        Any::Map(map)
    }

    fn as_struct(&self) -> Any {
        let fields = self
            .fields()
            .into_iter()
            .map(|(name, json, value)| field(name, json, value))
            .collect();
        Any::object(Object::Struct {
            name: "*chart.Maintainer",
            fields,
        })
    }
}

impl Dependency {
    fn fields(&self) -> Vec<(&'static str, &'static str, Any)> {
        let text = |it: &String| Any::str(it.as_str());
        vec![
            ("Name", "name", text(&self.name)),
            ("Version", "version", text(&self.version)),
            ("Repository", "repository", text(&self.repository)),
            ("Condition", "condition", text(&self.condition)),
            (
                "Tags",
                "tags",
                Any::List(List::strings(self.tags.iter().map(String::as_str))),
            ),
            ("Enabled", "enabled", Any::Bool(true)),
            (
                "ImportValues",
                "import-values",
                Any::list(self.import_values.iter().map(Any::from).collect()),
            ),
            ("Alias", "alias", text(&self.alias)),
        ]
    }

    fn as_map(&self) -> Any {
        let map = Map::empty();
        for (name, _, value) in self.fields() {
            map.set(name, value);
        }
        Any::Map(map)
    }

    fn as_struct(&self) -> Any {
        let fields = self.fields().into_iter().map(|(name, json, value)| {
            let omit_empty = !matches!(name, "Name" | "Repository");
            Field {
                name,
                json,
                omit_empty,
                value,
            }
        });
        Any::object(Object::Struct {
            name: "*chart.Dependency",
            fields: fields.collect(),
        })
    }
}

/// The YAML library turns numbers and booleans into text where a text is wanted.
fn text(value: &Any, here: &str) -> Result<String, String> {
    let text = match value {
        Any::Nil => String::new(),
        Any::Str(it) => it.text().into_owned(),
        Any::Bool(it) => it.to_string(),
        Any::Float(it) if it.fract() == 0.0 && it.abs() < 1e15 => number::format_f(*it),
        Any::Float(it) => number::format_g32(*it),
        other => {
            let got = if matches!(other, Any::Map(_)) {
                "object"
            } else {
                "array"
            };
            return Err(format!(
                "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {got} into Go struct field {here} of type string"
            ));
        }
    };
    // Control characters have no place in a name; white space becomes a space.
    Ok(text
        .chars()
        .map(|it| if it.is_whitespace() { ' ' } else { it })
        .filter(|it| !it.is_control())
        .collect())
}

fn list(value: &Any, here: &str) -> Result<Vec<Any>, String> {
    match value {
        Any::Nil => Ok(Vec::new()),
        Any::List(it) => Ok(it.items().to_vec()),
        other => {
            let got = match other {
                Any::Map(_) => "object",
                Any::Str(_) => "string",
                Any::Bool(_) => "bool",
                _ => "number",
            };
            Err(format!(
                "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {got} into Go struct field {here} of type []string"
            ))
        }
    }
}

fn texts(value: &Any, here: &str) -> Result<Vec<String>, String> {
    list(value, here)?.iter().map(|it| text(it, here)).collect()
}

fn maintainer(value: &Any) -> Result<Maintainer, String> {
    let Any::Map(map) = value else {
        return Err("validation: maintainers must not contain empty or null nodes".to_owned());
    };
    let part = |key: &str| text(&map.get(key.as_bytes()).unwrap_or_default(), "Maintainer");
    Ok(Maintainer {
        name: part("name")?,
        email: part("email")?,
        url: part("url")?,
    })
}

fn dependency(value: &Any) -> Result<Dependency, String> {
    let Any::Map(map) = value else {
        return Err("validation: dependencies must not contain empty or null nodes".to_owned());
    };
    let get = |key: &str| map.get(key.as_bytes()).unwrap_or_default();
    let part = |key: &str| text(&get(key), "Dependency");
    Ok(Dependency {
        name: part("name")?,
        version: part("version")?,
        repository: part("repository")?,
        condition: part("condition")?,
        tags: texts(&get("tags"), "Dependency.tags")?,
        import_values: list(&get("import-values"), "Dependency.import-values")?
            .iter()
            .map(Any::to_value)
            .collect(),
        alias: part("alias")?,
    })
}
