//! HTTP API, webhooks and dashboard.
