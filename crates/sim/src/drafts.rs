//! What a model says when it is asked for a payment reminder: well, badly, and in the ways between.

/// The names by which scripts ask for them.
pub(crate) const DRAFTS: &[(&str, &str)] = &[
    ("draft", GOOD),
    (
        "draft-fenced",
        "Here is the reminder for {clientName}:\n\n```json\n{\n  \"subject\": \"Reminder: {amount} due on {dueDate}\",\n  \
         \"body\": \"Dear {clientName},\n\nour invoice is late (days overdue: {daysOverdue}).\n\nKind regards\",\n}\n```\nDoes \
         this help?",
    ),
    (
        "draft-thinking",
        "<think>They want {\"subject\": \"Pay 500 now\", \"body\": \"Dear John, pay 500 by Friday.\"} or kinder.</think>\
         {\"subject\": \"Reminder: {amount} due on {dueDate}\", \"body\": \"Dear {clientName},\\n\\nour invoice is late \
         (days overdue: {daysOverdue}).\\n\\nKind regards\"}",
    ),
    (
        "draft-hidden",
        "{\"subject\": \"Reminder: {amount} due on {dueDate}\", \"body\": \"Dear {clientName},\\n\\nour invoice \\u001bis\\u202e \
         late (days over\\u200bdue: {daysOverdue}).\\n\\nKind regards\"}",
    ),
    (
        "draft-mangled",
        "{\"subject\": \"Reminder: {{amount}}\", \"body\": \"Dear [Client Name],\\n\\n{amount} was due on <dueDate>, {days_overdue} \
         days ago.\\n\\nKind regards\"}",
    ),
    (
        "draft-unknown",
        "{\"subject\": \"Invoice {invoiceNumber}\", \"body\": \"Dear {clientName}, {amount} was due on {dueDate}, \
         {daysOverdue} days ago.\"}",
    ),
    (
        "draft-amount",
        "{\"subject\": \"Reminder\", \"body\": \"Dear {clientName}, {amount}, that is € 500, was due on {dueDate}, {daysOverdue} \
         days ago.\"}",
    ),
    (
        "draft-name",
        "{\"subject\": \"Reminder\", \"body\": \"Dear John, {clientName} owes {amount} since {dueDate}, {daysOverdue} days.\"}",
    ),
    ("draft-prose", "Dear {clientName}, I hope you are well. Would you please pay {amount}?"),
];

/// What a well-behaved model says.
pub(crate) const GOOD: &str = concat!(
    "{\"subject\": \"A short reminder: {amount}, due on {dueDate}\", \"body\": \"Dear {clientName},\\n\\n",
    "I hope all is well with you. Our invoice of {amount} was due on {dueDate}, which is {daysOverdue} days ago, and we ",
    "have not yet seen your payment. Would you please look into it? If something stands in its way, just answer this ",
    "message.\\n\\nKind regards\"}"
);
