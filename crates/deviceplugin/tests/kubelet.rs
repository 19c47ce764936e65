//! Against a stand-in for kubelet over real sockets.

#![expect(clippy::unwrap_used, reason = "a panic with its line is a test's report")]

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use deviceplugin::messages::{
    Allocated, Choice, Device, Empty, Ids, IdsPerContainer, Options, PreferredRequest,
    RegisterRequest,
};
use deviceplugin::{Plugin, Refusal, Resource, State, endpoint};
use tempfile::TempDir;
use testkit::device_plugin::DevicePlugin;
use testkit::kubelet::Kubelet;
use testkit::wait::eventually;
use tokio::sync::{oneshot, watch};
use tonic::{Code, Status};

const RESOURCE: &str = "fastpath.dev/vf-2";
const LONG: Duration = Duration::from_mins(1);
const SHORT: Duration = Duration::from_millis(200);
/// Ten times the second within which kubelet has the plugin again.
const SOON: Duration = Duration::from_secs(10);

/// Devices that a test changes.
struct Changing {
    devices: watch::Sender<Vec<Device>>,
}

impl Resource for Changing {
    fn name(&self) -> &str {
        RESOURCE
    }

    fn devices(&self) -> watch::Receiver<Vec<Device>> {
        self.devices.subscribe()
    }

    fn prefer(&self, choice: Choice) -> Vec<String> {
        choice.must_include
    }

    fn allocate(&self, _ids: &[String]) -> Result<Allocated, Refusal> {
        Err(Refusal("nothing is for you".to_owned()))
    }
}

struct Running {
    resource: Arc<Changing>,
    state: watch::Receiver<State>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Running {
    fn start(dir: &Path) -> Self {
        let resource = Arc::new(Changing { devices: watch::Sender::new(vec![device("a", true)]) });
        let plugin = Plugin::new(resource.clone(), dir);
        let sender = watch::Sender::new(State::Waiting);
        let state = sender.subscribe();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                tokio::select! {
                    () = plugin.run(sender) => {}
                    _ = stopped => {}
                }
            });
        });
        Self { resource, state, stop: Some(stop), thread: Some(thread) }
    }

    fn is_refused(&self, why: &str) -> bool {
        matches!(&*self.state.borrow(), State::Refused(text) if text.contains(why))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.stop.take());
        let ended = self.thread.take().map(thread::JoinHandle::join);
        assert!(thread::panicking() || ended.is_some_and(|ended| ended.is_ok()));
    }
}

fn device(id: &str, healthy: bool) -> Device {
    Device::new(id, healthy, None)
}

fn ids(ids: &[&str]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

fn socket(dir: &TempDir) -> PathBuf {
    dir.path().join(endpoint(RESOURCE))
}

#[test]
fn it_is_registered_with_every_kubelet_and_removed() {
    let dir = tempfile::tempdir().unwrap();
    let mut kubelet = Kubelet::new(dir.path());
    let plugin = DevicePlugin::serve(RESOURCE, &["a"], dir.path());
    let options = Options { pre_start_required: false, get_preferred_allocation_available: true };
    for times in 1..=3 {
        kubelet.start(None);
        eventually(SOON, "registration", || kubelet.registrations().len() == times);
        let told: Options = kubelet
            .call(RESOURCE, "/v1beta1.DevicePlugin/GetDevicePluginOptions", Empty {})
            .unwrap();
        assert_eq!(told, options);
    }
    let expected = RegisterRequest {
        version: "v1beta1".to_owned(),
        endpoint: "fastpath-dev-vf-2.sock".to_owned(),
        resource_name: RESOURCE.to_owned(),
        options: Some(options),
    };
    assert_eq!(kubelet.registrations(), [expected.clone(), expected.clone(), expected]);
    drop(plugin);
    assert!(!socket(&dir).exists());
}

#[test]
fn a_directory_that_is_not_there_yet_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let later = dir.path().join("later");
    let _plugin = Running::start(&later);
    thread::sleep(SHORT);
    let mut kubelet = Kubelet::new(&later);
    kubelet.start(None);
    kubelet.wait_registered(1);
}

#[test]
fn a_socket_that_was_deleted_is_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut kubelet = Kubelet::new(dir.path());
    let _plugin = Running::start(dir.path());
    kubelet.start(None);
    kubelet.wait_registered(1);
    fs::remove_file(socket(&dir)).unwrap();
    eventually(SOON, "the socket", || socket(&dir).exists());
    kubelet.wait_registered(2);
    assert_eq!(kubelet.next(&mut kubelet.watch(RESOURCE), LONG).unwrap(), [device("a", true)]);
}

