//! gRPC over Unix sockets, as little of it as the API needs.

use std::convert::Infallible;
use std::future::ready;
use std::path::Path;
use std::time::Duration;

use http::uri::PathAndQuery;
use http::{Response, Uri};
use hyper::body::Incoming;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use tokio::io::{copy, duplex, split};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tonic::body::Body;
use tonic::{Request, Status};
use tonic_prost::ProstCodec;

use crate::authority;

const PAUSE: Duration = Duration::from_millis(100);

/// A call as it comes.
pub type HttpRequest = http::Request<Incoming>;
/// Its answer.
pub type HttpResponse = Response<Body>;

/// Answers every request of every connection with `respond`, until the future is dropped.
pub async fn serve<F: Future<Output = HttpResponse> + Send + 'static>(
    listener: UnixListener,
    respond: impl Fn(HttpRequest) -> F + Clone + Send + 'static,
) {
    // Connections end with the listener.
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, for a moment.
                log::warn!("accept a connection of kubelet: {error}");
                sleep(PAUSE).await;
                continue;
            }
        };
        while connections.try_join_next().is_some() {}
        let (from, mut to) = stream.into_split();
        let (ours, theirs) = duplex(64 << 10);
        let (mut answers, requests) = split(theirs);
        connections.spawn(async move {
            if let Err(error) = authority::relay(from, requests).await {
                log::debug!("a connection of kubelet: {error}");
            }
        });
        connections.spawn(async move {
            // kubelet has gone: nobody waits for the rest.
            copy(&mut answers, &mut to).await.ok();
        });
        let respond = respond.clone();
        let service = service_fn(move |request| {
            let response = respond(request);
            async { Ok::<_, Infallible>(response.await) }
        });
        let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        let connection = server.serve_connection(TokioIo::new(ours), service);
        connections.spawn(async move {
            if let Err(error) = connection.await {
                log::debug!("a connection of kubelet: {error}");
            }
        });
    }
}

/// Answers a call with one message or a refusal.
pub async fn unary<Q, A>(
    request: HttpRequest,
    answer: impl Fn(Q) -> Result<A, Status>,
) -> HttpResponse
where
    Q: Message + Default + 'static,
    A: Message + Default + 'static,
{
    let service = tower::service_fn(|request: Request<Q>| {
        ready(answer(request.into_inner()).map(tonic::Response::new))
    });
    tonic::server::Grpc::new(ProstCodec::<A, Q>::default()).unary(service, request).await
}

/// Calls `method` at `socket`.
///
/// # Errors
/// The refusal; it has a source where the connection failed.
pub async fn call<Q, A>(socket: &Path, method: &'static str, request: Q) -> Result<A, Status>
where
    Q: Message + 'static,
    A: Message + Default + 'static,
{
    let connection = connect(socket).await?;
    let send = tower::service_fn(|request| connection.clone().send_request(request));
    let mut grpc = tonic::client::Grpc::with_origin(send, Uri::from_static("http://localhost"));
    let path = PathAndQuery::from_static(method);
    let answer = grpc.unary(Request::new(request), path, ProstCodec::<Q, A>::default()).await?;
    Ok(answer.into_inner())
}

/// A connection for several calls.
///
/// # Errors
/// Nobody listens at `socket`.
pub async fn connect(socket: &Path) -> Result<SendRequest<Body>, Status> {
    let stream = UnixStream::connect(socket).await?;
    let (connection, driver) = handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .map_err(|error| Status::from_error(error.into()))?;
    tokio::spawn(driver);
    Ok(connection)
}
