//! A newer table: sockets first, then disk, then the swap. Whatever fails before the swap changes nothing.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, PoisonError};

use super::{Entry, Proxy, blocking, names, unwritten};
use crate::listen::Open;
use crate::live::Slot;
use crate::message::{Applied, Reason, Refusal, Retire};
use crate::table::{Listener, Table};

impl Proxy {
    /// Puts a table in force.
    pub(crate) async fn apply(&self, table: Table, retire: Retire) -> Result<Applied, Refusal> {
        table.check().map_err(|flaw| Refusal {
            reason: Reason::Flawed,
            detail: flaw.to_string(),
            hint: "nothing changed; correct the table and apply it again".to_owned(),
        })?;
        let _changing = self.change().await?;
        if let Some(applied) = self.same(&table)? {
            return Ok(applied);
        }
        let (table, sockets) = self.bind(table)?;
        let (store, copy) = (self.store.clone(), table.clone());
        blocking(move || store.save(&copy))
            .await
            .map_err(|error| unwritten(&error))?;
        tracing::info!(
            table = table.name,
            generation = table.generation,
            ?retire,
            "applied"
        );
        Ok(self.swap(table, sockets, retire))
    }

    /// Puts a stored table in force, with those of its listeners that can be bound.
    pub(super) fn install(&self, table: Table) {
        let mut sockets = Vec::new();
        let mut closed = BTreeMap::new();
        for listener in &table.listeners {
            match self.binder.bind(listener.bind) {
                Ok(socket) => sockets.push((listener.name.clone(), Socket::New(Arc::new(socket)))),
                Err(error) => {
                    tracing::error!(table = table.name, listener = listener.name, address = %listener.bind, %error, "not bound");
                    closed.insert(listener.name.clone(), error.to_string());
                }
            }
        }
        let name = table.name.clone();
        self.swap(table, sockets, Retire::Polite);
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = tables.get_mut(&name) {
            entry.closed = closed;
        }
    }

    /// Binds what is not bound yet. Returns whether anything is left.
    pub(super) async fn reopen(&self) -> bool {
        let _changing = self.changing.lock().await;
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        for entry in tables.values_mut() {
            let live = entry.slot.live();
            for listener in &live.table.listeners {
                if !entry.closed.contains_key(&listener.name) {
                    continue;
                }
                let opened = self.binder.bind(listener.bind).and_then(|socket| {
                    Open::begin(Arc::new(socket), &entry.slot, &listener.name, &self.workers)
                });
                if let Ok(open) = opened {
                    tracing::info!(listener = listener.name, address = %listener.bind, "bound at last");
                    entry.closed.remove(&listener.name);
                    entry.open.push(open);
                }
            }
        }
        tables.values().any(|entry| !entry.closed.is_empty())
    }

    /// Refuses what is older; recognises what is in force already.
    fn same(&self, table: &Table) -> Result<Option<Applied>, Refusal> {
        let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        let Some(entry) = tables.get(&table.name) else {
            return Ok(None);
        };
        let live = entry.slot.live();
        let stale = |detail: String| Refusal {
            reason: Reason::Stale,
            detail,
            hint: "nothing changed; `status` tells the generation in force".to_owned(),
        };
        let (now, then) = (live.table.generation, table.generation);
        if then < now {
            return Err(stale(format!(
                "table {} is at generation {now}, {then} is older",
                table.name
            )));
        }
        if then > now || !entry.closed.is_empty() {
            return Ok(None);
        }
        let mut wanted = table.clone();
        for listener in &mut wanted.listeners {
            if let Some(open) = kept(&entry.open, listener) {
                listener.bind = open.listening.address;
            }
        }
        if wanted != live.table {
            let name = &table.name;
            return Err(stale(format!(
                "table {name} has generation {now} already, with another content"
            )));
        }
        Ok(Some(Applied {
            generation: now,
            listeners: addresses(&entry.open),
            changed: false,
        }))
    }

    /// A socket for each listener, and the table with the addresses that they have.
    fn bind(&self, mut table: Table) -> Result<(Table, Vec<(String, Socket)>), Refusal> {
        let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        let open = tables.get(&table.name).map_or(&[][..], |entry| &entry.open);
        let mut sockets = Vec::new();
        for listener in &mut table.listeners {
            let socket = if let Some(open) = kept(open, listener) {
                listener.bind = open.listening.address;
                Socket::Kept
            } else if let Some(open) = open.iter().find(|open| open.listening.address == listener.bind) {
                Socket::New(Arc::clone(open.socket()))
            } else {
                let socket = self.binder.bind(listener.bind).and_then(|socket| {
                    listener.bind = socket.local_addr()?;
                    Ok(socket)
                });
                Socket::New(Arc::new(socket.map_err(|error| unbound(listener, &error))?))
            };
            sockets.push((listener.name.clone(), socket));
        }
        Ok((table, sockets))
    }

    fn swap(&self, table: Table, sockets: Vec<(String, Socket)>, retire: Retire) -> Applied {
        let generation = table.generation;
        let workers = self.workers.number();
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        let name = table.name.clone();
        let (slot, mut before) = match tables.remove(&name) {
            Some(entry) => {
                entry.slot.replace(table, retire, workers);
                (entry.slot, entry.open)
            }
            None => (Arc::new(Slot::new(table, workers)), Vec::new()),
        };
        let mut open = Vec::new();
        let mut closed = BTreeMap::new();
        for (name, socket) in sockets {
            match socket {
                Socket::Kept => {
                    if let Some(index) = before.iter().position(|open| open.listening.name == name) {
                        open.push(before.swap_remove(index));
                    }
                }
                Socket::New(socket) => match Open::begin(socket, &slot, &name, &self.workers) {
                    Ok(begun) => open.push(begun),
                    Err(error) => {
                        tracing::error!(listener = name, %error, "not accepting");
                        closed.insert(name, error.to_string());
                    }
                },
            }
        }
        let applied = Applied {
            generation,
            listeners: addresses(&open),
            changed: true,
        };
        tables.insert(name, Entry { slot, open, closed });
        applied
    }
}

enum Socket {
    /// Open under this name and address already.
    Kept,
    New(Arc<TcpListener>),
}

/// The open listener of the same name that is where it is wanted.
fn kept<'a>(open: &'a [Open], listener: &Listener) -> Option<&'a Open> {
    let fits = |address: SocketAddr| match listener.bind.port() {
        0 => address.ip() == listener.bind.ip(),
        _ => address == listener.bind,
    };
    open.iter()
        .find(|open| open.listening.name == listener.name && fits(open.listening.address))
}

fn addresses(open: &[Open]) -> BTreeMap<String, SocketAddr> {
    names(open)
        .map(|listening| (listening.name.clone(), listening.address))
        .collect()
}

fn unbound(listener: &Listener, error: &std::io::Error) -> Refusal {
    Refusal {
        reason: Reason::Unbound,
        detail: format!(
            "listener {} cannot bind {}: {error}",
            listener.name, listener.bind
        ),
        hint: "nothing changed; free the address or choose another one (port 0 takes a free one)".to_owned(),
    }
}
