//! A bucket in memory that fails as told. For what a real server cannot be told to do; the rest is tested with one.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Semaphore;

use super::{Bucket, BucketError, BucketFuture};

/// What becomes of calls of one kind.
#[derive(Debug, Clone)]
pub enum Fault {
    Fail,
    TooLarge,
    /// Done on no objects at all.
    Absent,
    /// No answer, ever.
    Stall,
    /// Done at once, and answered when a permit is there.
    Hold(Arc<Semaphore>),
}

#[derive(Debug, Default)]
pub struct Fake {
    objects: Mutex<BTreeMap<String, Bytes>>,
    faults: Mutex<HashMap<&'static str, Fault>>,
    calls: Mutex<Vec<(&'static str, String)>>,
}

// === impl Fake ===

impl Fake {
    pub fn set(&self, call: &'static str, fault: Fault) {
        lock(&self.faults).insert(call, fault);
    }

    pub fn heal(&self, call: &'static str) {
        lock(&self.faults).remove(call);
    }

    pub fn objects(&self) -> MutexGuard<'_, BTreeMap<String, Bytes>> {
        lock(&self.objects)
    }

    /// Names that objects were asked for under this folder, by this call.
    pub fn called(&self, call: &'static str, folder: &str) -> Vec<String> {
        let calls = lock(&self.calls);
        calls
            .iter()
            .filter(|(kind, name)| *kind == call && name.contains(folder))
            .map(|(_, name)| name.clone())
            .collect()
    }

    fn call<'a, T: Send + 'a>(
        &'a self,
        call: &'static str,
        name: String,
        act: impl FnOnce(&mut BTreeMap<String, Bytes>) -> T + Send + 'a,
    ) -> BucketFuture<'a, T> {
        Box::pin(async move {
            lock(&self.calls).push((call, name));
            let fault = lock(&self.faults).get(call).cloned();
            match fault {
                None => Ok(act(&mut self.objects())),
                Some(Fault::Fail) => Err(BucketError::Failed(Arc::new(std::io::Error::other("told to")))),
                Some(Fault::TooLarge) => Err(BucketError::TooLarge),
                Some(Fault::Absent) => Ok(act(&mut BTreeMap::new())),
                Some(Fault::Stall) => std::future::pending().await,
                Some(Fault::Hold(gate)) => {
                    let done = act(&mut self.objects());
                    gate.acquire().await.expect("a gate").forget();
                    Ok(done)
                }
            }
        })
    }
}

impl Bucket for Fake {
    fn get<'a>(&'a self, name: &'a str) -> BucketFuture<'a, Option<Bytes>> {
        self.call("get", name.to_owned(), move |objects| objects.get(name).cloned())
    }

    fn put<'a>(&'a self, name: &'a str, parts: Vec<Bytes>) -> BucketFuture<'a, ()> {
        self.call("put", name.to_owned(), move |objects| {
            objects.insert(name.to_owned(), Bytes::from(parts.concat()));
        })
    }

    fn delete<'a>(&'a self, name: &'a str) -> BucketFuture<'a, ()> {
        self.call("delete", name.to_owned(), move |objects| {
            objects.remove(name);
        })
    }

    fn list<'a>(&'a self, folder: &'a str, after: Option<&'a str>) -> BucketFuture<'a, Vec<String>> {
        self.call("list", after.unwrap_or(folder).to_owned(), move |objects| {
            let is_listed = |name: &&String| {
                name.starts_with(&format!("{folder}/")) && after.is_none_or(|after| name.as_str() > after)
            };
            objects.keys().filter(is_listed).cloned().collect()
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
