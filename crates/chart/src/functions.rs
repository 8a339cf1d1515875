//! The functions of Go's templates, sprig and Helm, found by name when a template is parsed.

mod builtin;
mod compare;
mod crypto;
mod date;
mod defaults;
mod dict;
mod encode;
mod helm;
mod list;
mod math;
mod merge;
mod methods;
mod path;
mod reflect;
pub(crate) mod regexp;
mod semver;
mod text;
pub(crate) mod url;
mod words;

use std::sync::OnceLock;

use crate::any::{Any, Map, Str};
use crate::profile::Profile;
use crate::template::exec::Exec;
use crate::template::failure::Fail;

pub(crate) use encode::{base64, base64_decode};
pub(crate) use helm::{WARN_END, WARN_START};
pub(crate) use methods::method;
pub(crate) use path::clean as clean_path;

/// Go's type of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Param {
    /// `interface{}`
    Any,
    /// `reflect.Value`, which Go's own functions take.
    Reflect,
    Str,
    Int,
    /// `uint32`
    Uint32,
    Float,
    Bool,
    /// `map[string]interface{}`
    Map,
    /// `[]interface{}`
    List,
    /// `time.Time`
    Time,
    /// sprig's certificate
    Certificate,
    /// `*semver.Version`
    Semver,
}

impl Param {
    pub(crate) fn can_be_nil(self) -> bool {
        matches!(
            self,
            Self::Any | Self::Reflect | Self::Map | Self::List | Self::Semver
        )
    }

    pub(crate) fn zero(self) -> Any {
        match self {
            Self::Map => Any::Map(Map::nil()),
            Self::List => Any::List(crate::any::List::nil(crate::any::Elem::Any)),
            _ => Any::Nil,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Any => "interface {}",
            Self::Reflect => "reflect.Value",
            Self::Str => "string",
            Self::Int => "int",
            Self::Uint32 => "uint32",
            Self::Float => "float64",
            Self::Bool => "bool",
            Self::Map => "map[string]interface {}",
            Self::List => "[]interface {}",
            Self::Time => "time.Time",
            Self::Certificate => "sprig.certificate",
            Self::Semver => "*semver.Version",
        }
    }
}

/// Whether arguments are evaluated one after the other until the result is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lazy {
    No,
    And,
    Or,
    /// `call`, which looks at its first argument as it is written.
    Call,
}

