//! Drafts that need no model: one for each tone, in five languages. The last resort, so they are always right.

use super::Draft;
use super::language;
use super::request::Sender;
use super::tone::Tone;

/// What is written where the language is none of these.
const DEFAULT_LANGUAGE: &str = "en";

struct Row {
    language: &'static str,
    tone: Tone,
    subject: &'static str,
    greeting: &'static str,
    paragraphs: &'static [&'static str],
    closing: &'static str,
}

/// The draft of this tone, and the language that it is in.
pub(super) fn draft(tone: Tone, tag: &str, sender: &Sender) -> (Draft, &'static str) {
    let wanted = language::primary(tag);
    let row = |language: &str| {
        ROWS.iter().find(|row| row.tone == tone && row.language.eq_ignore_ascii_case(language))
    };
    let row =
        row(wanted).or_else(|| row(DEFAULT_LANGUAGE)).expect("each tone has its row in the default language");
    let mut body = format!("{}\n\n{}\n\n{}", row.greeting, row.paragraphs.join("\n\n"), row.closing);
    for line in [&sender.name, &sender.business].into_iter().flatten() {
        body.push('\n');
        body.push_str(line);
    }
    (Draft { subject: row.subject.to_owned(), body }, row.language)
}

const ROWS: &[Row] = &[
    Row {
        language: "en",
        tone: Tone::Friendly,
        subject: "A friendly reminder of {amount}, due on {dueDate}",
        greeting: "Dear {clientName},",
        paragraphs: &[
            "I hope you are well. This is a short reminder of our invoice of {amount}, which was due on {dueDate} \
             (days overdue: {daysOverdue}).",
            "It may simply have been overlooked. If your payment is already on its way, please accept my thanks and \
             disregard this message.",
        ],
        closing: "Kind regards",
    },
    Row {
        language: "en",
        tone: Tone::Firm,
        subject: "Payment reminder: {amount}, due on {dueDate}",
        greeting: "Dear {clientName},",
        paragraphs: &[
            "Our invoice of {amount} was due on {dueDate} and is still unpaid (days overdue: {daysOverdue}).",
            "Please arrange the payment now. If something stands in its way, let me know, and we will find a solution.",
        ],
        closing: "Kind regards",
    },
    Row {
        language: "en",
        tone: Tone::Urgent,
        subject: "Urgent: {amount} has been outstanding since {dueDate}",
        greeting: "Dear {clientName},",
        paragraphs: &[
            "Despite its due date of {dueDate}, our invoice of {amount} remains unpaid (days overdue: {daysOverdue}).",
            "Please make the payment without further delay, or reply to this message so that we can agree on how to \
             proceed.",
        ],
        closing: "Sincerely",
    },
    Row {
        language: "de",
        tone: Tone::Friendly,
        subject: "Freundliche Erinnerung: {amount}, fällig am {dueDate}",
        greeting: "Guten Tag {clientName},",
        paragraphs: &[
            "ich hoffe, es geht Ihnen gut. Ich möchte kurz an unsere Rechnung über {amount} erinnern, die am {dueDate} \
             fällig war (Tage überfällig: {daysOverdue}).",
            "Vielleicht ist sie nur untergegangen. Falls Ihre Zahlung bereits unterwegs ist, danke ich Ihnen und bitte \
             Sie, diese Nachricht als gegenstandslos zu betrachten.",
        ],
        closing: "Freundliche Grüße",
    },
    Row {
        language: "de",
        tone: Tone::Firm,
        subject: "Zahlungserinnerung: {amount}, fällig am {dueDate}",
        greeting: "Guten Tag {clientName},",
        paragraphs: &[
            "unsere Rechnung über {amount} war am {dueDate} fällig und ist noch offen (Tage überfällig: {daysOverdue}).",
            "Bitte veranlassen Sie die Zahlung jetzt. Falls ihr etwas im Wege steht, melden Sie sich bitte, dann finden \
             wir eine Lösung.",
        ],
        closing: "Freundliche Grüße",
    },
    Row {
        language: "de",
        tone: Tone::Urgent,
        subject: "Dringend: {amount}, offen seit {dueDate}",
        greeting: "Guten Tag {clientName},",
        paragraphs: &[
            "obwohl unsere Rechnung über {amount} bereits am {dueDate} fällig war, ist sie weiterhin unbezahlt (Tage \
             überfällig: {daysOverdue}).",
            "Bitte begleichen Sie den Betrag umgehend, oder antworten Sie auf diese Nachricht, damit wir das weitere \
             Vorgehen abstimmen können.",
        ],
        closing: "Mit freundlichen Grüßen",
    },
    Row {
        language: "fr",
        tone: Tone::Friendly,
        subject: "Petit rappel : {amount}, à régler pour le {dueDate}",
        greeting: "Bonjour {clientName},",
        paragraphs: &[
            "J’espère que vous allez bien. Je me permets de vous rappeler notre facture de {amount}, arrivée à échéance \
             le {dueDate} (jours de retard : {daysOverdue}).",
            "Il s’agit peut-être d’un simple oubli. Si votre règlement est déjà en route, je vous en remercie et vous \
             prie de ne pas tenir compte de ce message.",
        ],
        closing: "Bien cordialement",
    },
    Row {
        language: "fr",
        tone: Tone::Firm,
        subject: "Rappel de paiement : {amount}, échéance du {dueDate}",
        greeting: "Bonjour {clientName},",
        paragraphs: &[
            "Notre facture de {amount}, arrivée à échéance le {dueDate}, reste impayée à ce jour (jours de retard : \
             {daysOverdue}).",
            "Merci de procéder à son règlement dès maintenant. En cas de difficulté, écrivez-moi : nous trouverons une \
             solution.",
        ],
        closing: "Cordialement",
    },
    Row {
        language: "fr",
        tone: Tone::Urgent,
        subject: "Urgent : {amount}, impayé depuis le {dueDate}",
        greeting: "Bonjour {clientName},",
        paragraphs: &[
            "Malgré l’échéance du {dueDate}, notre facture de {amount} demeure impayée (jours de retard : \
             {daysOverdue}).",
            "Je vous demande de procéder au règlement sans plus attendre, ou de répondre à ce message afin que nous \
             convenions de la suite.",
        ],
        closing: "Cordialement",
    },
    Row {
        language: "es",
        tone: Tone::Friendly,
        subject: "Un recordatorio amistoso: {amount}, con vencimiento el {dueDate}",
        greeting: "Hola, {clientName}:",
        paragraphs: &[
            "Espero que se encuentre bien. Le escribo para recordarle nuestra factura por {amount}, que venció el \
             {dueDate} (días de retraso: {daysOverdue}).",
            "Quizá se trate de un simple olvido. Si el pago ya está en camino, le doy las gracias y le ruego que no \
             tenga en cuenta este mensaje.",
        ],
        closing: "Un cordial saludo",
    },
    Row {
        language: "es",
        tone: Tone::Firm,
        subject: "Recordatorio de pago: {amount}, con vencimiento el {dueDate}",
        greeting: "Hola, {clientName}:",
        paragraphs: &[
            "Nuestra factura por {amount} venció el {dueDate} y sigue pendiente de pago (días de retraso: \
             {daysOverdue}).",
            "Le ruego que realice el pago ahora. Si hay algún inconveniente, escríbame y encontraremos una solución.",
        ],
        closing: "Atentamente",
    },
    Row {
        language: "es",
        tone: Tone::Urgent,
        subject: "Urgente: {amount}, pendiente desde el {dueDate}",
        greeting: "Hola, {clientName}:",
        paragraphs: &[
            "Pese a que venció el {dueDate}, nuestra factura por {amount} continúa sin pagar (días de retraso: \
             {daysOverdue}).",
            "Le pido que efectúe el pago sin más demora o que responda a este mensaje para acordar cómo proceder.",
        ],
        closing: "Atentamente",
    },
    Row {
        language: "pt",
        tone: Tone::Friendly,
        subject: "Um lembrete amigável: {amount}, com vencimento em {dueDate}",
        greeting: "Olá, {clientName},",
        paragraphs: &[
            "Espero que esteja bem. Escrevo para lembrar a nossa fatura no valor de {amount}, que venceu em {dueDate} \
             (dias de atraso: {daysOverdue}).",
            "Talvez tenha sido apenas um esquecimento. Se o pagamento já estiver a caminho, agradeço e peço que \
             desconsidere esta mensagem.",
        ],
        closing: "Com os melhores cumprimentos",
    },
    Row {
        language: "pt",
        tone: Tone::Firm,
        subject: "Lembrete de pagamento: {amount}, com vencimento em {dueDate}",
        greeting: "Olá, {clientName},",
        paragraphs: &[
            "A nossa fatura no valor de {amount} venceu em {dueDate} e continua em aberto (dias de atraso: \
             {daysOverdue}).",
            "Peço que efetue o pagamento agora. Se houver alguma dificuldade, avise-me e encontraremos uma solução.",
        ],
        closing: "Atenciosamente",
    },
    Row {
        language: "pt",
        tone: Tone::Urgent,
        subject: "Urgente: {amount}, em aberto desde {dueDate}",
        greeting: "Olá, {clientName},",
        paragraphs: &[
            "Apesar do vencimento em {dueDate}, a nossa fatura no valor de {amount} permanece sem pagamento (dias de \
             atraso: {daysOverdue}).",
            "Peço que efetue o pagamento sem mais demora ou que responda a esta mensagem para combinarmos como \
             proceder.",
        ],
        closing: "Atenciosamente",
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draft::contract;

    #[test]
    fn templates_keep_the_contract() {
        let senders = [
            Sender::default(),
            Sender { business: Some("Studio 54 Berlin".into()), name: Some("Ada Example".into()) },
        ];
        for (row, sender) in ROWS.iter().flat_map(|row| senders.iter().map(move |sender| (row, sender))) {
            let (draft, written) = draft(row.tone, &format!("{}-XX", row.language), sender);
            assert_eq!((written, &*draft.subject), (row.language, row.subject));
            assert_eq!(contract::check(&draft, sender), Ok(()), "{draft:?}");
        }
        for language in ROWS.iter().map(|row| row.language) {
            let tones = ROWS.iter().filter(|row| row.language == language).map(|row| row.tone);
            assert!(tones.eq(Tone::ALL), "{language}");
        }
        assert_eq!(draft(Tone::Firm, "it", &senders[0]).1, "en");
    }
}
