//! A small API server: discovery, list, watch, get, server-side apply with ownership, delete by identity. It stands for a
//! cluster where failures are to be had on demand; it runs nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;
use windlass_kube::{Cluster, Owner, Place, Target};

use crate::fields::{get, leaves, put, set_from, set_of, take};

const KINDS: [(&str, &str, &str); 8] = [
    ("", "Service", "services"),
    ("", "ConfigMap", "configmaps"),
    ("", "Secret", "secrets"),
    ("", "Pod", "pods"),
    ("apps", "Deployment", "deployments"),
    (
        "autoscaling",
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
    ),
    ("batch", "Job", "jobs"),
    ("discovery.k8s.io", "EndpointSlice", "endpointslices"),
];

/// A failure to answer with, for requests whose line contains a text.
struct Fault {
    on: &'static str,
    status: u16,
    left: usize,
}

struct State {
    objects: BTreeMap<String, Value>,
    version: u64,
    requests: Vec<String>,
    faults: Vec<Fault>,
    /// What watches are told: version, collection, event.
    history: Vec<(u64, String, Value)>,
    /// Whether watches are told nothing.
    hushed: bool,
}

pub(crate) struct Server {
    state: Arc<Mutex<State>>,
    events: broadcast::Sender<(String, Value)>,
    folder: tempfile::TempDir,
    port: u16,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let state = State {
            objects: BTreeMap::new(),
            version: 1,
            requests: Vec::new(),
            faults: Vec::new(),
            history: Vec::new(),
            hushed: false,
        };
        let server = Self {
            state: Arc::new(Mutex::new(state)),
            events: broadcast::channel(1_000).0,
            folder: tempfile::tempdir().unwrap(),
            port: listener.local_addr().unwrap().port(),
        };
        let (state, events) = (Arc::clone(&server.state), server.events.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&state), events.clone()));
            }
        });
        server
    }

    pub(crate) async fn place(&self, environment: &str) -> Place {
        let path = self.folder.path().join("config");
        let config = json!({ "apiVersion": "v1", "kind": "Config", "current-context": "t",
            "clusters": [{ "name": "c", "cluster": { "server": format!("http://127.0.0.1:{}", self.port) } }],
            "users": [{ "name": "u", "user": {} }],
            "contexts": [{ "name": "t", "context": { "cluster": "c", "user": "u" } }] });
        std::fs::write(&path, config.to_string()).unwrap();
        let target = Target {
            kubeconfig: Some(path),
            context: Some("t".to_owned()),
            ..Target::default()
        };
        let cluster = Cluster::connect(&target).await.unwrap();
        let owner = Owner {
            platform: "shop".to_owned(),
            environment: environment.to_owned(),
        };
        let place = Place::new(cluster, "prod", owner);
        place.open().await.unwrap();
        place
    }

    /// The next requests whose line contains `on` are answered with a failure.
    pub(crate) fn fail(&self, on: &'static str, status: u16, times: usize) {
        self.state.lock().unwrap().faults.push(Fault {
            on,
            status,
            left: times,
        });
    }

    /// Watches are told nothing from now on.
    pub(crate) fn hush(&self) {
        self.state.lock().unwrap().hushed = true;
    }

    /// Requests so far whose line contains a text.
    pub(crate) fn requests(&self, with: &str) -> usize {
        self.state
            .lock()
            .unwrap()
            .requests
            .iter()
            .filter(|line| line.contains(with))
            .count()
    }

    pub(crate) fn object(&self, path: &str) -> Option<Value> {
        self.state.lock().unwrap().objects.get(path).cloned()
    }

    pub(crate) fn paths(&self) -> Vec<String> {
        self.state.lock().unwrap().objects.keys().cloned().collect()
    }

    /// Somebody else writes an object, under a manager's name: a field that changes is theirs from then on.
    pub(crate) fn write(&self, path: &str, manager: &str, body: &Value) {
        let mut state = self.state.lock().unwrap();
        let mut live = state
            .objects
            .get(path)
            .cloned()
            .unwrap_or_else(|| fresh(path, body, state.version));
        let changed: Vec<Vec<String>> = leaves(&set_of(body))
            .into_iter()
            .filter(|path| get(&live, path) != get(body, path))
            .collect();
        for path in &changed {
            put(&mut live, path, get(body, path).cloned().unwrap());
        }
        if let Some(status) = body.get("status") {
            live["status"] = status.clone();
        }
        disown(&mut live, &changed);
        own(&mut live, manager, "Update", &changed);
        store(&mut state, &self.events, path, live);
    }

    /// Somebody takes a field away: it is nobody's from then on.
    pub(crate) fn strip(&self, path: &str, field: &[&str]) {
        let mut state = self.state.lock().unwrap();
        let mut live = state.objects.get(path).cloned().unwrap();
        let field: Vec<String> = field.iter().map(|part| (*part).to_owned()).collect();
        take(&mut live, &field);
        disown(&mut live, &[field]);
        store(&mut state, &self.events, path, live);
    }

    pub(crate) fn delete(&self, path: &str) {
        let mut state = self.state.lock().unwrap();
        remove(&mut state, &self.events, path);
    }
}

