//! Typed views of probes: how a container is asked whether it lives or is ready. It asks nobody.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{PortName, items, text};

/// A probe with Kubernetes' defaults filled in. Times are in whole seconds, as in the manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe<'a> {
    /// What is asked.
    pub check: Check<'a>,
    /// Wait before the first try; default 0.
    pub initial_delay_s: u32,
    /// From try to try; default 10.
    pub period_s: u32,
    /// Longest wait for an answer; default 1.
    pub timeout_s: u32,
    /// Good answers in a row that count; default 1.
    pub success_threshold: u32,
    /// Bad answers in a row that count; default 3.
    pub failure_threshold: u32,
}

/// What a probe asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check<'a> {
    /// A GET request; good is a status from 200 to 399.
    Http {
        /// Path with query; `/` unless the manifest says otherwise.
        path: &'a str,
        /// The port, a name refers to the container's ports.
        port: PortName,
        /// Whether over TLS, whose certificate is not checked.
        tls: bool,
        /// Further headers.
        headers: BTreeMap<&'a str, &'a str>,
    },
    /// Opening a connection.
    Tcp {
        /// The port.
        port: PortName,
    },
    /// Running a command in the container; good is exit status 0.
    Exec {
        /// Program and arguments.
        command: Vec<&'a str>,
    },
    /// The gRPC health protocol.
    Grpc {
        /// The port.
        port: PortName,
        /// The service asked for; empty for the server itself.
        service: &'a str,
    },
}

impl<'a> Probe<'a> {
    /// Reads `livenessProbe`, `readinessProbe` or `startupProbe`; `None` if it asks nothing that is known.
    pub(super) fn of(value: &'a Value) -> Option<Self> {
        let number = |field: &str, default: u32, least: u32| {
            let found = value
                .get(field)
                .and_then(Value::as_u64)
                .and_then(|number| u32::try_from(number).ok());
            found.filter(|found| *found >= least).unwrap_or(default)
        };
        Some(Self {
            check: Check::of(value)?,
            initial_delay_s: number("initialDelaySeconds", 0, 0),
            period_s: number("periodSeconds", 10, 1),
            timeout_s: number("timeoutSeconds", 1, 1),
            success_threshold: number("successThreshold", 1, 1),
            failure_threshold: number("failureThreshold", 3, 1),
        })
    }
}

impl<'a> Check<'a> {
    fn of(value: &'a Value) -> Option<Self> {
        if let Some(http) = value.get("httpGet") {
            let header = |entry: &'a Value| Some((text(entry, "/name")?, text(entry, "/value")?));
            return Some(Self::Http {
                path: text(http, "/path").filter(|path| !path.is_empty()).unwrap_or("/"),
                port: PortName::of(http.get("port"))?,
                tls: text(http, "/scheme") == Some("HTTPS"),
                headers: items(http.get("httpHeaders")).filter_map(header).collect(),
            });
        }
        if let Some(tcp) = value.get("tcpSocket") {
            return Some(Self::Tcp {
                port: PortName::of(tcp.get("port"))?,
            });
        }
        if let Some(exec) = value.get("exec") {
            let command = items(exec.get("command")).filter_map(Value::as_str).collect();
            return Some(Self::Exec { command });
        }
        let grpc = value.get("grpc")?;
        let service = text(grpc, "/service").unwrap_or_default();
        Some(Self::Grpc {
            port: PortName::of(grpc.get("port"))?,
            service,
        })
    }
}
