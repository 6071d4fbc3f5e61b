"""What customers write, and what it says: by language, `said | sentence`.

`+` good tone, `-` bad tone, `e` effort, `l` talk of leaving, `.` nothing of it. A `?` marks what is
known to be coded wrongly (irony, a long way round): the codes given are those that come out.
"""

ENGLISH = """
. | Hello, could you tell me when my invoice for March will be ready?
. | The export does not work since the last update.
. | Thanks in advance and kind regards, Ann
. | What kind of cable do I need for the printer?
. | The content of page 3 is missing.
. | Please cancel my earlier message, I found the setting myself.
. | I want to cancel my order 4711 from yesterday.
. | How do I switch to the annual plan?
. | How do I switch to the yearly billing plan for my team?
. | Thanks again, that was all.
. | No problem, take your time.
. | Your hotline is not toll free.
. | Is there a cancellation policy for the training?
. | I clicked cancel but the window stayed open.
+ | I still love it after three years.
+ | Great support, I am really happy with the new version!
+ | Your colleague was very helpful.
+ | Thank you so much, it works well now.
+ | I am not unhappy, quite the contrary: excellent work.
- | I am not at all happy with how this was handled.
- | I'm not happy.
- | This is not very helpful.
- | I am very disappointed by your service.
- | This is ridiculous, an absolute nightmare.
- | I would never recommend you to anybody.
- | What a waste of time!
- | I’m fed up.
. | It is not bad, I suppose.
+- | The product is great but the support is terrible.
e | I already told your colleague twice what the error is.
e | This is the third time I am writing about the same thing.
e | The printer is broken again.
e | We are still waiting for an answer.
e | I still haven't received the parts.
e | I have been waiting for two weeks and heard nothing.
e- | Still not fixed, and I am really annoyed.
l | I want to cancel.
l | Please cancel my subscription at the end of the month.
l | We are thinking about switching to another supplier.
l | Refund and close my account please.
l | If this happens once more we will switch to your competitor.
l | We won't be renewing next year.
l | CANCEL MY CONTRACT NOW
. | I do not want to cancel, I only ask about the price.
. | We are not going to leave you.
-el | Third time I ask. I am furious, close my account.
-el? | Never again. I will cancel.
+? | Great, another outage. Brilliant.
? | You have made my day a little longer than it had to be.
"""

GERMAN = """
. | Guten Tag, wann kommt meine Lieferung? Vielen Dank im Voraus!
. | Mit freundlichen Grüßen
. | Der Lüfter ist jetzt ganz still.
. | Ich bin in der Klasse 7b und brauche die Schullizenz.
. | Bitte stornieren Sie meine letzte Nachricht.
. | Wie lange ist die Kündigungsfrist?
. | Wie wechsle ich zum Jahrestarif?
+? | Wir hatten im Mai super viele Besucher.
. | Der Service ist nicht schlecht.
l? | Die neuen Funktionen kündigen Sie ja immer im Newsletter an.
+ | Ich bin rundum zufrieden, weiter so!
+ | Toller Support, hat super geklappt.
+ | Vielen Dank für die schnelle Hilfe.
+ | Gerne wieder, alles perfekt.
+ | Ich empfehle Sie gerne weiter.
- | Ich bin mit der Lösung gar nicht zufrieden.
- | Ich bin sehr enttäuscht von Ihnen.
- | Ich bin sehr enttaeuscht.
- | Das ist eine Frechheit!
- | So ein schlechter Service, ich bin stinksauer.
- | Das ist nicht gut.
- | Das kann ich nicht empfehlen.
e | Der Drucker ist schon wieder kaputt.
e | Ich habe Ihnen das bereits zweimal geschrieben.
e | Ich warte seit drei Wochen auf eine Antwort.
e | Das Paket ist immer noch nicht da.
e | Zum dritten Mal: die Rechnung ist falsch.
e | Keine Antwort auf meine Mail vom Montag.
l | Hiermit kündige ich meinen Vertrag zum 31.12.
l | Hiermit kuendige ich.
l | Wir überlegen, den Anbieter zu wechseln.
l | Dann gehen wir eben zur Konkurrenz.
l | Bitte löschen: Ich möchte mein Konto endgültig auflösen.
. | Nein, wir wollen nicht kündigen.
. | Wir kündigen nicht.
-e | Erneut keine Lösung, das nervt.
-l | Unverschämt. Ich kündige.
"""

