//! Names that nobody gave: in the greeting, and below the closing.

use super::super::Refusal;
use super::{CLIENT, MASK, is_among};
use crate::letters::small;

/// How letters begin, between commas.
const GREETINGS: &str = "\
    dear,hi,hello,hey,greetings,good morning,good afternoon,good evening,good day,dearest,hallo,liebe,lieber,\
    liebes,guten tag,guten morgen,guten abend,moin,servus,sehr geehrte,sehr geehrter,sehr geehrtes,bonjour,cher,\
    chère,chers,chères,bonsoir,madame,mesdames,messieurs,monsieur,hola,buenos días,buenos dias,buenas tardes,\
    buenas,estimado,estimada,estimados,estimadas,apreciado,apreciada,querido,querida,olá,oi,caro,cara,prezado,\
    prezada,prezados,prezadas,caros,exmo,exma,exmos,muy señor,muy señores,bom dia,boa tarde,ciao,attention,mr,mrs,\
    ms,herr,frau,sr,sra,señor,señora,senhor,senhora,gentile,gentili,gentilissimo,gentilissima,egregio,egregia,\
    spettabile,egregi,buongiorno,buonasera,hej,hei,szanowni";

/// Words of a greeting that name nobody.
const NOBODY: &str = "\
    dear there team all everyone sir sirs madam i partner colleagues friend friends or and valued esteemed \
    loyal client customer kunde kundin kunden geschäftspartner geschäftspartnerin partenaires clientes \
    socios parceiros damen und herren frau herr lieber liebes geehrte geehrter geehrtes cliente madame \
    monsieur mesdames messieurs chère chers équipe equipo equipe señor señora señores señoras senhor senhora \
    senhores senhoras sr sra sres exmo exma exmos exmas ilmo muy mío nuestros m mme dr prof o a e y et the \
    mr mrs ms morning afternoon day tag días tardes dia tarde morgen abend evening again to from at of \
    zusammen tous à todos sig signor signora signori dott dottoressa ufficio sehr \
    ditta società azienda studio państwo";

/// A full stop in one of these or behind it ends no sentence: "Gent.ma Sig.ra".
const TITLES: [(&str, &str); 20] = [
    ("Gent.", "Gentile "),
    ("Spett.", "Gentile "),
    ("Preg.", "Gentile "),
    ("Egr.", "Gentile "),
    ("Sig.", "Sig "),
    ("Dott.", "Dott "),
    ("Ex.m", "Exmo m"),
    ("Mr.", "Mr"),
    ("Mrs.", "Mrs"),
    ("Ms.", "Ms"),
    ("Dr.", "Dr"),
    ("Prof.", "Prof "),
    ("Sr.", "Sr"),
    ("Sra.", "Sra"),
    ("Sres.", "Sres"),
    ("Exmo.", "Exmo"),
    ("Exma.", "Exma"),
    ("Exmos.", "Exmos"),
    ("M.", "M"),
    ("Mme.", "Mme"),
];

/// How letters end, between commas.
const CLOSINGS: &str = "\
    best,all the best,take care,yours,thanks,thank you,thankfully,many thanks,cheers,mit freundlichen,mit besten,\
    hochachtungsvoll,vielen dank,besten dank,herzlichen dank,danke,mfg,lg,vg,bien à vous,merci,gracias,\
    muchas gracias,obrigado,obrigada,grazie,bedankt,tack,takk,tak,dziękuję,děkuji,kiitos,köszönettel,mulțumesc,\
    teşekkürler,ευχαριστώ,дякую,спасибо";

/// Words that make a short line a closing.
const CLOSING_WORDS: &str = "\
    regards grata grato atte att respeitosamente sinceramente sincèrement wishes sincerely faithfully \
    respectfully warmly kindly gratitude appreciation grüße grüßen gruß grüsse grüssen gruss herzlichst \
    cordialement respectueusement salutations amicalement saludos saludo atentamente cordialmente abrazo \
    cumprimentos atenciosamente saudações abraço abraços saluti distintamente groet groeten hoogachtend mvg \
    pozdrawiam pozdrowienia pozdravem vänligen hälsningar mvh hilsen terveisin üdvözlettel tisztelettel \
    salutări saygılarımla saygılarımızla";

/// Behind these, somebody says who he is.
const INTRODUCTIONS: &[&str] = &[
    "my name is ", "mein name ist ", "ich heiße ", "je m'appelle ", "je m’appelle ", "me llamo ",
    "mi nombre es ", "meu nome é ", "chamo-me ", "me chamo ",
];

