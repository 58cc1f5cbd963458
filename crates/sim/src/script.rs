//! What one request meets at a node: data with a short text form, so that a model's name can ask for it.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::drafts::DRAFTS;

/// What one request meets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Script {
    /// An answer, whole or not.
    Say(Say),
    /// The request is read and nothing ever comes back.
    Hang,
    /// A head comes, and nothing after it.
    HangAfterHead,
    /// As `Hang`, and the slot is lost: every later chat hangs too, while `/api/tags` goes on answering.
    Wedge,
    /// One of Ollama's own errors, verbatim.
    Error(OllamaError),
    /// A page of whoever answers in the node's place.
    Edge(EdgePage),
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Say {
    /// What is said.
    pub text: Text,
    /// Until the first chunk, head included; the node's own pace if `None`.
    pub first: Option<Duration>,
    /// Between two chunks; the node's own pace if `None`.
    pub pace: Option<Duration>,
    /// Lines of thinking come first.
    pub thinking: bool,
    /// A tool call comes before the end.
    pub tools: bool,
    /// The last line says `length` instead of `stop`.
    pub length: bool,
    /// The last line holds no metrics, as when they are zero.
    pub no_metrics: bool,
    /// A continued answer begins without the space that belongs between.
    pub no_lead: bool,
    /// Where an answer is to be continued it is said from its beginning.
    pub anew: bool,
    /// A continued answer begins with so many words that were said already.
    pub repeat: usize,
    /// How lines become chunks.
    pub cut: Cut,
    /// What goes wrong, before which piece.
    pub fault: Option<(usize, Fault)>,
}

/// What is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Text {
    /// A few sentences that take up the question.
    Answer,
    /// Nothing at all.
    Empty,
    /// Only white space.
    Blank,
    /// Text full of what Go escapes.
    Markup,
    /// These words, whatever is asked and whatever format is wanted.
    Words(Cow<'static, str>),
}

/// How lines become chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// A line a chunk.
    Lines,
    /// A byte a chunk.
    Bytes,
    /// All lines in one chunk.
    Joined,
    /// Every character of several bytes is split between two chunks.
    SplitCharacters,
    /// A line a chunk, the last without its line's end.
    NoLastNewline,
}

/// What goes wrong in the middle of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The connection is reset.
    Reset,
    /// The connection stays open and nothing more comes.
    Stall,
    /// A clean end without `done`.
    End,
    /// A line that tells of an error, then a clean end.
    ErrorLine,
    /// A line that is not JSON.
    Garbage,
    /// A line that never ends.
    LongLine,
}

/// Ollama's own errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OllamaError {
    /// 400: the request itself is wrong.
    BadRequest,
    /// 400: the model cannot do what is asked of it.
    Incapable,
    /// 401: the guard before Ollama does not know the token.
    Unauthorized,
    /// 403 without a body: the Host header is refused.
    Host,
    /// 404: the model is not there.
    NoModel,
    /// 429
    RateLimit,
    /// 500: the runner crashed.
    Crash,
    /// 503: the queue is full.
    Busy,
}

/// What stands between answers in a node's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EdgePage {
    /// 530, the tunnel has no connection, as JSON.
    TunnelJson,
    /// The same as HTML.
    TunnelHtml,
    /// The same in 16 bytes.
    TunnelPlain,
    /// 400: it wants to be asked otherwise, by `https://` say.
    BadRequest,
    /// 502: the tunnel stands, Ollama does not answer.
    BadGateway,
    /// 524: no head in time.
    Timeout,
    /// 302 to Access's login page.
    Login,
    /// 403: the user agent is refused.
    Agent,
    /// 200, a web page.
    WebPage,
}

impl Default for Say {
    fn default() -> Self {
        Self {
            text: Text::Answer,
            first: None,
            pace: None,
            thinking: false,
            tools: false,
            length: false,
            no_metrics: false,
            no_lead: false,
            anew: false,
            repeat: 0,
            cut: Cut::Lines,
            fault: None,
        }
    }
}