FRENCH = """
. | Bonjour, quand ma commande sera-t-elle livrée ? Merci d'avance.
. | Cliente depuis dix ans, je cherche la facture de mai.
. | Je souhaite annuler ma commande.
. | Pas de problème, à demain.
. | Ce n'est pas mal.
. | Quel est le contenu du forfait ?
+ | Je suis très content de votre service.
+ | Équipe à l'écoute, je recommande.
+ | Merci pour votre réactivité !
- | Je ne suis pas du tout content.
- | Je suis très déçue par votre réponse.
- | C'est inadmissible !
- | J'en ai marre.
- | Ce n'est vraiment pas sérieux.
e | Je vous ai déjà écrit deux fois.
e | Toujours pas de réponse de votre part.
e | C'est la troisième fois que j'appelle.
e | J’attends un retour depuis trois semaines.
l | Je souhaite résilier mon contrat.
l | Veuillez fermer définitivement mon compte.
l | Nous allons changer de fournisseur.
. | Je n'ai pas l'intention de résilier.
-l | Inacceptable : je résilie.
"""

SPANISH = """
. | Hola, ¿cuándo llega mi pedido? Gracias.
. | Quiero cancelar mi pedido de ayer.
. | Soy cliente desde hace cinco años.
. | No hay problema, muchas gracias.
. | Estoy de baja médica y no puedo recoger el paquete.
. | Siento molestarle con otra pregunta.
+ | Estoy muy contenta con el servicio.
+ | Muy amables, me encanta la aplicación.
- | No estoy nada contento.
- | Es una vergüenza, estoy harto.
- | Muy mala atención.
- | El trato no fue amable, pésimo.
e | Otra vez el mismo error.
e | Llevo tres semanas esperando una respuesta.
e | Ya les he explicado el problema.
e | Todavía no ha llegado.
l | Quiero darme de baja.
l | Me paso a la competencia.
l | Quisiera cancelar definitivamente mi suscripción.
. | No quiero cancelar mi suscripción.
-l | Estoy indignada, cierren mi cuenta.
"""

ITALIAN = """
. | Buongiorno, quando arriva il mio ordine? Grazie e buon lavoro.
. | Vorrei disdire l'appuntamento di domani.
. | Gentile servizio clienti, la prima fattura è sbagliata.
. | Nessun problema, a presto.
. | Siamo clienti da dieci anni.
+ | Sono molto soddisfatta, complimenti!
+ | Il tecnico è stato gentilissimo.
- | Non sono affatto soddisfatto.
- | Sono davvero delusa dal vostro servizio.
- | È una vergogna!
- | Non vi consiglierei mai.
e | Aspetto da tre settimane.
e | Vi ho già scritto due volte.
e | Non ho ancora ricevuto risposta.
e | È la terza volta che chiamo.
l | Voglio disdire il contratto.
l | Passiamo alla concorrenza.
l | Chiudete il mio conto, per favore.
. | Non voglio disdire.
-l | Servizio pessimo, cambio operatore.
"""

MAILS = """
. | I see.\\n> This is terrible, cancel my contract\\n> again
. | Fine by me.\\n\\nOn Mon, 3 May 2026 at 10:00, Kim wrote:\\nWe are disappointed to hear that.
. | Ok.\\nAm 03.05.2026 um 10:00 schrieb Kim <kim@example.net>:\\nSie wollen kündigen?
. | Danke!\\n-- \\nFrust & Frechheit GmbH
e | Am Montag, dem 3., habe ich Ihnen\\nbereits geschrieben: keine Antwort.
- | Je suis\\nvraiment\\ndéçu.
- | Service :(
+ | 👍
. | 12345
. | Все хорошо
"""

TEXTS = {
    "en": ENGLISH, "de": GERMAN, "fr": FRENCH, "es": SPANISH, "it": ITALIAN, "mail": MAILS,
}  # fmt: skip
LETTERS = {"+": "positive", "-": "negative", "e": "effort", "l": "leaving"}


def sentences() -> list[tuple[str, str, frozenset[str]]]:
    """Language, sentence, and what it says."""
    found = []
    for language, table in TEXTS.items():
        for line in table.strip().splitlines():
            codes, text = (part.strip() for part in line.split("|", 1))
            said = frozenset(LETTERS[letter] for letter in codes if letter in LETTERS)
            found.append((language, text.replace("\\n", "\n"), said))
    return found
