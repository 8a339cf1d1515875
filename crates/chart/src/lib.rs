//! Helm charts rendered natively, byte for byte as Helm does. Pure: files arrive as bytes.
