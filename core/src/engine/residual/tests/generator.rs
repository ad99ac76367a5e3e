//! Rows and Cedar expressions at random: mostly well-typed, often without asking whether an attribute is there.

use serde_json::{Map, Value as Json, json};

/// A stream of pseudo-random numbers (splitmix64).
pub(super) struct Rng(pub u64);

impl Rng {
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as usize % bound
    }

    fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }

    fn some(&mut self, from: &[Json]) -> Json {
        from[self.below(from.len())].clone()
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

pub(super) fn row(rng: &mut Rng) -> (String, Map<String, Json>) {
    let id = rng.pick(&["d1", "d2", "d3", "d4", "a \"b\"*", ""]).to_owned();
    let user = |id: &str| json!({"type": "User", "id": id});
    let folder = |id: &str| json!({"type": "folder", "id": id});
    let texts = [json!("sales"), json!("a"), json!("b"), json!("draft-1.txt"), json!(""), json!("a*b?[c]%_!\\")];
    let numbers = [0, 1, 3, -7, 100, i64::MAX, i64::MIN, i64::MAX - 1].map(Json::from);
    let times = [
        "2026-03-02T10:00:00.000Z",
        "2026-03-02T09:59:59.999Z",
        "1969-12-31T23:00:00.001Z",
        "0000-01-01T00:00:00.000Z",
        "9999-12-31T23:59:59.999Z",
        "2026-03-01T18:30:00.000Z",
    ]
    .map(Json::from);
    let decimals = ["1.5", "1.5000", "-0.0001", "922337203685477.5807", "3.0"].map(Json::from);
    let sets = [json!([]), json!(["a"]), json!(["a", "b"]), json!(["b", "c", "a"]), json!(["c"])];
    let mut row = Map::new();
    let mut set = |rng: &mut Rng, name: &str, value: Json| {
        if rng.chance(70) {
            row.insert(name.to_owned(), value);
        }
    };
    let value = user(rng.pick(&["ann", "bob", "cy"]));
    set(rng, "owner", value);
    let value = json!({"type": "document", "id": rng.pick(&["d1", "d2", "d4"])});
    set(rng, "parent", value);
    let value = folder(rng.pick(&["top", "inner", "side", "none"]));
    set(rng, "folder", value);
    for name in ["size", "rank", "a \"b\".c"] {
        let value = rng.some(&numbers);
        set(rng, name, value);
    }
    for name in ["title", "state"] {
        let value = rng.some(&texts);
        set(rng, name, value);
    }
    for name in ["public", "if"] {
        let value = json!(rng.chance(50));
        set(rng, name, value);
    }
    for name in ["tags", "labels"] {
        let value = rng.some(&sets);
        set(rng, name, value);
    }
    let value = rng.some(&[json!([]), json!([1]), json!([1, 3]), json!([i64::MAX, -7])]);
    set(rng, "numbers", value);
    let value = rng.some(&[json!([]), json!([user("ann")]), json!([user("bob"), user("cy")])]);
    set(rng, "viewers", value);
    let value = rng.some(&[json!([]), json!([folder("top")]), json!([folder("side"), folder("none")])]);
    set(rng, "folders", value);
    for name in ["due", "created"] {
        let value = rng.some(&times);
        set(rng, name, value);
    }
    let value = rng.some(&[json!("0ms"), json!("1h"), json!("-90m"), json!("36h"), json!("9223372036854775807ms")]);
    set(rng, "spent", value);
    for name in ["price", "limit"] {
        let value = rng.some(&decimals);
        set(rng, name, value);
    }
    let value =
        rng.some(&["10.0.0.1", "10.0.0.0/8", "127.0.0.1", "::1", "224.0.0.1", "ff00::/8", "0.0.0.0/0"].map(Json::from));
    set(rng, "ip", value);
    let value =
        rng.some(&[json!({}), json!({"street": "High Street"}), json!({"street": "a", "zip": 1}), json!({"zip": 3})]);
    set(rng, "address", value);
    (id, row)
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Bool,
    Long,
    Text,
    User,
    Document,
    Folder,
    Texts,
    Longs,
    Time,
    Span,
    Decimal,
    Ip,
    Address,
}

use Kind::*;

const KINDS: [Kind; 13] = [Bool, Long, Text, User, Document, Folder, Texts, Longs, Time, Span, Decimal, Ip, Address];

/// An expression, mostly of a kind.
pub(super) fn expression(rng: &mut Rng, kind: Kind, depth: usize) -> String {
    let kind = if rng.chance(2) { KINDS[rng.below(KINDS.len())] } else { kind };
    if kind == Bool && depth > 0 {
        return format!("({})", condition(rng, depth - 1));
    }
    if depth == 0 || rng.chance(55) {
        return leaf(rng, kind);
    }
    let depth = depth - 1;
    if rng.chance(15) {
        let (cond, then, other) =
            (expression(rng, Bool, depth), expression(rng, kind, depth), expression(rng, kind, depth));
        return format!("(if {cond} then {then} else {other})");
    }
    match kind {
        Long => match rng.below(8) {
            0 => format!("(-{})", expression(rng, Long, depth)),
            1 => format!(
                "{}.{}()",
                expression(rng, Span, depth),
                rng.pick(&["toMilliseconds", "toSeconds", "toMinutes", "toHours", "toDays"])
            ),
            _ => {
                let operator = rng.pick(&["+", "-", "*"]);
                format!("({} {operator} {})", expression(rng, Long, depth), expression(rng, Long, depth))
            }
        },
        Time => match rng.below(3) {
            0 => format!("{}.toDate()", expression(rng, Time, depth)),
            _ => format!("{}.offset({})", expression(rng, Time, depth), expression(rng, Span, depth)),
        },
        Span => match rng.below(3) {
            0 => format!("{}.toTime()", expression(rng, Time, depth)),
            _ => format!("{}.durationSince({})", expression(rng, Time, depth), expression(rng, Time, depth)),
        },
        Texts => format!("[{}, {}]", expression(rng, Text, depth), expression(rng, Text, depth)),
        Longs => format!("[{}]", expression(rng, Long, depth)),
        Address => format!("{{street: {}, zip: {}}}", expression(rng, Text, depth), expression(rng, Long, depth)),
        _ => leaf(rng, kind),
    }
}

fn condition(rng: &mut Rng, depth: usize) -> String {
    let of = |rng: &mut Rng, kind| expression(rng, kind, depth);
    match rng.below(24) {
        0 | 1 => format!("!({})", of(rng, Bool)),
        2..=4 => format!("({} && {})", of(rng, Bool), of(rng, Bool)),
        5..=7 => format!("({} || {})", of(rng, Bool), of(rng, Bool)),
        8 => format!("(if {} then {} else {})", of(rng, Bool), of(rng, Bool), of(rng, Bool)),
        9..=11 => {
            let kind = KINDS[rng.below(KINDS.len())];
            format!("{} {} {}", of(rng, kind), rng.pick(&["==", "!="]), of(rng, kind))
        }
        12 | 13 => {
            let kind = [Long, Long, Time, Span][rng.below(4)];
            format!("{} {} {}", of(rng, kind), rng.pick(&["<", "<=", ">", ">="]), of(rng, kind))
        }
        14 => {
            let name = rng.pick(&["lessThan", "lessThanOrEqual", "greaterThan", "greaterThanOrEqual"]);
            format!("{}.{name}({})", of(rng, Decimal), of(rng, Decimal))
        }
        15 => {
            let pattern = rng.pick(&["*", "a*", "*.txt", "draft-*", "", "a\\*b?[c]%_!\\\\", "*a*"]);
            format!("{} like \"{pattern}\"", of(rng, Text))
        }
        16 => {
            let name = rng.pick(&["contains", "containsAll", "containsAny"]);
            let kind = if rng.chance(70) { Texts } else { Longs };
            let element = match (name, kind) {
                ("contains", Texts) => Text,
                ("contains", _) => Long,
                _ => kind,
            };
            format!("{}.{name}({})", of(rng, kind), of(rng, element))
        }
        17 => format!("{}.isEmpty()", if rng.chance(60) { of(rng, Texts) } else { of(rng, Longs) }),
        18 => {
            let left = [User, Document, Folder][rng.below(3)];
            let left = of(rng, left);
            let right = match rng.below(5) {
                0 => of(rng, Folder),
                1 => of(rng, User),
                2 => "resource.folders".to_owned(),
                3 => format!("[{}, {}]", of(rng, Folder), of(rng, Folder)),
                _ => rng
                    .pick(&["Group::\"staff\"", "folder::\"top\"", "OrganizationUnit::\"head\"", "document::\"d1\""])
                    .to_owned(),
            };
            format!("{left} in {right}")
        }
        19 => format!("{}.isInRange({})", of(rng, Ip), of(rng, Ip)),
        20 => format!("{}.{}()", of(rng, Ip), rng.pick(&["isIpv4", "isIpv6", "isLoopback", "isMulticast"])),
        21 => {
            let names = [
                "owner",
                "size",
                "address",
                "address.street",
                "address.zip",
                "tags",
                "nothing",
                "department",
                "parent.size",
                "owner.department",
                "\"a \\\"b\\\".c\"",
            ];
            let base = rng.pick(&["resource", "resource", "principal", "context", "resource.parent", "resource.owner"]);
            format!("({base} has {})", rng.pick(&names))
        }
        22 => guarded(rng),
        _ => format!("{} is {}", [of(rng, User), of(rng, Document)][rng.below(2)], rng.pick(&["User", "document"])),
    }
}

/// As policies are mostly written.
fn guarded(rng: &mut Rng) -> String {
    rng.pick(&[
        "(resource has owner && resource.owner == principal)",
        "(if resource has size then resource.size >= 3 else true)",
        "!(resource has state && [\"a\", \"b\"].contains(resource.state))",
        "(resource has due && resource.due < context.now)",
        "(resource has due && resource.due.offset(duration(\"1h\")).toTime() < duration(\"9h\"))",
        "(resource has created && context.now.durationSince(resource.created) <= duration(\"30d\"))",
        "(resource has tags && resource.tags.containsAny(principal.teams))",
        "(resource has address.street && resource.address.street == principal.address.street)",
        "(resource has state && principal has department && resource.state == principal.department)",
        "(resource has numbers && resource.numbers.containsAll([1]))",
    ])
    .to_owned()
}

fn leaf(rng: &mut Rng, kind: Kind) -> String {
    let resource = rng.chance(65);
    let from = |rng: &mut Rng, attributes: &[&str], known: &[&str]| {
        if resource { format!("resource.{}", rng.pick(attributes)) } else { rng.pick(known).to_owned() }
    };
    match kind {
        Bool => from(rng, &["public", "public", "nothing"], &["true", "false", "(resource[\"if\"])", "context.mfa"]),
        Long => from(
            rng,
            &["size", "size", "rank", "address.zip", "parent.size", "parent.address.zip"],
            &[
                "1",
                "3",
                "0",
                "9223372036854775807",
                "-7",
                "principal.level",
                "context.weekday",
                "resource[\"a \\\"b\\\".c\"]",
                "1000000007",
            ],
        ),
        Text => from(
            rng,
            &["title", "state", "address.street", "owner.department", "parent.title"],
            &[
                "\"a\"",
                "\"sales\"",
                "principal.department",
                "principal.phone",
                "\"\\u{0}\\n\\\"*\"",
                "principal.address.street",
            ],
        ),
        User => from(
            rng,
            &["owner", "owner", "parent.owner"],
            &["principal", "User::\"bob\"", "principal.boss", "resource.owner.boss"],
        ),
        Document => {
            from(rng, &["parent", "parent.parent"], &["resource", "resource", "document::\"d1\"", "document::\"d4\""])
        }
        Folder => from(rng, &["folder"], &["folder::\"top\"", "folder::\"inner\"", "folder::\"none\""]),
        Texts => from(rng, &["tags", "tags", "labels"], &["[]", "[\"a\"]", "[\"a\", \"b\"]", "principal.teams"]),
        Longs => from(rng, &["numbers"], &["[]", "[1]", "[1, 3]", "[1, \"a\"]"]),
        Time => from(
            rng,
            &["due", "created"],
            &[
                "context.now",
                "datetime(\"2026-03-02\")",
                "principal.created_at",
                "datetime(\"9999-12-31T23:59:59.999Z\").offset(duration(\"1d\"))",
                "datetime(resource.title)",
            ],
        ),
        Span => from(
            rng,
            &["spent"],
            &["duration(\"1h\")", "duration(\"-1d\")", "duration(\"9223372036854775807ms\")", "duration(\"1ms\")"],
        ),
        Decimal => from(rng, &["price", "limit"], &["decimal(\"1.5\")", "decimal(\"-0.0001\")", "decimal(\"3.0\")"]),
        Ip => from(
            rng,
            &["ip"],
            &["ip(\"10.0.0.0/8\")", "ip(\"127.0.0.1\")", "ip(\"::1\")", "ip(\"0.0.0.0/0\")", "context.ip"],
        ),
        Address => from(
            rng,
            &["address", "parent.address"],
            &["principal.address", "{street: \"High Street\"}", "{street: \"a\", zip: 1}"],
        ),
    }
}
