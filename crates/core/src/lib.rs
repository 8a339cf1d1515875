//! The domain of Windlass, pure: no clock, file, network, environment or async runtime.

pub mod access;
pub mod argo;
pub mod calendar;
pub mod config;
pub mod digest;
pub mod health;
pub mod install;
pub mod machine;
pub mod moment;
pub mod object;
pub mod plan;
pub mod reference;
pub mod tag;
pub mod track;
pub mod view;
