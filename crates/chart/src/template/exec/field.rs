//! Fields and methods: `.Values.a.b`, `.Files.Get "x"`, `.Capabilities.APIVersions.Has "v1"`.

use super::{Exec, Fail, Held};
use crate::any::{Any, Flavour, lossy};
use crate::functions;
use crate::template::node::{Expr, Spot};

impl Exec<'_> {
    /// `evalFieldChain`, by names with dots between: the last name gets the arguments, if it is a method.
    pub(super) fn fields(
        &mut self,
        dot: &Held,
        receiver: Held,
        spot: Spot,
        names: &[u8],
        args: &[Expr],
        last: Option<Any>,
    ) -> Result<Held, Fail> {
        let mut receiver = receiver;
        let mut names = names;
        while let Some(end) = names.iter().position(|it| *it == b'.') {
            receiver = self.field(dot, &receiver, spot, &names[..end], &[], None)?;
            names = &names[end + 1..];
        }
        self.field(dot, &receiver, spot, names, args, last)
    }

    fn field(
        &mut self,
        dot: &Held,
        receiver: &Held,
        spot: Spot,
        name: &[u8],
        args: &[Expr],
        last: Option<Any>,
    ) -> Result<Held, Fail> {
        let value = &receiver.value;
        if value.is_nil() {
            if receiver.interface {
                return self.error(&format!("nil pointer evaluating interface {{}}.{}", lossy(name)));
            }
            return Ok(Held::plain(Any::Nil));
        }
        if let Some(method) = functions::method(value, name, self.profile()) {
            return self.call(method, spot, Some(value.clone()), dot, args, last);
        }
        let has_args = !args.is_empty() || last.is_some();
        match value {
            Any::Map(map) => {
                if has_args {
                    return self.error(&format!("{} is not a method but has arguments", lossy(name)));
                }
                let interface = matches!(map.flavour(), Flavour::Any | Flavour::Values);
                let missing = match map.flavour() {
                    Flavour::Any | Flavour::Values => Any::Nil,
                    Flavour::Str => Any::str(""),
                    Flavour::Files => Any::Bytes("".into()),
                };
                Ok(Held {
                    value: map.get(name).unwrap_or(missing),
                    interface,
                })
            }
            Any::Object(object) if object.field(name).is_some() => {
                if has_args {
                    let name = lossy(name);
                    return self.error(&format!("{name} has arguments but cannot be invoked as function"));
                }
                Ok(Held::plain(object.field(name).unwrap_or_default()))
            }
            _ => {
                let kind = if receiver.interface {
                    "interface {}".to_owned()
                } else {
                    value.type_name(self.profile())
                };
                self.error(&format!("can't evaluate field {} in type {kind}", lossy(name)))
            }
        }
    }
}
