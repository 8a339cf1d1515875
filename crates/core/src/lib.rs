//! The domain of Windlass, pure: no clock, file, network, environment or async runtime.
