//! A gate that is killed while its keys are changed, again and again.

mod known;
mod writer;

use std::cell::RefCell;
use std::process::Command;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::admin::Admin;
use crate::connection::{Connection, Protocol};
use crate::metrics::Metrics;
use crate::process::{Process, Program};
use crate::random::Random;
use crate::{Failure, origin};
use known::{Known, Shown};
use writer::Writer;

pub(crate) struct Settings {
    pub(crate) program: Program,
    /// Where the upstream of the configuration is to be.
    pub(crate) origin: String,
    pub(crate) kills: u64,
    /// Whom to kill.
    pub(crate) victim: Victim,
    /// What to spoil behind the gate's back, to see that it is noticed.
    pub(crate) spoil: String,
}

pub(crate) enum Victim {
    /// The gate.
    Gate,
    /// The server of the store, by this command, which starts it again.
    Server(String),
}

/// So many write at once.
const WRITERS: usize = 6;

/// One in so many kills meets the gate while it starts.
const AT_START: u64 = 8;

/// So long may a gate that lives on take to enforce what was committed while its store died.
const HEARD: Duration = Duration::from_secs(2);

/// All keys are looked at, and the audit log verified, after so many kills, and after the last.
const WHOLE: u64 = 25;

#[derive(Default)]
struct Figures {
    at_start: u64,
    ready: Vec<Duration>,
    lost: u64,
    half: u64,
    undecided: u64,
    went_in: u64,
    decided_otherwise: u64,
    went_back: u64,
    broken_audit: u64,
    audit: String,
}

struct Soak {
    settings: Settings,
    random: Rc<Random>,
    writers: Vec<Rc<RefCell<Writer>>>,
    token: String,
    revision: u64,
    figures: Figures,
}

/// Whether every bound held.
#[expect(clippy::await_holding_refcell_ref, reason = "no writer writes meanwhile")]
pub(crate) async fn run(settings: Settings) -> Result<bool, Failure> {
    origin::start(&settings.origin)?;
    let seed = Random::seed();
    println!("seed             {seed}");
    let random = Rc::new(Random::new(seed));
    let (mut process, _) = settings.program.start().await?;
    let mut admin =
        Admin::log_in(process.admin()?, &settings.program.first_administrator()).await?;
    let writers = (0..WRITERS).map(|number| Rc::new(RefCell::new(Writer::new(number))));
    let mut soak = Soak {
        random,
        writers: writers.collect(),
        token: admin.token(),
        revision: 0,
        figures: Figures::default(),
        settings,
    };
    for writer in &soak.writers {
        writer.borrow_mut().begin(&mut admin).await?;
    }
    drop(admin);
    let began = Instant::now();
    for kill in 1..=soak.settings.kills {
        process = soak.round(process, kill).await?;
    }
    let took = began.elapsed();
    drop(process);
    Ok(soak.report(took))
}

