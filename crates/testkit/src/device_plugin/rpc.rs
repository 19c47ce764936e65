//! gRPC over Unix sockets, as little of it as is needed here.

use std::convert::Infallible;
use std::future::ready;
use std::path::Path;

use http::uri::PathAndQuery;
use http::{Response, Uri};
use hyper::body::Incoming;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use tokio::io::{copy, duplex, split};
use tokio::net::{UnixListener, UnixStream};
use tonic::body::Body;
use tonic::{Request, Status};
use tonic_prost::ProstCodec;

use super::authority;

pub(super) type HttpRequest = http::Request<Incoming>;
pub(super) type HttpResponse = Response<Body>;

/// Answers every request of every connection with `respond`, until the task is aborted.
pub(super) async fn serve<F: Future<Output = HttpResponse> + Send + 'static>(
    listener: UnixListener,
    respond: impl Fn(HttpRequest) -> F + Clone + Send + 'static,
) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (from, mut to) = stream.into_split();
        let (ours, theirs) = duplex(64 << 10);
        let (mut answers, requests) = split(theirs);
        tokio::spawn(authority::relay(from, requests));
        tokio::spawn(async move { copy(&mut answers, &mut to).await });
        let respond = respond.clone();
        let service = service_fn(move |request| {
            let response = respond(request);
            async { Ok::<_, Infallible>(response.await) }
        });
        let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        tokio::spawn(server.serve_connection(TokioIo::new(ours), service));
    }
}

/// Answers a call with one message.
pub(super) async fn unary<Q, A>(request: HttpRequest, answer: impl Fn(Q) -> A) -> HttpResponse
where
    Q: Message + Default + 'static,
    A: Message + Default + 'static,
{
    let service = tower::service_fn(|request: Request<Q>| {
        ready(Ok(tonic::Response::new(answer(request.into_inner()))))
    });
    tonic::server::Grpc::new(ProstCodec::<A, Q>::default()).unary(service, request).await
}

/// Calls `method` at `socket`.
pub(super) async fn call<Q, A>(socket: &Path, method: &'static str, request: Q) -> Result<A, Status>
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

pub(super) async fn connect(socket: &Path) -> Result<SendRequest<Body>, Status> {
    let stream = UnixStream::connect(socket).await?;
    let (connection, driver) = handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .map_err(|error| Status::from_error(error.into()))?;
    tokio::spawn(driver);
    Ok(connection)
}
