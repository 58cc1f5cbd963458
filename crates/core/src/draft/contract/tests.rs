use super::*;
use crate::draft::Refusal::{
    BodyTooLong, Currency, Date, Html, Link, Missing, Name, Number, Period, SubjectTooLong, Threat,
    UnknownPlaceholder,
};

const REST: &str = "{clientName}, {amount} was due on {dueDate}; days overdue: {daysOverdue}.";

fn sender() -> Sender {
    Sender { business: Some("Studio 54 Berlin".to_owned()), name: Some("Ada Example".to_owned()) }
}

#[test]
fn bodies() {
    let check = |text: &str, expect: Result<(), Refusal>| {
        let draft = Draft { subject: "Your invoice".to_owned(), body: text.replace("REST", REST) };
        assert_eq!(check(&draft, &sender()), expect, "{text}");
    };
    check("REST", Ok(()));
    check("Dear REST\n\nPlease pay soon.\n\nKind regards,\nAda Example\nStudio 54 Berlin", Ok(()));
    check("Dear REST\n\nThank you for your help, and best wishes to all.", Ok(()));
    check("Sehr geehrte Damen und Herren,\nREST\nMit freundlichen Grüßen\nIhr Team", Ok(()));
    check("Hi there,\nREST\nThanks!", Ok(()));
    check("REST You may march on; in a few days we might call. Someone & sons.", Ok(()));
    for text in [
        "REST It was due on {dueDate}. May we ask why?",
        "REST soit un retard de {daysOverdue} jours, une réponse à mes messages",
        "REST einen schönen Tag, in ein paar Tagen, um wenige Tage",
        "REST una respuesta esta semana, una cuenta al día",
        "REST Dies ist eine freundliche Erinnerung an die Rechnung, senden Sie gern eine E-Mail an uns",
        "REST Ich schreibe Ihnen, um an unsere Rechnung zu erinnern, und um eine an Sie gesandte.",
        "REST Wir wünschen Ihnen einen wunderbaren Tag, eine wundervolle Woche, eine schöne und erholsame Woche",
        "REST Que tenga un bonito día, un día productivo. Un gran día, un excelente día, ein schönes Jahr",
        "REST Nous vous souhaitons une semaine agréable. Passez une très belle semaine.",
        "REST En vous souhaitant une excellente semaine, Einen angenehmen Tag noch",
        "REST Espero que esteja tendo uma ótima semana, Espero que esté teniendo una semana productiva",
        "REST Sorry for our late feedback on the template fee",
        "REST Tenha um dia incrível e uma semana produtiva, uma semana abençoada, um maravilhoso dia",
        "REST Aguardamos uma resposta nesta semana. Temos uma fatura deste mês, e uma cobrança no dia {dueDate}",
        "REST Tenemos una factura el día {dueDate}, una factura la semana pasada",
        "REST Es geht um eine Rechnung dieses Monats, eine Rechnung des Monats, einen Betrag diese Woche",
        "REST une facture les jours de fête, un rappel au mois passé",
        "REST dentro dos próximos dias, ao longo dos últimos meses",
        "REST Vă rugăm să efectuați plata cât mai curând posibil. Non abbiamo mai ricevuto il pagamento.",
        "尊敬的REST\n\n金额尚未支付。\n\n请尽快安排付款。\n\n此致\n敬礼",
        "REST\n\nお早めにお支払いください。\n\nよろしくお願いいたします。",
        "Hello {clientName}, Quick reminder: REST",
        "Guten Tag {clientName}, Kurze Erinnerung: REST",
        "REST Notre facture « Conseil et suivi » reste ouverte, avec «\u{a0}la seconde relance\u{202f}».",
        "REST »Beratung im Haus« und »Wartung des Hauses«",
        "Spett.le {clientName},\nREST",
        "Gentile Signora {clientName},\nREST",
        "Gentile Prof.ssa {clientName},\nREST",
        "Gent.mi Sig.ri {clientName},\nREST",
        "Gent.ma Dott.ssa {clientName},\nREST",
        "Gentile cliente,\nREST",
        "Gentile Sig./Sig.ra {clientName},\nREST",
        "Gent.mo {clientName},\nEgr. Dott. {clientName}, Preg.mo Dott.ssa {clientName}\nREST",
        "Ex.mo(s) Senhor(es) {clientName},\nREST",
        "REST\nMit freundlichen Grüßen | Ihr Team | Buchhaltung",
        "REST Thank you for your help. Kind regards, Ada Example",
        "REST Thank you for your help. Kind regards, ADA example",
        "REST e.g.—as before—i.e. a.m./p.m., z.B.-Konto, u.ä./o.ä. in der Fa. A.B/C. Well...then and/or.",
        "REST お支払いください。ありがとうございます。",
        "【重要】お支払いのお願い\nREST",
        "〔ご請求〕REST",
        "REST in Wochen, in a few days, within a reasonable time, for a good full week, a working day to all",
        "REST Die langjährige Zusammenarbeit, eine diesjährige Rechnung, ganztägig, mehrwöchig. Die Frist",
        "REST Sinta-se livre para responder. Le livre reste ouvert, un livre, um livre, in the sun, sat down, to fry",
        "REST Junior in Marseille",
        "REST Ask Mr./Mrs. Accounts and/or us.",
        "REST\nMany thanks and best wishes,\nYour Accounting Dept.",
        "REST\nKind regards\n\nP.S. Ignore this if you have paid.",
        "REST\nThank you for your help!\n\nWe look forward to hearing from you.",
        "REST\nThank you, {clientName}.",
        "REST\nThanks,\nAda Example\nP.S. We trust {clientName}.",
        "Spett.le Ditta {clientName},\nREST",
        "Spettabile Società {clientName},\nREST",
        "Egregi Signori,\nREST",
        "Buongiorno,\nREST",
        "Estimado/Estimada {clientName}:\nREST",
        "Prezado/Prezada {clientName},\nREST",
        "Caro/Cara {clientName},\nREST",
        "Sehr geehrte Frau / Sehr geehrter Herr {clientName},\nREST",
        "Szanowni Państwo,\nREST",
        "Hej,\nREST",
        "Hei,\nREST",
        "REST Es ist noch eine offene Rechnung (Tage überfällig: {daysOverdue})",
        "REST une facture impayée (jours de retard\u{a0}: {daysOverdue})",
        "REST una factura pendiente (días de retraso: {daysOverdue})",
        "REST uma fatura vencida (dias de atraso: {daysOverdue})",
        "REST one open invoice\n- Days overdue: {daysOverdue}",
        "REST seit {daysOverdue} Tagen, un retard de {daysOverdue} jours",
        "REST Vă rugăm să achitați factura de mai sus. V-am scris de mai multe ori.",
        "REST just a reminder… thank you, untergegangen …",
    ] {
        check(text, Ok(()));
    }
    check("{amount} {dueDate} {daysOverdue}", Err(Missing(Placeholder::ClientName)));
    check("{clientName} {dueDate} {daysOverdue}", Err(Missing(Placeholder::Amount)));
    for text in [
        "REST {invoiceNumber}",
        "REST [Link]",
        "REST {{amount}}",
        "REST ____",
        "REST XX",
        "REST {",
        "REST « numéro de facture »",
        "REST «Company Name»",
        "REST « nom de l'entreprise »",
        "REST «entreprise»",
        "REST «\u{a0}nom »",
        "REST «a b» c «d»",
        "REST »nom«",
        "REST «»",
        "REST «",
        "REST ｛会社名｝",
        "REST ［会社名］",
        "REST ＜会社名＞",
        "REST 【会社名】",
        "REST 〔会社名〕",
        "REST 【联系电话】",
        "REST 【】",
        "REST 【日付",
        "REST our invoice … for the site",
    ] {
        check(text, Err(UnknownPlaceholder));
    }
    for text in ["REST <b>now</b>", "REST<br/>", "REST &nbsp;", "REST <!-- x -->"] {
        check(text, Err(Html));
    }
    for text in [
        "REST https://pay.example",
        "REST www.pay.example",
        "REST me@pay.example",
        "REST (\"John Smith\"@pay)",
        "REST \"body\":@\"body\":.",
        "REST (paychasers.com)",
        "REST paychasers.com/now.",
        "REST Pay here:www.pay.example",
        "REST Questions?pay.example",
        "REST example.com",
        "REST sig.com",
        "REST pay.sig.ra",
        "REST sig.ra.com",
        "REST gent.me/pay",
        "REST paychasers.com—it takes a minute",
        "REST paychasers.com’s portal",
        "REST paychasers.com-Konto",
        "REST paychasers.com-u.a",
        "REST pay.example|now",
        "REST t.me/acme",
        "REST t.co/abc",
        "REST paychasers．com",
        "REST paychasers。com",
        "REST ｐａｙｃｈａｓｅｒｓ．ｃｏｍ",
        "REST ไทย์.com",
    ] {
        check(text, Err(Link));
    }
    for text in
        ["REST 9", "REST No. ½", "REST ٣", "REST all five hundred", "REST fünfhundert", "REST deux mille"]
    {
        check(text, Err(Number));
    }
    for text in [
        "REST ₦", "REST ₪", "REST ₱", "REST ₸", "REST ￥", "REST ＄", "REST ￡", "REST ￠", "REST ￦",
        "REST ﷼", "REST ₫", "REST ฿",
    ] {
        check(text, Err(Currency));
    }
    for text in [
        "REST €",
        "REST Five hundred euros",
        "REST in USD",
        "REST fünf Euro",
        "REST cem reais",
        "REST ein Pfund",
        "REST a pound",
        "REST cinco libras",
        "REST cinq livres",
        "REST une livre",
        "REST mille livres",
        "REST ten pence",
        "REST dez centavos",
        "REST zehn Rappen",
        "REST Kronen",
        "REST couronnes",
        "REST NZD",
        "REST in SGD",
        "REST HKD",
        "REST ZAR",
        "REST CNY",
        "REST HUF",
        "REST AED",
    ] {
        check(text, Err(Currency));
    }
    for text in [
        "REST by Friday",
        "REST since March",
        "REST seit Mai",
        "REST Ihre Rechnung Mai",
        "REST en mai",
        "REST du premier mai",
        "REST la facture de mai",
        "REST en mars",
        "REST na sexta-feira",
        "REST bis Freitagabend",
        "REST freitags",
        "REST am Sonntagnachmittag",
        "REST on Fridays",
        "REST les vendredis",
        "REST by Fri",
        "REST until Dec",
        "REST im Jänner",
        "REST el miercoles",
        "REST sabado",
        "REST fevrier",
        "REST fin aout",
        "REST im Maerz",
    ] {
        check(text, Err(Date));
    }
    for text in [
        "REST within seven days",
        "REST two full working days",
        "REST innerhalb von zehn Tagen",
        "REST une semaine",
        "REST diez días",
        "REST um mês",
        "REST within a two-week period",
        "REST within a week",
        "REST two good weeks",
        "REST fünfunddreißig Tage",
        "REST sous huitaine",
        "REST un an",
        "REST dix ans",
        "REST un mes",
        "REST dos semanas",
        "REST innerhalb von fünf Arbeitstagen",
        "REST innerhalb der nächsten sieben Geschäftstage",
        "REST innerhalb eines Monats",
        "REST innerhalb einer Stunde",
        "REST en una semana, gracias",
        "REST en una semana. Excelente día",
        "REST in einer Woche",
        "REST in einer Woche, schönen Dank",
        "REST dentro de um dia",
        "REST há uma semana inteira, dentro de um mês, muito obrigado",
        "REST en un mes completo",
        "REST no prazo de duas semanas",
        "REST deste prazo, uma semana",
        "REST dentro de una semana, feliz día",
        "REST en una semana\nFeliz día",
        "REST within a business day",
        "REST within a single week",
        "REST it is a full week late",
        "REST a full working week late",
        "REST innerhalb einer zehntägigen Frist",
        "REST eine zweiwöchige Frist",
        "REST mit dreimonatigem Verzug",
        "REST binnen Wochenfrist",
        "REST binnen Monatsfrist",
        "REST innerhalb einer Woche: {amount}",
        "REST within one week. Days overdue: {daysOverdue}",
        "REST nine days late (days overdue: {daysOverdue})",
        "REST seven working days late: {daysOverdue}",
        "REST Zahlen Sie binnen einer Woche",
        "REST Wir wünschen die Zahlung innerhalb einer Woche",
        "REST Deseamos el pago en una semana",
        "REST Tenga en cuenta que tiene una semana",
        "REST Nous souhaitons recevoir votre règlement d'ici une semaine",
        "REST Desejamos receber o pagamento em até uma semana",
        "REST Wir wünschen Ihre Zahlung nach einer Woche",
        "REST antes de que pase una semana",
        "REST Please pay within {daysOverdue} days.",
        "REST innerhalb von {daysOverdue} Tagen",
        "REST sous {daysOverdue} jours",
        "REST En un plazo de {daysOverdue} días",
    ] {
        check(text, Err(Period));
    }
    for text in [
        "REST Otherwise we will take legal action and charge a late fee.",
        "REST Wir geben die Sache an ein Inkassobüro und berechnen Verzugszinsen.",
        "REST Sans réponse, nous saisirons un huissier.",
        "REST Emprenderemos acciones legales.",
        "REST Serão cobrados juros de mora.",
    ] {
        check(text, Err(Threat));
    }
    for text in [
        "Dear John, REST",
        "Dear Cara,\nREST",
        "Hi Caro,\nREST",
        "Dear Mr. Smith,\nREST",
        "Liebe Frau Meier,\nREST",
        "Hello John {clientName},\nREST",
        "Hello, John: REST",
        "Hello {clientName}, John,\nREST",
        "Guten Tag {clientName}, Herr Müller,\nREST",
        "Dear {clientName}, Mr Smith,\nREST",
        "Sehr geehrte Frau {clientName}, sehr geehrter Herr Müller,\nREST",
        "Egregio Dottor Mario Rossi,\nREST",
        "Gentile Sig.ra Rossi,\nREST",
        "Gent.mo Sig. Rossi,\nREST",
        "Ex.mo Senhor Silva,\nREST",
        "Ex.mo(s) Senhor(es) Silva,\nREST",
        "Spett.le Rossi,\nREST",
        "Estimado/Estimada García:\nREST",
        "Hej Anna,\nREST",
        "REST\nBest regards,\n{clientName}",
        "REST\nThanks,\nThe {clientName} Team",
        "Egr. Sig. Rossi,\nREST",
        "Gentile Dott.ssa Rossi,\nREST",
        "Hello {clientName} and John, quick reminder: REST",
        "REST\n\nBest regards,\nJane Doe",
        "REST\nBest regards, Jane",
        "REST\nMit freundlichen Grüßen\nMax",
        "REST\nKind regards,\nPayChasers",
        "REST\nKind regards Jane Doe",
        "REST\nBest regards, Jane Doe.",
        "REST\nAll the best,\nJohn",
        "REST\n\nJohn Smith",
        "Hola, Juan:\nREST",
        "John,\nREST",
        "Re: you\nDear John,\nREST",
        "REST My name is Sarah.",
        "REST Let us know. Best regards, John Smith",
        "REST Ist das klar? Mit freundlichen Grüßen, Max Mustermann",
        "REST\nBest regards,\nJane Doe\n\nThank you for your business!",
        "REST\nBest regards,\nJane Doe | Senior Accounts Receivable Specialist | Acme Corp",
    ] {
        check(text, Err(Name));
    }
    // The sender signs, and is not greeted; part of a name is none.
    check("Dear Ada Example,\nREST", Err(Name));
    check("Dear Ada Examples,\nREST", Err(Name));
    check("REST\nLooking forward to your answer,\nJohn Smith\nStudio 54 Berlin", Err(Name));
    for text in ["REST Pay at billing.example.ai/now", "REST see acme.ch", "REST goo.gl/abc"] {
        check(text, Err(Link));
    }
    check("REST We are @ home; ask @ will.", Ok(()));
    check("REST e.g. by transfer, i.e. soon, z.B. heute.", Ok(()));
    check(&format!("REST {}", "word ".repeat(700)), Err(BodyTooLong));
}

