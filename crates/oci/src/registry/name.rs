//! Names of images as people write them: `ghcr.io/company/cart:v1.2.3`, `cart@sha256:...`.

use std::fmt;
use std::str::FromStr;

use windlass_core::digest::Digest;

use crate::OciError;

/// Where a name without a registry is, as everywhere in the field.
const DEFAULT_REGISTRY: &str = "docker.io";
/// Longest name that the specification's clients agree on.
const LENGTH_MAX: usize = 255;

/// The name of an image in a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageName {
    /// Host and port: `ghcr.io`, `localhost:5000`.
    pub registry: String,
    /// Path in the registry: `company/cart`.
    pub repository: String,
    /// The tag, if one was written.
    pub tag: Option<String>,
    /// The digest, if one was written; it wins over the tag.
    pub digest: Option<Digest>,
}

impl ImageName {
    /// What a registry is asked for: the digest, else the tag, else `latest`.
    pub fn wanted(&self) -> String {
        match (&self.digest, &self.tag) {
            (Some(digest), _) => digest.to_string(),
            (None, Some(tag)) => tag.clone(),
            (None, None) => "latest".to_owned(),
        }
    }

    /// Whether the registry is this machine, where plain HTTP is accepted.
    pub(super) fn is_loopback(registry: &str) -> bool {
        let host = registry.rsplit_once(':').map_or(registry, |(host, port)| {
            if port.bytes().all(|byte| byte.is_ascii_digit()) {
                host
            } else {
                registry
            }
        });
        matches!(host, "localhost" | "[::1]") || host.starts_with("127.")
    }
}

impl FromStr for ImageName {
    type Err = OciError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |reason: &str| OciError::Name {
            name: text.chars().take(LENGTH_MAX).collect(),
            reason: reason.to_owned(),
        };
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (
                rest,
                Some(digest.parse().map_err(|_| wrong("its digest is not sha256"))?),
            ),
            None => (text, None),
        };
        // A colon before the last slash belongs to the registry's port.
        let (rest, tag) = match rest.rsplit_once(':') {
            Some((rest, tag)) if !tag.contains('/') => (rest, Some(tag.to_owned())),
            _ => (rest, None),
        };
        if let Some(tag) = &tag {
            tag.parse::<windlass_core::tag::Tag>()
                .map_err(|_| wrong("its tag has characters that no tag has"))?;
        }
        let is_host = |part: &str| part.contains(['.', ':']) || part == "localhost";
        let (registry, repository) = match rest.split_once('/') {
            Some((host, repository)) if is_host(host) => (host.to_owned(), repository.to_owned()),
            Some(_) => (DEFAULT_REGISTRY.to_owned(), rest.to_owned()),
            None => (DEFAULT_REGISTRY.to_owned(), format!("library/{rest}")),
        };
        let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-/".contains(&byte);
        let parts_good = repository.split('/').all(|part| {
            part.bytes()
                .next()
                .is_some_and(|first| first.is_ascii_lowercase() || first.is_ascii_digit())
        });
        let host_good = registry
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte));
        if !repository.bytes().all(good) || !parts_good || !host_good || text.len() > LENGTH_MAX + 80 {
            return Err(wrong(
                "a name is lower-case letters, digits, `.`, `_`, `-` and `/`",
            ));
        }
        Ok(Self {
            registry,
            repository,
            tag,
            digest,
        })
    }
}

impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::ImageName;

    #[test]
    fn names_are_read_as_docker_reads_them() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let cases = [
            ("cart", "docker.io", "library/cart", None, false),
            ("company/cart:v1", "docker.io", "company/cart", Some("v1"), false),
            ("ghcr.io/company/cart", "ghcr.io", "company/cart", None, false),
            (
                "localhost:5000/cart:1",
                "localhost:5000",
                "cart",
                Some("1"),
                false,
            ),
            ("localhost/cart", "localhost", "cart", None, false),
        ];
        for (text, registry, repository, tag, _) in cases {
            for text in [text.to_owned(), format!("{text}@{digest}")] {
                let name: ImageName = text.parse().unwrap();
                let found = (
                    name.registry.as_str(),
                    name.repository.as_str(),
                    name.tag.as_deref(),
                );
                assert_eq!(found, (registry, repository, tag), "{text}");
                assert_eq!(name.digest.is_some(), text.contains('@'));
                assert_eq!(name.to_string().parse::<ImageName>().unwrap(), name);
            }
        }
        for wrong in [
            "",
            "Cart",
            "ghcr.io/../cart",
            "a b",
            "cart:",
            "cart@sha256:12",
            "ghcr.io/",
            "x.y@z/cart",
        ] {
            assert!(wrong.parse::<ImageName>().is_err(), "{wrong}");
        }
        for (host, loopback) in [
            ("localhost:5000", true),
            ("127.0.0.1:5000", true),
            ("[::1]:5000", true),
            ("ghcr.io", false),
        ] {
            assert_eq!(ImageName::is_loopback(host), loopback, "{host}");
        }
    }
}
