//! sprig's semantic versions.

use super::{Function, Param, fixed};
use crate::any::{Any, Object};
use crate::template::failure::Fail;
use crate::version::{Constraints, Version};
use std::cmp::Ordering;

pub(super) static FUNCTIONS: &[Function] = &[
    fixed("semver", &[Param::Str], |_, mut args| {
        Ok(Any::object(Object::Semver(Version::new(&args.str().text())?)))
    }),
    fixed("semverCompare", &[Param::Str, Param::Str], |_, mut args| {
        let constraints = Constraints::new(&args.str().text())?;
        let version = Version::new(&args.str().text())?;
        Ok(Any::Bool(constraints.check(&version)))
    }),
];

const NONE: &[Param] = &[];
const OTHER: &[Param] = &[Param::Semver];

pub(super) static METHODS: &[Function] = &[
    fixed("Major", NONE, |_, mut args| {
        Ok(with(&args.any(), |it| Any::Uint64(it.major)))
    }),
    fixed("Minor", NONE, |_, mut args| {
        Ok(with(&args.any(), |it| Any::Uint64(it.minor)))
    }),
    fixed("Patch", NONE, |_, mut args| {
        Ok(with(&args.any(), |it| Any::Uint64(it.patch)))
    }),
    fixed("Prerelease", NONE, |_, mut args| {
        Ok(with(&args.any(), |it| Any::str(it.pre.as_str())))
    }),
    fixed("Metadata", NONE, |_, mut args| {
        Ok(with(&args.any(), |it| Any::str(it.metadata.as_str())))
    }),
    fixed("Original", NONE, |_, mut args| {
        Ok(with(&args.any(), |it| Any::str(it.original.as_str())))
    }),
    fixed("String", NONE, |_, mut args| {
        Ok(with(&args.any(), |it| Any::str(it.to_string())))
    }),
    fixed("IncMajor", NONE, |_, mut args| {
        Ok(bumped(&args.any(), |it| (it.major + 1, 0, 0)))
    }),
    fixed("IncMinor", NONE, |_, mut args| {
        Ok(bumped(&args.any(), |it| (it.major, it.minor + 1, 0)))
    }),
    fixed("IncPatch", NONE, |_, mut args| {
        Ok(bumped(&args.any(), |it| {
            (it.major, it.minor, it.patch + u64::from(it.pre.is_empty()))
        }))
    }),
    fixed("Compare", OTHER, |_, mut args| {
        let ordering = compare(&args.any(), &args.any())?;
        Ok(Any::Int(ordering as i64))
    }),
    fixed("Equal", OTHER, |_, mut args| {
        Ok(Any::Bool(compare(&args.any(), &args.any())? == Ordering::Equal))
    }),
    fixed("LessThan", OTHER, |_, mut args| {
        Ok(Any::Bool(compare(&args.any(), &args.any())? == Ordering::Less))
    }),
    fixed("GreaterThan", OTHER, |_, mut args| {
        Ok(Any::Bool(compare(&args.any(), &args.any())? == Ordering::Greater))
    }),
    fixed("LessThanEqual", OTHER, |_, mut args| {
        Ok(Any::Bool(compare(&args.any(), &args.any())? != Ordering::Greater))
    }),
    fixed("GreaterThanEqual", OTHER, |_, mut args| {
        Ok(Any::Bool(compare(&args.any(), &args.any())? != Ordering::Less))
    }),
];

fn version(value: &Any) -> Option<&Version> {
    match value {
        Any::Object(object) => match &**object {
            Object::Semver(version) => Some(version),
            _ => None,
        },
        _ => None,
    }
}

fn with(value: &Any, look: impl Fn(&Version) -> Any) -> Any {
    version(value).map_or(Any::Nil, look)
}

fn bumped(value: &Any, numbers: impl Fn(&Version) -> (u64, u64, u64)) -> Any {
    with(value, |it| {
        let (major, minor, patch) = numbers(it);
        let prefix = if it.original.starts_with('v') { "v" } else { "" };
        let original = format!("{prefix}{major}.{minor}.{patch}");
        Version::new(&original).map_or(Any::Nil, |it| Any::object(Object::Semver(it)))
    })
}

fn compare(a: &Any, b: &Any) -> Result<Ordering, Fail> {
    match (version(a), version(b)) {
        (Some(a), Some(b)) => Ok(a.compare(b)),
        _ => Err(super::NIL_DEREFERENCE.into()),
    }
}
