//! How refusals are worded.

use tollgate_core::Refusal;

use crate::{mashery::Expected, support::Response};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Problem,
    Mashery,
}

impl Dialect {
    pub(super) const ALL: [Self; 2] = [Self::Problem, Self::Mashery];

    /// As a service and the process have it.
    pub(super) fn setting(self) -> &'static str {
        match self {
            Self::Problem => "error_dialect = \"problem\"\n",
            Self::Mashery => "error_dialect = \"mashery\"\n",
        }
    }

    /// Holds an answer to what the table says of a refusal.
    pub(super) fn hold(self, refusal: Refusal, response: &Response) {
        if self == Self::Mashery {
            return Expected::in_table(refusal).of(response);
        }
        let (code, title) = match refusal.hidden() {
            true => (Refusal::HIDDEN_CODE, Refusal::HIDDEN_TITLE),
            false => (refusal.code(), refusal.title()),
        };
        let problem = response.problem();
        assert_eq!(response.status, refusal.status().as_u16(), "{response:?}");
        assert_eq!((&problem["code"], &problem["title"]), (&code.into(), &title.into()));
        assert!(!response.fields.has("x-mashery-error-code"), "{response:?}");
    }
}
