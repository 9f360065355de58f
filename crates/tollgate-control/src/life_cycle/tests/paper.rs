//! A chain on paper: lines with dates, rules as a person would read them out. It knows the words of
//! the machine (its events and policies) and none of its ways.

use crate::life_cycle::{Event, Instant, KeyNumber, Policy};

const DAY: i64 = 86_400;

/// One key, with what was written behind it.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) number: u32,
    /// When it took the place of the one above it.
    pub(super) made: Option<i64>,
    pub(super) works_since: Option<i64>,
    pub(super) rotate_shown: Option<i64>,
    pub(super) rotate_at: Option<i64>,
    pub(super) rotated: Option<i64>,
    pub(super) dies: Option<Instant>,
    pub(super) beside_until: Option<i64>,
    /// `revoked` or `expired`, and when.
    pub(super) gone: Option<(&'static str, i64)>,
}

#[derive(Clone, Debug)]
pub(super) struct Paper {
    pub(super) policy: Option<Policy>,
    /// Someone has approved it, or has said no.
    looked_at: bool,
    barred: bool,
    application_barred: bool,
    pub(super) complaint: bool,
    pub(super) lines: Vec<Line>,
}

impl Line {
    fn new(number: u32, dies: Option<Instant>) -> Self {
        Self {
            number,
            made: None,
            works_since: None,
            rotate_shown: None,
            rotate_at: None,
            rotated: None,
            dies,
            beside_until: None,
            gone: None,
        }
    }

    /// The first second in which it is too old.
    fn too_old(&self) -> Option<i64> {
        let (end, day) = match self.dies? {
            Instant::Day(start) => (start + DAY, start / DAY),
            Instant::Second(second) => (second, second / DAY),
        };
        let (Some(from), Some(to)) = (self.rotate_at, self.rotate_shown) else { return Some(end) };
        let on_that_day = (from / DAY..=to / DAY).any(|each| each == day);
        Some(if on_that_day { (day + 1) * DAY } else { end })
    }

    fn day_of_death(&self) -> Option<i64> {
        self.dies.map(|dies| dies.start() / DAY)
    }
}

impl Paper {
    pub(super) fn new(
        policy: Option<Policy>,
        dies: Option<Instant>,
        application_barred: bool,
    ) -> Self {
        Self {
            policy,
            looked_at: false,
            barred: false,
            application_barred,
            complaint: false,
            lines: vec![Line::new(1, dies)],
        }
    }

    fn newest(&mut self) -> &mut Line {
        self.lines.last_mut().unwrap()
    }

    fn last(&self) -> &Line {
        self.lines.last().unwrap()
    }

    fn older(&self) -> Option<&Line> {
        self.lines[..self.lines.len() - 1].iter().find(|line| line.gone.is_none())
    }

