//! The headers that are read, of requests and of replies: an adapter need hand over no others.

use http::header::{
    ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderName, ORIGIN, RETRY_AFTER,
};

/// The id of a request, on it and on its reply.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The model that a guard has chosen, and on our own replies the one that answered.
pub(crate) const MODEL: HeaderName = HeaderName::from_static("x-homefire-model");

/// How many requests a guard has under way.
pub(crate) const IN_FLIGHT: HeaderName = HeaderName::from_static("x-homefire-inflight");

/// All of them. Whatever is read and is not here would be missing where this list is used.
pub const READ: [HeaderName; 10] = [
    ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IN_FLIGHT, MODEL, ORIGIN, REQUEST_ID,
    RETRY_AFTER,
];
