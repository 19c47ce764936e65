//! A kubelet device plugin (v1beta1) for tests: devices that are nothing but ids.

mod authority;
mod messages;
mod rpc;
#[cfg(test)]
mod tests;

use std::error::Error;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use tokio::net::UnixListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle as Task;
use tokio::time::timeout;
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

use messages::{
    AllocateResponse, Allocated, Choice, Device, DeviceList, Empty, Ids, IdsPerContainer, Mount,
    Options, PreferredRequest, RegisterRequest,
};
use rpc::{HttpRequest, HttpResponse};

/// Where kubelet expects its plugins and listens for them.
pub const KUBELET_DIR: &str = "/var/lib/kubelet/device-plugins";

/// How soon a kubelet that has come back is noticed.
const PERIOD: Duration = Duration::from_millis(100);

/// Longest that kubelet may take to accept the plugin.
const REGISTRATION: Duration = Duration::from_secs(10);

/// A running device plugin; ends on drop, which removes its socket.
#[derive(Debug)]
pub struct DevicePlugin {
    socket: PathBuf,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl DevicePlugin {
    /// Offers `ids`, all healthy, as devices of `resource` to the kubelet of `kubelet_dir`
    /// ([`KUBELET_DIR`] unless it was told otherwise).
    ///
    /// Returns as soon as the plugin listens, and registers when kubelet does: so a test waits for
    /// the node's capacity. A kubelet that is started again finds it again. A container gets the
    /// first free ones of `ids`, several of them in whatever order kubelet likes, and finds them in
    /// its variable `PCIDEVICE_<RESOURCE>`, separated by commas in that order.
    ///
    /// # Panics
    /// The socket cannot be made. What goes wrong later panics on drop: kubelet refuses the plugin.
    #[must_use = "it ends when it is dropped"]
    pub fn serve(resource: &str, ids: &[&str], kubelet_dir: &Path) -> Self {
        Self::start(resource, ids, kubelet_dir, None)
    }

    /// The same with slots: a container finds the directory `<slots>/<id>/pod` of each device that it
    /// gets at the same path.
    ///
    /// # Panics
    /// As [`DevicePlugin::serve`].
    #[must_use = "it ends when it is dropped"]
    pub fn serve_slots(resource: &str, ids: &[&str], kubelet_dir: &Path, slots: &Path) -> Self {
        Self::start(resource, ids, kubelet_dir, Some(slots.to_owned()))
    }

    fn start(resource: &str, ids: &[&str], kubelet_dir: &Path, slots: Option<PathBuf>) -> Self {
        let plugin = Arc::new(Plugin {
            resource: resource.to_owned(),
            ids: ids.iter().map(ToString::to_string).collect(),
            dir: kubelet_dir.to_owned(),
            slots,
        });
        let socket = plugin.socket();
        let listener = bind(&socket);
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(run(plugin, listener, stopped));
        });
        Self { socket, stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for DevicePlugin {
    fn drop(&mut self) {
        // Nobody receives it any more when the thread has panicked.
        self.stop.take().map(|stop| stop.send(()));
        let ended = self.thread.take().map(JoinHandle::join);
        remove(&self.socket);
        if let Some(Err(panic)) = ended
            && !thread::panicking()
        {
            std::panic::resume_unwind(panic);
        }
    }
}

/// Keeps a socket there and kubelet informed of it, until told to stop.
async fn run(
    plugin: Arc<Plugin>,
    listener: std::os::unix::net::UnixListener,
    mut stopped: oneshot::Receiver<()>,
) {
    let mut serving = plugin.clone().start(listener);
    let mut registered = None;
    loop {
        // A starting kubelet empties its directory, plugins' sockets included.
        if !plugin.socket().exists() {
            serving.abort();
            serving = plugin.clone().start(bind(&plugin.socket()));
            registered = None;
        }
        let kubelet = identity(&plugin.kubelet());
        if kubelet.is_some() && kubelet != registered && plugin.register().await {
            registered = kubelet;
        }
        if timeout(PERIOD, &mut stopped).await.is_ok() {
            return;
        }
    }
}

#[derive(Debug)]
struct Plugin {
    resource: String,
    ids: Vec<String>,
    dir: PathBuf,
    slots: Option<PathBuf>,
}

impl Plugin {
    fn endpoint(&self) -> String {
        self.resource.replace(|c: char| !c.is_ascii_alphanumeric(), "-") + ".sock"
    }

    fn socket(&self) -> PathBuf {
        self.dir.join(self.endpoint())
    }

    fn kubelet(&self) -> PathBuf {
        self.dir.join("kubelet.sock")
    }

    fn start(self: Arc<Self>, listener: std::os::unix::net::UnixListener) -> Task<()> {
        let listener = UnixListener::from_std(listener).unwrap();
        tokio::spawn(rpc::serve(listener, move |request| self.clone().respond(request)))
    }

    /// Whether kubelet has accepted the plugin; it may as well be just stopping or starting.
    async fn register(&self) -> bool {
        let request = RegisterRequest {
            version: "v1beta1".to_owned(),
            endpoint: self.endpoint(),
            resource_name: self.resource.clone(),
            options: Some(OPTIONS),
        };
        let kubelet = self.kubelet();
        let answer = rpc::call(&kubelet, "/v1beta1.Registration/Register", request);
        match timeout(REGISTRATION, answer).await.expect("kubelet answers a registration") {
            Ok(Empty {}) => true,
            // Only a failure of the connection has a cause.
            Err(status) if status.source().is_some() => false,
            Err(status) => panic!("kubelet refuses the plugin of {}: {status}", self.resource),
        }
    }

    async fn respond(self: Arc<Self>, request: HttpRequest) -> HttpResponse {
        match request.uri().path() {
            "/v1beta1.DevicePlugin/GetDevicePluginOptions" => {
                rpc::unary(request, |Empty {}| OPTIONS).await
            }
            "/v1beta1.DevicePlugin/ListAndWatch" => self.list_and_watch(request).await,
            "/v1beta1.DevicePlugin/GetPreferredAllocation" => {
                rpc::unary(request, |request| self.preferred(request)).await
            }
            "/v1beta1.DevicePlugin/Allocate" => {
                rpc::unary(request, |request| self.allocate(request)).await
            }
            "/v1beta1.DevicePlugin/PreStartContainer" => {
                rpc::unary(request, |_: Ids| Empty {}).await
            }
            other => Status::unimplemented(other).into_http(),
        }
    }

    /// The devices, once: nothing ever happens to them, but the stream must not end.
    async fn list_and_watch(&self, request: HttpRequest) -> HttpResponse {
        let healthy = |id: &String| Device { id: id.clone(), health: "Healthy".to_owned() };
        let list = DeviceList { devices: self.ids.iter().map(healthy).collect() };
        let service = tower::service_fn(|_: Request<Empty>| {
            let updates = stream::iter([Ok::<_, Status>(list.clone())]).chain(stream::pending());
            std::future::ready(Ok(Response::new(updates)))
        });
        let codec = ProstCodec::<DeviceList, Empty>::default();
        tonic::server::Grpc::new(codec).server_streaming(service, request).await
    }

    fn preferred(&self, request: PreferredRequest) -> IdsPerContainer {
        let containers = request.containers.into_iter().map(|choice| self.first(choice));
        IdsPerContainer { containers: containers.collect() }
    }

    fn first(&self, choice: Choice) -> Ids {
        let mut ids = choice.must_include;
        let free = self.ids.iter().filter(|id| choice.available.contains(id));
        for id in free {
            if ids.len() < usize::try_from(choice.size).unwrap() && !ids.contains(id) {
                ids.push(id.clone());
            }
        }
        Ids { ids }
    }

    fn allocate(&self, request: IdsPerContainer) -> AllocateResponse {
        let resource = self.resource.to_ascii_uppercase();
        let variable =
            format!("PCIDEVICE_{}", resource.replace(|c: char| !c.is_ascii_alphanumeric(), "_"));
        let allocated = |container: Ids| Allocated {
            mounts: container.ids.iter().filter_map(|id| self.mount(id)).collect(),
            envs: [(variable.clone(), container.ids.join(","))].into(),
        };
        AllocateResponse { containers: request.containers.into_iter().map(allocated).collect() }
    }

    fn mount(&self, id: &str) -> Option<Mount> {
        let path = self.slots.as_ref()?.join(id).join("pod").display().to_string();
        Some(Mount { container_path: path.clone(), host_path: path, read_only: false })
    }
}

const OPTIONS: Options =
    Options { pre_start_required: false, get_preferred_allocation_available: true };

fn bind(socket: &Path) -> std::os::unix::net::UnixListener {
    remove(socket);
    let listener = std::os::unix::net::UnixListener::bind(socket)
        .unwrap_or_else(|error| panic!("listen at {}: {error}", socket.display()));
    listener.set_nonblocking(true).unwrap();
    listener
}

fn remove(socket: &Path) {
    match fs::remove_file(socket) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            panic!("remove {}: {error}", socket.display())
        }
        _ => (),
    }
}

/// Tells one socket from the next of the same name; inode numbers are used again.
fn identity(socket: &Path) -> Option<(u64, i64, i64)> {
    let metadata = fs::metadata(socket).ok()?;
    Some((metadata.ino(), metadata.ctime(), metadata.ctime_nsec()))
}