async fn serve(stream: TcpStream, state: Arc<Mutex<State>>, events: broadcast::Sender<(String, Value)>) {
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    loop {
        let Some((line, body)) = request(&mut reader).await else {
            return;
        };
        let (method, target) = line.split_once(' ').unwrap();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let fault = {
            let mut state = state.lock().unwrap();
            state.requests.push(line.clone());
            let fault = state
                .faults
                .iter_mut()
                .find(|fault| fault.left > 0 && line.contains(fault.on));
            fault.map(|fault| {
                fault.left -= 1;
                fault.status
            })
        };
        if query.contains("watch=1") && fault.is_none() {
            let head =
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
            let _ = writer.write_all(head.as_bytes()).await;
            let since = query
                .split('&')
                .find_map(|part| part.strip_prefix("resourceVersion="));
            let since: u64 = since.unwrap().parse().unwrap();
            let (missed, told) = {
                let state = state.lock().unwrap();
                let missed = state
                    .history
                    .iter()
                    .filter(|(version, of, _)| *version > since && of == path);
                (
                    missed.map(|(_, _, event)| event.clone()).collect::<Vec<_>>(),
                    events.subscribe(),
                )
            };
            return stream_events(&mut writer, missed, told, path).await;
        }
        let (status, answer) = match fault {
            Some(0) => return,
            Some(status) => (status, failure(status, "Fault", "as the test asked")),
            None => answer(&state, &events, method, path, query, &body),
        };
        let text = answer.to_string();
        let head = format!(
            "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            text.len()
        );
        if writer
            .write_all(format!("{head}{text}").as_bytes())
            .await
            .is_err()
        {
            return;
        }
    }
}

async fn request(reader: &mut (impl tokio::io::AsyncBufRead + Unpin)) -> Option<(String, Vec<u8>)> {
    let mut first = String::new();
    reader.read_line(&mut first).await.ok().filter(|read| *read > 0)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).await.ok()?;
        if line.trim().is_empty() {
            break;
        }
        if let Some(text) = line.to_lowercase().strip_prefix("content-length:") {
            length = text.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).await.ok()?;
    let mut parts = first.split_whitespace();
    Some((format!("{} {}", parts.next()?, parts.next()?), body))
}

async fn stream_events(
    writer: &mut (impl tokio::io::AsyncWrite + Unpin),
    missed: Vec<Value>,
    mut told: broadcast::Receiver<(String, Value)>,
    path: &str,
) {
    for event in missed {
        tell(writer, &event).await;
    }
    while let Ok((of, event)) = told.recv().await {
        if of == path {
            tell(writer, &event).await;
        }
    }
}