/// Each ends a letter alone, and no name may stand below it or behind it.
#[test]
fn closings() {
    let check = |end: &str, expect: Result<(), Refusal>| {
        let draft = Draft { subject: "Your invoice".to_owned(), body: format!("{REST}\n\n{end}") };
        assert_eq!(check(&draft, &sender()), expect, "{end}");
    };
    for closing in [
        "Regards",
        "Gruß",
        "Cordialement",
        "Saludos",
        "Cumprimentos",
        "Saluti",
        "Distintamente",
        "Groeten",
        "Hoogachtend",
        "Mvg",
        "Pozdrawiam",
        "Pozdrowienia",
        "Vänligen",
        "Hälsningar",
        "Mvh",
        "Hilsen",
        "Terveisin",
        "Ystävällisin terveisin",
        "Pozdravem",
        "Üdvözlettel",
        "Tisztelettel",
        "Salutări",
        "Saygılarımla",
        "Saygılarımızla",
        "Teşekkürler",
        "Grazie",
        "Bedankt",
        "Tack",
        "Takk",
        "Dziękuję",
        "Děkuji",
        "Kiitos",
        "Köszönettel",
        "Mulțumesc",
        "Ευχαριστώ",
        "Дякую",
        "Спасибо",
    ] {
        check(closing, Ok(()));
        check(&format!("{closing}\nAda Example\nStudio 54 Berlin"), Ok(()));
        check(&format!("{closing}\nAnna"), Err(Name));
        check(&format!("{closing}, Anna"), Err(Name));
    }
    for end in [
        "Cordiali saluti\nIl team",
        "Met vriendelijke groet\nHet team",
        "Pozdrawiam\nZespół",
        "Med vänliga hälsningar\nTeamet",
        "Med vennlig hilsen",
    ] {
        check(end, Ok(()));
    }
    check("Cordiali saluti, Anna", Err(Name));
    check("Met vriendelijke groet, Anna", Err(Name));
    check("Anna", Err(Name));
}

