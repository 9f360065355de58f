//! A gate whose disk takes nothing any more, for a while.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};
use tokio::time::sleep;

use crate::admin::Admin;
use crate::connection::{Connection, Protocol};
use crate::process::Program;
use crate::{Failure, origin};

pub(crate) struct Settings {
    pub(crate) program: Program,
    pub(crate) origin: String,
    /// Makes the disk take nothing any more.
    pub(crate) close: String,
    /// Makes it take something again.
    pub(crate) open: String,
    /// Times that it is closed.
    pub(crate) times: u64,
}

/// So many changes are tried while the disk takes nothing.
const TRIES: usize = 40;

/// What is not possible again by then is not.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Default)]
struct Figures {
    refused: u64,
    done: u64,
    wrong: Vec<String>,
    again: Vec<Duration>,
}

/// Whether every bound held.
pub(crate) async fn run(settings: Settings) -> Result<bool, Failure> {
    origin::start(&settings.origin)?;
    let (process, _) = settings.program.start().await?;
    let mut admin =
        Admin::log_in(process.admin()?, &settings.program.first_administrator()).await?;
    let made = admin.done("POST", "/members/soak/applications", &json!({ "name": "soak" })).await?;
    let application = made["id"].as_str().ok_or("no application")?.to_owned();
    let keys = format!("/applications/{application}/packageKeys");
    let mut data = Connection::open(process.data()?, Protocol::Http1).await?;
    let mut figures = Figures::default();
    let body = |key: &str| {
        json!({
            "apikey": key, "package": { "id": "soak" }, "plan": { "id": "soak" },
            "status": "active", "eav": { "filler": "x".repeat(8000) },
        })
    };
    let made = admin.done("POST", &keys, &body("stays")).await?;
    let stays = format!("{keys}/{}", made["id"].as_str().ok_or("no id")?);
    let mut ceiling = 0;
    for time in 0..settings.times {
        shell(&settings.close)?;
        for number in 0..TRIES {
            let key = format!("disk-{time}-{number}");
            let answer = admin.ask("POST", &keys, &body(&key)).await?;
            let done = judge(&answer, &mut figures);
            // What the gate decides is what was answered.
            let (status, _) = data.get("/soak", &[("x-api-key", &key)]).await?;
            if (status == 200) != done {
                figures.wrong.push(format!("{key}: done {done}, and decided {status}"));
            }
            let listed = format!("/packageKeys?filter=apikey:{key}&fields=id");
            let listed = admin.done("GET", &listed, &Json::Null).await?;
            if listed.as_array().is_some_and(|list| list.len() == 1) != done {
                figures.wrong.push(format!("{key}: done {done}, and listed as {listed}"));
            }
            // An update of several properties is there wholly or not at all.
            let whole = (ceiling + 1_000, ceiling + 1_000_000);
            let update = json!({ "qpsLimitCeiling": whole.0, "rateLimitCeiling": whole.1 });
            let answer = admin.ask("PUT", &format!("{stays}?fields=id"), &update).await?;
            let before = (ceiling, judge(&answer, &mut figures));
            let target = format!("{stays}?fields=qpsLimitCeiling,rateLimitCeiling");
            let found = admin.done("GET", &target, &Json::Null).await?;
            let found = (found["qpsLimitCeiling"].as_u64(), found["rateLimitCeiling"].as_u64());
            if (found == (Some(whole.0), Some(whole.1))) != before.1 {
                figures.wrong.push(format!("{before:?}, and found {found:?}"));
            }
            ceiling += 1;
            let (status, _) = data.get("/soak", &[("x-api-key", "stays")]).await?;
            if status != 200 {
                figures.wrong.push(format!("a key that nobody touched is answered {status}"));
            }
        }
        shell(&settings.open)?;
        let opened = Instant::now();
        loop {
            let target = format!("{stays}?fields=id");
            let update = json!({ "qpsLimitCeiling": 5000 });
            if admin.ask("PUT", &target, &update).await?.status == 200 {
                figures.again.push(opened.elapsed());
                break;
            }
            if opened.elapsed() > PATIENCE {
                figures.wrong.push("there is space again, and no change is made".to_owned());
                break;
            }
            sleep(Duration::from_millis(20)).await;
        }
    }
    drop(process);
    let audit = settings.program.command(&["audit", "verify"]);
    let (process, ready) = settings.program.start().await?;
    println!("started again    ready in {} ms", ready.as_millis());
    drop(process);
    match audit {
        Ok(said) => println!("audit            {said}"),
        Err(error) => figures.wrong.push(error.to_string()),
    }
    Ok(figures.report(&settings.program.log()))
}

/// Whether a change was made. One that was not says so clearly.
fn judge(answer: &crate::admin::Answer, figures: &mut Figures) -> bool {
    match answer.status {
        200 => figures.done += 1,
        500..600 if answer.body.to_string().len() > 10 => figures.refused += 1,
        _ => figures.wrong.push(format!("{answer:?}")),
    }
    answer.status == 200
}

impl Figures {
    fn report(mut self, log: &str) -> bool {
        self.again.sort_unstable();
        if self.refused == 0 {
            self.wrong.push("no change was refused: the disk was not full".to_owned());
        }
        let told = log.lines().find(|line| line.contains("not committed"));
        match told {
            Some(line) => println!("the log says     {line}"),
            None => self.wrong.push("the log does not say why".to_owned()),
        }
        println!("changes          {} made, {} refused", self.done, self.refused);
        let again = self.again.last().copied().unwrap_or_default().as_millis();
        self.wrong.iter().take(20).for_each(|wrong| eprintln!("soak-prober: {wrong}"));
        let verdict = if self.wrong.is_empty() { "every bound held" } else { "BROKEN" };
        println!(
            "disk: {verdict}: {} wrong; changes again {again} ms at most after there was space",
            self.wrong.len()
        );
        self.wrong.is_empty()
    }
}

fn shell(command: &str) -> Result<(), Failure> {
    let status = Command::new("sh").args(["-c", command]).status()?;
    if status.success() { Ok(()) } else { Err(format!("{command}: {status}").into()) }
}
