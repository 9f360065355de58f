//! The Mashery dialect, field by field, against what traffic managers were seen to answer.

mod limits;
mod refusals;

use tollgate_core::{MasheryError, Refusal};

use crate::support::{Config, Origin, Response};

/// A service whose refusals and limits are in the Mashery dialect.
fn house(origin: &Origin) -> Config {
    Config::new(origin).service(SERVICE).section("process", PROCESS)
}

const SERVICE: &str = "path = \"/orders\"\nupstream = \"demo\"\nerror_dialect = \"mashery\"\n\
                       rate_limit_headers = \"mashery\"";
const PROCESS: &str = "workers = 2\nerror_dialect = \"mashery\"\nresponder = \"gate-1\"";

/// What a refusal has to look like; `retry_after` apart.
pub(crate) struct Expected {
    status: u16,
    id: &'static str,
    detail: Option<&'static str>,
    body: &'static str,
}

const INACTIVE: Expected = Expected {
    status: 403,
    id: "ERR_403_DEVELOPER_INACTIVE",
    detail: Some("Account Inactive"),
    body: "<h1>Developer Inactive</h1>",
};

const NOT_AUTHORIZED: Expected = Expected {
    status: 403,
    id: "ERR_403_NOT_AUTHORIZED",
    detail: Some("Not Authorized"),
    body: "<h1>Not Authorized</h1>",
};

const NOT_FOUND: Expected = Expected {
    status: 596,
    id: "ERR_596_SERVICE_NOT_FOUND",
    detail: Some("Service Not Found"),
    body: "<h1>596 Service Not Found</h1>",
};

impl Expected {
    /// What the table of refusals says.
    pub(crate) fn in_table(refusal: Refusal) -> Self {
        let MasheryError { id, detail, body, .. } = *refusal.mashery();
        Self { status: refusal.mashery().status().as_u16(), id, detail, body }
    }

    /// Holds every field to it, and that no field of the other dialect is there.
    pub(crate) fn of(&self, response: &Response) {
        let seen = |name| response.header(name);
        assert_eq!(response.status, self.status, "{response:?}");
        assert_eq!(seen("content-type"), Some("text/xml"), "{response:?}");
        assert_eq!(seen("server"), Some("Mashery Proxy"), "{response:?}");
        assert_eq!(seen("x-mashery-error-code"), Some(self.id), "{response:?}");
        assert_eq!(seen("x-error-detail-header"), self.detail, "{response:?}");
        assert_eq!(seen("x-mashery-responder"), Some("gate-1"), "{response:?}");
        assert_eq!(response.text(), self.body);
        for other in ["www-authenticate", "allow", "ratelimit", "ratelimit-policy"] {
            assert!(!response.fields.has(other), "{other}: {response:?}");
        }
    }
}