async fn tell(writer: &mut (impl tokio::io::AsyncWrite + Unpin), event: &Value) {
    let line = format!("{event}\n");
    // The client may have gone away.
    let _ = writer
        .write_all(format!("{:x}\r\n{line}\r\n", line.len()).as_bytes())
        .await;
}

fn answer(
    state: &Mutex<State>,
    events: &broadcast::Sender<(String, Value)>,
    method: &str,
    path: &str,
    query: &str,
    body: &[u8],
) -> (u16, Value) {
    let mut state = state.lock().unwrap();
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    match (method, path) {
        ("GET", "/api") => (200, discovery(str::is_empty)),
        ("GET", "/apis") => (200, discovery(|group| !group.is_empty())),
        ("GET", _)
            if KINDS
                .iter()
                .any(|(_, _, plural)| path.ends_with(&format!("/{plural}"))) =>
        {
            let within = format!("{path}/");
            let marked = query.contains("labelSelector");
            let items = state.objects.iter().filter(|(at, object)| {
                let managed = object.pointer("/metadata/labels/windlass.dev~1managed").is_some();
                at.starts_with(&within) && (!marked || managed)
            });
            let items: Vec<&Value> = items.map(|(_, object)| object).collect();
            (
                200,
                json!({ "metadata": { "resourceVersion": state.version.to_string() }, "items": items }),
            )
        }
        ("GET", _) => state
            .objects
            .get(path)
            .map_or_else(|| absent(path), |object| (200, object.clone())),
        ("PATCH", _) => apply(&mut state, events, path, query, &body),
        ("DELETE", _) => {
            let wanted = body.pointer("/preconditions/uid").cloned();
            let found = state
                .objects
                .get(path)
                .map(|object| object["metadata"]["uid"].clone());
            match found {
                None => absent(path),
                Some(uid) if wanted.is_some_and(|wanted| wanted != uid) => {
                    (409, failure(409, "Conflict", "another uid"))
                }
                Some(_) => {
                    remove(&mut state, events, path);
                    (200, json!({ "kind": "Status", "status": "Success" }))
                }
            }
        }
        _ => absent(path),
    }
}

fn apply(
    state: &mut State,
    events: &broadcast::Sender<(String, Value)>,
    path: &str,
    query: &str,
    body: &Value,
) -> (u16, Value) {
    let manager = query
        .split('&')
        .find_map(|part| part.strip_prefix("fieldManager="))
        .unwrap();
    let new = !state.objects.contains_key(path);
    let mut live = state
        .objects
        .get(path)
        .cloned()
        .unwrap_or_else(|| fresh(path, body, state.version));
    let wanted = leaves(&set_of(body));
    let contested: Vec<(String, Vec<String>)> = entries(&live)
        .filter(|(name, _)| name != manager)
        .flat_map(|(name, fields)| leaves(&fields).into_iter().map(move |path| (name.clone(), path)))
        .filter(|(_, path)| wanted.contains(path) && get(&live, path) != get(body, path))
        .collect();
    if !contested.is_empty() && !query.contains("force=true") {
        let causes = contested.iter().map(|(name, path)| {
            json!({ "reason": "FieldManagerConflict", "message": format!("conflict with \"{name}\" using v1"), "field": format!(".{}", path.join(".")) })
        });
        let mut answer = failure(409, "Conflict", "Apply failed with conflicts");
        answer["details"] = json!({ "causes": causes.collect::<Vec<_>>() });
        return (409, answer);
    }
    let lost: Vec<Vec<String>> = contested.into_iter().map(|(_, path)| path).collect();
    disown(&mut live, &lost);
    let before: Vec<Vec<String>> = entries(&live)
        .filter(|(name, _)| name == manager)
        .flat_map(|(_, fields)| leaves(&fields))
        .collect();
    let kept: Vec<Vec<String>> = entries(&live)
        .filter(|(name, _)| name != manager)
        .flat_map(|(_, fields)| leaves(&fields))
        .collect();
    for path in before
        .iter()
        .filter(|path| !wanted.contains(path) && !kept.contains(path))
    {
        take(&mut live, path);
    }
    for path in &wanted {
        put(&mut live, path, get(body, path).cloned().unwrap());
    }
    if let Some(all) = live["metadata"]["managedFields"].as_array_mut() {
        all.retain(|entry| entry["manager"] != manager);
    }
    own(&mut live, manager, "Apply", &wanted);
    if query.contains("dryRun=All") {
        return (200, live);
    }
    store(state, events, path, live.clone());
    (if new { 201 } else { 200 }, state.objects[path].clone())
}

