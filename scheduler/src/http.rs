//! Connections and bodies, within limits: whoever is slow, or sends too much, harms nobody else.

mod places;

use std::convert::Infallible;
use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use self::places::{Client, Places};
use crate::tls::Tls;

/// What clients may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Connections that are open at once. Every kube-scheduler keeps a few.
    pub(crate) connections: usize,
    /// A client has so long for the head of a request, from when it may send one, and as long for the body.
    pub(crate) patience: Duration,
    /// And this long when all connections are taken and another client waits for one.
    pub(crate) haste: Duration,
    /// Bytes of a body. 15,000 names of 253 characters are half of the default.
    pub(crate) body: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 64,
            patience: Duration::from_secs(10),
            haste: Duration::from_millis(500),
            body: 8 << 20,
        }
    }
}

/// Who answers.
pub(crate) trait Answers: Send + Sync + 'static {
    /// The answer to a request.
    fn answer(&self, method: &Method, path: &str, body: &[u8]) -> Answer;

    /// Whether an answer may wait for somebody else. Others then do not wait for it.
    fn takes_time(&self) -> bool {
        false
    }
}

/// What is answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    kind: &'static str,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(body: Vec<u8>) -> Self {
        Self { status: StatusCode::OK, kind: "application/json", body }
    }

    /// Metrics, in the `OpenMetrics` text format.
    pub(crate) fn metrics(text: String) -> Self {
        let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        Self { status: StatusCode::OK, kind, body: text.into_bytes() }
    }

    /// A line for people.
    pub(crate) fn text(status: StatusCode, text: &str) -> Self {
        Self { status, kind: "text/plain; charset=utf-8", body: format!("{text}\n").into_bytes() }
    }
}

/// A client, and who answers it.
#[derive(Clone)]
struct Session {
    client: Arc<Client>,
    answers: Arc<dyn Answers>,
    limits: Limits,
}

/// Listens.
///
/// # Errors
/// The address is taken, or none of this machine.
pub(crate) async fn listen(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("listen at {address}"))
}

/// Serves until the future is dropped; with TLS, if it is given.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
    answers: Arc<dyn Answers>,
    limits: Limits,
) {
    let mut places = Places::new(limits.connections, limits.haste);
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                log::warn!("accept a connection: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let place = places.find().await;
        let client = Arc::new(Client::new());
        let session =
            Session { client: Arc::clone(&client), answers: Arc::clone(&answers), limits };
        let tls = tls.clone();
        let task = tokio::spawn(async move {
            if let Err(error) = connection(stream, tls, session).await {
                log::debug!("a connection ended: {error:#}");
            }
            drop(place);
        });
        places.take(client, task.abort_handle());
    }
}

async fn connection(stream: TcpStream, tls: Option<Arc<Tls>>, session: Session) -> Result<()> {
    // An answer is written at once, and waited for.
    if let Err(error) = stream.set_nodelay(true) {
        log::debug!("send without delay: {error}");
    }
    let Some(tls) = tls else { return requests(stream, session).await };
    let stream = timeout(session.limits.patience, tls.get().accept(stream)).await;
    requests(stream.context("no TLS in time")??, session).await
}

/// Answers one request after the other.
async fn requests<S>(stream: S, session: Session) -> Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let patience = session.limits.patience;
    let service = service_fn(move |request| {
        let session = session.clone();
        async move { Ok::<_, Infallible>(respond(request, session).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .serve_connection(TokioIo::new(stream), service);
    Ok(connection.await?)
}

async fn respond(request: Request<Incoming>, session: Session) -> Response<Full<Bytes>> {
    let Session { client, answers, limits } = session;
    client.asks();
    let (head, body) = request.into_parts();
    let (method, path) = (head.method.clone(), head.uri.path().to_owned());
    let body = read(body, limits).await;
    client.asked();
    let answer = match body {
        Ok(body) if answers.takes_time() => {
            let answer = spawn_blocking(move || answers.answer(&method, &path, &body)).await;
            answer.unwrap_or_else(|_panic| {
                Answer::text(StatusCode::INTERNAL_SERVER_ERROR, "a defect: see the log")
            })
        }
        Ok(body) => answers.answer(&method, &path, &body),
        Err(answer) => answer,
    };
    client.answered(answer.status.is_success());
    if answer.status.is_client_error() {
        let why = String::from_utf8_lossy(&answer.body);
        log::debug!("{} {}: {}", head.method, answer.status, why.trim_end());
    }
    let mut response = Response::new(Full::new(Bytes::from(answer.body)));
    *response.status_mut() = answer.status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(answer.kind));
    response
}

/// The whole body, or what to answer instead.
async fn read(body: Incoming, limits: Limits) -> Result<Vec<u8>, Answer> {
    let too_long = || {
        let text = format!("the body is above {} bytes", limits.body);
        Answer::text(StatusCode::PAYLOAD_TOO_LARGE, &text)
    };
    if body.size_hint().lower() > limits.body as u64 {
        return Err(too_long());
    }
    match timeout(limits.patience, collect(Limited::new(body, limits.body))).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_long()),
        Ok(Err(_)) => Err(Answer::text(StatusCode::BAD_REQUEST, "the body was cut off")),
        Err(_) => Err(Answer::text(StatusCode::REQUEST_TIMEOUT, "the body did not come in time")),
    }
}

/// One piece of memory takes all of it, as long as the client says that it will be.
async fn collect(mut body: Limited<Incoming>) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>> {
    let length = usize::try_from(body.size_hint().lower()).unwrap_or_default();
    let mut whole = Vec::with_capacity(length);
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            whole.extend_from_slice(&data);
        }
    }
    Ok(whole)
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;
