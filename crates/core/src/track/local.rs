//! On one machine there are no names of Services: each host reference becomes a loopback address.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::host::{Hosts, rewrite_texts};
use crate::object::Object;

/// Replaces `service:port` and `//service` in variables, arguments and the data of ConfigMaps and Secrets by the address
/// where that port is on this machine. What has no address here is left as it is.
pub fn localise(objects: &[Object], addresses: &BTreeMap<(String, u16), SocketAddr>) -> Vec<Object> {
    let namespaces: BTreeMap<&str, &str> = objects
        .iter()
        .filter(|object| object.is("", "Service"))
        .filter_map(|object| Some((object.name(), object.namespace()?)))
        .collect();
    let known = addresses.keys().map(|(name, port)| (name.as_str(), *port));
    let hosts = Hosts::listed(known, &namespaces);
    let local = |text: &str| {
        hosts.rewrite(text, |host| {
            let port = host.port.or_else(|| default_port(host.scheme))?;
            let address = addresses.get(&(host.name.to_owned(), port))?;
            Some(address.to_string())
        })
    };
    objects
        .iter()
        .map(|object| {
            object
                .edited(|value| rewrite_texts(object, value, &local))
                .unwrap_or_else(|_| object.clone())
        })
        .collect()
}

/// The port of a URL that names none.
fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" | "ws" => Some(80),
        "https" | "wss" => Some(443),
        "redis" => Some(6379),
        "postgres" | "postgresql" => Some(5432),
        "mongodb" => Some(27017),
        "amqp" => Some(5672),
        _ => None,
    }
}