fn fresh(path: &str, body: &Value, version: u64) -> Value {
    json!({ "apiVersion": body["apiVersion"], "kind": body["kind"], "metadata": {
        "name": path.rsplit('/').next(), "namespace": "prod", "uid": format!("uid-{version}"), "managedFields": [] } })
}

fn entries(live: &Value) -> impl Iterator<Item = (String, Value)> + use<> {
    let all = live["metadata"]["managedFields"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    all.into_iter().map(|entry| {
        (
            entry["manager"].as_str().unwrap().to_owned(),
            entry["fieldsV1"].clone(),
        )
    })
}

fn disown(live: &mut Value, paths: &[Vec<String>]) {
    let Some(all) = live["metadata"]["managedFields"].as_array_mut() else {
        return;
    };
    for entry in all.iter_mut() {
        let mut left = leaves(&entry["fieldsV1"]);
        left.retain(|path| !path.is_empty() && !paths.iter().any(|gone| path.starts_with(gone)));
        entry["fieldsV1"] = set_from(&left);
    }
}

fn own(live: &mut Value, manager: &str, operation: &str, paths: &[Vec<String>]) {
    let entry = json!({ "manager": manager, "operation": operation, "fieldsV1": set_from(paths) });
    live["metadata"]["managedFields"]
        .as_array_mut()
        .unwrap()
        .push(entry);
}

fn store(state: &mut State, events: &broadcast::Sender<(String, Value)>, path: &str, mut live: Value) {
    state.version += 1;
    live["metadata"]["resourceVersion"] = json!(state.version.to_string());
    let kind = if state.objects.contains_key(path) {
        "MODIFIED"
    } else {
        "ADDED"
    };
    state.objects.insert(path.to_owned(), live.clone());
    publish(state, events, path, json!({ "type": kind, "object": live }));
}

fn publish(state: &mut State, events: &broadcast::Sender<(String, Value)>, path: &str, event: Value) {
    if !state.hushed {
        let collection = path.rsplit_once('/').unwrap().0.to_owned();
        state
            .history
            .push((state.version, collection.clone(), event.clone()));
        // Nobody may listen yet.
        let _ = events.send((collection, event));
    }
}

fn remove(state: &mut State, events: &broadcast::Sender<(String, Value)>, path: &str) {
    if let Some(gone) = state.objects.remove(path) {
        state.version += 1;
        publish(state, events, path, json!({ "type": "DELETED", "object": gone }));
    }
}

fn absent(path: &str) -> (u16, Value) {
    (404, failure(404, "NotFound", &format!("{path} not found")))
}

fn failure(code: u16, reason: &str, message: &str) -> Value {
    json!({ "kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": message })
}

fn discovery(of: impl Fn(&str) -> bool) -> Value {
    let groups = KINDS
        .iter()
        .filter(|(group, _, _)| of(group))
        .map(|(group, kind, plural)| {
            json!({ "metadata": { "name": group }, "versions": [{ "version": "v1", "resources": [{
            "resource": plural, "responseKind": { "kind": kind }, "scope": "Namespaced",
            "verbs": ["get", "list", "watch", "patch", "delete"] }] }] })
        });
    json!({ "kind": "APIGroupDiscoveryList", "items": groups.collect::<Vec<_>>() })
}