/// A function or a method. A method's first argument is its receiver, which `params` does not count.
pub(crate) struct Function {
    pub(crate) name: &'static str,
    pub(crate) params: &'static [Param],
    pub(crate) variadic: bool,
    pub(crate) lazy: Lazy,
    /// The only Helm that has it.
    pub(crate) only: Option<Profile>,
    pub(crate) run: fn(&mut Exec<'_>, Args) -> Result<Any, Fail>,
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

type Run = fn(&mut Exec<'_>, Args) -> Result<Any, Fail>;

const fn fixed(name: &'static str, params: &'static [Param], run: Run) -> Function {
    Function {
        name,
        params,
        variadic: false,
        lazy: Lazy::No,
        only: None,
        run,
    }
}

/// The last parameter may be given any number of times.
const fn variadic(name: &'static str, params: &'static [Param], run: Run) -> Function {
    Function {
        name,
        params,
        variadic: true,
        lazy: Lazy::No,
        only: None,
        run,
    }
}

const fn helm4(name: &'static str, params: &'static [Param], run: Run) -> Function {
    Function {
        only: Some(Profile::Helm4),
        ..fixed(name, params, run)
    }
}

/// Checked arguments, taken in order.
pub(crate) struct Args(std::vec::IntoIter<Any>);

impl Args {
    pub(crate) fn new(values: Vec<Any>) -> Self {
        Self(values.into_iter())
    }

    fn any(&mut self) -> Any {
        self.0.next().unwrap_or_default()
    }

    fn str(&mut self) -> Str {
        match self.any() {
            Any::Str(it) => it,
            _ => "".into(),
        }
    }

    fn int(&mut self) -> i64 {
        match self.any() {
            Any::Int(it) | Any::Int64(it) => it,
            _ => 0,
        }
    }

    fn float(&mut self) -> f64 {
        match self.any() {
            Any::Float(it) => it,
            _ => 0.0,
        }
    }

    fn bool(&mut self) -> bool {
        matches!(self.any(), Any::Bool(true))
    }

    fn map(&mut self) -> Map {
        match self.any() {
            Any::Map(it) => it,
            _ => Map::nil(),
        }
    }

    fn rest(self) -> Vec<Any> {
        self.0.collect()
    }

    fn left(&self) -> usize {
        self.0.len()
    }
}

/// All functions of one Helm, found by a hash of their names: a chart calls thousands.
#[derive(Debug)]
pub(crate) struct Table {
    all: Vec<&'static Function>,
    /// One more than the place in `all`; 0 is empty.
    slots: Vec<u8>,
}

/// Several times the number of functions, and a power of two.
const SLOTS: usize = 1_024;

impl Table {
    fn new(all: Vec<&'static Function>) -> Self {
        let mut slots = vec![0; SLOTS];
        for (place, function) in all.iter().enumerate() {
            let mut slot = hash(function.name.as_bytes());
            while slots[slot] != 0 {
                slot = (slot + 1) % SLOTS;
            }
            slots[slot] = u8::try_from(place + 1).unwrap_or(0);
        }
        Self { all, slots }
    }

    pub(crate) fn find(&self, name: &[u8]) -> Option<&'static Function> {
        let mut slot = hash(name);
        loop {
            let place = usize::from(self.slots[slot]).checked_sub(1)?;
            let function = self.all[place];
            if function.name.as_bytes() == name {
                return Some(function);
            }
            slot = (slot + 1) % SLOTS;
        }
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }
}

/// FNV-1a.
fn hash(name: &[u8]) -> usize {
    let hash = name.iter().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    });
    (hash ^ hash >> 16) as usize % SLOTS
}

/// The functions that templates may call.
pub(crate) fn table(profile: Profile) -> &'static Table {
    static HELM3: OnceLock<Table> = OnceLock::new();
    static HELM4: OnceLock<Table> = OnceLock::new();
    let table = match profile {
        Profile::Helm3 => &HELM3,
        Profile::Helm4 => &HELM4,
    };
    table.get_or_init(|| {
        let groups: [&'static [Function]; 17] = [
            builtin::FUNCTIONS,
            compare::FUNCTIONS,
            crypto::FUNCTIONS,
            date::FUNCTIONS,
            defaults::FUNCTIONS,
            dict::FUNCTIONS,
            encode::FUNCTIONS,
            helm::FUNCTIONS,
            list::FUNCTIONS,
            math::FUNCTIONS,
            merge::FUNCTIONS,
            path::FUNCTIONS,
            reflect::FUNCTIONS,
            regexp::FUNCTIONS,
            semver::FUNCTIONS,
            text::FUNCTIONS,
            url::FUNCTIONS,
        ];
        let all = groups.into_iter().flatten().chain(words::FUNCTIONS);
        let mut all: Vec<_> = all.filter(|it| it.only.is_none_or(|it| it == profile)).collect();
        all.sort_by_key(|it| it.name);
        Table::new(all)
    })
}

/// What Go says when a nil is asked for its type.
const NIL_DEREFERENCE: &str = "runtime error: invalid memory address or nil pointer dereference";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_is_there_once() {
        for (profile, count) in [(Profile::Helm3, 238), (Profile::Helm4, 240)] {
            let table = table(profile);
            assert!(
                table
                    .all
                    .iter()
                    .all(|it| table.find(it.name.as_bytes()).is_some())
            );
            assert!(table.find(b"nothing").is_none());
            assert!(
                table.all.windows(2).all(|it| it[0].name != it[1].name),
                "a function is defined twice"
            );
            assert_eq!(table.len(), count, "{profile:?}");
        }
    }
}
