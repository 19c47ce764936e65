//! Against a fake kubelet over real sockets.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream as StdUnixStream;
use std::sync::Mutex;

use http::Uri;
use http::uri::PathAndQuery;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::*;
use crate::wait::eventually;

const RESOURCE: &str = "fastpath.dev/vf-2";
const LONG: Duration = Duration::from_mins(1);

/// kubelet's side of the registration; each start makes its socket anew.
struct Kubelet {
    dir: TempDir,
    runtime: Runtime,
    registrations: Arc<Mutex<Vec<RegisterRequest>>>,
}

impl Kubelet {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        Self { dir: tempfile::tempdir().unwrap(), runtime, registrations: Arc::default() }
    }

    /// As kubelet does: empties the directory first. Accepts plugins unless it has a `refusal`.
    fn start(&self, refusal: Option<Status>) {
        for entry in fs::read_dir(self.dir.path()).unwrap() {
            fs::remove_file(entry.unwrap().path()).unwrap();
        }
        let _guard = self.runtime.enter();
        let listener = UnixListener::bind(self.dir.path().join("kubelet.sock")).unwrap();
        let registrations = self.registrations.clone();
        let respond = move |request| register(request, registrations.clone(), refusal.clone());
        self.runtime.spawn(rpc::serve(listener, respond));
    }

    fn registered(&self, times: usize) {
        eventually(LONG, "registration", || self.registrations.lock().unwrap().len() == times);
    }

    fn call<Q, A>(&self, method: &'static str, request: Q) -> Result<A, Status>
    where
        Q: prost::Message + 'static,
        A: prost::Message + Default + 'static,
    {
        self.runtime.block_on(rpc::call(&self.plugin(), method, request))
    }

    fn plugin(&self) -> PathBuf {
        self.dir.path().join("fastpath-dev-vf-2.sock")
    }
}

async fn register(
    request: HttpRequest,
    registrations: Arc<Mutex<Vec<RegisterRequest>>>,
    refusal: Option<Status>,
) -> HttpResponse {
    assert_eq!(request.uri().path(), "/v1beta1.Registration/Register");
    let service = tower::service_fn(move |request: Request<RegisterRequest>| {
        registrations.lock().unwrap().push(request.into_inner());
        std::future::ready(refusal.clone().map_or_else(|| Ok(Response::new(Empty {})), Err))
    });
    let codec = ProstCodec::<Empty, RegisterRequest>::default();
    tonic::server::Grpc::new(codec).unary(service, request).await
}

