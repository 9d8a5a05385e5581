//! `openapi.json` against the routes and against what they answer: what is not described may not be answered, and what is
//! described must be.

use std::collections::BTreeSet;

use parallax_mini_interpreter::{Fault, FaultPlan};
use parallax_primitives::Opcode;
use serde_json::{Value, json};

use crate::client::{Running, assembly, program};

fn description() -> Value {
    serde_json::from_str(include_str!("../../openapi.json")).unwrap()
}

/// Checks values against schemas of the description: as much of JSON Schema as it uses.
struct Schemas<'d>(&'d Value);

impl Schemas<'_> {
    fn named(&self, name: &str) -> &Value {
        &self.0["components"]["schemas"][name]
    }

    /// The first fault, with its place.
    fn fault(&self, schema: &Value, value: &Value, place: &str) -> Option<String> {
        let wrong = |what: String| Some(format!("{place}: {what}"));
        if let Some(name) = schema["$ref"].as_str() {
            let schema = self.named(name.strip_prefix("#/components/schemas/").unwrap());
            assert!(schema.is_object(), "no schema {name}");
            return self.fault(schema, value, place);
        }
        if let Some(all) = schema["oneOf"].as_array() {
            let faults: Vec<_> = all.iter().map(|one| self.fault(one, value, place)).collect();
            let fits = faults.iter().filter(|fault| fault.is_none()).count();
            return if fits == 1 {
                None
            } else {
                wrong(format!("{fits} alternatives fit {value}: {faults:?}"))
            };
        }
        if schema.get("const").is_some_and(|only| only != value) {
            return wrong(format!("{value} is not {}", schema["const"]));
        }
        if schema["enum"].as_array().is_some_and(|allowed| !allowed.contains(value)) {
            return wrong(format!("{value} is none of {}", schema["enum"]));
        }
        let kind = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        let kinds = match &schema["type"] {
            Value::Array(kinds) => kinds.clone(),
            Value::Null => vec![],
            one => vec![one.clone()],
        };
        if !kinds.is_empty() && !kinds.contains(&json!(kind)) {
            return wrong(format!("{value} is no {kinds:?}"));
        }
        if let (Some(least), Some(number)) = (schema["minimum"].as_i64(), value.as_i64())
            && number < least
        {
            return wrong(format!("{number} is below {least}"));
        }
        if let Some(text) = value.as_str().filter(|_| schema["pattern"].is_string()) {
            let digits = text.strip_prefix("0x");
            let is_hex = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
            if !digits.is_some_and(|digits| digits.as_bytes().iter().all(is_hex)) {
                return wrong(format!("{text} is no hex"));
            }
        }
        match value {
            Value::Array(items) => items
                .iter()
                .enumerate()
                .find_map(|(at, item)| self.fault(&schema["items"], item, &format!("{place}[{at}]"))),
            Value::Object(fields) => {
                let required = schema["required"].as_array().cloned().unwrap_or_default();
                let missing = required.iter().find(|name| !fields.contains_key(name.as_str().unwrap()));
                if let Some(name) = missing {
                    return wrong(format!("no {name}"));
                }
                fields.iter().find_map(|(name, field)| match schema["properties"].get(name) {
                    Some(schema) => self.fault(schema, field, &format!("{place}.{name}")),
                    None if schema["additionalProperties"] == false => {
                        wrong(format!("{name} is not described"))
                    }
                    None => None,
                })
            }
            _ => None,
        }
    }

    #[track_caller]
    fn check(&self, name: &str, value: &Value) {
        if let Some(fault) = self.fault(&json!({"$ref": format!("#/components/schemas/{name}")}), value, name)
        {
            panic!("{fault}");
        }
    }
}

#[test]
fn every_route_is_described_and_every_description_has_a_route() {
    let description = description();
    let server = Running::new(parallax_devtool::Config::default());
    let mut described = BTreeSet::new();
    for (path, methods) in description["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            described.insert((path.clone(), method.clone()));
        }
    }
    let routed: BTreeSet<_> =
        parallax_devtool::route_names().map(|(path, method)| (path.to_owned(), method.to_owned())).collect();
    assert_eq!(routed, described);
    // And the server knows them: a session that is not there is what they complain about.
    for (path, method) in routed {
        let path = format!("/api/v1{}", path.replace("{id}", "nobody").replace("{index}", "0"));
        let bodies = if path.ends_with("events") { vec![] } else { vec!["{}"] };
        for body in bodies {
            let headers = "Content-Type: application/json\r\n";
            let answer = server.send(&method.to_uppercase(), &path, headers, body);
            assert_ne!(answer.status, 405, "{method} {path}");
            let is_unknown =
                answer.status == 404 && answer.json()["error"]["message"] == "there is no such page";
            assert!(!is_unknown, "{method} {path}");
        }
    }
    assert_eq!(server.get("/api/v1/nothing").code(), "not_found");
    assert_eq!(server.send("DELETE", "/api/v1/info", "", "").code(), "method_not_allowed");
}

