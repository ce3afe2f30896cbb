//! Documents in XML: the grammar of S3's API, which is one for the current and the deprecated form.
//!
//! The parser descends the grammar, so nesting is bounded by it and nothing unknown is ever read
//! into memory. As in S3, the order of children, namespaces and the name of the outermost element
//! do not matter. A document type declaration is refused, and with it every entity that could
//! expand.

use quick_xml::{
    Reader,
    escape::escape,
    events::{BytesDecl, BytesRef, BytesStart, Event},
};

use super::{
    Document, EventBridge, Filter, Pair, Rule,
    draft::{Draft, DraftFilter, DraftRule, Entry, Group, illegal_char},
    filter::REGEX,
    malformed::{Malformed, XmlFault},
};

const ROOT: &str = "NotificationConfiguration";
const EVENT_BRIDGE: &str = "EventBridgeConfiguration";
const KEY: &str = "S3Key";
const METADATA: &str = "S3Metadata";
const TAGS: &str = "S3Tags";
const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

/// Reads either form.
pub(super) fn read(text: &[u8]) -> Result<Draft, Malformed> {
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
    match std::str::from_utf8(text) {
        Ok(text) => Parser::new(text).document(),
        Err(error) => Err(fault_at(text, error.valid_up_to(), XmlFault::NotUtf8)),
    }
}

fn fault_at(text: &[u8], offset: usize, fault: XmlFault) -> Malformed {
    let before = String::from_utf8_lossy(text.get(..offset).unwrap_or(text));
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    Malformed::Xml { line, column, fault }
}

