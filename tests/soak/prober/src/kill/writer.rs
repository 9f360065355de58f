//! Somebody who changes keys of an application of their own.

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::{Value as Json, json};

use super::known::{Known, Shown};
use crate::Failure;
use crate::admin::Admin;
use crate::random::Random;

/// So many keys each.
const KEYS: usize = 12;

/// One change in so many deletes the application with all that it has.
const DELETES_ALL: u64 = 400;

pub(crate) struct Writer {
    number: usize,
    /// So many applications came before this one.
    generation: u64,
    application: Option<String>,
    pub(crate) keys: Vec<Known>,
    /// The application is being deleted, as far as is known.
    pub(crate) deleting: bool,
    pub(crate) acknowledged: u64,
    /// Answers that refused.
    pub(crate) errors: u64,
    counter: u64,
}

impl Writer {
    pub(crate) fn new(number: usize) -> Self {
        Self {
            number,
            generation: 0,
            application: None,
            keys: Vec::new(),
            deleting: false,
            acknowledged: 0,
            errors: 0,
            counter: 0,
        }
    }

    /// Makes the application, and forgets the keys of the one before.
    pub(crate) async fn begin(&mut self, admin: &mut Admin) -> Result<(), Failure> {
        self.generation += 1;
        let (number, generation) = (self.number, self.generation);
        let name = json!({ "name": format!("soak {number} {generation}") });
        let made = admin.done("POST", "/members/soak/applications", &name).await?;
        self.application = made["id"].as_str().map(str::to_owned);
        let key = |key| Known::new(format!("soak-{number}-{generation}-{key}"));
        self.keys = (0..KEYS).map(key).collect();
        Ok(())
    }

    /// Whether the application is there.
    pub(crate) async fn application_is_there(&self, admin: &mut Admin) -> Result<bool, Failure> {
        let Some(id) = &self.application else { return Ok(false) };
        let answer = admin.ask("GET", &format!("/applications/{id}"), &Json::Null).await?;
        match answer.status {
            200 => Ok(true),
            404 => Ok(false),
            other => Err(format!("an application is answered {other}").into()),
        }
    }

    /// Goes on after it was looked at.
    pub(crate) async fn settle(&mut self, admin: &mut Admin, there: bool) -> Result<(), Failure> {
        if there { Ok(()) } else { self.begin(admin).await }
    }
}

/// Changes keys until the gate is gone. Where `answers_all`, it has no reason to refuse anything.
pub(crate) async fn write(
    writer: Rc<RefCell<Writer>>,
    mut admin: Admin,
    random: Rc<Random>,
    answers_all: bool,
) -> Result<(), Failure> {
    loop {
        if random.below(DELETES_ALL) == 0 {
            let target = {
                let mut writer = writer.borrow_mut();
                writer.deleting = true;
                writer.keys.iter_mut().for_each(|key| key.attempt(Shown::Absent));
                format!("/applications/{}", writer.application.clone().unwrap_or_default())
            };
            let Ok(answer) = admin.ask("DELETE", &target, &Json::Null).await else { return Ok(()) };
            if answer.status != 200 {
                writer.borrow_mut().errors += u64::from(answers_all);
                return Ok(());
            }
            let mut writer = writer.borrow_mut();
            writer.acknowledged += 1;
            writer.keys.iter_mut().for_each(Known::acknowledge);
            // The next application is made after the next kill.
            return Ok(());
        }
        let index = random.below(KEYS as u64) as usize;
        let (method, target, body) = step(&mut writer.borrow_mut(), index, &random)?;
        let Ok(answer) = admin.ask(method, &target, &body).await else { return Ok(()) };
        let mut writer = writer.borrow_mut();
        if answer.status != 200 {
            if answers_all {
                eprintln!("soak-prober: {method} {target}: {answer:?}");
            }
            writer.errors += u64::from(answers_all);
            return Ok(());
        }
        writer.acknowledged += 1;
        let key = writer.keys.get_mut(index).ok_or("no such key")?;
        key.acknowledge();
        if method == "POST" {
            key.id = answer.body["id"].as_str().map(str::to_owned);
        }
    }
}

/// The next change of a key.
fn step(
    writer: &mut Writer,
    index: usize,
    random: &Random,
) -> Result<(&'static str, String, Json), Failure> {
    writer.counter += 1;
    let ceiling = writer.counter;
    let application = writer.application.clone().unwrap_or_default();
    let key = writer.keys.get_mut(index).ok_or("no such key")?;
    let keys = format!("/applications/{application}/packageKeys");
    let id = key.id.clone().unwrap_or_default();
    let status = match key.now() {
        Shown::Absent => {
            let body = json!({
                "apikey": key.apikey, "package": { "id": "soak" }, "plan": { "id": "soak" },
                "status": "active", "qpsLimitCeiling": ceiling + 1000,
            });
            let status = "active".to_owned();
            key.attempt(Shown::Present { status, ceiling: ceiling + 1000 });
            return Ok(("POST", keys, body));
        }
        Shown::Present { .. } if random.below(4) == 0 => {
            key.attempt(Shown::Absent);
            return Ok(("DELETE", format!("{keys}/{id}"), Json::Null));
        }
        Shown::Present { status, .. } if status == "active" => "disabled",
        Shown::Present { .. } => "active",
    };
    key.attempt(Shown::Present { status: status.to_owned(), ceiling: ceiling + 1000 });
    let body = json!({ "status": status, "qpsLimitCeiling": ceiling + 1000 });
    Ok(("PUT", format!("{keys}/{id}"), body))
}
