//! Images to and from a registry (OCI distribution specification 1.1). It never trusts what a registry says about content:
//! everything is checked against its digest.

mod artifact;
mod auth;
mod client;
mod credentials;
mod name;
mod pull;
mod push;

pub use artifact::{Artifact, download};
pub use credentials::Credentials;
pub use name::ImageName;
pub use push::Pushed;

use client::Client;

/// A registry, with what is known of who may use it.
#[derive(Debug)]
pub struct Registry {
    client: Client,
}

impl Registry {
    /// The registry of an image, with the credentials that `docker login` stored for this user.
    pub fn of(name: &ImageName) -> Self {
        Self::with(name, Credentials::stored(&name.registry))
    }

    /// The registry of an image, with given credentials.
    pub fn with(name: &ImageName, credentials: Credentials) -> Self {
        Self {
            client: Client::new(&name.registry, credentials),
        }
    }
}
