//! HTTP methods.

use http::Method;

use crate::document::kind::string;
use crate::document::{Kind, Misfit, Value};

/// An HTTP method. They are told apart by case, so one in lower case is a mistake.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Verb;

impl Kind for Verb {
    type Value = Method;

    fn expected(&self) -> String {
        "an HTTP method in upper case, such as \"GET\"".to_owned()
    }

    fn read(&self, value: &Value) -> Result<Method, Misfit> {
        let text = string(value)?;
        let method = Method::from_bytes(text.as_bytes()).map_err(|_| Misfit::plain())?;
        if text.bytes().any(|byte| byte.is_ascii_lowercase()) {
            let upper = text.to_ascii_uppercase();
            return Err(Misfit::because(format!("did you mean {upper:?}?")));
        }
        Ok(method)
    }

    fn show(&self, value: &Method) -> String {
        format!("{:?}", value.as_str())
    }
}
