//! STATUS: what every pod of the node needs, asked of this node alone. A failing STATUS takes the
//! whole node out of service, so neither definitions nor the API server nor a token are its matter.

use apiserver::token_warning;
use cni::{Error, StatusRequest, code, logging, runtime};

use crate::conf::Conf;
use crate::error::MultusError;
use crate::{MultusLite, statics};

pub(crate) fn status(plugin: &MultusLite, request: &StatusRequest) -> Result<(), Error> {
    logging::init_of(&request.conf, "STATUS");
    let conf = Conf::of(&request.conf).map_err(MultusError::from)?;
    if let Some(warning) = plugin.access(&conf).as_ref().and_then(token_warning) {
        log::warn!("{warning}");
    }
    plugin.journal().and_then(|journal| Ok(journal.prepare()?)).map_err(not_available)?;
    if let Some(file) = conf.readiness_indicator_file.as_ref().filter(|file| !file.exists()) {
        let file = file.clone();
        return Err(not_available(MultusError::NotReady { file }));
    }
    let path = conf.search_path(&request.path);
    for network in statics::networks(&conf) {
        let list = network.map_err(not_available)?;
        runtime::find_plugins(&list, &path).map_err(unavailable)?;
        runtime::status(&list, &path).map_err(|error| named(error, &list.name))?;
    }
    Ok(())
}

fn not_available(error: MultusError) -> Error {
    unavailable(error.into())
}

fn unavailable(error: Error) -> Error {
    Error { code: code::NOT_AVAILABLE, ..error }
}

/// The plugin's own answer; what is no answer to STATUS means that it cannot serve.
fn named(error: Error, network: &str) -> Error {
    let error = error.context(&format!("network {network:?}"));
    match error.code {
        code::NOT_AVAILABLE | code::LIMITED => error,
        _ => unavailable(error),
    }
}
