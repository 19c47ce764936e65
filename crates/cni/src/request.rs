//! One call of ADD, DEL or CHECK, with every parameter validated (CNI spec 2, "Parameters").

use std::ffi::OsString;
use std::path::PathBuf;

use crate::env::{Args, ContainerId, IfName};
use crate::{Error, NetConf, code};

/// What ADD, DEL and CHECK are called with.
#[derive(Debug, Clone)]
pub struct Request {
    /// `CNI_CONTAINERID`.
    pub container_id: ContainerId,
    /// `CNI_IFNAME`.
    pub ifname: IfName,
    /// `CNI_NETNS`, a path. Always there for ADD and CHECK; DEL may come without.
    pub netns: Option<PathBuf>,
    /// `CNI_ARGS`.
    pub args: Args,
    /// `CNI_PATH`: where delegates are searched, in order.
    pub path: Vec<PathBuf>,
    /// The configuration from stdin.
    pub conf: NetConf,
}

impl Request {
    /// An argument of the caller: `args.cni.<key>`, or else `key` of `CNI_ARGS`.
    #[must_use]
    pub fn arg(&self, key: &str) -> Option<String> {
        self.conf.args_cni(key).or_else(|| self.args.get(key).map(str::to_owned))
    }
}

/// The variables of a call that concerns one attachment.
pub(crate) struct Attachment {
    container_id: ContainerId,
    ifname: IfName,
    netns: Option<PathBuf>,
    args: Args,
    path: Vec<PathBuf>,
}

impl Attachment {
    /// Reads and validates the variables. All missing ones are named in one error.
    pub(crate) fn from_env(
        env: &impl Fn(&str) -> Option<OsString>,
        needs_netns: bool,
    ) -> Result<Self, Error> {
        let given = |name: &str| env(name).filter(|value| !value.is_empty());
        let container_id = given("CNI_CONTAINERID");
        let ifname = given("CNI_IFNAME");
        let netns = given("CNI_NETNS");

        let mut missing = Vec::new();
        missing.extend(container_id.is_none().then_some("CNI_CONTAINERID"));
        missing.extend((needs_netns && netns.is_none()).then_some("CNI_NETNS"));
        missing.extend(ifname.is_none().then_some("CNI_IFNAME"));
        let (Some(container_id), Some(ifname), true) = (container_id, ifname, missing.is_empty())
        else {
            return Err(missing_variables(&missing));
        };

        Ok(Self {
            container_id: utf8("CNI_CONTAINERID", container_id)?.try_into()?,
            ifname: utf8("CNI_IFNAME", ifname)?.try_into()?,
            netns: netns.map(PathBuf::from),
            args: Args::parse(&utf8("CNI_ARGS", given("CNI_ARGS").unwrap_or_default())?)?,
            path: search_path(env),
        })
    }

    /// The request, with the configuration that came on stdin.
    pub(crate) fn with(self, conf: NetConf) -> Request {
        let Self { container_id, ifname, netns, args, path } = self;
        Request { container_id, ifname, netns, args, path, conf }
    }
}

/// `CNI_PATH` as a list. Absent is empty: only a call that delegates needs it, and says so then.
pub(crate) fn search_path(env: &impl Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    let path = env("CNI_PATH").unwrap_or_default();
    std::env::split_paths(&path).filter(|dir| !dir.as_os_str().is_empty()).collect()
}

pub(crate) fn missing_variables(names: &[&str]) -> Error {
    let names = names.join(", ");
    let details = format!("the runtime must set {names} for this CNI_COMMAND");
    Error::new(code::ENVIRONMENT, format!("missing environment variables: {names}"), details)
}

/// A variable as text.
pub(crate) fn utf8(name: &str, value: OsString) -> Result<String, Error> {
    value.into_string().map_err(|value| {
        let details = format!("{} is not UTF-8", value.display());
        Error::new(code::ENVIRONMENT, format!("invalid {name}"), details)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(args: &str, conf: &str) -> Request {
        let env = |name: &str| match name {
            "CNI_CONTAINERID" => Some("c1".into()),
            "CNI_IFNAME" => Some("net1".into()),
            "CNI_ARGS" => Some(args.into()),
            "CNI_PATH" => Some("/opt/cni/bin::/usr/libexec/cni".into()),
            _ => None,
        };
        let conf = NetConf::parse(conf.as_bytes()).unwrap();
        Attachment::from_env(&env, false).unwrap().with(conf)
    }

    #[test]
    fn args_of_the_configuration_come_before_those_of_the_environment() {
        let conf =
            r#"{"name":"n","type":"t","args":{"cni":{"mac":"00:00:00:00:00:01","mtu":9000}}}"#;
        let request = request("MAC=00:00:00:00:00:02;IP=10.0.0.1", conf);
        assert_eq!(request.arg("MAC").as_deref(), Some("00:00:00:00:00:01"));
        assert_eq!(request.arg("MTU").as_deref(), Some("9000"));
        assert_eq!(request.arg("IP").as_deref(), Some("10.0.0.1"));
        assert_eq!(request.arg("GATEWAY"), None);
    }

    #[test]
    fn the_search_path_skips_empty_entries() {
        let request = request("", r#"{"name":"n","type":"t"}"#);
        assert_eq!(request.path, ["/opt/cni/bin", "/usr/libexec/cni"].map(PathBuf::from));
        assert_eq!(request.netns, None);
    }
}
