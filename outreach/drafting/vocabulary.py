"""Words by language that a rewritten letter is held against."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Vocabulary:
    """Of one language. `plain`: words that are nobody's name, among them those that begin sentences
    and that tell the language. `numbers`: numbers and amounts. `promises`: what binds the company:
    that something will be done, when, and what it costs; `future`: endings of verbs that do."""

    plain: frozenset[str]
    numbers: tuple[str, ...]
    promises: tuple[str, ...]
    future: tuple[str, ...] = ()
    ordinary: tuple[str, ...] = ()


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


VOCABULARIES = {
    "en": Vocabulary(
        plain=_words(
            "a about after all also an and any are as at be because been before but by can could "
            "do does everything for from had has have how however i if in into is it its just "
            "knowing let like looking may maybe me might more most my no not of on one or our "
            "perhaps please simply since so some something sorry still tell than thank thanks "
            "that the their them then there they this to us was we were what when where whether "
            "which while who why with would yes you your yours"
        ),
        numbers=(
            "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
            "twelve", "thirteen", "fourteen", "fifteen", "twenty", "thirty", "forty", "fifty",
            "sixty", "ninety", "hundred", "thousand", "million", "billion", "dozen", "half",
            "twice", "double", "triple", "quarter", "percent", "couple",
        ),
        promises=(
            "will", "'ll", "shall", "going", "guarant", "promis", "pledge", "commit", "ensure",
            "free", "complimentary", "refund", "discount", "rebate", "credit", "compensat",
            "reimburs", "gift", "bonus", "voucher", "coupon", "waive", "reward", "immediate",
            "instant", "within", "tomorrow", "tonight", "today", "asap", "soon", "always", "never",
            "forever", "lifetime", "price", "cheap", "cost", "charge", "fee", "pay", "dollar",
            "euro", "pound", "usd", "eur", "gbp", "deadline", "contract", "cancel", "upgrade",
        ),
    ),
    "de": Vocabulary(
        plain=_words(
            "aber alle als also am an antworten auch auf aus bei bis bitte da damit dann das dass "
            "dazu dem den der des die dies diese dieser doch durch ein eine einem einen einer "
            "einfach eines er es etwas falls für gab geben gern gibt haben hat hatte hatten ich "
            "ihm ihnen ihr ihre ihrem ihren ihrer im in ist ja jede jeder jetzt kann kein keine "
            "können lassen man mehr mein meine mich mir mit nach nicht nichts noch nun ob oder "
            "sagen schon schreiben sein seit seitdem sich sie sind so sollte teilen trotzdem über "
            "um und uns unser unsere vielen vielleicht vom von vor wann war waren warum was "
            "welche welcher welches wem wenn wer wie wir wo wobei zu zum zur zuletzt"
        ),
        numbers=(
            "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn", "elf",
            "zwölf", "zwanzig", "dreißig", "vierzig", "fünfzig", "hundert", "tausend", "million",
            "milliarde", "dutzend", "halb", "hälfte", "doppel", "viertel", "prozent",
        ),
        promises=(
            "werde", "wird", "wirst", "werden", "garant", "verspr", "zusag", "zusicher",
            "verpflicht", "kostenlos", "kostenfrei", "gratis", "umsonst", "erstatt", "rückerstatt",
            "rabatt", "nachlass", "gutschrift", "gutschein", "entschädig", "geschenk", "schenk",
            "bonus", "prämie", "sofort", "umgehend", "unverzüglich", "binnen", "innerhalb",
            "spätestens", "morgen", "heute", "bald", "immer", "nie", "dauerhaft", "preis",
            "günstig", "kosten", "gebühr", "zahl", "euro", "dollar", "eur", "usd", "chf", "frist",
            "vertrag", "kündig", "upgrade",
        ),
        ordinary=(
            "ung", "ungen", "heit", "keit", "schaft", "tion", "tionen", "tät", "nis", "nisse",
        ),
    ),
    "es": Vocabulary(
        plain=_words(
            "a al algo alguna así aunque como con cuando cuál cualquier cuándo cuéntenos cómo de "
            "del desde después dígame dígamelo donde dónde e el ella ello en entre es esa ese eso "
            "esta estas este esto está están fue gracias ha han hasta hay la las le les lo los "
            "llegar me mi mis más no nos nuestra nuestro o para pero por porque pues que qué "
            "quizás responda se según ser si sin sobre su sus también tan tiene todo tras un una "
            "uno usted ustedes y ya yo"
        ),
        numbers=(
            "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve", "diez", "once",
            "doce", "quince", "veint", "treinta", "cuarenta", "cincuenta", "cien", "mil", "millón",
            "millones", "docena", "medio", "mitad", "doble", "cuarto",
        ),
        promises=(
            "voy", "vamos", "promet", "promes", "garant", "asegur", "comprom", "gratis",
            "gratuit", "reembols", "devol", "descuento", "rebaja", "abono", "crédito", "compens",
            "indemniz", "regal", "bono", "vale", "inmediat", "enseguida", "pronto", "mañana",
            "hoy", "plazo", "siempre", "nunca", "jamás", "precio", "barat", "cost", "coste",
            "tarifa", "pag", "euro", "dólar", "eur", "usd", "contrat", "cancel",
        ),
        future=("aré", "eré", "iré", "aremos", "eremos", "iremos", "ará", "erá", "irá", "drá"),
    ),
    "fr": Vocabulary(
        plain=_words(
            "a afin ai ainsi alors après au aujourd aussi aux avec avez avons car ce ceci cela "
            "ces cet cette ceux chaque chez comme comment d dans de depuis des dites donc du elle "
            "en encore est et eu eux il ils j je l la le les leur lorsque lui m ma mais me merci "
            "mes mon même n ne nos notre nous on ont ou où par parce pas plus pour pourquoi qu "
            "quand que quel quelle quelles quels qui quoi répondez s sa sans se ses si son sont "
            "sur tout toute très un une vos votre vous y à écrivez êtes"
        ),
        numbers=(
            "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix", "onze",
            "douze", "quinze", "vingt", "trente", "quarante", "cinquante", "cent", "mille",
            "million", "milliard", "douzaine", "demi", "moitié", "double", "quart",
        ),
        promises=(
            "vais", "allons", "promet", "promess", "garant", "engage", "assur", "gratuit",
            "offert", "offr", "rembours", "remise", "réduction", "rabais", "crédit", "compens",
            "dédommag", "indemnis", "cadeau", "bon", "immédiat", "tout de suite", "bientôt",
            "demain", "délai", "toujours", "jamais", "prix", "coût", "tarif", "frais", "pay",
            "euro", "dollar", "eur", "usd", "contrat", "résili", "annul",
        ),
        future=("erai", "irai", "drai", "rrai", "erons", "irons", "drons", "rrons"),
    ),
}  # fmt: skip
