//! Refusals as a Mashery traffic manager words them, and the fields by which it names itself.

use super::Reason;
use crate::body::Content;
use crate::worker::WorkerSettings;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, SERVER};
use http::{HeaderMap, HeaderName, HeaderValue, Response};

const ERROR_CODE: HeaderName = HeaderName::from_static("x-mashery-error-code");
const ERROR_DETAIL: HeaderName = HeaderName::from_static("x-error-detail-header");
const RESPONDER: HeaderName = HeaderName::from_static("x-mashery-responder");
const MESSAGE_ID: HeaderName = HeaderName::from_static("x-mashery-message-id");

/// The answer to a refused request, with `fields` as an empty map for those of it. It never tells the state of a
/// key: many look like one inactive developer.
pub(super) fn answer(
    fields: HeaderMap,
    reason: Reason,
    settings: &WorkerSettings,
) -> Response<Content> {
    let error = reason.refusal.mashery();
    let mut response =
        Response::new(Content::refused(Bytes::from_static(error.body.as_bytes()), reason));
    *response.status_mut() = error.status();
    let headers = response.headers_mut();
    *headers = fields;
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/xml"));
    headers.insert(SERVER, HeaderValue::from_static("Mashery Proxy"));
    headers.insert(ERROR_CODE, HeaderValue::from_static(error.id));
    if let Some(detail) = error.detail {
        headers.insert(ERROR_DETAIL, HeaderValue::from_static(detail));
    }
    introduce(headers, settings.responder.as_ref(), None);
    response
}

/// Says who answers, and to which request.
pub(super) fn introduce(
    headers: &mut HeaderMap,
    responder: Option<&HeaderValue>,
    message_id: Option<HeaderValue>,
) {
    if let Some(responder) = responder {
        headers.insert(RESPONDER, responder.clone());
    }
    if let Some(message_id) = message_id {
        headers.insert(MESSAGE_ID, message_id);
    }
}

#[cfg(test)]
mod tests {
    use tollgate_core::{ErrorDialect, Refusal};

    use super::*;
    use crate::live::OnKeyDead;
    use crate::peer::Trust;
    use crate::request_id::{RequestIdSettings, ToldRequestId};

    fn settings(responder: Option<&'static str>) -> WorkerSettings {
        WorkerSettings {
            via: None,
            on_key_dead: OnKeyDead::Cut,
            error_dialect: ErrorDialect::Mashery,
            responder: responder.map(HeaderValue::from_static),
            request_ids: RequestIdSettings { trust: Trust::All, told: ToldRequestId::All },
            idle_room: 0,
            traces: None,
        }
    }

    #[test]
    fn every_refusal_has_an_answer_with_its_id() {
        for refusal in Refusal::all() {
            let reason = Reason { refusal, hidden: refusal.hidden() };
            let answer = answer(HeaderMap::new(), reason, &settings(Some("gate-1")));
            let error = refusal.mashery();
            assert_eq!(answer.status(), error.status(), "{}", refusal.code());
            let headers = answer.headers();
            assert_eq!(headers[ERROR_CODE], error.id);
            assert_eq!(
                headers.get(ERROR_DETAIL).map(|detail| detail.to_str().unwrap()),
                error.detail
            );
            assert_eq!(headers[RESPONDER], "gate-1");
        }
    }

    #[test]
    fn a_responder_without_a_name_is_silent() {
        let reason = Reason { refusal: Refusal::KeyUnknown, hidden: true };
        let answer = answer(HeaderMap::new(), reason, &settings(None));
        assert!(!answer.headers().contains_key(RESPONDER));
    }
}
