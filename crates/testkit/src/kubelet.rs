//! A stand-in for kubelet's side of the device plugin API, over real sockets: for what a real kubelet
//! does seldom.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use deviceplugin::endpoint;
use deviceplugin::messages::{
    AllocateResponse, Device, DeviceList, Empty, Ids, IdsPerContainer, RegisterRequest,
};
use deviceplugin::rpc::{self, HttpRequest, HttpResponse};
use http::Uri;
use http::uri::PathAndQuery;
use tokio::net::UnixListener;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tonic::codec::Streaming;
use tonic::{Request, Status};
use tonic_prost::ProstCodec;

use crate::wait::eventually;

const LONG: Duration = Duration::from_mins(1);

/// A kubelet that plugins can register with. Each [`Kubelet::start`] is another one.
#[derive(Debug)]
pub struct Kubelet {
    dir: PathBuf,
    runtime: Runtime,
    listening: Option<JoinHandle<()>>,
    registrations: Arc<Mutex<Vec<RegisterRequest>>>,
}

/// An open stream of a resource's devices.
#[derive(Debug)]
pub struct Watch {
    updates: Streaming<DeviceList>,
    _connection: hyper::client::conn::http2::SendRequest<tonic::body::Body>,
}

impl Kubelet {
    /// One that does not listen yet, in this directory of plugins, which it makes.
    ///
    /// # Panics
    /// The directory cannot be made.
    #[must_use]
    pub fn new(dir: &Path) -> Self {
        fs::create_dir_all(dir).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        Self { dir: dir.to_owned(), runtime, listening: None, registrations: Arc::default() }
    }

    /// Starts, or starts again: it empties the directory first, as kubelet does. With a `refusal` it
    /// accepts no plugin.
    ///
    /// # Panics
    /// The socket cannot be made.
    pub fn start(&mut self, refusal: Option<Status>) {
        self.stop();
        for entry in fs::read_dir(&self.dir).unwrap() {
            fs::remove_file(entry.unwrap().path()).unwrap();
        }
        let _guard = self.runtime.enter();
        let listener = UnixListener::bind(self.dir.join("kubelet.sock")).unwrap();
        let registrations = self.registrations.clone();
        let respond = move |request| register(request, registrations.clone(), refusal.clone());
        self.listening = Some(self.runtime.spawn(rpc::serve(listener, respond)));
    }

    /// Stops to listen; the socket stays, as that of a killed one does.
    pub fn stop(&mut self) {
        if let Some(listening) = self.listening.take() {
            listening.abort();
            // It was aborted.
            self.runtime.block_on(listening).ok();
        }
    }

    /// What plugins have said of themselves, since [`Kubelet::new`].
    #[must_use]
    pub fn registrations(&self) -> Vec<RegisterRequest> {
        self.registrations.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until so many registrations were seen.
    ///
    /// # Panics
    /// They do not come within a minute.
    pub fn wait_registered(&self, times: usize) {
        eventually(LONG, "registration", || self.registrations().len() >= times);
    }

    /// Calls a method of the plugin of a resource.
    ///
    /// # Errors
    /// The plugin's refusal.
    pub fn call<Q, A>(&self, resource: &str, method: &'static str, request: Q) -> Result<A, Status>
    where
        Q: prost::Message + 'static,
        A: prost::Message + Default + 'static,
    {
        self.runtime.block_on(rpc::call(&self.dir.join(endpoint(resource)), method, request))
    }

    /// Allocates devices to one container.
    ///
    /// # Errors
    /// The plugin's refusal.
    pub fn allocate(&self, resource: &str, ids: &[&str]) -> Result<AllocateResponse, Status> {
        let ids = Ids { ids: ids.iter().map(ToString::to_string).collect() };
        let request = IdsPerContainer { containers: vec![ids] };
        self.call(resource, "/v1beta1.DevicePlugin/Allocate", request)
    }

    /// Opens the stream of a resource's devices.
    ///
    /// # Panics
    /// The plugin does not open it.
    #[must_use]
    pub fn watch(&self, resource: &str) -> Watch {
        let socket = self.dir.join(endpoint(resource));
        self.runtime.block_on(async {
            let connection = rpc::connect(&socket).await.unwrap();
            let send = tower::service_fn(|request| connection.clone().send_request(request));
            let origin = Uri::from_static("http://localhost");
            let mut grpc = tonic::client::Grpc::with_origin(send, origin);
            let path = PathAndQuery::from_static("/v1beta1.DevicePlugin/ListAndWatch");
            let codec = ProstCodec::<Empty, DeviceList>::default();
            let updates = grpc.server_streaming(Request::new(Empty {}), path, codec).await;
            Watch { updates: updates.unwrap().into_inner(), _connection: connection }
        })
    }

    /// The next list of devices; none when there is none within the time.
    ///
    /// # Panics
    /// The stream has ended.
    pub fn next(&self, watch: &mut Watch, within: Duration) -> Option<Vec<Device>> {
        let next = async { tokio::time::timeout(within, watch.updates.message()).await };
        let list = self.runtime.block_on(next).ok()?;
        Some(list.unwrap().expect("the stream of devices is open").devices)
    }
}

impl Drop for Kubelet {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn register(
    request: HttpRequest,
    registrations: Arc<Mutex<Vec<RegisterRequest>>>,
    refusal: Option<Status>,
) -> HttpResponse {
    rpc::unary(request, |request: RegisterRequest| {
        registrations.lock().unwrap_or_else(PoisonError::into_inner).push(request);
        refusal.clone().map_or(Ok(Empty {}), Err)
    })
    .await
}
