//! The objects as an operator writes them.

use std::fmt::Write;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::{Enforce, Key, KeyNumber, Objects, Opens, Own, Period, Plan, Qps, secret};

const UPSTREAM: &str = "upstreams.mock.response.body = \"ok\"\n";

const SERVICES: &str = r#"
[services.a.endpoints.items]
path = "/items/{id}"
undefined_methods_allowed = true
methods.read.http_methods = ["GET"]
methods.write.http_methods = ["POST"]
[services.a.endpoints.other]
path = "/other"
[services.b.endpoints.all]
"#;

impl Objects {
    pub(in super::super) fn toml(&self) -> String {
        let mut text = UPSTREAM.to_owned();
        for (number, (name, overall)) in ["a", "b"].iter().zip(self.overall).enumerate() {
            write!(text, "[services.{name}]\npath = \"/{name}\"\nupstream = \"mock\"\n").unwrap();
            if let Some(Qps { ceiling, burst }) = overall {
                writeln!(text, "qps_limit_overall = {ceiling}").unwrap();
                let enforce = self.overall_enforce[number];
                writeln!(text, "qps_limit_overall_enforce = {enforce}").unwrap();
                if ceiling > 0 {
                    writeln!(text, "qps_limit_overall_burst = {burst}").unwrap();
                }
            }
        }
        text += SERVICES;
        for (number, plan) in self.plans.iter().enumerate() {
            plan.write(number, &mut text);
        }
        for number in 0..2 {
            let member = self.members[number];
            let suspended = self.suspended[number];
            write!(
                text,
                "[members.m{number}]\nstatus = \"{member}\"\n[applications.app{number}]\n\
                 owner = \"m{number}\"\nstatus = \"{}\"\n",
                if suspended { "suspended" } else { "active" },
            )
            .unwrap();
        }
        for (number, key) in &self.keys {
            key.write(*number, &mut text);
        }
        text
    }
}

impl Plan {
    fn write(&self, number: usize, text: &mut String) {
        let name = format!("packages.basic.plans.p{number}");
        let status = if self.inactive { "inactive" } else { "active" };
        let overrides = self.overrides;
        write!(
            text,
            "[{name}]\nstatus = \"{status}\"\nrate_limit_period = \"{}\"\n\
             qps_limit_key_override_allowed = {overrides}\n\
             rate_limit_key_override_allowed = {overrides}\n",
            self.period.name(),
        )
        .unwrap();
        match self.qps {
            Some(qps) => qps.write(text),
            None => text.push_str("qps_limit_exempt = true\n"),
        }
        match self.quota {
            Some(ceiling) => writeln!(text, "rate_limit_ceiling = {ceiling}").unwrap(),
            None => text.push_str("rate_limit_exempt = true\n"),
        }
        write_concurrency(self.concurrency, text);
        let Enforce { terms, qps, quota, concurrency } = self.enforce;
        Enforce {
            terms: Some(terms),
            qps: Some(qps),
            quota: Some(quota),
            concurrency: Some(concurrency),
        }
        .write(text);
        let items = "services.a.endpoints.items";
        match self.opens {
            Opens::Everything => writeln!(text, "[{name}.services]\na = {{}}\nb = {{}}").unwrap(),
            Opens::OnlyB => writeln!(text, "[{name}.services.b]").unwrap(),
            Opens::Items => writeln!(text, "[{name}.{items}]").unwrap(),
            Opens::Read | Opens::ReadAndWrite => {
                if self.opens == Opens::ReadAndWrite {
                    writeln!(text, "[{name}.{items}.methods.write]").unwrap();
                }
                writeln!(text, "[{name}.{items}.methods.read]").unwrap();
                if let Some(qps) = self.method_qps {
                    qps.write(text);
                    writeln!(text, "qps_limit_enforce = {}", self.method_enforce.0).unwrap();
                }
                if let Some((ceiling, period)) = self.method_quota {
                    writeln!(text, "rate_limit_enforce = {}", self.method_enforce.1).unwrap();
                    writeln!(text, "rate_limit_ceiling = {ceiling}").unwrap();
                    writeln!(text, "rate_limit_period = \"{}\"", period.name()).unwrap();
                }
            }
        }
    }
}

impl Key {
    fn write(&self, number: KeyNumber, text: &mut String) {
        let name = if number == 0 { "a-name-of-more-than-15-bytes" } else { &format!("k{number}") };
        let digest = Sha256::digest(secret(self.secret))
            .iter()
            .fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        let Self { application, plan, status, .. } = self;
        write!(
            text,
            "[keys.{name}]\ndigest = \"sha256:{digest}\"\napplication = \"app{application}\"\n\
             package = \"basic\"\nplan = \"p{plan}\"\nstatus = \"{status}\"\n",
        )
        .unwrap();
        match self.qps {
            Own::Inherit => {}
            Own::Exempt => text.push_str("qps_limit_exempt = true\n"),
            Own::Ceiling(qps) => qps.write(text),
        }
        match self.quota {
            Own::Inherit => {}
            Own::Exempt => text.push_str("rate_limit_exempt = true\n"),
            Own::Ceiling(ceiling) => writeln!(text, "rate_limit_ceiling = {ceiling}").unwrap(),
        }
        write_concurrency(self.concurrency, text);
        self.enforce.write(text);
        for (field, second) in [("not_before", self.not_before), ("expires", self.expires)] {
            if let Some(second) = second {
                let instant = Timestamp::from_second(second.cast_signed()).unwrap();
                writeln!(text, "{field} = {instant}").unwrap();
            }
        }
    }
}

impl Qps {
    fn write(self, text: &mut String) {
        let Self { ceiling, burst } = self;
        writeln!(text, "qps_limit_ceiling = {ceiling}").unwrap();
        if ceiling > 0 {
            writeln!(text, "qps_limit_burst = {burst}").unwrap();
        }
    }
}

impl Enforce<Option<bool>> {
    /// What is beside `enforce = false` and would have no effect is left out.
    fn write(self, text: &mut String) {
        for (field, enforce) in [
            ("enforce", self.terms),
            ("qps_limit_enforce", self.qps),
            ("rate_limit_enforce", self.quota),
            ("concurrency_enforce", self.concurrency),
        ] {
            let void = self.terms == Some(false) && enforce == Some(true);
            if let Some(enforce) = enforce.filter(|_| !void) {
                writeln!(text, "{field} = {enforce}").unwrap();
            }
        }
    }
}

impl Period {
    fn name(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Month => "month",
        }
    }
}

fn write_concurrency(ceiling: Option<u32>, text: &mut String) {
    if let Some(ceiling) = ceiling {
        writeln!(text, "concurrency_ceiling = {ceiling}").unwrap();
    }
}
