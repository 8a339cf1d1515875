//! Where the randomness of `randAlphaNum`, `genCA` and the like comes from: a seed, never the machine.

use sha2::{Digest, Sha256};

/// A seed. The same seed, file and count give the same bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seed(Vec<u8>);

impl Seed {
    /// A seed of any bytes: random ones for what Helm does, the release's name for renders that can be compared.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    pub(crate) fn fill(&self, file: &[u8], count: u64, out: &mut [u8]) {
        for (block, chunk) in (0_u64..).zip(out.chunks_mut(32)) {
            let mut hash = Sha256::new();
            hash.update((self.0.len() as u64).to_le_bytes());
            hash.update(&self.0);
            hash.update((file.len() as u64).to_le_bytes());
            hash.update(file);
            hash.update(count.to_le_bytes());
            hash.update(block.to_le_bytes());
            let digest = hash.finalize();
            chunk.copy_from_slice(&digest[..chunk.len()]);
        }
    }
}
