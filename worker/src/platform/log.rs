//! The operator's log: one JSON object a line, as Workers Logs indexes them.

/// Writes that something failed, with its cause, under the request's id. No client ever sees the cause.
pub fn error(request_id: &str, code: &str, cause: &str) {
    write("error", request_id, code, cause);
}

/// Writes something that an operator may want to know.
pub fn info(request_id: &str, code: &str, detail: &str) {
    write("info", request_id, code, detail);
}

fn write(level: &str, request_id: &str, code: &str, detail: &str) {
    let line = serde_json::json!({ "level": level, "request_id": request_id, "code": code, "detail": detail });
    #[cfg(target_arch = "wasm32")]
    match level {
        "error" => worker::console_error!("{line}"),
        _ => worker::console_log!("{line}"),
    }
    #[cfg(not(target_arch = "wasm32"))]
    eprintln!("{line}");
}