impl Soak {
    /// Lets everybody write, kills, starts again, and looks.
    async fn round(&mut self, process: Process, kill: u64) -> Result<Process, Failure> {
        let mut writing = JoinSet::new();
        for writer in &self.writers {
            let admin = Admin::with_token(process.admin()?, self.token.clone()).await?;
            let (writer, random) = (Rc::clone(writer), Rc::clone(&self.random));
            let answers_all = matches!(self.settings.victim, Victim::Gate);
            writing.spawn_local(writer::write(writer, admin, random, answers_all));
        }
        let mut metrics = Metrics::of(process.ops).await?;
        sleep(self.random.millis(5, 400)).await;
        if let Ok(revision) = metrics.revision().await {
            self.revision = self.revision.max(revision);
        }
        sleep(self.random.millis(0, 20)).await;
        let process = match &self.settings.victim {
            Victim::Gate => {
                process.kill()?;
                None
            }
            Victim::Server(command) => {
                let ended = Command::new("sh").args(["-c", command]).status()?;
                if !ended.success() {
                    return Err("the server cannot be killed".into());
                }
                writing.abort_all();
                Some(process)
            }
        };
        while let Some(written) = writing.join_next().await {
            match written {
                Ok(written) => written?,
                Err(error) if error.is_cancelled() => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.spoil(kill)?;
        let process = match process {
            Some(process) => process,
            None => {
                if self.random.below(AT_START) == 0 {
                    self.figures.at_start += 1;
                    self.settings.program.start_and_kill(self.random.millis(0, 150))?;
                }
                let (process, ready) = self.settings.program.start().await?;
                self.figures.ready.push(ready);
                process
            }
        };
        let whole = kill.is_multiple_of(WHOLE) || kill == self.settings.kills;
        self.look(&process, whole).await?;
        Ok(process)
    }

    /// Holds what there is against what was acknowledged.
    #[expect(clippy::await_holding_refcell_ref, reason = "no writer writes meanwhile")]
    async fn look(&mut self, process: &Process, whole: bool) -> Result<(), Failure> {
        let revision = Metrics::of(process.ops).await?.revision().await?;
        if revision < self.revision {
            eprintln!("soak-prober: revision {revision} after {}", self.revision);
            self.figures.went_back += 1;
        }
        self.revision = revision;
        let mut admin = self.reach(process).await?;
        let mut data = Connection::open(process.data()?, Protocol::Http1).await?;
        for writer in &self.writers {
            let mut writer = writer.borrow_mut();
            let of_application = writer.application_is_there(&mut admin).await?;
            let (mut here, mut gone) = (0, 0);
            let deleting = std::mem::take(&mut writer.deleting);
            for key in &mut writer.keys {
                if !whole && !key.is_touched() {
                    continue;
                }
                let found = key.find(&mut admin).await?;
                match found.shown {
                    Shown::Absent => gone += u64::from(*key.now() != Shown::Absent),
                    Shown::Present { .. } => here += 1,
                }
                judge(key, &found, &mut self.figures);
                let admitted = self.is_admitted(key, &mut data, found.is_active()).await?;
                if admitted != found.is_active() {
                    eprintln!("soak-prober: {} is admitted: {admitted}, {found:?}", key.apikey);
                    self.figures.decided_otherwise += 1;
                }
                key.settle(found);
            }
            // An application that was deleted took all of its keys with it, or none.
            if deleting && ((of_application && gone > 0) || (!of_application && here > 0)) {
                eprintln!(
                    "soak-prober: an application is there: {of_application}, {here} keys are"
                );
                self.figures.half += 1;
            }
            writer.settle(&mut admin, of_application).await?;
        }
        if whole {
            match self.settings.program.command(&["audit", "verify"]) {
                Ok(said) => self.figures.audit = said,
                Err(error) => {
                    eprintln!("soak-prober: {error}");
                    self.figures.broken_audit += 1;
                }
            }
        }
        Ok(())
    }

    /// Whether a request with the key is admitted. A gate that lives on is given the time to hear of
    /// what was committed while its store died: that was acknowledged to nobody.
    async fn is_admitted(
        &self,
        key: &Known,
        data: &mut Connection,
        expected: bool,
    ) -> Result<bool, Failure> {
        let began = Instant::now();
        loop {
            let admitted = key.is_admitted(data).await?;
            let lives_on = matches!(self.settings.victim, Victim::Server(_));
            if admitted == expected || !lives_on || began.elapsed() > HEARD {
                return Ok(admitted);
            }
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// The admin API once the store answers again.
    async fn reach(&self, process: &Process) -> Result<Admin, Failure> {
        let began = Instant::now();
        loop {
            let mut admin = Admin::with_token(process.admin()?, self.token.clone()).await?;
            let answer = admin.ask("GET", "/packageKeys?limit=0", &serde_json::Value::Null).await;
            match answer {
                Ok(answer) if answer.status == 200 => return Ok(admin),
                other if began.elapsed() > Duration::from_secs(30) => {
                    return Err(format!("the admin API does not answer: {other:?}").into());
                }
                _ => sleep(Duration::from_millis(10)).await,
            }
        }
    }

    /// Breaks what the gate is to keep.
    fn spoil(&self, kill: u64) -> Result<(), Failure> {
        if self.settings.spoil.is_empty() || kill != self.settings.kills / 2 + 1 {
            return Ok(());
        }
        let store = self.settings.program.folder.join("store.db");
        let status = Command::new("sqlite3").arg(store).arg(&self.settings.spoil).status()?;
        if status.success() { Ok(()) } else { Err("nothing was spoiled".into()) }
    }

    fn report(mut self, took: Duration) -> bool {
        let figures = &mut self.figures;
        figures.ready.sort_unstable();
        let share = |percent: usize| {
            let index = (figures.ready.len() * percent).div_ceil(100).saturating_sub(1);
            figures.ready.get(index).copied().unwrap_or_default().as_millis()
        };
        let acknowledged: u64 =
            self.writers.iter().map(|writer| writer.borrow().acknowledged).sum();
        let errors: u64 = self.writers.iter().map(|writer| writer.borrow().errors).sum();
        println!(
            "kills            {} in {:.0} s, {} more during a start; ready again p50 {} ms, p99 {} ms",
            self.settings.kills,
            took.as_secs_f64(),
            figures.at_start,
            share(50),
            share(99)
        );
        println!(
            "changes          {acknowledged} acknowledged, {} cut off: {} of them went in whole",
            figures.undecided, figures.went_in
        );
        println!("audit            {}", figures.audit);
        let Figures { lost, half, decided_otherwise, went_back, broken_audit, .. } = *figures;
        let broken = lost + half + decided_otherwise + went_back + broken_audit + errors;
        let verdict = if broken == 0 { "every bound held" } else { "BROKEN" };
        println!(
            "kill: {verdict}: {lost} acknowledged changes lost, {half} half, {decided_otherwise} \
             decided otherwise than stored, {went_back} revisions back, {broken_audit} broken audit \
             logs, {errors} refused"
        );
        broken == 0 && acknowledged > 0
    }
}

fn judge(key: &Known, found: &known::Found, figures: &mut Figures) {
    let place = key.possible.iter().position(|possible| *possible == found.shown);
    let in_flight = key.possible.len() > 1;
    figures.undecided += u64::from(in_flight);
    match place {
        Some(0) => {}
        Some(_) => figures.went_in += 1,
        None => {
            eprintln!(
                "soak-prober: {} is {found:?}, expected one of {:?}",
                key.apikey, key.possible
            );
            if in_flight { figures.half += 1 } else { figures.lost += 1 }
        }
    }
}
