//! Attaching: the default network while the rest is prepared, then the rest, then telling it. When a
//! step fails, everything is detached again.

use std::panic::resume_unwind;
use std::path::PathBuf;
use std::thread;

use cni::{AddResult, runtime};
use hostnet::Netns;
use journal::{Durability, Entry, Journal};
use npwg::{NetworkStatus, Selection, devinfo, network_status};

use crate::Places;
use crate::detach::{Container, detach};
use crate::devices::Devices;
use crate::error::MultusError;
use crate::kubernetes::Kubernetes;
use crate::plan::{Planned, Planner};
use crate::record::{Attachment, Done, PodRecord};
use crate::route;

/// An ADD whose record is written.
pub(crate) struct Attaching<'a> {
    pub(crate) places: &'a Places,
    pub(crate) netns: &'a Netns,
    pub(crate) journal: &'a Journal,
    pub(crate) entry: &'a Entry,
    pub(crate) record: PodRecord,
    pub(crate) kubernetes: Option<&'a Kubernetes<'a>>,
    pub(crate) path: &'a [PathBuf],
    /// In the order of ADD; more may come while the first is attached.
    pub(crate) planned: Vec<Planned>,
    /// Of the attachments made so far.
    pub(crate) results: Vec<AddResult>,
}

/// What the record keeps of them.
pub(crate) fn attachments(planned: &[Planned]) -> Vec<Attachment> {
    planned.iter().map(|one| one.attachment.clone()).collect()
}

impl Attaching<'_> {
    /// The result of the default network.
    pub(crate) fn run(
        mut self,
        planner: Planner<'_>,
        selections: Vec<Selection>,
    ) -> Result<AddResult, MultusError> {
        // Of those tried, one may have failed half-way; its own plugins are undone already, and once
        // more does no harm.
        let mut tried = 1;
        match self.attach_all(planner, selections, &mut tried) {
            Ok(()) => Ok(self.results.swap_remove(0)),
            Err(error) => Err(self.roll_back(error, tried)),
        }
    }

    fn attach_all(
        &mut self,
        planner: Planner<'_>,
        selections: Vec<Selection>,
        tried: &mut usize,
    ) -> Result<(), MultusError> {
        self.attach_default_and_prepare(planner, selections)?;
        for index in 1..self.planned.len() {
            *tried = index + 1;
            let result = self.attach(index)?;
            self.results.push(result);
        }
        self.move_default_route()?;
        let done = Done::of(&self.results).map_err(MultusError::Delegate)?;
        self.journal.append(self.entry, &done)?;
        self.publish()
    }

    /// The default network comes first (multi-net-spec 6). While its plugins run, the definitions and
    /// devices of the others are fetched and the record is made durable: none of the others is
    /// attached before that, so that no power cut can make us forget it.
    fn attach_default_and_prepare(
        &mut self,
        planner: Planner<'_>,
        selections: Vec<Selection>,
    ) -> Result<(), MultusError> {
        let (attached, prepared) = thread::scope(|scope| {
            let this = &*self;
            let preparing = scope.spawn(move || this.prepare(planner, selections));
            let attached = this.attach(0);
            (attached, preparing.join().unwrap_or_else(|panic| resume_unwind(panic)))
        });
        self.results.push(attached?);
        self.planned.extend(prepared?);
        Ok(())
    }

    /// Plans what only Kubernetes knows, and makes the record of everything durable.
    fn prepare(
        &self,
        mut planner: Planner<'_>,
        selections: Vec<Selection>,
    ) -> Result<Vec<Planned>, MultusError> {
        let mut further = Vec::new();
        if let Some(kubernetes) = self.kubernetes {
            let wanted = kubernetes.further(selections)?;
            let kubelet = &self.places.kubelet;
            let needs_devices = wanted.iter().any(|network| network.resource.is_some());
            let Kubernetes { pod, uid, deadline, .. } = kubernetes;
            let asked = || Devices::of(kubelet, pod, uid, *deadline);
            let mut devices = needs_devices.then(asked).transpose()?;
            for network in wanted {
                further.push(planner.plan(network, devices.as_mut())?);
            }
        }
        for one in &further {
            runtime::find_plugins(&one.list, self.path)
                .map_err(|error| MultusError::delegate(error, &one.attachment))?;
        }
        planner.refuse_taken_names(self.netns)?;
        if further.is_empty() {
            self.journal.sync(self.entry)?;
        } else {
            let mut record = self.record.clone();
            record.detail.attachments.extend(attachments(&further));
            self.journal.write(self.entry, &record, Durability::Durable)?;
        }
        Ok(further)
    }

    fn attach(&self, index: usize) -> Result<AddResult, MultusError> {
        let one = &self.planned[index];
        let attachment = &one.attachment;
        log::info!("ADD of {}", attachment.what());
        if let (Some(device), Some(file)) = (&one.device, &attachment.device_info) {
            let root = &self.places.device_info;
            let from = devinfo::dp_file(root, &device.resource, &device.id);
            devinfo::copy_dp_to_cni(&from, file)?;
        }
        let result = attachment
            .call(&self.entry.owner, Some(self.netns.path()), self.path)
            .and_then(|call| runtime::add(&one.list, &call))
            .map_err(|error| MultusError::delegate(error, attachment))?;
        if let Err(error) = one.requested.verify(&result, &attachment.name) {
            log::error!("{error}");
            return Err(error);
        }
        Ok(result)
    }

    fn move_default_route(&mut self) -> Result<(), MultusError> {
        let wishes = self.planned.iter().map(|one| one.default_route.as_deref());
        let mut attached: Vec<_> = wishes
            .zip(&mut self.results)
            .map(|(default_route, result)| route::Attached { default_route, result })
            .collect();
        route::apply(&mut attached, self.netns)
    }

    /// Tells the pod what it got.
    fn publish(&self) -> Result<(), MultusError> {
        let Some(kubernetes) = self.kubernetes else { return Ok(()) };
        let mut status: Vec<NetworkStatus> = Vec::new();
        for (index, (one, result)) in self.planned.iter().zip(&self.results).enumerate() {
            let attachment = &one.attachment;
            let info = attachment.device_info.as_deref().map(devinfo::read).transpose()?.flatten();
            status.extend(network_status(
                &attachment.name,
                &attachment.ifname,
                index == 0,
                result,
                info.as_ref(),
            ));
        }
        kubernetes.publish(&status)
    }

    /// Detaches what was tried, in reverse order. The record stays when that is not possible.
    fn roll_back(&self, error: MultusError, tried: usize) -> MultusError {
        let container =
            Container { owner: &self.entry.owner, netns: Some(self.netns.path()), path: self.path };
        let done = Done::of(&self.results).ok();
        let attachments = attachments(&self.planned[..tried]);
        let undone = detach(&container, &attachments, done.as_ref());
        match undone.and_then(|()| Ok(self.journal.remove(self.entry)?)) {
            Ok(()) => error,
            Err(left) => {
                let left = cni::Error::from(left);
                let error = cni::Error::from(error);
                MultusError::Delegate(error.context(&format!("not undone, DEL it again: {left}")))
            }
        }
    }
}