/// A reader that knows where it is.
struct Parser<'a> {
    text: &'a str,
    reader: Reader<&'a [u8]>,
    /// Where the markup or text read last begins.
    at: u64,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Self {
        let mut reader = Reader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        Self { text, reader, at: 0 }
    }

    fn document(mut self) -> Result<Draft, Malformed> {
        let root = self.outermost()?.ok_or_else(|| self.fault(XmlFault::NoElement))?;
        // Any name will do, but `<>` has none.
        let initial = root.local_name().into_inner().chars().next();
        if !initial.is_some_and(|c| c.is_alphabetic() || c == '_') {
            return Err(self.fault(XmlFault::Nameless));
        }
        let draft = self.configurations()?;
        match self.outermost()? {
            Some(_) => Err(self.fault(XmlFault::Outside)),
            None => Ok(draft),
        }
    }

    /// The next element outside of all others; `None` at the end of the text.
    fn outermost(&mut self) -> Result<Option<BytesStart<'a>>, Malformed> {
        loop {
            match self.next()? {
                Event::Start(start) => return Ok(Some(start)),
                Event::Eof => return Ok(None),
                Event::Decl(decl) if self.at == 0 => self.encoding(&decl)?,
                Event::Comment(_) | Event::PI(_) => {}
                Event::Text(text) if text.trim_ascii().is_empty() => {}
                _ => return Err(self.fault(XmlFault::Outside)),
            }
        }
    }

    fn configurations(&mut self) -> Result<Draft, Malformed> {
        let mut entries = Vec::new();
        let mut event_bridge = None;
        self.children(ROOT, |parser, name| {
            if let Some(group) = Group::ALL.into_iter().find(|group| group.element() == name) {
                entries.push(parser.entry(group)?);
                return Ok(());
            }
            match name {
                EVENT_BRIDGE => {
                    parser.children(EVENT_BRIDGE, |parser, child| {
                        Err(parser.unknown(EVENT_BRIDGE, child))
                    })?;
                    parser.once(&mut event_bridge, EventBridge::On, (ROOT, EVENT_BRIDGE))
                }
                _ => Err(parser.unknown(ROOT, name)),
            }
        })?;
        Ok(Draft::new(entries, event_bridge.unwrap_or_default()))
    }

    fn entry(&mut self, group: Group) -> Result<Entry, Malformed> {
        let (element, arn_element) = (group.element(), group.arn_element());
        let (mut id, mut arn, mut filter) = (None, None, None);
        let mut events = Vec::new();
        self.children(element, |parser, name| match name {
            "Id" => {
                let text = parser.text("Id")?;
                parser.once(&mut id, text, (element, "Id"))
            }
            "Event" => {
                events.push(parser.text("Event")?);
                Ok(())
            }
            "Filter" => {
                let rules = parser.filter()?;
                parser.once(&mut filter, rules, (element, "Filter"))
            }
            // Of the deprecated form, without an effect.
            "InvocationRole" if group == Group::Function => parser.text("InvocationRole").map(drop),
            _ if name == arn_element => {
                let text = parser.text(arn_element)?;
                parser.once(&mut arn, text, (element, arn_element))
            }
            _ => Err(parser.unknown(element, name)),
        })?;
        let arn = self.required(arn, (element, arn_element))?;
        if events.is_empty() {
            return Err(self.fault(XmlFault::Missing { parent: element, child: "Event" }));
        }
        let id = id.filter(|id: &String| !id.is_empty());
        Ok(Entry { id, events, filter: filter.unwrap_or_default(), ..Entry::new(group, arn) })
    }

    /// The last two elements are Ceph's; whether they are allowed is asked later.
    fn filter(&mut self) -> Result<DraftFilter, Malformed> {
        let [mut key, mut metadata, mut tags] = [None, None, None];
        self.children("Filter", |parser, name| {
            let (place, element) = match name {
                KEY => (&mut key, KEY),
                METADATA => (&mut metadata, METADATA),
                TAGS => (&mut tags, TAGS),
                _ => return Err(parser.unknown("Filter", name)),
            };
            let rules = parser.filter_rules(element)?;
            parser.once(place, rules, ("Filter", element))
        })?;
        if metadata.is_none() && tags.is_none() {
            key = Some(self.required(key, ("Filter", KEY))?);
        }
        let [key, metadata, tags] = [key, metadata, tags].map(Option::unwrap_or_default);
        Ok(DraftFilter { key, metadata, tags })
    }

    fn filter_rules(&mut self, parent: &'static str) -> Result<Vec<DraftRule>, Malformed> {
        let mut rules = Vec::new();
        self.children(parent, |parser, name| match name {
            "FilterRule" => {
                rules.push(parser.filter_rule()?);
                Ok(())
            }
            _ => Err(parser.unknown(parent, name)),
        })?;
        if rules.is_empty() {
            return Err(self.fault(XmlFault::Missing { parent, child: "FilterRule" }));
        }
        Ok(rules)
    }

    fn filter_rule(&mut self) -> Result<DraftRule, Malformed> {
        let (mut name, mut value) = (None, None);
        self.children("FilterRule", |parser, child| match child {
            "Name" => {
                let text = parser.text("Name")?;
                parser.once(&mut name, text, ("FilterRule", "Name"))
            }
            "Value" => {
                let text = parser.text("Value")?;
                parser.once(&mut value, text, ("FilterRule", "Value"))
            }
            _ => Err(parser.unknown("FilterRule", child)),
        })?;
        Ok(DraftRule {
            name: self.required(name, ("FilterRule", "Name"))?,
            value: self.required(value, ("FilterRule", "Value"))?,
        })
    }

    /// Reads up to the end of an element that holds elements only; `child` reads each of them to
    /// its end, told its name.
    fn children(
        &mut self,
        parent: &'static str,
        mut child: impl FnMut(&mut Self, &str) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
        loop {
            match self.next()? {
                Event::Start(start) => child(self, start.local_name().into_inner())?,
                Event::End(_) => return Ok(()),
                Event::Comment(_) | Event::PI(_) => {}
                Event::Text(text) if text.trim_ascii().is_empty() => {}
                Event::Eof => return Err(self.unclosed(parent)),
                _ => return Err(self.fault(XmlFault::Text { parent })),
            }
        }
    }

    /// Reads up to the end of an element that holds text only. Spaces are part of it.
    fn text(&mut self, parent: &'static str) -> Result<String, Malformed> {
        let mut content = String::new();
        loop {
            match self.next()? {
                Event::Text(text) => content.push_str(&text.xml10_content()),
                Event::CData(text) => content.push_str(&text.xml10_content()),
                Event::GeneralRef(reference) => content.push(self.resolve(&reference)?),
                Event::Comment(_) | Event::PI(_) => {}
                Event::End(_) => break,
                Event::Start(start) => {
                    return Err(self.unknown(parent, start.local_name().into_inner()));
                }
                Event::Eof => return Err(self.unclosed(parent)),
                _ => return Err(self.fault(XmlFault::Text { parent })),
            }
        }
        match illegal_char(&content) {
            Some(char) => Err(self.fault(XmlFault::Character { char })),
            None => Ok(content),
        }
    }

    /// The five entities that XML defines, and characters by number.
    fn resolve(&self, reference: &BytesRef<'_>) -> Result<char, Malformed> {
        match &**reference {
            "amp" => Ok('&'),
            "lt" => Ok('<'),
            "gt" => Ok('>'),
            "apos" => Ok('\''),
            "quot" => Ok('"'),
            name => match reference.resolve_char_ref() {
                Ok(Some(char)) => Ok(char),
                Ok(None) => Err(self.fault(XmlFault::Entity { name: name.into() })),
                Err(error) => Err(self.fault(XmlFault::Syntax { error })),
            },
        }
    }

    fn next(&mut self) -> Result<Event<'a>, Malformed> {
        self.at = self.reader.buffer_position();
        let event = self.reader.read_event().map_err(|error| {
            self.at = self.reader.error_position();
            self.fault(XmlFault::Syntax { error })
        })?;
        match &event {
            Event::DocType(_) => return Err(self.fault(XmlFault::DocumentType)),
            Event::Start(start) => {
                // The attributes say nothing, but they have to be attributes.
                let mut attributes = start.attributes();
                if let Some(Err(error)) = attributes.with_checks(false).find(Result::is_err) {
                    return Err(self.fault(XmlFault::Syntax { error: error.into() }));
                }
            }
            _ => {}
        }
        Ok(event)
    }

    /// The text has been read as UTF-8; only where all of it is ASCII does another name not matter.
    fn encoding(&self, decl: &BytesDecl<'_>) -> Result<(), Malformed> {
        match decl.encoding() {
            Some(Ok(name)) if !name.eq_ignore_ascii_case("utf-8") && !self.text.is_ascii() => {
                Err(self.fault(XmlFault::Encoding { name: name.into() }))
            }
            Some(Err(error)) => Err(self.fault(XmlFault::Syntax { error: error.into() })),
            _ => Ok(()),
        }
    }

    /// Fills a place that the schema has once.
    fn once<T>(
        &self,
        place: &mut Option<T>,
        value: T,
        (parent, child): (&'static str, &'static str),
    ) -> Result<(), Malformed> {
        match place.replace(value) {
            Some(_) => Err(self.fault(XmlFault::Repeated { parent, child })),
            None => Ok(()),
        }
    }

    fn required<T>(
        &self,
        place: Option<T>,
        (parent, child): (&'static str, &'static str),
    ) -> Result<T, Malformed> {
        place.ok_or_else(|| self.fault(XmlFault::Missing { parent, child }))
    }

    fn unknown(&self, parent: &'static str, child: &str) -> Malformed {
        self.fault(XmlFault::Unknown { parent, child: child.into() })
    }

    fn unclosed(&self, parent: &'static str) -> Malformed {
        self.fault(XmlFault::Unclosed { parent })
    }

    fn fault(&self, fault: XmlFault) -> Malformed {
        fault_at(self.text.as_bytes(), usize::try_from(self.at).unwrap_or(usize::MAX), fault)
    }
}

