//! Headers, from JavaScript and to it.

use http::{HeaderMap, HeaderName, HeaderValue};
use js_sys::Array;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::Headers;

pub(crate) fn read(headers: &Headers) -> Result<HeaderMap, JsValue> {
    let mut map = HeaderMap::new();
    for entry in Array::from(headers).iter() {
        let entry: Array = entry.unchecked_into();
        let (Some(name), Some(value)) = (entry.get(0).as_string(), entry.get(1).as_string()) else {
            continue;
        };
        let name = HeaderName::try_from(name).map_err(|_| JsValue::NULL)?;
        map.append(name, HeaderValue::try_from(value).map_err(|_| JsValue::NULL)?);
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
