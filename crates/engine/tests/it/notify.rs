//! People are told: whoever windlass.yaml names hears of each rollout's begin and end.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::mpsc;

use super::place::Place;
use super::port::free_port;

#[test]
fn whoever_is_named_hears_of_begin_and_end_and_nobody_is_waited_for() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = String::new();
            let mut buffer = [0; 4096];
            // The body ends with the object.
            while !request.ends_with('}') {
                let count = stream.read(&mut buffer).unwrap();
                assert!(count > 0, "{request}");
                request.push_str(&String::from_utf8_lossy(&buffer[..count]));
            }
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
            if tell.send(request).is_err() {
                return;
            }
        }
    });
    let deaf = free_port();
    let place = Place::new(&format!(
        "    strategy: blue-green\n    watch: 0s\nnotify: [\"http://127.0.0.1:{deaf}/\", \"http://127.0.0.1:{port}/hook\"]\n"
    ));
    let first = place.commit("one", "");
    let controller = place.controller();
    assert_eq!(controller.ended(&first).outcome, "promoted");
    let wait = std::time::Duration::from_secs(20);
    let (begin, end) = (told.recv_timeout(wait).unwrap(), told.recv_timeout(wait).unwrap());
    assert!(begin.starts_with("POST /hook HTTP/1.1\r\n"), "{begin}");
    for (message, text) in [
        (&begin, format!("staging: the rollout of {first} begins")),
        (&end, format!("staging: {first} promoted by readiness")),
    ] {
        let (_, body) = message.split_once("\r\n\r\n").unwrap();
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(
            (&body["platform"], &body["environment"]),
            (&"shop".into(), &"staging".into())
        );
        assert!(body["text"].as_str().unwrap().contains(&text), "{body}");
    }
}
