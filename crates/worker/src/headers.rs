//! Headers, from JavaScript and to it.

use http::{HeaderMap, HeaderName, HeaderValue};
use wasm_bindgen::JsValue;
use web_sys::Headers;

/// Those of the list, which is of what anybody asks for: each is a call out of this module, and the names of the others a
/// table in it.
pub(crate) fn read<const N: usize>(headers: &Headers, names: [HeaderName; N]) -> Result<HeaderMap, JsValue> {
    let mut map = HeaderMap::new();
    for name in names {
        if let Some(value) = headers.get(name.as_str())? {
            // What is no header's value counts as none.
            if let Ok(value) = HeaderValue::try_from(value) {
                map.insert(name, value);
            }
        }
    }
    Ok(map)
}

pub(crate) fn write(map: &HeaderMap) -> Result<Headers, JsValue> {
    let headers = Headers::new()?;
    for (name, value) in map {
        headers.append(name.as_str(), value.to_str().map_err(|_| JsValue::NULL)?)?;
    }
    Ok(headers)
}