#[test]
fn every_answer_is_as_described() {
    let description = description();
    let schemas = Schemas(&description);
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/state-tests");
    let plan = FaultPlan::new(Fault::FlipResult(0), Opcode::ADD);
    let (faulty, plain) = (Running::faulty(plan), Running::with_folder(root));
    let calls = "PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH 4 GAS STATICCALL PUSH 1 ADD PUSH 0 TSTORE PUSH 2 PUSH 3 SSTORE \
                 PUSH 7 PUSH 0 PUSH 0 LOG1 INVALID";
    let trace = "{\"pc\":0,\"op\":96,\"gas\":\"0x10\",\"gasCost\":\"0x3\",\"memSize\":0,\"stack\":[],\"depth\":1,\"refund\":0,\"opName\":\"PUSH1\"}\n";
    let diverging = faulty.session(&assembly(calls, &["primary", "faulty"]));
    let traces =
        json!({"kind": "traces", "left": {"text": trace}, "right": {"text": trace.replace("0x10", "0x11")}});
    let mut alone = program("0x00", &["primary"]);
    alone["mode"] = json!("off");
    let sessions = [
        (&faulty, diverging),
        (&plain, plain.session(&alone)),
        (&plain, plain.session(&json!({ "source": traces }))),
        (&plain, plain.session(&json!({"source": {"kind": "code", "code": "0x", "gas": 1}}))),
    ];
    schemas.check("Info", &plain.ask("/api/v1/info"));
    let files = plain.ask("/api/v1/tests?limit=5");
    schemas.check("TestFiles", &files);
    assert!(files["total"].as_u64() > Some(0));
    let file = files["files"][0]["path"].as_str().unwrap();
    schemas.check("TestCases", &plain.ask(&format!("/api/v1/tests/cases?path={file}")));
    schemas.check("Sessions", &plain.ask("/api/v1/sessions"));
    for (server, path) in &sessions {
        schemas.check("Session", &server.ask(path));
        for (tail, schema) in [
            ("/cursor", "Cursor"),
            ("/steps", "Steps"),
            ("/divergences", "Divergences"),
            ("/timeline", "Timeline"),
            ("/calls", "Calls"),
            ("/calls?side=mini", "Calls"),
            ("/gas", "GasByOpcode"),
            ("/search?kind=opcode&q=ADD", "Matches"),
            ("/breakpoints", "Breakpoints"),
            ("/export", "Export"),
        ] {
            schemas.check(schema, &server.ask(&format!("{path}{tail}")));
        }
        let steps = server.ask(&format!("{path}/steps"))["total"].as_u64().unwrap();
        for step in 0..steps {
            schemas.check("Step", &server.ask(&format!("{path}/steps/{step}")));
            for when in ["before", "after"] {
                schemas.check("State", &server.ask(&format!("{path}/steps/{step}/state?when={when}")));
            }
        }
        for (command, body) in [
            ("step", json!({"kind": "into"})),
            ("run", json!({"until": "end"})),
            ("continue", json!({})),
            ("goto", json!({"stepIndex": 0})),
        ] {
            schemas.check("Cursor", &server.command(path, command, &body));
        }
        for command in ["pause", "resume", "cancel"] {
            schemas.check("Session", &server.command(path, command, &json!({})));
        }
    }
    let (server, path) = &sessions[0];
    schemas.check("Code", &server.ask(&format!("{path}/code")));
    let mut socket = server.listen(path);
    server.command(path, "goto", &json!({"stepIndex": 1}));
    socket.send("nonsense");
    while let Some(event) = socket.receive() {
        schemas.check("ServerEvent", &event);
    }
    for answer in
        [server.get("/api/v1/sessions/none"), server.get("/api/v1/tests?limit=0"), server.get("/none")]
    {
        schemas.check("Error", &answer.json());
    }
}

#[test]
fn examples_of_the_description_are_as_described() {
    let description = description();
    let schemas = Schemas(&description);
    let mut checked = 0;
    for (name, schema) in description["components"]["schemas"].as_object().unwrap() {
        for example in schema["examples"].as_array().into_iter().flatten() {
            schemas.check(name, example);
            checked += 1;
        }
    }
    assert!(checked >= 5);
    let server = Running::new(parallax_devtool::Config::default());
    let example = &schemas.named("CreateSession")["examples"][0];
    assert_eq!(server.post("/api/v1/sessions", example).status, 201);
}