impl Default for Script {
    fn default() -> Self {
        Self::Say(Say::default())
    }
}

/// The whole scripts that are one word.
const WORDS: &[(&str, Script)] = &[
    ("hang", Script::Hang),
    ("hang-after-head", Script::HangAfterHead),
    ("wedge", Script::Wedge),
    ("400", Script::Error(OllamaError::BadRequest)),
    ("400-capability", Script::Error(OllamaError::Incapable)),
    ("401", Script::Error(OllamaError::Unauthorized)),
    ("403", Script::Error(OllamaError::Host)),
    ("404", Script::Error(OllamaError::NoModel)),
    ("429", Script::Error(OllamaError::RateLimit)),
    ("500", Script::Error(OllamaError::Crash)),
    ("503", Script::Error(OllamaError::Busy)),
    ("edge-530-json", Script::Edge(EdgePage::TunnelJson)),
    ("edge-530-html", Script::Edge(EdgePage::TunnelHtml)),
    ("edge-530-plain", Script::Edge(EdgePage::TunnelPlain)),
    ("edge-400", Script::Edge(EdgePage::BadRequest)),
    ("edge-502", Script::Edge(EdgePage::BadGateway)),
    ("edge-524", Script::Edge(EdgePage::Timeout)),
    ("edge-302", Script::Edge(EdgePage::Login)),
    ("edge-403", Script::Edge(EdgePage::Agent)),
    ("edge-html", Script::Edge(EdgePage::WebPage)),
];

const TEXTS: &[(&str, Text)] = &[("empty", Text::Empty), ("blank", Text::Blank), ("markup", Text::Markup)];

const CUTS: &[(&str, Cut)] = &[
    ("bytes", Cut::Bytes),
    ("joined", Cut::Joined),
    ("split", Cut::SplitCharacters),
    ("no-newline", Cut::NoLastNewline),
];

const FAULTS: &[(&str, Fault)] = &[
    ("reset", Fault::Reset),
    ("stall", Fault::Stall),
    ("end", Fault::End),
    ("error", Fault::ErrorLine),
    ("garbage", Fault::Garbage),
    ("long-line", Fault::LongLine),
];

/// A text that is no script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownScript(String);

impl fmt::Display for UnknownScript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |words: Vec<&str>| words.join(", ");
        writeln!(f, "{:?} is no script. One of:", self.0)?;
        writeln!(f, "  {}", list(WORDS.iter().map(|(word, _)| *word).collect()))?;
        writeln!(f, "or say, with any of these behind it, separated by commas:")?;
        writeln!(f, "  {}", list(TEXTS.iter().map(|(word, _)| *word).collect()))?;
        writeln!(f, "  {}", list(CUTS.iter().map(|(word, _)| *word).collect()))?;
        writeln!(f, "  {}", list(DRAFTS.iter().map(|(word, _)| *word).collect()))?;
        writeln!(
            f,
            "  text=WORDS (percent-encoded), first=MS, pace=MS, repeat=WORDS, thinking, tools, length, no-metrics, no-lead, \
             anew"
        )?;
        write!(
            f,
            "  {} with @N, the piece before which it happens",
            list(FAULTS.iter().map(|(word, _)| *word).collect())
        )
    }
}

impl std::error::Error for UnknownScript {}

impl FromStr for Script {
    type Err = UnknownScript;

    fn from_str(text: &str) -> Result<Self, UnknownScript> {
        if let Some(script) = find(WORDS, text) {
            return Ok(script);
        }
        let unknown = || UnknownScript(text.to_owned());
        let mut say = Say::default();
        for word in text.split(',').map(str::trim).filter(|word| !word.is_empty() && *word != "say") {
            knob(&mut say, word).ok_or_else(unknown)?;
        }
        Ok(Self::Say(say))
    }
}

