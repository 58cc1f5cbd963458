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

/// Of requests all that are read. Whatever is read and is not here would be missing where this list is used.
pub const OF_REQUESTS: [HeaderName; 6] =
    [ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, ORIGIN, REQUEST_ID];

/// Of replies likewise.
pub const OF_REPLIES: [HeaderName; 5] = [CONTENT_TYPE, ETAG, IN_FLIGHT, MODEL, RETRY_AFTER];
