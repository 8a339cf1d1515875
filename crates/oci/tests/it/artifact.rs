//! Artifacts that are no images, to a registry on loopback that keeps them, and back.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use windlass_core::digest::Digest;
use windlass_oci::{Artifact, Credentials, ImageName, OciError, Registry, download};

type Kept = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

/// Keeps what is sent by its path, and answers with it.
fn start() -> (String, Kept) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let kept = Kept::default();
    let own = Arc::clone(&kept);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            answer(stream, &own);
        }
    });
    (address, kept)
}

fn answer(mut stream: TcpStream, kept: &Mutex<BTreeMap<String, Vec<u8>>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 || line == "\r\n" {
            break;
        }
        head.push(line);
    }
    let Some(first) = head.first() else { return };
    let mut words = first.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let length = head.iter().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>().ok())?
    });
    let mut body = vec![0; length.unwrap_or(0)];
    let _ = reader.read_exact(&mut body);
    let mut kept = kept.lock().unwrap();
    let (status, more, body) = match method {
        "POST" => ("202 Accepted", "location: /upload\r\n", Vec::new()),
        "PUT" => {
            let path = match path.split_once("?digest=") {
                Some((_, digest)) => format!("/v2/charts/shop/blobs/{digest}"),
                None => path.to_owned(),
            };
            kept.insert(path, body);
            ("201 Created", "", Vec::new())
        }
        _ => match kept.get(path) {
            Some(_) if method == "HEAD" => ("200 OK", "", Vec::new()),
            Some(found) => ("200 OK", "", found.clone()),
            None => ("404 Not Found", "", Vec::new()),
        },
    };
    let head = format!(
        "HTTP/1.1 {status}\r\n{more}content-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let _ = stream
        .write_all(head.as_bytes())
        .and_then(|()| stream.write_all(&body));
}

fn artifact() -> Artifact {
    Artifact {
        config: ("application/x.config+json".to_owned(), b"{}".to_vec()),
        blobs: vec![("application/x.chart".to_owned(), vec![7; 100_000])],
        annotations: BTreeMap::from([("title".to_owned(), "shop".to_owned())]),
    }
}

#[test]
fn an_artifact_goes_to_a_registry_and_comes_back() {
    let (address, kept) = start();
    let name: ImageName = format!("{address}/charts/shop:1.2.3").parse().unwrap();
    let registry = Registry::with(&name, Credentials::Anonymous);
    let sent = registry.push_artifact(&name, &artifact()).unwrap();
    let (found, back) = registry.pull_artifact(&name, &["application/x.chart"]).unwrap();
    assert_eq!((found, &back), (sent, &artifact()));
    let (_, without) = registry.pull_artifact(&name, &["something/else"]).unwrap();
    assert!(
        without.blobs.is_empty(),
        "only the kinds that are asked for are fetched"
    );

    let tags = br#"{"name":"charts/shop","tags":["1.2.3","1.3.0"]}"#.to_vec();
    kept.lock()
        .unwrap()
        .insert("/v2/charts/shop/tags/list".to_owned(), tags);
    assert_eq!(registry.tags(&name).unwrap(), ["1.2.3", "1.3.0"]);
}

#[test]
fn a_blob_that_is_not_what_its_digest_says_is_refused() {
    let (address, kept) = start();
    let name: ImageName = format!("{address}/charts/shop:1.2.3").parse().unwrap();
    let registry = Registry::with(&name, Credentials::Anonymous);
    registry.push_artifact(&name, &artifact()).unwrap();
    let digest = Digest::of_bytes(&artifact().blobs[0].1);
    let path = format!("/v2/charts/shop/blobs/{digest}");
    kept.lock().unwrap().insert(path, b"another".to_vec());
    let error = registry
        .pull_artifact(&name, &["application/x.chart"])
        .unwrap_err();
    assert!(matches!(error, OciError::Registry { .. }), "{error}");
}

#[test]
fn files_are_fetched_by_their_address() {
    let (address, kept) = start();
    kept.lock()
        .unwrap()
        .insert("/index.yaml".to_owned(), b"entries: {}".to_vec());
    let url = format!("http://{address}/index.yaml");
    assert_eq!(download(&url, Credentials::Anonymous).unwrap(), b"entries: {}");
    let error = download(&format!("http://{address}/none"), Credentials::Anonymous).unwrap_err();
    assert!(error.to_string().contains("404"), "{error}");
}