    pub(super) fn state(&self, line: &Line) -> &'static str {
        match line.gone {
            Some((how, _)) => how,
            None if !self.looked_at => "pending",
            None if self.barred || self.application_barred => "suspended",
            None => "active",
        }
    }

    /// Whether a call with that key goes through at that second, apart from what it may call.
    pub(super) fn admits(&self, line: &Line, second: i64) -> bool {
        self.state(line) == "active"
            && line.beside_until.is_none_or(|until| second < until)
            && self.last().too_old().is_none_or(|end| second < end)
    }

    /// What the scheduler has to do next, and when.
    pub(super) fn next(&self) -> Option<(i64, &'static str)> {
        let mut list = Vec::new();
        if let Some(older) = self.older() {
            list.push((older.beside_until.unwrap(), "overlap_due"));
        }
        let last = self.last();
        if last.gone.is_none() && self.looked_at {
            match (last.rotate_at, last.day_of_death()) {
                (Some(at), Some(day)) if at / DAY > day => {
                    list.push((last.too_old().unwrap(), "expiry_due"));
                }
                (Some(at), _) => list.push((at, "rotation_due")),
                (None, Some(_)) => list.push((last.too_old().unwrap(), "expiry_due")),
                (None, None) => {}
            }
        }
        list.sort_by_key(|(at, _)| *at);
        list.first().copied()
    }

    fn is_due(&self, what: &str, now: i64) -> bool {
        // What waits behind an overlap that has ended is due as well.
        let mut rest = self.clone();
        if what != "overlap_due" {
            let last = rest.lines.len() - 1;
            rest.lines.drain(..last);
        } else if let Some(older) = rest.older() {
            return older.beside_until.unwrap() <= now;
        }
        rest.next().is_some_and(|(at, next)| next == what && at <= now)
    }

    /// The event happens, or is refused: then nothing was written.
    pub(super) fn tell(&mut self, event: &Event, now: i64) -> bool {
        if self.last().gone.is_some() {
            return false;
        }
        let alive = self.last().too_old().is_none_or(|end| now < end);
        let state = self.state(self.last());
        let package_key = self.policy.is_none();
        match event {
            Event::Activate => {
                if state != "pending" || !alive {
                    return false;
                }
                self.looked_at = true;
                self.complaint = false;
                self.write_plan(now);
                self.write_works(now);
            }
            Event::ActivationFailed(_) => {
                if state != "pending" {
                    return false;
                }
                self.complaint = true;
            }
            Event::Disable => {
                if state != "pending" || !package_key {
                    return false;
                }
                self.looked_at = true;
                self.barred = true;
                self.complaint = false;
            }
            Event::Suspend => {
                if state != "active" {
                    return false;
                }
                self.barred = true;
                self.complaint = false;
            }
            Event::SuspensionFailed(_) => {
                if state != "active" {
                    return false;
                }
                self.complaint = true;
            }
            Event::Reactivate => {
                if state != "suspended" || self.application_barred || !alive {
                    return false;
                }
                self.barred = false;
                self.complaint = false;
                self.write_works(now);
            }
            Event::ApplicationSuspended => {
                if self.application_barred {
                    return false;
                }
                if state == "active" {
                    self.complaint = false;
                }
                self.application_barred = true;
            }
            Event::ApplicationReactivated { keep_suspended } => {
                if !self.application_barred {
                    return false;
                }
                self.application_barred = false;
                if !keep_suspended && !package_key {
                    self.barred = false;
                }
                if self.looked_at && !self.barred {
                    self.complaint = false;
                    self.write_works(now);
                }
            }
            Event::Regenerate { key, overlap } => {
                let Some(policy) = self.policy else { return false };
                let right = key.0 == self.last().number && policy.manual_regeneration;
                if state == "pending" || !right || !alive {
                    return false;
                }
                self.write_successor(i64::from(overlap.unwrap_or(policy.overlap)), now);
            }
            Event::RotationDue => {
                if !self.is_due("rotation_due", now) {
                    return false;
                }
                self.newest().rotated = Some(now);
                self.write_successor(i64::from(self.policy.unwrap().overlap), now);
            }
            Event::ExpiryDue => {
                if !self.is_due("expiry_due", now) {
                    return false;
                }
                self.strike_all("expired", now);
            }
            Event::OverlapDue => {
                if !self.is_due("overlap_due", now) {
                    return false;
                }
                self.strike_older(now);
            }
            Event::EndOverlap { key } => {
                if !self.is_older(*key) {
                    return false;
                }
                self.strike_older(now);
            }
            Event::Revoke { key } => {
                if state == "pending" {
                    return false;
                } else if self.is_older(*key) {
                    self.strike_older(now);
                } else if key.0 == self.last().number {
                    self.strike_all("revoked", now);
                } else {
                    return false;
                }
            }
            Event::PolicyChanged(policy) => {
                if package_key {
                    return false;
                }
                self.policy = Some(*policy);
            }
            Event::EnforceSchedule => {
                if state == "pending" || package_key || !alive {
                    return false;
                }
                let line = self.last();
                let Some(from) = line.made.or(line.works_since) else { return false };
                let before = line.clone();
                self.rub_out_plan();
                self.write_plan(from);
                let after = self.last();
                let same = |a: &Line, b: &Line| {
                    (a.rotate_shown, a.rotate_at, a.dies) == (b.rotate_shown, b.rotate_at, b.dies)
                };
                if same(&before, after) {
                    return false;
                }
            }
            Event::ExpiryChanged(dies) => {
                if !package_key {
                    return false;
                }
                self.newest().dies = *dies;
            }
        }
        true
    }

    fn is_older(&self, key: KeyNumber) -> bool {
        self.older().is_some_and(|older| older.number == key.0)
    }

    fn write_works(&mut self, now: i64) {
        for line in self.lines.iter_mut().filter(|line| line.gone.is_none()) {
            line.works_since = line.works_since.or(Some(now));
        }
    }

    fn write_plan(&mut self, now: i64) {
        let Some(policy) = self.policy else { return };
        let line = self.newest();
        if let Some(rotation) = policy.rotation {
            let shown = months_on(now, rotation.after().get());
            line.rotate_shown = Some(shown);
            line.rotate_at = Some(shown - i64::from(rotation.lead()));
        }
        line.dies = policy.expiration.map(|months| Instant::Second(months_on(now, months.get())));
    }

    fn rub_out_plan(&mut self) {
        let line = self.newest();
        (line.rotate_shown, line.rotate_at, line.dies) = (None, None, None);
    }

    fn write_successor(&mut self, overlap: i64, now: i64) {
        self.strike_older(now);
        let active = self.state(self.last()) == "active";
        let old = self.newest();
        let mut until = now + overlap;
        if let (Some(end), Some(day)) = (old.too_old(), old.day_of_death()) {
            let days = old.rotate_at.zip(old.rotate_shown);
            let met = days.is_some_and(|(from, to)| from / DAY <= day && day <= to / DAY);
            if !met || day != now / DAY {
                until = until.min(end);
            }
        }
        if until <= now {
            old.gone = Some(("revoked", now));
        } else {
            old.beside_until = Some(until);
        }
        let number = old.number + 1;
        self.lines.push(Line { made: Some(now), ..Line::new(number, None) });
        self.write_plan(now);
        if active {
            self.newest().works_since = Some(now);
        }
    }

    fn strike_older(&mut self, now: i64) {
        let last = self.lines.len() - 1;
        for line in self.lines[..last].iter_mut().filter(|line| line.gone.is_none()) {
            line.gone = Some(("revoked", now));
        }
    }

    fn strike_all(&mut self, how: &'static str, now: i64) {
        self.complaint = false;
        for line in self.lines.iter_mut().filter(|line| line.gone.is_none()) {
            line.gone = Some((how, now));
        }
    }
}

/// Counts months on a wall calendar, from 1970 on.
fn months_on(second: i64, months: u16) -> i64 {
    let (mut days, rest) = (second / DAY, second % DAY);
    let (mut year, mut month) = (1970, 0);
    while days >= month_days(year, month) {
        days -= month_days(year, month);
        (year, month) = after(year, month);
    }
    let mut first = second / DAY - days;
    for _ in 0..months {
        first += month_days(year, month);
        (year, month) = after(year, month);
    }
    (first + days.min(month_days(year, month) - 1)) * DAY + rest
}

fn after(year: i64, month: usize) -> (i64, usize) {
    if month == 11 { (year + 1, 0) } else { (year, month + 1) }
}

fn month_days(year: i64, month: usize) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month]
}