/// Words below a closing that name nobody.
const ROLES: &str = "\
    you yours truly thanks thank many dank vielen best kind with my we ich wir rechnungsteam the your our \
    team accounts account receivable billing accounting department dept finance customer client support \
    sales payments payment payable collections credit control management administration office and from at \
    of das ihr ihre dein buchhaltung rechnungswesen abteilung rechnungsabteilung der die aus serviceteam \
    kundenservice kundendienst mahnwesen debitorenbuchhaltung forderungsmanagement verwaltung le la l votre \
    service comptabilité facturation clients clientèle recouvrement financier administratif direction équipe \
    de du el su equipo facturación contabilidad departamento servicio setor serviço área administración \
    finanzas cobros atención al cliente a o sua equipe cobrança financeiro financeira nossa nosso contas \
    receber administrativo apoio ao faturação faturamento contabilidade again advance in for cooperation und \
    et y e il het zespół teamet";

/// The most words of a closing: "with our kindest regards and thanks in advance".
const LONGEST_CLOSING: usize = 8;

/// Lines at the beginning, one of which may greet.
const FIRST_LINES: usize = 3;

/// Lines at the end, one of which may sign where nothing closes.
const LAST_LINES: usize = 3;

/// The most words of a title and a name.
const LONGEST_ADDRESS: usize = 3;

/// The most words of a line that only says who signs.
const LONGEST_SIGNATURE: usize = 6;

/// `body` is without placeholders, `others` without what the sender said of himself, too: he signs, and is not greeted.
pub(super) fn check(body: &str, others: &str) -> Result<(), Refusal> {
    let first = lines(body);
    let greeted = first.iter().take(FIRST_LINES).any(|line| greets_somebody(line));
    let called = first.first().is_some_and(|line| calls_somebody(line));
    if greeted || called || introduces_somebody(others) || is_signed(&lines(others)) {
        Err(Refusal::Name)
    } else {
        Ok(())
    }
}

fn lines(text: &str) -> Vec<&str> {
    let lines =
        text.lines().map(|line| line.trim_matches([' ', '\t', '-', '–', '—', '*', '•', '_', '~', '|']));
    lines.filter(|line| !line.is_empty()).collect()
}

/// The words up to the comma, or to the next where nobody is greeted before it: one has a capital, and is no word that greets
/// everybody. Behind the client a letter begins, unless somebody else is greeted, too.
fn greets_somebody(line: &str) -> bool {
    let line = line.trim_start_matches(|c: char| !c.is_alphanumeric());
    let titled = TITLES.iter().fold(line.to_owned(), |line, (title, plain)| line.replace(title, plain));
    let opening = titled.split([':', '!', '.', '–', '—']).next().unwrap_or_default();
    let opening = opening.split(" - ").next().unwrap_or_default();
    let (head, behind) = opening.split_once(',').unwrap_or((opening, ""));
    let Some(greeting) = greeting(&small(head)) else { return false };
    // "Estimado/Estimada" greets twice; of "Dear Cara" the second is a name.
    let is_second = |word: &str| head.contains('/') && GREETINGS.split(',').any(|known| known == small(word));
    let is_called = |word: &str| is_name(word) && !is_second(word);
    let mut addressed: Vec<&str> = words(head).skip(words(greeting).count()).collect();
    if head.contains(MASK) {
        let behind = behind.trim();
        return addressed.into_iter().any(is_called) || greets_somebody(behind) || calls_somebody(behind);
    }
    let behind = behind.split(',').next().unwrap_or_default();
    if addressed.is_empty() && words(behind).count() <= LONGEST_ADDRESS {
        addressed.extend(words(behind));
    }
    addressed.into_iter().any(is_called)
}

/// A name alone in the first line, with its comma.
fn calls_somebody(line: &str) -> bool {
    let Some(called) = line.strip_suffix(',').filter(|called| !called.contains(MASK)) else { return false };
    let of_names = |word: &str| !word.starts_with(char::is_lowercase);
    greeting(&small(called)).is_none()
        && words(called).count() <= LONGEST_ADDRESS
        && words(called).all(of_names)
        && words(called).any(is_name)
}

/// The words that greet at the beginning of `line`, the longest that do.
fn greeting(line: &str) -> Option<&'static str> {
    GREETINGS.split(',').filter(|words| begins(line, words)).max_by_key(|words| words.len())
}

