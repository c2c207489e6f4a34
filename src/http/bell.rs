//! Ends that seldom come, beside work that often does. Contract: what is watched through a bell is polled when it was
//! woken, and not each time that the task is.
//!
//! A connection's task is woken by every request, and each time `select!` would ask the tokens of the drain, which all
//! connections share and which take a lock for an answer. With the bell a request asks one flag of its own.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::task::AtomicWaker;

/// Remembers that something rang, and wakes the task that listens.
#[derive(Debug)]
pub(super) struct Bell {
    cord: Arc<Cord>,
    waker: Waker,
}

#[derive(Debug)]
struct Cord {
    has_rung: AtomicBool,
    task: AtomicWaker,
}

// === impl Bell ===

impl Bell {
    /// A bell that has rung already, so that everything is polled once.
    pub(super) fn new() -> Self {
        let cord = Arc::new(Cord { has_rung: AtomicBool::new(true), task: AtomicWaker::new() });
        Self { waker: Waker::from(Arc::clone(&cord)), cord }
    }

    /// Whether it has rung since the last time; if not, it will wake the task of `cx`.
    pub(super) fn rang(&self, cx: &Context<'_>) -> bool {
        self.cord.task.register(cx.waker());
        self.cord.has_rung.load(Ordering::Acquire) && self.cord.has_rung.swap(false, Ordering::AcqRel)
    }

    /// Rings it.
    pub(super) fn ring(&self) {
        self.waker.wake_by_ref();
    }

    /// Polls what is to ring this bell.
    pub(super) fn poll<F: Future>(&self, future: Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(&self.waker))
    }
}

impl Wake for Cord {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.has_rung.store(true, Ordering::Release);
        self.task.wake();
    }
}

/// Runs `work` to its end, or until `end` comes.
pub(super) async fn unless<E: Future<Output = ()>, W: Future<Output = ()>>(end: E, work: W) {
    let (bell, mut end, mut work) = (Bell::new(), pin!(end), pin!(work));
    poll_fn(|cx| {
        if bell.rang(cx) && bell.poll(end.as_mut()).is_ready() {
            return Poll::Ready(());
        }
        work.as_mut().poll(cx)
    })
    .await;
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use tokio::sync::Notify;
    use tokio_util::sync::CancellationToken;

    use super::*;

    #[tokio::test]
    async fn an_end_is_polled_when_it_was_woken_and_ends_the_work() {
        let (token, woken, polls) = (CancellationToken::new(), Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)));
        let end = {
            let (token, polls) = (token.clone(), Arc::clone(&polls));
            async move {
                let mut cancelled = pin!(token.cancelled());
                poll_fn(|cx| {
                    polls.fetch_add(1, Ordering::Relaxed);
                    cancelled.as_mut().poll(cx)
                })
                .await;
            }
        };
        let (begun, worked) = (Arc::clone(&woken), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&worked);
        let task = tokio::spawn(unless(end, async move {
            loop {
                begun.notified().await;
                count.fetch_add(1, Ordering::Relaxed);
            }
        }));
        for round in 1..=5 {
            woken.notify_one();
            while worked.load(Ordering::Relaxed) < round {
                tokio::task::yield_now().await;
            }
        }
        assert_eq!(polls.load(Ordering::Relaxed), 1, "woken five times by the work");
        token.cancel();
        task.await.unwrap();
        assert_eq!(polls.load(Ordering::Relaxed), 2);
    }
}
