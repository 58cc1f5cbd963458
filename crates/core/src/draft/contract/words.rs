//! Words that stand for a value: currencies, months, days of the week, periods; and threats. In the templates' languages.

use super::super::Refusal;
use super::{DAYS, MASK, is_among};
use crate::letters::small;

/// In small letters.
const CURRENCIES: &str = "\
    euro euros dollar dollars dólar dólares dolares sterling pound pounds pence pfund libra libras franken francs \
    rappen kronen couronnes pesos peso centavos reais yen rupees cents";

/// Currencies only behind a count that is feminine: a book in French, and free in Portuguese.
const AMBIGUOUS_CURRENCIES: &str = "livre livres";

/// As they stand, in capitals. TRY is left out: it is a word, too.
pub(in crate::draft) const CODES: &str = "\
    EUR USD GBP CHF BRL JPY CAD AUD NZD SGD HKD ZAR CNY SEK NOK DKK PLN CZK HUF INR MXN AED";

/// Some also as they are written without their accents.
const DATES: &str = "\
    january february april june july august september october november december monday tuesday wednesday thursday \
    friday saturday sunday januar februar märz juni juli oktober dezember montag dienstag mittwoch donnerstag \
    freitag samstag sonnabend sonntag janvier février mars avril juin juillet août septembre octobre novembre \
    décembre lundi mardi mercredi jeudi vendredi samedi dimanche enero febrero marzo abril mayo junio julio agosto \
    septiembre octubre noviembre diciembre lunes martes miércoles jueves viernes sábado domingo janeiro fevereiro \
    março maio junho julho setembro outubro novembro dezembro feira tomorrow übermorgen demain mañana amanhã \
    thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth thirtieth fünfzehnten \
    zwanzigsten dreißigsten jänner maerz fevrier aout decembre miercoles sabado manana amanha";

/// Behind one of the dates: on every such day, or in a part of it.
const PARTS: &str = "s abend abends morgen früh vormittag mittag nachmittag nacht";

/// With a capital, and only behind a word that dates have before them.
const AMBIGUOUS: &str = "may march mon tue tues wed thu thur thurs fri sat sun jan feb mar apr jun jul aug sep sept oct \
                         nov dec";

/// A month in German, and with a capital there; in French behind such a word; "never", "more" or "still" elsewhere,
/// in Romanian before these.
const MAI: &str = "mai";
const BEHIND_MORE: &str = "sus jos mult multe multă mulți puțin mare târziu";
const BEFORE_DATES: &str = "\
    early late mid this next last in on of by until since before after for from due im am seit bis vom zum ende \
    anfang mitte en de fin début le em premier";

const COUNTS: &str = "\
    one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen \
    eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred ein eine einen einem einer zwei \
    drei vier fünf sechs sieben acht neun zehn elf zwölf eines dreizehn vierzehn fünfzehn sechzehn siebzehn \
    achtzehn neunzehn zwanzig dreißig dreissig vierzig fünfzig sechzig siebzig achtzig neunzig hundert un une deux \
    trois quatre cinq sept huit neuf dix onze douze doce doze treze treize quatorze quinze vingt trente quarante \
    cinquante soixante cent una uno dos tres cuatro cinco seis siete ocho nueve diez trece catorce quince veinte \
    treinta cuarenta cincuenta sesenta noventa cien um uma dois duas três quatro sete oito nove dez vinte trinta \
    quarenta cinquenta sessenta cem";
const PERIODS: &str = "\
    day days week weeks year years jahr jahre jahren ans année années año años ano anos month months hour hours tag \
    tage tagen tages woche wochen monat monate monaten monats stunde stunden jour jours semaine semaines mois heure \
    heures día días dia dias semana semanas meses mês hora horas";

/// German counts them, too, whatever their case: "fünf Arbeitstagen".
const WORKING_DAYS: &[&str] = &["werktag", "arbeitstag", "geschäftstag", "kalendertag", "banktag"];

/// "A month" is a period behind the first and before the second; "have a week of rest" is none.
const BEFORE_ONE: &str = "within in for over after than about nearly almost another";
const BEHIND_ONE: &str = "late ago overdue old past";

