//! The CSV file of API keys that AWS API Gateway imports: `Name` and `Key`, and perhaps
//! `Description`, `Enabled` and `UsagePlanIds`, in any order and case.

use csv::{ReaderBuilder, StringRecord};

use super::Malformed;
use super::fields::misfit;
use super::row::{Reading, Row, RowPlace};
use crate::life_cycle::State;
use crate::operations::Secret;

/// Which column is which.
struct Columns {
    key: usize,
    name: usize,
    description: Option<usize>,
    enabled: Option<usize>,
    plans: Option<usize>,
    /// How many there are.
    count: usize,
    /// Those that mean nothing there either.
    others: Vec<String>,
}

pub(super) fn read(document: &[u8]) -> Result<Reading, Malformed> {
    let document = document.strip_prefix(b"\xef\xbb\xbf").unwrap_or(document);
    let mut lines = ReaderBuilder::new().flexible(true).from_reader(document);
    let headers = lines.headers().map_err(|error| malformed(&error))?.clone();
    let columns = Columns::of(&headers)?;
    let mut reading = Reading::default();
    let mut record = StringRecord::new();
    loop {
        match lines.read_record(&mut record) {
            Ok(true) => columns.read(&record, &mut reading),
            Ok(false) => break,
            Err(error) => return Err(malformed(&error)),
        }
    }
    Ok(reading)
}

/// Where a text is no CSV.
fn malformed(error: &csv::Error) -> Malformed {
    let line = error.position().map_or(0, csv::Position::line);
    let message = match error.kind() {
        csv::ErrorKind::Utf8 { .. } => "expected UTF-8",
        _ => "expected comma-separated values",
    };
    let line = usize::try_from(line).unwrap_or(0);
    Malformed { line, column: 0, message: message.to_owned() }
}

impl Columns {
    fn of(headers: &StringRecord) -> Result<Self, Malformed> {
        let wrong = |message: &str| Malformed { line: 1, column: 0, message: message.to_owned() };
        let find = |name: &str| {
            let mut found = headers.iter().enumerate();
            found.find(|(_, header)| header.trim().eq_ignore_ascii_case(name)).map(|(at, _)| at)
        };
        let known = ["key", "name", "description", "enabled", "usageplanids"];
        let named = |header: &&str| known.iter().any(|name| header.eq_ignore_ascii_case(name));
        let named: Vec<_> = headers.iter().map(str::trim).filter(named).collect();
        let twice = |(at, one): (usize, &&str)| {
            named.iter().take(at).any(|other| other.eq_ignore_ascii_case(one))
        };
        if named.iter().enumerate().any(twice) {
            return Err(wrong("expected each column once"));
        }
        let others = headers.iter().map(str::trim);
        let others = others.filter(|header| !named.contains(header)).map(str::to_owned).collect();
        let (Some(key), Some(name)) = (find("key"), find("name")) else {
            return Err(wrong("expected a header with the columns Name and Key"));
        };
        Ok(Self {
            key,
            name,
            description: find("description"),
            enabled: find("enabled"),
            plans: find("usageplanids"),
            count: headers.len(),
            others,
        })
    }

    fn read(&self, record: &StringRecord, reading: &mut Reading) {
        let place = RowPlace::Line(record.position().map_or(0, csv::Position::line));
        let before = reading.problems.len();
        let mut fields: Vec<String> = record.iter().map(|field| field.trim().to_owned()).collect();
        self.join_plans(&mut fields);
        if fields.len() != self.count {
            reading.refuse(&place, "", "expected as many fields as the header has");
            return;
        }
        let field = |column: Option<usize>| {
            column.and_then(|column| fields.get(column)).map_or("", String::as_str)
        };
        let (key, name) = (field(Some(self.key)), field(Some(self.name)));
        if key.is_empty() {
            reading.refuse(&place, "Key", "expected a key");
        }
        if let Some(misfit) = misfit(name) {
            reading.refuse(&place, "Name", misfit);
        }
        let mut row = Row::new(place, Secret::new(key));
        row.name = name.to_owned();
        row.application = Some(name.to_owned()).filter(|name| !name.is_empty());
        row.state = match field(self.enabled) {
            enabled if enabled.is_empty() || enabled.eq_ignore_ascii_case("true") => State::Active,
            enabled if enabled.eq_ignore_ascii_case("false") => State::Suspended,
            _ => {
                reading.refuse(&row.place, "Enabled", "expected TRUE or FALSE");
                State::Suspended
            }
        };
        let plans = field(self.plans).trim_matches(['\'', '"']).split(',').map(str::trim);
        row.groups = plans.filter(|plan| !plan.is_empty()).map(str::to_owned).collect();
        if !field(self.description).is_empty() {
            reading.remark(&row.place, "Description", "not carried over: keys have none");
        }
        for other in &self.others {
            reading.remark(&row.place, other, "not carried over: API Gateway ignores it too");
        }
        if reading.problems.len() == before {
            reading.rows.push(row);
        }
    }

    /// Several usage plans may stand in single quotes, which CSV itself knows nothing of.
    fn join_plans(&self, fields: &mut Vec<String>) {
        let Some(first) = self.plans else { return };
        let opens = fields.get(first).is_some_and(|field| field.starts_with('\''));
        while opens && fields.len() > self.count && first + 1 < fields.len() {
            let next = fields.remove(first + 1);
            if let Some(field) = fields.get_mut(first) {
                *field = format!("{field},{next}");
            }
        }
    }
}