fn knob(say: &mut Say, word: &str) -> Option<()> {
    let millis = |text: &str| text.parse().ok().map(Duration::from_millis);
    if let Some((fault, at)) = word.split_once('@') {
        say.fault = Some((at.parse().ok()?, find(FAULTS, fault)?));
    } else if let Some(text) = word.strip_prefix("first=") {
        say.first = Some(millis(text)?);
    } else if let Some(text) = word.strip_prefix("pace=") {
        say.pace = Some(millis(text)?);
    } else if let Some(text) = word.strip_prefix("repeat=") {
        say.repeat = text.parse().ok()?;
    } else if let Some(text) = text(word) {
        say.text = text;
    } else if let Some(cut) = find(CUTS, word) {
        say.cut = cut;
    } else {
        match word {
            "thinking" => say.thinking = true,
            "tools" => say.tools = true,
            "length" => say.length = true,
            "no-metrics" => say.no_metrics = true,
            "no-lead" => say.no_lead = true,
            "anew" => say.anew = true,
            _ => return None,
        }
    }
    Some(())
}

fn text(word: &str) -> Option<Text> {
    let named = || find(DRAFTS, word).map(|draft| Text::Words(draft.into()));
    let spelled = || percent_decode_str(word.strip_prefix("text=")?).decode_utf8().ok();
    find(TEXTS, word).or_else(named).or_else(|| Some(Text::Words(spelled()?.into_owned().into())))
}

fn text_form(text: &Text) -> Option<Cow<'static, str>> {
    match text {
        Text::Answer => None,
        Text::Words(words) => {
            let named = DRAFTS.iter().find(|(_, draft)| draft == words).map(|(word, _)| (*word).into());
            named.or_else(|| Some(format!("text={}", utf8_percent_encode(words, NON_ALPHANUMERIC)).into()))
        }
        Text::Empty | Text::Blank | Text::Markup => name(TEXTS, text).map(Cow::from),
    }
}

fn find<T: Clone>(table: &[(&str, T)], word: &str) -> Option<T> {
    table.iter().find(|(known, _)| *known == word).map(|(_, value)| value.clone())
}

fn name<T: PartialEq>(table: &[(&'static str, T)], value: &T) -> Option<&'static str> {
    table.iter().find(|(_, known)| known == value).map(|(word, _)| *word)
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Say(say) = self else {
            return f.write_str(name(WORDS, self).unwrap_or("say"));
        };
        f.write_str("say")?;
        for word in [text_form(&say.text), name(CUTS, &say.cut).map(Cow::from)].into_iter().flatten() {
            write!(f, ",{word}")?;
        }
        let times = [("first", say.first), ("pace", say.pace)];
        for (word, time) in times.iter().filter_map(|(word, time)| time.map(|time| (word, time))) {
            write!(f, ",{word}={}", time.as_millis())?;
        }
        if say.repeat > 0 {
            write!(f, ",repeat={}", say.repeat)?;
        }
        let flags = [
            ("thinking", say.thinking),
            ("tools", say.tools),
            ("length", say.length),
            ("no-metrics", say.no_metrics),
            ("no-lead", say.no_lead),
            ("anew", say.anew),
        ];
        for (word, _) in flags.iter().filter(|(_, on)| *on) {
            write!(f, ",{word}")?;
        }
        match &say.fault {
            Some((at, fault)) => write!(f, ",{}@{at}", name(FAULTS, fault).unwrap_or_default()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_form_says_everything() {
        let check = |text: &str| assert_eq!(text.parse::<Script>().unwrap().to_string(), text);
        for (word, _) in WORDS {
            check(word);
        }
        check("say");
        check("say,blank");
        check("say,draft-unknown");
        check("say,text=A%2C%20%7Bb%7D%3B%20%C3%A4,bytes");
        check(
            "say,markup,bytes,first=10,pace=20,repeat=2,thinking,tools,length,no-metrics,no-lead,anew,reset@3",
        );
        for (fault, _) in FAULTS {
            check(&format!("say,{fault}@1"));
        }
        assert_eq!("end@2".parse::<Script>().unwrap().to_string(), "say,end@2");
        assert!("rest@2".parse::<Script>().unwrap_err().to_string().contains("reset, stall"));
    }
}