/// Between the article and the period: they make it no other.
const WHOLE: &str = "business working calendar single full whole further mere";

/// They say their count themselves.
const LENGTHS: &str =
    "fortnight huitaine quinzaine quincena quinzena tagesfrist wochenfrist monatsfrist jahresfrist";

/// Behind a German count, in one word with it.
const LASTING: [&str; 5] = ["tägig", "wöchig", "monatig", "jährig", "stündig"];

/// Counts that are a word of another language too, unless the period follows them: "um wenige Tage", "dos próximos dias".
const AMBIGUOUS_COUNTS: &str = "um dos";

/// Counts and periods that are periods only together, for each is a word of another language too: "mes messages", "um an
/// die Rechnung zu erinnern".
const AMBIGUOUS_PERIODS: &[(&str, &str)] = &[("un", "an"), ("un", "mes"), ("um", "mes")];

/// Between a count and a period: they do not belong together.
const LINKS: &str = "\
    of the in on to for per last this that each every esta este cada jeden jede these der die den dieser diese im \
    am zum pro seit de du à ce cette par pour del al en por para do da em no na nos nas neste nesta deste desta \
    nesse nessa desse dessa ao el la los las le les au des dieses diesen von innerhalb binnen sous dans há";

/// Counts that are articles, too.
const ARTICLES: &str = "ein eine einen einem einer eines un une una um uma";

/// Between an article and a period: what somebody wishes, or leaves open. "Einen schönen Tag", "ein paar Tage".
const NO_LENGTH: &str = "\
    good great nice lovely wonderful schönen schöne guten gute angenehmen angenehme erfolgreiche erfolgreichen \
    wunderschöne wunderschönen schönes wundervolle wundervollen erholsame produktive produktiven tolle tollen new \
    neues paar bon bonne belle buen buena gran bom boa";

/// Those that stand before the period or behind it: "un excelente día", "uma semana produtiva".
const PRAISE: &str = "\
    excellente agréable excelente feliz lindo linda ótimo ótima maravilloso maravillosa maravilhoso maravilhosa \
    productivo productiva produtivo produtiva abençoado abençoada agradable agradável estupendo estupenda tranquilo \
    tranquila";

/// Just before an article, or before whom it is for: the period is what somebody wishes, however he praises it.
const WISHES: &str = "\
    wünsche wünschen souhaite souhaitons passez deseo deseamos tenga tengan desejo desejamos tenha tenham";
const WISHED_FOR: &str = "ihnen dir euch vous te le les lhe lhes";

/// Before a number of days they set a period; between commas.
const WITHIN: &str = "within,innerhalb,innerhalb von,binnen,sous,dans les,dentro de,plazo de,em até,prazo de";

/// Behind a count, an amount in words.
const SCALES: &str = "hundred thousand million millions hundert tausend millionen cent mille mil";
const HUNDREDS: &str = "\
    doscientos trescientos cuatrocientos quinientos seiscientos setecientos ochocientos novecientos duzentos \
    trezentos quatrocentos quinhentos seiscentos setecentos oitocentos novecentos";

/// What no reminder threatens with, however the word goes on; between commas.
const THREATS: &str = "\
    legal action,collection agency,late fee,gerichtlich,inkasso,mahngebühr,verzugszinsen,poursuites,huissier,pénalités,\
    acciones legales,intereses de demora,medidas judiciais,juros de mora";

/// How many words may stand between a count and its period: "two full working days".
const BETWEEN: usize = 2;

/// How many words of a label may stand behind its period: "jours de retard".
const LONGEST_LABEL: usize = 3;

