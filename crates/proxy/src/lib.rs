//! The data plane: an HTTP proxy, a process of its own, that switches tracks without losing a request.
