//! A connection driven to its end: by itself, by its deadlines, because its listener ends, or because its place is
//! needed. Contract: one that is asked to end has time for what is in progress.
//!
//! Most wakes are requests, and nothing is due after one. That is seen from the pulse, the bell and the alarm, without
//! a lock that others take and without a timer that is set anew: the alarm may ring too early, and never too late.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper_util::server::graceful::GracefulConnection;
use tokio::time::{Instant, Sleep};

use super::bell::Bell;
use super::listener::Life;
use super::pulse::{Due, Pulse};
use crate::telemetry::clock;

/// What is due on a connection, and when; another request is another one.
type Dues = (Due, Instant);

/// What ends a connection from outside.
struct Watch<'a, N> {
    pulse: &'a Pulse,
    life: &'a Life,
    grace: Duration,
    bell: Bell,
    alarm: Pin<&'a mut Sleep>,
    /// Heard while nothing is done: those that do something do not stand in the row.
    needed: Pin<&'a mut Option<N>>,
    /// Since what was due it stands in the row.
    heard_at: Option<Dues>,
    /// What was due when the alarm was set.
    alarm_at: Option<Dues>,
    /// Until when it may be idle, and until when it may do anything, once it was asked to end.
    closed_by: Option<(Instant, Instant)>,
}

/// What is to be done with a connection.
enum Verdict {
    Wait,
    /// Ask it to end, and go on.
    Finish,
    Cut,
}

/// How long an idle connection has to say good-bye when its place is needed: less than whoever needs it waits.
const PLACE_GRACE: Duration = Duration::from_millis(250);
/// Who has asked for nothing for so long, twice at most, stands in the row of those that make room.
const SETTLED: Duration = Duration::from_millis(100);

/// Drives a connection until it ends, the listener has let it end, or a deadline passes. One that is asked to end has
/// `grace` for what is in progress. One that does nothing ends when its place is needed.
pub(super) async fn watch<C: GracefulConnection>(conn: C, pulse: &Pulse, life: &Life, grace: Duration) {
    let (mut conn, mut finishing) = (pin!(conn), pin!(life.finish.cancelled()));
    let (alarm, needed) = (pin!(tokio::time::sleep_until(pulse.deadline().1)), pin!(None));
    let bell = Bell::new();
    let mut watch = Watch { pulse, life, grace, bell, alarm, needed, heard_at: None, alarm_at: None, closed_by: None };
    poll_fn(|cx| {
        loop {
            // Before the question whether to finish: a request that is already here is answered.
            if conn.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
            if watch.is_undisturbed(cx) {
                return Poll::Pending;
            }
            match watch.look(|| life.door.heard(), finishing.as_mut()) {
                Verdict::Wait => return Poll::Pending,
                Verdict::Cut => return Poll::Ready(()),
                // The next round of the loop lets hyper act on it. Happens at most twice.
                Verdict::Finish => conn.as_mut().graceful_shutdown(),
            }
        }
    })
    .await;
}

// === impl Watch ===

impl<N: Future<Output = ()>> Watch<'_, N> {
    /// Whether nothing has happened but a request, so that everything stands as it stood before.
    fn is_undisturbed(&self, cx: &Context<'_>) -> bool {
        // Asked first, because it is what sees to it that the task is woken.
        let has_rung = self.bell.rang(cx);
        let dues = self.pulse.deadline();
        let is_in_its_place = match (dues.0, self.heard_at) {
            (_, Some(heard_at)) => heard_at == dues,
            (Due::Exchange, None) => true,
            (Due::Head, None) => false,
            // An alarm that was set during an exchange says nothing of when to go and stand in the row.
            (Due::Idle, None) => self.alarm_at.is_some_and(|(due, _)| due == Due::Idle),
        };
        !has_rung
            && is_in_its_place
            && self.closed_by.is_none()
            && !self.life.door.is_knocked()
            && self.alarm.deadline() <= dues.1
    }

    fn look<F: Future<Output = ()>>(&mut self, hear: impl FnOnce() -> N, finishing: Pin<&mut F>) -> Verdict {
        let (dues, now) = (self.pulse.deadline(), clock::instant());
        let (due, at) = dues;
        if self.is_needed(dues, hear) {
            if due == Due::Head {
                return Verdict::Cut;
            }
            // A request that is on its way already has all the time that it needs.
            self.closed_by = Some((now + PLACE_GRACE, now + self.grace));
            return Verdict::Finish;
        }
        let until = match (due, self.closed_by) {
            (Due::Idle, Some((idle_end, _))) => idle_end,
            (Due::Head | Due::Exchange, Some((_, end))) => at.min(end),
            (_, None) => at,
        };
        let is_over = now >= until;
        if self.closed_by.is_some() || (is_over && due != Due::Idle) {
            self.set_alarm(until, dues);
            return if is_over { Verdict::Cut } else { Verdict::Wait };
        }
        if !is_over && self.bell.poll(finishing).is_pending() {
            let is_settled = due == Due::Exchange || self.heard_at.is_some();
            self.set_alarm(if is_settled { until } else { until.min(now + SETTLED) }, dues);
            return Verdict::Wait;
        }
        self.closed_by = Some((now + self.grace, now + self.grace));
        Verdict::Finish
    }

    /// Whether somebody needs the place of this connection, which is asked while it does nothing.
    fn is_needed(&mut self, dues: Dues, hear: impl FnOnce() -> N) -> bool {
        if self.heard_at.is_some_and(|heard_at| heard_at != dues) {
            // It did something: it goes back to the end of the row, later.
            self.heard_at = None;
            self.needed.set(None);
        }
        if dues.0 == Due::Exchange || self.closed_by.is_some() {
            self.heard_at = None;
            self.needed.set(None);
            return false;
        }
        // What takes its time over a head may be of no use at all, and is the first to go.
        let is_settled = dues.0 == Due::Head || (self.alarm_at == Some(dues) && self.alarm.is_elapsed());
        if self.heard_at.is_none() && (is_settled || self.life.door.is_knocked()) {
            self.heard_at = Some(dues);
            self.needed.set(Some(hear()));
        }
        let needed = self.needed.as_mut().as_pin_mut();
        needed.is_some_and(|needed| self.bell.poll(needed).is_ready())
    }

    fn set_alarm(&mut self, at: Instant, dues: Dues) {
        self.alarm_at = Some(dues);
        if self.alarm.deadline() != at {
            self.alarm.as_mut().reset(at);
        }
        // Only so that it rings the bell; what it means is asked of the clock. One that is over at once rings too.
        if self.bell.poll(self.alarm.as_mut()).is_ready() {
            self.bell.ring();
        }
    }
}