pub(super) fn check(text: &str) -> Result<(), Refusal> {
    if text.contains(is_currency) {
        return Err(Refusal::Currency);
    }
    let words: Vec<Word<'_>> = words(text).collect();
    let small = small(text);
    if sets_period(&small) {
        return Err(Refusal::Period);
    }
    let mut is_in_words = false;
    for (at, word) in words.iter().enumerate() {
        let before = at.checked_sub(1).map(|at| &words[at]).filter(|_| word.follows);
        if is_named_currency(word, before) {
            return Err(Refusal::Currency);
        }
        if is_date(word, before, words.get(at + 1)) {
            return Err(Refusal::Date);
        }
        if is_period(&words, at) || is_one(word, before, &words[at + 1..]) {
            return Err(Refusal::Period);
        }
        is_in_words |= is_sum(word, before);
    }
    if is_in_words {
        return Err(Refusal::Number);
    }
    match threatens(&small) {
        true => Err(Refusal::Threat),
        false => Ok(()),
    }
}

/// Whether one of the threats begins a word, and is none of "late feedback".
fn threatens(text: &str) -> bool {
    let is_begun = |(at, threat): (usize, &str)| {
        !text[..at].ends_with(char::is_alphabetic) && !text[at + threat.len()..].starts_with("dback")
    };
    THREATS.split(',').any(|threat| text.match_indices(threat).any(is_begun))
}

/// One of Unicode's block of currencies, or of the common ones that stand elsewhere, some of them in full width.
pub(in crate::draft) fn is_currency(symbol: char) -> bool {
    matches!(
        symbol,
        '\u{20a0}'..='\u{20cf}' | '$' | '£' | '¥' | '¢' | '฿' | '﷼' | '＄' | '￠' | '￡' | '￥' | '￦'
    )
}

fn is_named_currency(word: &Word<'_>, before: Option<&Word<'_>>) -> bool {
    let is_counted = || {
        let is_count = |before: &str| is_count(before) && !is_among(before, "un um");
        before.is_some_and(|before| is_count(&before.small) || is_among(&before.small, SCALES))
    };
    is_among(&word.small, CURRENCIES)
        || is_among(word.text, CODES)
        || (is_among(&word.small, AMBIGUOUS_CURRENCIES) && is_counted())
}

struct Word<'a> {
    text: &'a str,
    small: String,
    /// Neither the end of a sentence nor a placeholder stands between it and the word before.
    follows: bool,
    /// Nothing but a space does.
    is_next: bool,
    behind: &'a str,
}

fn words(text: &str) -> impl Iterator<Item = Word<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let start = rest.find(char::is_alphanumeric)?;
        let gap = &rest[..start];
        let follows = !gap.contains([MASK, '.', '!', '?', ';', ':']) && !gap.contains("\n\n");
        let is_next = gap == " ";
        let word = &rest[start..];
        let end = word.find(|c: char| !c.is_alphanumeric()).unwrap_or(word.len());
        rest = &word[end..];
        Some(Word { text: &word[..end], small: small(&word[..end]), follows, is_next, behind: rest })
    })
}

fn is_date(word: &Word<'_>, before: Option<&Word<'_>>, behind: Option<&Word<'_>>) -> bool {
    let is_more = || behind.is_some_and(|behind| is_among(&behind.small, BEHIND_MORE));
    let dated = before.is_some_and(|before| is_among(&before.small, BEFORE_DATES));
    let is_capital = word.text.starts_with(char::is_uppercase);
    let is_known = |date: &str| is_among(date, DATES);
    is_known(&word.small)
        || PARTS.split(' ').filter_map(|part| word.small.strip_suffix(part)).any(is_known)
        || (dated && is_capital && is_among(&word.small, AMBIGUOUS))
        || (word.small == MAI && (dated || (is_capital && before.is_some())) && !is_more())
}

/// Whether {daysOverdue} is made a period: "within {daysOverdue} days".
fn sets_period(text: &str) -> bool {
    text.match_indices(DAYS).any(|(at, _)| {
        let before = text[..at].trim_end();
        WITHIN.split(',').any(|words| before.ends_with(words))
    })
}

