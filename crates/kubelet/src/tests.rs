//! Asking a fake kubelet over a real socket.

use std::io::{Read, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use prost::Message;
use tonic::Status;

use super::*;
use crate::fake::{Answer, Fake};
use crate::messages::{ContainerDevices, ContainerResources, ListResponse, PodResources};

const GET: &str = "/v1.PodResourcesLister/Get";
const LIST: &str = "/v1.PodResourcesLister/List";
const LIST_V1ALPHA1: &str = "/v1alpha1.PodResourcesLister/List";

const VF: &str = "fastpath.dev/vf";
const OLD: &[u8] = include_bytes!("../corpus/answer/old");
const NEW: &[u8] = include_bytes!("../corpus/answer/new");
const CHECKPOINT: &[u8] = include_bytes!("../corpus/checkpoint/list.json");

fn app() -> PodKey {
    PodKey {
        namespace: "default".to_owned(),
        name: "app".to_owned(),
        uid: "5f6cf1a9-0d4c-4ef0-8d0b-6f1b5d1e9a01".to_owned(),
    }
}

fn pods(answer: &[u8]) -> Vec<PodResources> {
    ListResponse::decode(answer).unwrap().pod_resources
}

fn ask(fake: &Fake) -> Result<PodDevices, Error> {
    pod_devices(&fake.paths(), &app(), Instant::now() + Duration::from_mins(1))
}

fn all(mut pod: PodDevices, resource: &str) -> Vec<String> {
    std::iter::from_fn(|| pod.take(resource)).collect()
}

fn unimplemented() -> Answer {
    Err(Status::unimplemented("unknown method"))
}

#[test]
fn get_alone_is_asked_where_it_answers() {
    let fake = Fake::answering(|_| Ok(vec![pods(NEW).remove(0)]));
    let pod = ask(&fake).unwrap();
    assert_eq!(pod.source(), Source::Get);
    assert_eq!(fake.methods(), [GET]);
    assert_eq!(fake.requests(), [PodKey { uid: String::new(), ..app() }]);
    assert_eq!(pod.summary(), "fastpath.dev/vf: 2, fastpath.dev/vhostuser: 1");
    assert_eq!(all(pod, VF), ["0000:01:10.4", "0000:01:10.0"]);
}

#[test]
fn the_pods_are_those_of_the_list() {
    let fake = Fake::answering(|_| Ok(pods(NEW)));
    let soon = Instant::now() + Duration::from_mins(1);
    let known = known_pods(&fake.paths().pod_resources, soon).unwrap();
    let expected: Vec<_> =
        pods(NEW).iter().map(|pod| format!("{}/{}", pod.namespace, pod.name)).collect();
    assert_eq!(known.iter().map(ToString::to_string).collect::<Vec<_>>(), expected);
    assert_eq!(fake.methods(), [LIST]);
    let nobody = Fake::absent();
    assert!(matches!(known_pods(&nobody.paths().pod_resources, soon), Err(Error::Connect { .. })));
}

#[test]
fn an_old_kubelet_is_asked_for_the_list() {
    let fake =
        Fake::answering(|method| if method == LIST { Ok(pods(OLD)) } else { unimplemented() });
    let pod = ask(&fake).unwrap();
    assert_eq!(pod.source(), Source::List);
    assert_eq!(fake.methods(), [GET, LIST]);
    assert_eq!(pod.containers().keys().collect::<Vec<_>>(), ["app", "side"]);
    assert_eq!(all(pod, VF), ["0000:01:10.4", "0000:01:10.0", "0000:01:10.2"]);
}

#[test]
fn an_older_kubelet_is_asked_for_the_list_of_v1alpha1() {
    let fake = Fake::answering(|method| match method {
        LIST_V1ALPHA1 => Ok(pods(OLD)),
        _ => unimplemented(),
    });
    assert_eq!(ask(&fake).unwrap().source(), Source::ListV1alpha1);
    assert_eq!(fake.methods(), [GET, LIST, LIST_V1ALPHA1]);
}

#[test]
fn a_disabled_get_is_no_answer() {
    let fake = Fake::answering(|method| match method {
        GET => Err(Status::unknown("PodResources API Get method disabled")),
        _ => Ok(pods(NEW)),
    });
    let pod = ask(&fake).unwrap();
    assert_eq!(pod.source(), Source::List);
    assert_eq!(all(pod, VF), ["0000:01:10.4", "0000:01:10.0"], "not those of other/app");
}

#[test]
fn a_pod_without_devices_is_an_empty_answer() {
    let only_list = |method: &str| match method {
        LIST => Ok(pods(include_bytes!("../corpus/answer/no-devices"))),
        _ => unimplemented(),
    };
    let fake = Fake::answering(only_list).with_checkpoint(CHECKPOINT);
    let pod = ask(&fake).unwrap();
    assert_eq!((pod.source(), pod.is_empty()), (Source::List, true));
}

#[test]
fn a_pod_that_kubelet_does_not_list_is_looked_up_by_uid() {
    let not_found = |method: &str| match method {
        GET => Err(Status::unknown("pod app in namespace default not found")),
        _ => Ok(Vec::new()),
    };
    let fake = Fake::answering(not_found).with_checkpoint(CHECKPOINT);
    assert_eq!(ask(&fake).unwrap().source(), Source::Checkpoint);

    let gone = PodKey { uid: "another".to_owned(), ..app() };
    let error = pod_devices(&fake.paths(), &gone, Instant::now() + Duration::from_mins(1));
    assert_eq!(error.unwrap_err().to_string(), "kubelet knows no pod default/app");
}

#[test]
fn two_pods_of_one_name_are_told_apart_by_uid() {
    let twice = |_: &str| Ok(pods(include_bytes!("../corpus/answer/twice")));
    let fake =
        Fake::answering(move |method| if method == GET { unimplemented() } else { twice("") })
            .with_checkpoint(CHECKPOINT);
    assert_eq!(ask(&fake).unwrap().source(), Source::Checkpoint);
}

#[test]
fn a_call_too_many_is_repeated() {
    let calls = AtomicUsize::new(0);
    let fake = Fake::answering(move |_| match calls.fetch_add(1, Ordering::Relaxed) {
        0 | 1 => Err(Status::resource_exhausted("rejected by rate limit")),
        _ => Ok(vec![pods(NEW).remove(0)]),
    });
    assert_eq!(ask(&fake).unwrap().source(), Source::Get);
    assert_eq!(fake.methods(), [GET; 3]);
}

#[test]
fn without_a_socket_the_checkpoint_is_read() {
    let pod = ask(&Fake::absent().with_checkpoint(CHECKPOINT)).unwrap();
    assert_eq!(pod.source(), Source::Checkpoint);
    assert_eq!(all(pod, VF), ["0000:01:10.4", "0000:01:10.0"]);
}

#[test]
fn without_anything_the_error_names_both() {
    let fake = Fake::absent();
    let error = ask(&fake).unwrap_err();
    let Paths { pod_resources, checkpoint } = fake.paths();
    let missing = "No such file or directory (os error 2)";
    assert_eq!(
        error::chain(&error),
        format!(
            "devices of pod default/app are not known (read kubelet's checkpoint {}: {missing}): \
             connect to kubelet at {}: {missing}",
            checkpoint.display(),
            pod_resources.display()
        )
    );
    let nameless = PodKey { uid: String::new(), ..app() };
    let error = pod_devices(&fake.paths(), &nameless, Instant::now()).unwrap_err();
    assert!(error.to_string().contains("its UID is not known"), "{error}");
}

#[test]
fn a_silent_kubelet_costs_the_deadline_and_no_more() {
    let silent = || Fake::raw(|stream| drop(stream.read_to_end(&mut Vec::new())));
    let start = Instant::now();
    let deadline = start + Duration::from_millis(200);
    let error = pod_devices(&silent().paths(), &app(), deadline).unwrap_err();
    assert!((200..2000).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
    assert!(error::chain(&error).ends_with("did not answer in time"), "{}", error::chain(&error));

    let fake = silent().with_checkpoint(CHECKPOINT);
    let pod = pod_devices(&fake.paths(), &app(), Instant::now()).unwrap();
    assert_eq!(pod.source(), Source::Checkpoint);
}

#[test]
fn what_is_not_grpc_is_refused() {
    let garbage = Fake::raw(|stream| {
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        drop(stream.read(&mut [0; 1024]));
    });
    let closed = Fake::raw(|_| ());
    for fake in [garbage, closed] {
        let error = error::chain(&ask(&fake).unwrap_err());
        assert!(error.contains("of kubelet at") || error.contains("to kubelet at"), "{error}");
        assert_eq!(ask(&fake.with_checkpoint(CHECKPOINT)).unwrap().source(), Source::Checkpoint);
    }
}

#[test]
fn an_answer_may_be_large_but_not_enormous() {
    let large = Fake::answering(|method| match method {
        GET => unimplemented(),
        _ => Ok(vec![pod_of(10 << 20)]),
    });
    assert_eq!(ask(&large).unwrap().summary(), format!("{VF}: 10240"));

    let enormous = Fake::answering(|method| match method {
        GET => unimplemented(),
        _ => Ok(vec![pod_of(17 << 20)]),
    });
    let error = error::chain(&ask(&enormous).unwrap_err());
    assert!(error.contains("too large"), "{error}");
}

/// A pod of so many bytes.
fn pod_of(bytes: usize) -> PodResources {
    let device_ids = (0..bytes / 1024).map(|id| format!("{id:01024}")).collect();
    let devices = vec![ContainerDevices { resource_name: VF.to_owned(), device_ids }];
    let containers = vec![ContainerResources { name: "app".to_owned(), devices }];
    let PodKey { namespace, name, .. } = app();
    PodResources { name, namespace, containers }
}
