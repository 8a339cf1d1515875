//! Requests over connections that stay open or are new each time, and what counts as lost.
//!
//! A request that was never sent, because its kept connection had been closed meanwhile, goes over a new one, as in every
//! browser. Whatever fails after that is lost.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// How long one request may take, from connecting to the last byte.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Idle connections that are kept.
const IDLE_MAX: usize = 64;
/// Bytes of an answer.
const ANSWER_BYTES_MAX: usize = 4 << 20;
/// Who answered.
const SERVED_BY: &str = "x-served-by";

/// Whether a customer keeps connections open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Habit {
    /// The next request goes over a connection that is open already.
    Keep,
    /// Each request has a connection of its own.
    New,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The version that answered, if it says so.
    pub(crate) version: Option<String>,
    pub(crate) body: Bytes,
}

/// The way to one address.
#[derive(Debug, Clone)]
pub(crate) struct Connections {
    authority: Arc<str>,
    idle: Arc<Mutex<Vec<SendRequest<Full<Bytes>>>>>,
}

impl Connections {
    pub(crate) fn to(authority: &str) -> Self {
        Self {
            authority: authority.into(),
            idle: Arc::default(),
        }
    }

    /// Sends one request. The error says how it was lost.
    pub(crate) async fn send(&self, request: Request<Full<Bytes>>, habit: Habit) -> Result<Answer, String> {
        match tokio::time::timeout(TIMEOUT, self.exchange(request, habit)).await {
            Ok(answer) => answer,
            Err(_) => Err(format!("no answer within {} s", TIMEOUT.as_secs())),
        }
    }

    async fn exchange(&self, mut request: Request<Full<Bytes>>, habit: Habit) -> Result<Answer, String> {
        let host = header::HeaderValue::from_str(&self.authority).map_err(|e| e.to_string())?;
        request.headers_mut().insert(header::HOST, host);
        if habit == Habit::New {
            let close = header::HeaderValue::from_static("close");
            request.headers_mut().insert(header::CONNECTION, close);
            let (_, answer) = self.over_new(request).await?;
            return Ok(answer);
        }
        while let Some(mut kept) = self.take_idle() {
            if kept.ready().await.is_err() {
                continue;
            }
            match kept.try_send_request(request).await {
                Ok(response) => {
                    let answer = read(response).await?;
                    self.put_idle(kept);
                    return Ok(answer);
                }
                Err(mut failed) => match failed.take_message() {
                    // Never sent: the connection had ended.
                    Some(unsent) => request = unsent,
                    None => return Err(format!("on a kept connection: {}", failed.error())),
                },
            }
        }
        let (connection, answer) = self.over_new(request).await?;
        self.put_idle(connection);
        Ok(answer)
    }

    async fn over_new(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<(SendRequest<Full<Bytes>>, Answer), String> {
        let stream = TcpStream::connect(&*self.authority)
            .await
            .map_err(|e| format!("cannot connect: {e}"))?;
        let _ = stream.set_nodelay(true);
        let (mut sender, connection) = handshake(TokioIo::new(stream))
            .await
            .map_err(|e| format!("cannot begin: {e}"))?;
        tokio::spawn(connection);
        let response = sender
            .send_request(request)
            .await
            .map_err(|e| format!("on a new connection: {e}"))?;
        let answer = read(response).await?;
        Ok((sender, answer))
    }

    fn take_idle(&self) -> Option<SendRequest<Full<Bytes>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn put_idle(&self, connection: SendRequest<Full<Bytes>>) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if !connection.is_closed() && idle.len() < IDLE_MAX {
            idle.push(connection);
        }
    }
}

async fn read(response: Response<Incoming>) -> Result<Answer, String> {
    let status = response.status().as_u16();
    let served_by = response.headers().get(SERVED_BY).and_then(|by| by.to_str().ok());
    let version = served_by
        .and_then(|by| by.split_once('/'))
        .map(|(_, version)| version.to_owned());
    let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX)
        .collect()
        .await
        .map_err(|e| format!("the answer broke off: {e}"))?
        .to_bytes();
    Ok(Answer {
        status,
        version,
        body,
    })
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// Answers each connection with its text and closes it.
    async fn server(answers: &'static [&'static str]) -> Connections {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        Connections::to(&address)
    }

    fn get() -> Request<Full<Bytes>> {
        Request::builder().uri("/").body(Full::default()).unwrap()
    }

    const FINE: &str = "HTTP/1.1 200 OK\r\nX-Served-By: shop/1.2\r\nContent-Length: 2\r\n\r\nok";

    #[tokio::test]
    async fn a_request_that_met_a_closed_connection_goes_over_a_new_one() {
        let connections = server(&[FINE, FINE]).await;
        for _ in 0..2 {
            let answer = connections.send(get(), Habit::Keep).await.unwrap();
            assert_eq!((answer.status, answer.version.as_deref()), (200, Some("1.2")));
            // The server's end of the first connection arrives.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    #[tokio::test]
    async fn an_answer_that_breaks_off_is_lost() {
        const BROKEN: &str = "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nok";
        let connections = server(&[BROKEN, ""]).await;
        for habit in [Habit::New, Habit::Keep] {
            assert!(connections.send(get(), habit).await.is_err(), "{habit:?}");
        }
    }
}