#[test]
fn the_stream_stays_open_and_a_slow_reader_gets_the_latest_list() {
    let dir = tempfile::tempdir().unwrap();
    let mut kubelet = Kubelet::new(dir.path());
    let plugin = Running::start(dir.path());
    kubelet.start(None);
    kubelet.wait_registered(1);
    let mut stream = kubelet.watch(RESOURCE);
    assert_eq!(kubelet.next(&mut stream, LONG).unwrap(), [device("a", true)]);
    assert_eq!(kubelet.next(&mut stream, SHORT), None);
    // Far more than sockets and windows hold, while nobody reads.
    let many = |healthy: bool| -> Vec<Device> {
        (0..1000).map(|n| device(&format!("{n:060}"), healthy)).collect()
    };
    for turn in 0..200 {
        plugin.resource.devices.send_replace(many(turn % 2 == 0));
        thread::sleep(Duration::from_millis(1));
    }
    let last = vec![device("last", false)];
    plugin.resource.devices.send_replace(last.clone());
    let mut lists = 0;
    while kubelet.next(&mut stream, LONG).unwrap() != last {
        lists += 1;
    }
    assert!(lists < 150, "{lists} lists were kept for the reader");
}

#[test]
fn a_kubelet_that_refuses_is_asked_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut kubelet = Kubelet::new(dir.path());
    let plugin = Running::start(dir.path());
    kubelet.start(Some(Status::unknown("version not supported")));
    eventually(LONG, "the refusal", || plugin.is_refused("version not supported"));
    kubelet.wait_registered(2);
    kubelet.start(None);
    eventually(SOON, "registration", || *plugin.state.borrow() == State::Registered);
}

#[test]
fn of_two_plugins_for_a_resource_the_dropped_one_says_so_and_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut kubelet = Kubelet::new(dir.path());
    let plugin = Running::start(dir.path());
    kubelet.start(None);
    kubelet.wait_registered(1);
    // What kubelet does when another one registers.
    drop(kubelet.watch(RESOURCE));
    eventually(LONG, "it notices", || plugin.is_refused("another plugin has this resource"));
    kubelet.wait_registered(2);
}

#[test]
fn what_cannot_be_allocated_is_refused_with_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let mut kubelet = Kubelet::new(dir.path());
    let _plugin = Running::start(dir.path());
    kubelet.start(None);
    kubelet.wait_registered(1);
    let status = kubelet.allocate(RESOURCE, &["a"]).unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::FailedPrecondition, "nothing is for you"));
    let unknown = kubelet.call::<_, Empty>(RESOURCE, "/v1beta1.DevicePlugin/Other", Empty {});
    assert_eq!(unknown.unwrap_err().code(), Code::Unimplemented);
}

#[test]
fn devices_are_preferred_in_order_and_allocated_as_a_variable() {
    let dir = tempfile::tempdir().unwrap();
    let mut kubelet = Kubelet::new(dir.path());
    let _plugin = DevicePlugin::serve(RESOURCE, &["c", "a", "b"], dir.path());
    kubelet.start(None);
    kubelet.wait_registered(1);
    let choice = Choice { available: ids(&["a", "b", "c"]), must_include: ids(&["b"]), size: 2 };
    let request = PreferredRequest { containers: vec![choice] };
    let method = "/v1beta1.DevicePlugin/GetPreferredAllocation";
    let preferred: IdsPerContainer = kubelet.call(RESOURCE, method, request).unwrap();
    assert_eq!(preferred, IdsPerContainer { containers: vec![Ids { ids: ids(&["b", "c"]) }] });
    let allocated = kubelet.allocate(RESOURCE, &["b", "c"]).unwrap().containers.remove(0);
    let envs = [("PCIDEVICE_FASTPATH_DEV_VF_2".to_owned(), "b,c".to_owned())].into();
    assert_eq!(allocated, Allocated { envs, ..Allocated::default() });
}

/// What `hyper` alone answers with `RST_STREAM`.
#[test]
fn an_old_kubelet_may_name_the_socket_as_authority() {
    let dir = tempfile::tempdir().unwrap();
    let mut kubelet = Kubelet::new(dir.path());
    let _plugin = Running::start(dir.path());
    kubelet.start(None);
    kubelet.wait_registered(1);
    let mut stream = UnixStream::connect(socket(&dir)).unwrap();
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
