"""Words for what customers say: sentences of five languages, chosen by what the customer feels.

Written as people write, not by the lists that Warmline looks through (pipelines/history/words):
nearly half of the feelings are put in ways those do not know. No value holds a comma, a quote or
a line break, as everywhere in the sample's CSV.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from data_samples.draws import Draws, Floats
from data_samples.people import REGIONS, People
from data_samples.rows import Rows
from models.contracts import DAY, KIND_CODE

SPOKEN = (
    "message_in", "call_in", "case_opened", "case_reopened", "complaint", "survey_answered",
    "public_mention", "outreach_answered",
)  # fmt: skip
# How much likelier than in any other message, in log odds (assumed): nobody complains contentedly.
TELLS_OF_EFFORT = {"message_in": 0.8, "call_in": 0.8, "case_reopened": 2.5, "complaint": 1.5}
TELLS_OF_ANGER = {"complaint": 2.0, "public_mention": 1.5, "case_reopened": 0.8}
# Nothing, pleased, displeased, tired of asking, about to leave: half a dozen sentences of each.
SENTENCES: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "en": (
        ("Where do I find the setting for the report?", "Could you check this for me please?",
         "I have a question about my invoice.", "The file cannot be opened on my computer.",
         "Attached is the form you asked for.", "Please tell me when the part will arrive."),
        ("Thank you so much for the quick help.", "I am really happy with it.",
         "Works like a charm now.", "You saved my day.", "Great service as ever.",
         "My team could not do without it."),
        ("I am very disappointed.", "This is not acceptable.",
         "I expected more of a company like you.",
         "Honestly it is a disgrace.", "I am lost for words.", "This drives me up the wall."),
        ("I have already explained this twice.", "It happened again.",
         "We are still waiting for an answer.", "Nobody seems to read what I write.",
         "This is the third time I ask.", "I feel like a broken record."),
        ("I am thinking of cancelling my contract.", "Your competitor has a better offer.",
         "We will not renew.", "What do I have to do to close my account?",
         "Maybe it is time for us to part ways.",
         "We are trying out something else at the moment."),
    ),
    "fr": (
        ("Où se trouve ce réglage ?", "Pouvez-vous vérifier svp ?",
         "J'ai une question sur ma facture.", "Le fichier ne s'ouvre pas chez moi.",
         "Voici le formulaire demandé.", "Merci de me dire quand la pièce arrive."),
        ("Je suis très content de votre aide.", "Service parfait.",
         "Je vous recommande autour de moi.",
         "Vous m'avez sauvé la journée.", "Rien à redire.", "Bravo à toute l'équipe."),
        ("Je suis très déçu.", "C'est inadmissible.", "On se moque de nous.",
         "J'en ai marre.", "Je tombe de haut.", "Ce n'est vraiment pas sérieux."),
        ("Je vous ai déjà expliqué deux fois.", "Toujours aucune réponse.",
         "C'est la troisième fois que je demande.", "Personne ne lit mes messages.",
         "Le même problème est revenu.", "J'ai l'impression de parler à un mur."),
        ("Je pense résilier mon contrat.", "La concurrence est moins chère.",
         "Comment fermer mon compte ?", "Nous cherchons autre chose.",
         "Je vais sans doute vous quitter.", "Nos chemins vont se séparer."),
    ),
    "de": (
        ("Wo finde ich die Einstellung für den Bericht?", "Können Sie das bitte prüfen?",
         "Ich habe eine Frage zu meiner Rechnung.", "Die Datei lässt sich bei mir nicht öffnen.",
         "Anbei das Formular.", "Bitte sagen Sie mir wann das Teil kommt."),
        ("Vielen Dank für die schnelle Hilfe.", "Ich bin rundum zufrieden.",
         "Läuft jetzt wie am Schnürchen.",
         "Sie haben mir den Tag gerettet.", "Toller Service.", "Da kann man nicht meckern."),
        ("Ich bin sehr enttäuscht.", "Das ist eine Frechheit.", "So geht man mit Kunden nicht um.",
         "Ich bin damit nicht zufrieden.", "Mir fehlen die Worte.",
         "Langsam platzt mir der Kragen."),
        ("Das habe ich Ihnen schon zweimal geschrieben.", "Es ist schon wieder passiert.",
         "Ich warte immer noch auf eine Antwort.", "Liest das bei Ihnen überhaupt jemand?",
         "Ich frage jetzt zum dritten Mal.", "Man wird von Pontius zu Pilatus geschickt."),
        ("Ich überlege zu kündigen.", "Die Konkurrenz ist günstiger.",
         "Wie lösche ich mein Konto endgültig?",
         "Wir sehen uns gerade anderswo um.", "Ich möchte meinen Vertrag nicht verlängern.",
         "Dann trennen sich wohl unsere Wege."),
    ),
    "it": (
        ("Dove trovo questa impostazione?", "Potete controllare per favore?",
         "Ho una domanda sulla fattura.", "Il file non si apre sul mio computer.",
         "Allego il modulo richiesto.", "Fatemi sapere quando arriva il pezzo."),
        ("Sono molto soddisfatto.", "Ottimo servizio.", "Mi avete salvato la giornata.",
         "Complimenti a tutti.", "Adesso va che è una meraviglia.", "Tecnico gentilissimo."),
        ("Sono molto deluso.", "È una vergogna.", "Non si tratta così un cliente.",
         "Servizio pessimo.", "Sono senza parole.", "Mi sono cadute le braccia."),
        ("Vi ho già spiegato tutto due volte.", "È successo di nuovo.",
         "Non ho ancora ricevuto risposta.", "Nessuno legge quello che scrivo.",
         "È la terza volta che chiamo.", "Mi sembra di parlare al vento."),
        ("Sto pensando alla disdetta.", "La concorrenza costa meno.", "Come chiudo il mio conto?",
         "Stiamo provando altro.", "Non intendo rinnovare.", "Forse è ora di salutarci."),
    ),
    "es": (
        ("¿Dónde está este ajuste?", "¿Pueden revisarlo por favor?",
         "Tengo una duda sobre mi factura.", "El archivo no se abre en mi ordenador.",
         "Adjunto el formulario.", "Díganme cuándo llega la pieza por favor."),
        ("Estoy muy contento.", "Excelente atención.", "Me han salvado el día.",
         "Ahora va como la seda.", "Todo perfecto.", "Da gusto con ustedes."),
        ("Estoy muy decepcionado.", "Es una vergüenza.", "Así no se trata a un cliente.",
         "Muy mala atención.", "No tengo palabras.", "Se me acaba la paciencia."),
        ("Ya se lo he explicado dos veces.", "Ha pasado otra vez.",
         "Sigo sin respuesta.", "Parece que nadie lee lo que escribo.",
         "Es la tercera vez que llamo.", "Es como hablar con una pared."),
        ("Quiero darme de baja.", "La competencia es más barata.", "¿Cómo cierro mi cuenta?",
         "Estamos probando otra cosa.", "No voy a renovar.", "Quizá sea hora de despedirnos."),
    ),
}  # fmt: skip
NOTHING, PLEASED, DISPLEASED, TIRED, LEAVING = range(5)
EACH = 6
LANGUAGES = tuple(locale[:2] for _, locale, _ in REGIONS)


def texts(
    draws: Draws, people: People, rows: Rows, mood: Floats, felt: Floats, kept: float
) -> pa.Array:
    """The words of n rows, null where none are said or kept.

    `mood` and `felt` (attachment with what contacts added) are of all customers, on that day;
    `kept` is the share of customers whose words are kept.
    """
    found: NDArray[np.object_] = np.full(len(rows), None, object)
    who = rows["customer"].astype(np.int64)
    spoken = np.isin(rows["kind"], [KIND_CODE[kind] for kind in SPOKEN])
    spoken &= draws.chance("words kept", -1, who, kept)
    place = np.flatnonzero(spoken)
    who, kind = who[place], rows["kind"][place]
    # What is drawn for a row hangs on its second: numbers of rows would shift with every contact.
    row = who * DAY + rows["at"][place] % DAY
    day = int(rows["at"][0] // DAY) if len(rows) else 0
    said = [
        draws.pick("words", day, row, (1.0,) * EACH),
        *_feelings(draws, day, row, kind, mood[who], felt[who]),
    ]
    language = people.region[who]
    for n, position in enumerate(place):
        of = SENTENCES[LANGUAGES[language[n]]]
        told = [of[feeling][choice[n]] for feeling, choice in enumerate(said) if choice[n] >= 0]
        found[position] = " ".join(told)
    return pa.array(found, pa.string())


def _feelings(
    draws: Draws, day: int, row: NDArray[np.int64], kind: NDArray[np.int16], mood: Floats,
    felt: Floats,
) -> list[NDArray[np.int64]]:  # fmt: skip
    """Which sentence of each feeling, -1 for none; sizes assumed."""
    effort, anger = (_of_kind(kind, more) for more in (TELLS_OF_EFFORT, TELLS_OF_ANGER))
    odds = {
        PLEASED: -2.0 + 1.2 * mood - anger,
        DISPLEASED: -2.5 - 1.2 * mood + anger,
        TIRED: -2.5 - 0.4 * mood + effort,
        LEAVING: -4.0 - 1.6 * felt + 0.3 * anger,
    }
    chosen = []
    for feeling, log_odds in odds.items():
        said = draws.chance(f"words/{feeling}", day, row, 1.0 / (1.0 + np.exp(-log_odds)))
        which = draws.pick(f"words/{feeling}/which", day, row, (1.0,) * EACH)
        chosen.append(np.where(said, which, -1))
    return chosen


def _of_kind(kind: NDArray[np.int16], more: Mapping[str, float]) -> Floats:
    by_code = np.zeros(len(KIND_CODE))
    for name, size in more.items():
        by_code[KIND_CODE[name]] = size
    return by_code[kind]