fn introduces_somebody(body: &str) -> bool {
    let small = small(body);
    let introduced = |words: &&str| {
        small.match_indices(words).any(|(at, _)| small[at + words.len()..].starts_with(char::is_alphabetic))
    };
    INTRODUCTIONS.iter().any(introduced)
}

/// Whether there is a name behind the closing or below it; or, without a closing, in the last line.
fn is_signed(lines: &[&str]) -> bool {
    let end = lines.iter().position(|line| is_postscript(line)).unwrap_or(lines.len());
    let lines = &lines[..end];
    if closes_within(lines) {
        return true;
    }
    let closing = lines.iter().enumerate().rev().find_map(|(at, line)| Some((at, behind_closing(line)?)));
    if let Some((at, behind)) = closing {
        let below = &lines[at + 1..];
        return behind.into_iter().any(is_name) || below.iter().any(|line| signs(line) || is_of_client(line));
    }
    // Where letters have no case none tells a name.
    let of_names = |word: &str| word.len() == 1 || word.starts_with(char::is_uppercase);
    let last = lines.iter().rev().take(LAST_LINES);
    last.take_while(|line| !line.ends_with(['.', '!', '?', ',', ':']) && words(line).all(of_names))
        .any(|line| signs(line))
}

/// Whether a letter without lines closes at the end of one, with a name; or closes, is signed below, and goes on.
fn closes_within(lines: &[&str]) -> bool {
    let last_sentence = |line: &str| {
        let end = [". ", "! ", "? "].into_iter().filter_map(|mark| line.rfind(mark)).max()?;
        Some(behind_closing(line[end + 2..].trim())?.into_iter().any(is_name))
    };
    let is_surely = |line: &str| words(line).any(|word| is_among(&small(word), CLOSING_WORDS));
    let signed_below = |pair: &[&str]| {
        is_surely(pair[0])
            && behind_closing(pair[0]).is_some_and(|behind| behind.is_empty())
            && signs(pair[1])
    };
    lines.iter().any(|line| last_sentence(line) == Some(true)) || lines.windows(2).any(signed_below)
}

fn is_postscript(line: &str) -> bool {
    let marks = ["P.S", "PS", "P. S"].into_iter();
    marks.filter_map(|mark| line.strip_prefix(mark)).any(|rest| rest.starts_with(['.', ':', ' ']))
}

/// The words behind the closing's own ones, if this is a closing.
fn behind_closing(line: &str) -> Option<Vec<&str>> {
    let head = line.split([',', '!', '–', '—']).next().unwrap_or_default();
    let (own, behind) = (small(head), line[head.len()..].trim());
    let mut rest: Vec<&str> = words(head).collect();
    let short = if line.ends_with('.') { LONGEST_SIGNATURE } else { LONGEST_CLOSING };
    if let Some(at) = rest.iter().rposition(|word| is_among(&small(word), CLOSING_WORDS)) {
        if rest.len() > short {
            return None;
        }
        rest.drain(..=at);
    } else {
        let known =
            CLOSINGS.split(',').filter(|known| begins(&own, known)).max_by_key(|known| known.len())?;
        // A sentence of thanks is none.
        if rest.len() > LONGEST_CLOSING || line.ends_with('.') {
            return None;
        }
        rest.drain(..words(known).count());
        // "Thanks, Jane" without its comma; more words are what the thanks are for.
        if rest.len() > 1 {
            rest.clear();
        }
    }
    if signs(behind) {
        rest.extend(words(behind));
    }
    Some(rest)
}

/// Whether a line has a name in it, and no sentence and no label of a placeholder. Strokes stand between a name and a role.
fn signs(line: &str) -> bool {
    line.split(['|', '•', '·']).any(names_somebody)
}

/// Whether it is the client who signs: "The {clientName} Team".
fn is_of_client(line: &str) -> bool {
    line.contains(CLIENT) && !line.contains(':') && words(line).count() <= LONGEST_SIGNATURE
}

fn names_somebody(line: &str) -> bool {
    let count = words(line).count();
    let is_sentence = count > LONGEST_SIGNATURE || (count > 3 && line.ends_with(['.', '!', '?', ':']));
    let is_label = line.contains(':') && line.contains(MASK);
    !is_sentence && !is_label && words(line).any(is_name)
}

fn is_name(word: &str) -> bool {
    let small = small(word);
    !word.starts_with(char::is_lowercase)
        && ![NOBODY, ROLES, CLOSING_WORDS].iter().any(|known| is_among(&small, known))
}

fn begins(line: &str, words: &str) -> bool {
    line.strip_prefix(words).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}
