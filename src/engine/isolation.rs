//! Where pictures are made: in worker processes that nothing of a picture gets out of, or on threads of this one.

use std::io;

use serde_json::{Value, json};

use super::hands::Hands;
use super::sandbox::Layers;
use super::vips::{Vips, VipsError, VipsSpec};

#[cfg(target_os = "linux")]
use {
    super::cancel::Nudge,
    super::hands::{Processes, Retirement},
    super::worker::{Nursery, NurseryError, NurserySpec},
    std::sync::Arc,
};

/// Where pictures are to be made.
#[derive(Debug, Clone)]
pub enum Isolation {
    /// On threads of this process: what takes over a codec has taken over everything.
    Thread,
    /// In worker processes, each with one picture at a time.
    #[cfg(target_os = "linux")]
    Process { nursery: NurserySpec, retirement: Retirement },
}

/// Where pictures are made.
pub struct Workplace {
    vips: Vips,
    #[cfg(target_os = "linux")]
    processes: Option<(Arc<Nursery>, Retirement)>,
}

/// Why no picture can be made here.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("libvips cannot be used")]
    Vips(#[from] VipsError),
    #[cfg(target_os = "linux")]
    #[error("worker processes cannot be had; engine.isolation = \"thread\" does without, and without their protection")]
    Workers(#[from] NurseryError),
    #[error("the system refuses a thread or a descriptor")]
    System(#[from] io::Error),
}

// === impl Workplace ===

impl Workplace {
    /// Starts libvips here, or the template of the workers.
    pub fn open(isolation: &Isolation) -> Result<Self, StartError> {
        match isolation {
            Isolation::Thread => Ok(Self {
                vips: Vips::start(VipsSpec { threads: 1 })?.clone(),
                #[cfg(target_os = "linux")]
                processes: None,
            }),
            #[cfg(target_os = "linux")]
            Isolation::Process { nursery, retirement } => {
                let nursery = Nursery::start(nursery.clone())?;
                let vips = Vips::elsewhere(nursery.caps.clone());
                Ok(Self { vips, processes: Some((Arc::new(nursery), *retirement)) })
            }
        }
    }

    /// Whoever does the jobs of one more thread.
    pub fn hands(&self) -> Result<Hands, StartError> {
        #[cfg(target_os = "linux")]
        if let Some((nursery, retirement)) = &self.processes {
            let processes = Processes::new(Arc::clone(nursery), *retirement, Nudge::new()?);
            return Ok(Hands::Worker(Box::new(processes)));
        }
        Ok(Hands::Own)
    }

    /// What libvips can do.
    pub fn vips(&self) -> &Vips {
        &self.vips
    }

    /// What confines worker processes; none where pictures are made in this process.
    pub fn layers(&self) -> Option<&Layers> {
        #[cfg(target_os = "linux")]
        return self.processes.as_ref().map(|(nursery, _)| &nursery.layers);
        #[cfg(not(target_os = "linux"))]
        None
    }

    /// For operators: whether pictures are made in processes, and what confines these.
    pub fn state(&self) -> Value {
        #[cfg(target_os = "linux")]
        if let Some((nursery, _)) = &self.processes {
            let (template, workers) = nursery.processes();
            let sandbox = nursery.layers.words();
            return json!({ "isolation": "process", "sandbox": sandbox, "template": template, "workers": workers });
        }
        json!({ "isolation": "thread", "sandbox": ["none: pictures are made in the server's own process"] })
    }
}