/// Whether the word there counts one of those behind it.
fn is_period(words: &[Word<'_>], at: usize) -> bool {
    let (count, behind) = (&words[at], &words[at + 1..]);
    if !is_count(&count.small) {
        return is_among(&count.small, LENGTHS) || lasts(&count.small);
    }
    let next = behind.first().filter(|next| next.follows);
    if next.is_some_and(|next| AMBIGUOUS_PERIODS.contains(&(&count.small, &next.small))) {
        return true;
    }
    let reach = if is_among(&count.small, AMBIGUOUS_COUNTS) { 1 } else { BETWEEN + 1 };
    let belongs = |word: &&Word<'_>| word.follows && !is_among(&word.small, LINKS);
    let near = behind.iter().take(reach).take_while(belongs).count();
    let may_wish = is_among(&count.small, ARTICLES);
    let is_open = |nth: usize| may_wish && is_praised(nth, behind);
    (0..near).any(|nth| is_length(&behind[nth].small) && !is_open(nth) && !labels(&behind[nth]))
        && !(may_wish && is_wished(&words[..at], &words[at]))
}

/// Whether the word before a period, or the one behind it, makes it none.
fn is_praised(period: usize, words: &[Word<'_>]) -> bool {
    let before = period.checked_sub(1).map_or("", |before| &*words[before].small);
    let behind = words.get(period + 1).filter(|behind| behind.is_next).map_or("", |behind| &*behind.small);
    is_among(before, NO_LENGTH) || is_among(before, PRAISE) || is_among(behind, PRAISE)
}

/// Whether a period begins the label of {daysOverdue}: "(days overdue: {daysOverdue})".
fn labels(period: &Word<'_>) -> bool {
    let value = period.behind.split_once(':').filter(|_| !period.is_next);
    value.is_some_and(|(label, value)| {
        value.trim_start().starts_with(DAYS)
            && !label.contains(['.', '!', '?', ';'])
            && !label.contains("\n\n")
            && words(label).count() <= LONGEST_LABEL
    })
}

/// Whether `article`, behind those words, begins what somebody wishes.
fn is_wished(before: &[Word<'_>], article: &Word<'_>) -> bool {
    let is = |word: &Word<'_>, known: &str| is_among(&word.small, known);
    article.is_next
        && match before {
            [.., verb, whom] if is(whom, WISHED_FOR) => whom.is_next && is(verb, WISHES),
            [.., verb] => is(verb, WISHES),
            [] => false,
        }
}

/// Whether `article` and what stands behind it are one period: "within a week", "within a full business day".
fn is_one(article: &Word<'_>, before: Option<&Word<'_>>, behind: &[Word<'_>]) -> bool {
    if !matches!(&*article.small, "a" | "an") {
        return false;
    }
    let whole = behind.iter().take_while(|word| word.is_next && is_among(&word.small, WHOLE)).count();
    let [period, behind @ ..] = &behind[whole..] else { return false };
    let behind = behind.first().filter(|word| word.follows);
    is_among(&period.small, PERIODS)
        && (before.is_some_and(|before| is_among(&before.small, BEFORE_ONE))
            || behind.is_some_and(|behind| is_among(&behind.small, BEHIND_ONE)))
}

/// "Zehntägig", in every case.
fn lasts(word: &str) -> bool {
    LASTING.iter().filter_map(|lasting| word.split_once(lasting)).any(|(count, _)| is_count(count))
}

fn is_length(word: &str) -> bool {
    is_among(word, PERIODS) || WORKING_DAYS.iter().any(|day| word.contains(day))
}

/// German writes its numbers as one word.
fn is_count(word: &str) -> bool {
    let is_compound = || word.contains("und") && (word.ends_with("zig") || word.ends_with("ßig"));
    is_among(word, COUNTS) || is_compound()
}

/// An amount in words: a count and its scale, in two words or in one.
fn is_sum(word: &Word<'_>, before: Option<&Word<'_>>) -> bool {
    let scaled = is_among(&word.small, SCALES) && before.is_some_and(|before| is_count(&before.small));
    let compound = ["hundert", "tausend"].iter().filter_map(|scale| word.small.split_once(scale)).any(
        |(before, behind)| {
            COUNTS.split(' ').any(|count| before.ends_with(count) || behind.starts_with(count))
        },
    );
    scaled || compound || is_among(&word.small, HUNDREDS)
}