fn ids(ids: &[&str]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

#[test]
fn it_is_registered_with_every_kubelet_and_removed() {
    let kubelet = Kubelet::new();
    let plugin = DevicePlugin::serve(RESOURCE, &["a"], kubelet.dir.path());
    for times in 1..=3 {
        kubelet.start(None);
        kubelet.registered(times);
        let options: Options =
            kubelet.call("/v1beta1.DevicePlugin/GetDevicePluginOptions", Empty {}).unwrap();
        assert_eq!(options, OPTIONS);
    }
    let expected = RegisterRequest {
        version: "v1beta1".to_owned(),
        endpoint: "fastpath-dev-vf-2.sock".to_owned(),
        resource_name: RESOURCE.to_owned(),
        options: Some(OPTIONS),
    };
    assert_eq!(
        *kubelet.registrations.lock().unwrap(),
        [expected.clone(), expected.clone(), expected]
    );
    drop(plugin);
    assert!(!kubelet.plugin().exists());
}

#[test]
fn devices_are_preferred_in_order_and_allocated_as_a_variable() {
    let kubelet = Kubelet::new();
    let _plugin = DevicePlugin::serve(RESOURCE, &["c", "a", "b"], kubelet.dir.path());
    let choice = Choice { available: ids(&["a", "b", "c"]), must_include: ids(&["b"]), size: 2 };
    let preferred: IdsPerContainer = kubelet
        .call(
            "/v1beta1.DevicePlugin/GetPreferredAllocation",
            PreferredRequest { containers: vec![choice] },
        )
        .unwrap();
    assert_eq!(preferred, IdsPerContainer { containers: vec![Ids { ids: ids(&["b", "c"]) }] });

    let allocated: AllocateResponse =
        kubelet.call("/v1beta1.DevicePlugin/Allocate", preferred).unwrap();
    let envs = [("PCIDEVICE_FASTPATH_DEV_VF_2".to_owned(), "b,c".to_owned())].into();
    assert_eq!(
        allocated,
        AllocateResponse { containers: vec![Allocated { envs, mounts: vec![] }] }
    );

    let started = Ids { ids: ids(&["b", "c"]) };
    let Empty {} = kubelet.call("/v1beta1.DevicePlugin/PreStartContainer", started).unwrap();
    let unknown = kubelet.call::<_, Empty>("/v1beta1.DevicePlugin/Other", Empty {});
    assert_eq!(unknown.unwrap_err().code(), tonic::Code::Unimplemented);
}

#[test]
fn the_list_is_sent_and_the_stream_stays_open() {
    let kubelet = Kubelet::new();
    let _plugin = DevicePlugin::serve(RESOURCE, &["a", "b"], kubelet.dir.path());
    kubelet.runtime.block_on(async {
        let connection = rpc::connect(&kubelet.plugin()).await.unwrap();
        let send = tower::service_fn(|request| connection.clone().send_request(request));
        let mut grpc = tonic::client::Grpc::with_origin(send, Uri::from_static("http://localhost"));
        let path = PathAndQuery::from_static("/v1beta1.DevicePlugin/ListAndWatch");
        let codec = ProstCodec::<Empty, DeviceList>::default();
        let updates = grpc.server_streaming(Request::new(Empty {}), path, codec).await;
        let mut updates = updates.unwrap().into_inner();
        let list = updates.message().await.unwrap().unwrap();
        let device = |id: &str| Device { id: id.to_owned(), health: "Healthy".to_owned() };
        assert_eq!(list.devices, [device("a"), device("b")]);
        assert!(timeout(PERIOD, updates.message()).await.is_err(), "it has ended");
    });
}

/// What `hyper` alone answers with `RST_STREAM`.
#[test]
fn an_old_kubelet_may_name_the_socket_as_authority() {
    let kubelet = Kubelet::new();
    let _plugin = DevicePlugin::serve(RESOURCE, &["a"], kubelet.dir.path());
    let mut stream = StdUnixStream::connect(kubelet.plugin()).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
    let mut block = b"\x83\x86".to_vec();
    for (name, value) in [
        (b"\x44" as &[u8], "/v1beta1.DevicePlugin/GetDevicePluginOptions"),
        (b"\x41", "/var/lib/kubelet/device-plugins/x.sock"),
        (b"\x5f", "application/grpc"),
        (b"\x40\x02te", "trailers"),
    ] {
        block.extend(name);
        block.push(u8::try_from(value.len()).unwrap());
        block.extend(value.bytes());
    }
    for (kind, flags, stream_id, payload) in
        [(4, 0, 0, &[] as &[u8]), (1, 4, 1, &block), (0, 1, 1, &[0; 5])]
    {
        let length = u8::try_from(payload.len()).unwrap();
        stream.write_all(&[0, 0, length, kind, flags, 0, 0, 0, stream_id]).unwrap();
        stream.write_all(payload).unwrap();
    }
    assert_eq!(kind_of_answer(&mut stream), 1, "not HEADERS");
}

/// Type of the first frame of stream 1.
fn kind_of_answer(from: &mut impl Read) -> u8 {
    loop {
        let mut head = [0; 9];
        from.read_exact(&mut head).unwrap();
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        from.read_exact(&mut vec![0; usize::try_from(length).unwrap()]).unwrap();
        if head[8] == 1 {
            return head[3];
        }
    }
}

#[test]
#[should_panic(expected = "kubelet refuses the plugin of fastpath.dev/vf-2")]
fn a_refusal_is_the_test_s_failure() {
    let kubelet = Kubelet::new();
    kubelet.start(Some(Status::unknown("version not supported")));
    let plugin = DevicePlugin::serve(RESOURCE, &["a"], kubelet.dir.path());
    kubelet.registered(1);
    drop(plugin);
}
