//! `windlass image`: looks into the images that releases consist of.

use anyhow::Result;
use clap::Subcommand;
use serde_json::json;
use windlass_oci::Layout;

use super::{Outcome, Shared};
use crate::say::Tone;

/// Images.
#[derive(Debug, Subcommand)]
pub(super) enum Image {
    /// All names, with the digests that they mean
    List,
    /// What an image consists of, and what belongs to it
    Inspect {
        /// A name, or a digest
        name: String,
    },
}

impl Image {
    pub(super) fn run(&self, shared: &Shared) -> Result<Outcome> {
        let layout = Layout::open(&shared.place()?.images())?;
        let say = shared.say();
        match self {
            Self::List => {
                let names = layout.names()?;
                say.document(&names);
                for (name, digest) in &names {
                    say.line(format!("{} {digest}", say.tone(Tone::Strong, name)));
                }
                say.next("windlass image inspect NAME");
            }
            Self::Inspect { name } => {
                let digest = layout.resolve(name)?;
                let seen = layout.inspect(digest)?;
                say.document(&json!({
                    "digest": digest, "names": seen.names, "manifest": seen.manifest, "config": seen.image,
                    "referrers": seen.referrers,
                }));
                say.line(serde_json::to_string_pretty(&seen.image)?);
                say.line(format!(
                    "{digest}: {} layers, {} attached documents",
                    seen.manifest.layers.len(),
                    seen.referrers.len()
                ));
                say.next("windlass image list");
            }
        }
        Ok(Outcome::Done)
    }
}