/// Writes what S3 answers to a GET.
pub(super) fn write(document: &Document) -> String {
    let mut content: String = document.rules().iter().map(rule).collect();
    if document.event_bridge() == EventBridge::On {
        content.push_str("<EventBridgeConfiguration/>");
    }
    let head = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{ROOT} xmlns=\"{NAMESPACE}\"");
    if content.is_empty() {
        return format!("{head}/>");
    }
    format!("{head}>{content}</{ROOT}>")
}

fn rule(rule: &Rule) -> String {
    let Some(group) = Group::of(&rule.destination) else { return String::new() };
    let events: String = rule.events.iter().map(|e| text("Event", &e.to_string())).collect();
    let content = [
        text("Id", rule.id.as_str()),
        text(group.arn_element(), rule.destination.as_str()),
        events,
        filter(&rule.filter),
    ];
    element(group.element(), &content.concat())
}

fn filter(filter: &Filter) -> String {
    if filter.is_empty() {
        return String::new();
    }
    let conditions = filter.conditions();
    let ends = filter.rules().iter().map(|rule| (rule.name().as_str(), rule.value()));
    let regex = conditions.and_then(|conditions| conditions.pattern());
    let key = ends.chain(regex.map(|regex| (REGEX, regex.as_str())));
    let pairs = |pairs: &[Pair]| filter_rules(pairs.iter().map(|pair| (pair.name(), pair.value())));
    let metadata = conditions.map_or_else(String::new, |c| pairs(c.metadata()));
    let tags = conditions.map_or_else(String::new, |c| pairs(c.tags()));
    let parts = [(KEY, filter_rules(key)), (METADATA, metadata), (TAGS, tags)];
    let parts = parts.iter().filter(|(_, rules)| !rules.is_empty());
    element("Filter", &parts.map(|(name, rules)| element(name, rules)).collect::<String>())
}

fn filter_rules<'a>(rules: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let rule = |(name, value)| element("FilterRule", &(text("Name", name) + &text("Value", value)));
    rules.map(rule).collect()
}

fn text(name: &str, content: &str) -> String {
    element(name, &escape(content))
}

fn element(name: &str, content: &str) -> String {
    format!("<{name}>{content}</{name}>")
}