#[test]
fn subjects() {
    let check = |subject: &str, expect: Result<(), Refusal>| {
        let draft = Draft { subject: subject.to_owned(), body: REST.to_owned() };
        assert_eq!(check(&draft, &sender()), expect, "{subject}");
    };
    check("Payment of {amount} – Studio 54 Berlin", Ok(()));
    check("Payment of {amount} – STUDIO 54 berlin", Ok(()));
    check("Payment of {amount} – Studio 54 Berliner", Err(Number));
    check("Invoice 12", Err(Number));
    check(&"word ".repeat(40), Err(SubjectTooLong));
}

#[test]
fn senders() {
    let check = |own: &str, written: &str, expect: Result<(), Refusal>| {
        let body = format!("{REST}\n\nKind regards,\n{written}");
        let draft = Draft { subject: "Your invoice".to_owned(), body };
        let sender = Sender { business: Some(own.to_owned()), name: None };
        assert_eq!(check(&draft, &sender), expect, "{own} {written}");
    };
    check("Bob's Plumbing", "Bob’s Plumbing", Ok(()));
    check("Bob’s Plumbing", "Bob's plumbing", Ok(()));
    check("ada example", "Ada Example", Ok(()));
    check("Studio 54", "STUDIO 54", Ok(()));
    check("Zoë 7", "ZOË 7", Ok(()));
    check("Müller & Söhne", "MÜLLER & SÖHNE", Ok(()));
    check("Seven", "pay within seven days", Err(Period));
    check("Seven", "Seven", Ok(()));
    check("Ada", "Adam", Err(Name));
    check("Bob's Plumbing", "Bobs Plumbing", Err(Name));
}
