//! What every service of the shop shares: configuration, telemetry, health, drain, errors, client.
